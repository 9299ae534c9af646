# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs of an environment, as a table for the screen."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import display
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.capabilities import EXPIRES_SOON
from ansible_collections.switchyard.stacks.plugins.module_utils.text_table import table_lines

DOCUMENTATION = r"""
name: status_table
short_description: What runs of an environment, as a table for the screen
description:
  - Returns a line for each stack of each server, with what needs attention in the last column. Below them is a line for
    each volume that the Compose files do not name.
options:
  _input:
    description: The result of M(switchyard.stacks.environment_info) by the name of the server.
    type: dict
    required: true
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ {inventory_hostname: status} | switchyard.stacks.status_table | join('\n') }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

HEADER = ("SERVER", "STACK", "VERSION", "COLOR", "RELEASE", "LIVE FOR", "BY", "CONTAINERS", "BACKUP", "NOTES")


def status_table(results: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Return the lines of all servers; the column of the server only where there are several."""
    rows = [
        (server, *_row(line, result["now"])) for server, result in results.items() for line in result.get("stacks", [])
    ]
    if not rows:
        return ["No stack has a release."]
    first = 0 if len(results) > 1 else 1
    return [*table_lines([row[first:] for row in (HEADER, *rows)]), *_volumes(results, first)]


def _volumes(results: t.Mapping[str, t.Mapping[str, t.Any]], first: int) -> list[str]:
    """Return a table of the volumes that no Compose file names; empty where there are none."""
    rows = [
        (server, line["stack"], name, *content.split(":", 1))
        for server, result in results.items()
        for line in result.get("stacks", [])
        for name, content in sorted(line["unnamed_volumes"].items())
    ]
    header = ("SERVER", "STACK", "VOLUME WITHOUT A NAME IN THE COMPOSE FILES", "SERVICE", "PATH")
    return ["", *table_lines([row[first:] for row in (header, *rows)])] if rows else []


def _row(line: t.Mapping[str, t.Any], now: float) -> tuple[str, ...]:
    release = line["release"]
    if not release:
        shown = ("-", line["live"] or "-", "-", "-", "-")
    else:
        since = display.age(now - release["since"]) if release["since"] else "-"
        shown = (release["version"], line["live"], str(release["number"]), since, release["holder"].split(" (")[0])
    failing = len(line["failing"])
    containers = f"{line['containers'] - failing} of {line['containers']} run" if failing else str(line["containers"])
    backup = line["backup"]
    if not backup:
        saved = "-"
    elif backup["finished"]:
        state = display.STATES.get(backup["state"], backup["state"])
        saved = f"{display.age(now - backup['finished'])} old, {state}"
    else:
        saved = backup["state"]
    return (line["stack"], *shown, containers, saved, "; ".join(_notes(line, now)))


def _notes(line: t.Mapping[str, t.Any], now: float) -> t.Iterator[str]:
    if line["availability"]:
        yield "maintenance page" if line["availability"] == "maintenance" else "requests are held"
    canary = line["canary"]
    if canary:
        paused = ", paused" if canary["paused"] else ""
        yield f"canary {canary.get('version') or canary['release']} has {canary['weight']} % of the clients{paused}"
    lock = line["lock"]
    if lock:
        expired = "; its lock has expired" if lock["stale"] else ""
        yield f"{lock['holder']} releases it for {display.age(now - lock['since'])}, step {lock['step']}{expired}"
    for name, state in line["failing"].items():
        yield f"{name} is {state}"
    for host, until in line["certificates"].items():
        days = math.floor((until - now) / 86400)
        if until <= now:
            yield f"the certificate of {host} has expired"
        elif days < EXPIRES_SOON:
            yield f"the certificate of {host} expires in {days} days"
    if line["warm"]:
        yield f"{line['warm']['version']} is warm"


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"status_table": status_table}
