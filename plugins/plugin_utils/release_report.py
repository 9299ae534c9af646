# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release did, or why it failed, in a few lines that fit a chat message. For the controller only."""

from __future__ import annotations

import time
import typing as t

Result = t.Mapping[str, t.Any]


def summary(result: Result, stack: str, environment: str, back: str = "") -> list[str]:
    """Return the lines about a release from the result of its module.

    ``back`` is the command that rolls back.
    """
    title = f"{stack} ({environment})"
    lines = [f"{title}: {result['recovery_action']}."] if result.get("recovery_action") else []
    if result.get("canary_cancelled"):
        return [*lines, f"{title}: the canary is cancelled; {_live(result)}."]
    if "release" not in result:
        return [*lines, unchanged_line(result["plan"], environment)]
    watched = result.get("watched")
    if result["paused"]:
        words = [f"{title}: release {result['release']} has {result['percent']} % of the clients and is paused."]
        words += [watched["message"]] if watched else []
        return [*lines, " ".join([*words, "Continue with promote.yml, or cancel it with rollback.yml."])]
    live = result["plan"].get("live_release")
    before = f"{live['version']} -> " if live else ""
    lines += [
        f"{title}  {before}{result['version']}   release {result['release']}, {result['color']},"
        f" {result['release_seconds']:.1f} s",
        "  " + " · ".join(_steps(result)),
    ]
    if watched:
        verdict = f"proven in {watched['seconds']:.0f} s: " if watched["outcome"] == "good" else ""
        lines.append(f"  {verdict}{watched['message']}")
    if result["dropped_requests"]:
        lines.append(f"  {result['dropped_requests']} connections did not end in time and were closed")
    if live and back:
        lines.append(f"  back to {live['version']}: {back}")
    return lines


def unchanged_line(plan: Result, environment: str) -> str:
    """Return since when a stack with nothing to do runs as it should, and who released it, from its plan."""
    return f"{plan['stack']} ({environment})  {_unchanged(plan, plan.get('live_release'))}"


def _unchanged(plan: Result, live: Result | None) -> str:
    if not live:
        return f"{plan['live']} is live: nothing to do" if plan["live"] else "nothing to do"
    since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(live["since"])) if live["since"] else None
    return (
        f"{live['version']} is live{f' since {since} UTC' if since else ''} (release {live['number']}, by"
        f" {live['holder'].split(' (')[0]}): nothing to do"
    )


def _steps(result: Result) -> t.Iterator[str]:
    if result["image_seconds"] >= 0.1:
        yield f"images {result['image_seconds']:.1f} s"
    jobs = sum(job["seconds"] for job in result["jobs"])
    if jobs:
        yield f"jobs {jobs:.1f} s"
    migration = result.get("migration") or {}
    if migration.get("pending"):
        backup = f", backup {migration['backup']}" if migration.get("backup") else ""
        yield f"migrated{backup}"
    yield f"gates {result['gate_seconds']:.1f} s"
    yield f"switch {result['switch_seconds']:.2f} s"


def failure_message(result: Result, stack: str, environment: str) -> str:
    """Return what users have after a failed release, what to do, and the cause."""
    cause = failure_text(result)
    if "release" not in result:
        return cause
    title = f"{stack} ({environment}), release {result['release']}"
    if "live" not in result:
        return f"{title}: Reverting failed as well: {result['revert_error']}\nThe cause: {cause}"
    traffic = "; the traffic never moved" if result["live"] == result["live_before"] else ""
    moved_back = result["traffic_reverted"] or result.get("traffic_back")
    traffic = "; the traffic was moved back" if moved_back else traffic
    database = f" The database: {result['database']}." if result.get("database") else ""
    what_to_do = "The lock is released: fix the cause and deploy again."
    return f"{title}: {_live(result)}{traffic}.{database}\n{what_to_do}\nThe cause: {cause}"


def _live(result: Result) -> str:
    return f"{result['live']} is live" if result["live"] else "no color is live"


def failure_text(result: Result) -> str:
    """Return the message of a failed module with the log lines and the state in the proxy that its result has."""
    lines = [str(result.get("msg") or "The task failed.")]
    for name, log in _mapping(result, "logs").items():
        lines += [f"Last lines of {name}:", *(f"  {line}" for line in log)] if log else [f"{name} wrote nothing."]
    for name, seen in _mapping(result, "proxy").items():
        lines.append(f"The proxy sees {name}: " + ", ".join(f"{key} {value}" for key, value in seen.items()))
    return "\n".join(lines)


def _mapping(result: Result, key: str) -> Result:
    """Return a mapping of a result; Ansible's own failures may have another value there."""
    value = result.get(key)
    return value if isinstance(value, t.Mapping) else {}
