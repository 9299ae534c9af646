# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release did, in a few lines that fit a chat message."""

from __future__ import annotations

import time
import typing as t

DOCUMENTATION = r"""
name: release_summary
short_description: What a release did, in a few lines that fit a chat message
description:
  - With the results of the steps of a release, returns the versions, the seconds of each step, and the command that
    leads back. Without them, says since when the stack runs as it should.
options:
  _input:
    description: The plan of M(switchyard.stacks.preflight).
    type: dict
    required: true
  environment:
    description: The environment's name.
    type: str
    required: true
  steps:
    description:
      - The results of M(switchyard.stacks.release_prepare), M(switchyard.stacks.release_start),
        M(switchyard.stacks.bluegreen) and M(switchyard.stacks.release_finish) as C(prepared), C(started), C(switched)
        and C(finished); empty when there was nothing to do.
    type: dict
    default: {}
  back:
    description: The command that rolls back.
    type: str
    default: ""
positional: environment, steps, back
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ plan | switchyard.stacks.release_summary('prod') | join('\n') }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def release_summary(
    plan: t.Mapping[str, t.Any], environment: str, steps: t.Mapping[str, t.Any] | None = None, back: str = ""
) -> list[str]:
    """Return the lines of a release, or the one line of a stack with nothing to do."""
    title, live = f"{plan['stack']} ({environment})", plan.get("live_release")
    if not steps:
        return [f"{title}  {_unchanged(plan, live)}"]
    prepared, switched = steps["prepared"], steps["switched"]
    started, finished = steps.get("started") or {}, steps.get("finished") or {}
    before = f"{live['version']} -> " if live else ""
    seconds = max(result.get("release_seconds", 0) for result in (switched, finished))
    lines = [
        f"{title}  {before}{prepared['version']}   release {prepared['release']}, {switched['color_after']},"
        f" {seconds:.1f} s",
        "  " + " · ".join(_steps(prepared, started, switched)),
    ]
    dropped = sum(result.get("dropped_requests", 0) for result in (prepared, started, switched, finished))
    if dropped:
        lines.append(f"  {dropped} connections did not end in time and were closed")
    if live and back:
        lines.append(f"  back to {live['version']}: {back}")
    return lines


def _unchanged(plan: t.Mapping[str, t.Any], live: t.Mapping[str, t.Any] | None) -> str:
    if not live:
        return f"{plan['live']} is live: nothing to do" if plan["live"] else "nothing to do"
    since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(live["since"])) if live["since"] else None
    return (
        f"{live['version']} is live{f' since {since} UTC' if since else ''} (release {live['number']}, by"
        f" {live['holder'].split(' (')[0]}): nothing to do"
    )


def _steps(
    prepared: t.Mapping[str, t.Any], started: t.Mapping[str, t.Any], switched: t.Mapping[str, t.Any]
) -> t.Iterator[str]:
    if prepared.get("image_seconds", 0) >= 0.1:
        yield f"images {prepared['image_seconds']:.1f} s"
    jobs = sum(job["seconds"] for job in started.get("jobs", ()))
    if jobs:
        yield f"jobs {jobs:.1f} s"
    migration = started.get("migration") or {}
    if migration.get("pending"):
        backup = f", backup {migration['backup']}" if migration.get("backup") else ""
        yield f"migrated{backup}"
    yield f"gates {switched['gate_seconds']:.1f} s"
    yield f"switch {switched['switch_seconds']:.2f} s"


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"release_summary": release_summary}
