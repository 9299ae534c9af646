# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of a stack, for the screen."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import display
from ansible_collections.switchyard.stacks.plugins.module_utils.text_table import table_lines

DOCUMENTATION = r"""
name: release_history
short_description: The releases of a stack, for the screen
description:
  - Returns a line for each release that M(switchyard.stacks.stack_info) lists, or everything about one of them.
options:
  _input:
    description: The value RV(switchyard.stacks.stack_info#module:history).
    type: list
    elements: dict
    required: true
  release:
    description: The number of one release; V(0) means all.
    type: int
    default: 0
positional: release
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ bookings.history | switchyard.stacks.release_history | join('\n') }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

HEADER = ("RELEASE", "STATE", "COLOR", "BEGAN (UTC)", "TOOK", "BY", "IMAGES", "BACKUP", "REASON")


def release_history(history: t.Sequence[t.Mapping[str, t.Any]], release: int = 0) -> list[str]:
    """Return a line per release, or the lines of one. An unknown number names the known ones."""
    if not history:
        return ["There are no releases."]
    if release:
        found = next((item for item in history if item["number"] == release), None)
        known = ", ".join(str(item["number"]) for item in history)
        return _details(found) if found else [f"There is no record of release {release}. The releases are: {known}."]
    return table_lines([HEADER, *(_row(item) for item in history)])


def _row(item: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    return (
        *(str(item["number"]), _state(item), item["color"], _clock(item["started"]), _took(item)),
        item["lock_holder"].split(" (")[0],
        " ".join(sorted(name.rsplit("/", maxsplit=1)[-1] for name in item["images"])),
        item["backup"] or "-",
        (item["reason"] or "").split("\n", maxsplit=1)[0],
    )


def _details(item: t.Mapping[str, t.Any]) -> list[str]:
    lines = [
        f"release {item['number']}: {_state(item)}, {item['color']}",
        f"began {_clock(item['started'])} UTC, took {_took(item)}, by {item['lock_holder']}",
        f"release that was live before: {item['previous'] or '-'}",
        f"backup from before its migration: {item['backup'] or '-'}",
        *(f"image {name}: {pinned}" for name, pinned in sorted(item["images"].items())),
        *(f"allowed for {service}: {', '.join(words)}" for service, words in sorted(item["allow"].items())),
    ]
    return lines + ([f"reason: {item['reason']}"] if item["reason"] else [])


def _state(item: t.Mapping[str, t.Any]) -> str:
    return f"{item['state']}, proven" if item["proven"] else str(item["state"])


def _took(item: t.Mapping[str, t.Any]) -> str:
    return display.age(item["finished"] - item["started"]) if item["finished"] else "-"


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"release_history": release_history}
