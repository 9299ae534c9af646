# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of the controller that a problem is in, from the path of its key. For the controller only."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

# A key, or the name or index of an item in brackets: ``routes[0].hosts`` are routes, 0 and hosts.
_PARTS = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


def with_files(
    problems: t.Iterable[t.Mapping[str, t.Any]], variables: t.Mapping[str, t.Any], files: t.Mapping[str, str]
) -> list[dict[str, t.Any]]:
    """Return problems with the key ``file``: a path of the controller with a line, or an empty text.

    ``variables`` are those of the inventory, as it has them. ``files`` has the Compose files of each stack, by its path
    in the inventory.
    """
    return [{**one, "file": file_of(str(one["where"]), variables, files)} for one in problems]


def file_of(where: str, variables: t.Mapping[str, t.Any], files: t.Mapping[str, str]) -> str:
    """Return the file of a key such as ``switchyard_stacks[shop].routes[0]``; empty where it has none."""
    stack, separator, dummy = f"{where}.".partition(".compose.")
    if separator and stack in files:
        return files[stack]
    parts = [name or key for name, key in _PARTS.findall(where)]
    if not parts or parts[0] not in variables:
        return ""
    value, found = variables[parts[0]], ""
    for part in [*parts[1:], None]:
        found = origin_of(value) or found
        if part is None or isinstance(value, str):
            break
        value = _item(value, part)
    return found


def _item(value: t.Any, part: str) -> t.Any:
    """Return the item of a list or mapping that a part of a path names; None where it has no such item."""
    if isinstance(value, t.Mapping):
        return value.get(part)
    if isinstance(value, list):
        named = [item for item in value if isinstance(item, t.Mapping) and item.get("name") == part]
        indexed = value[int(part) : int(part) + 1] if part.isdigit() else []
        return next(iter([*named, *indexed]), None)
    return None


def origin_of(value: t.Any) -> str:
    """Return the file and the line of a value of the inventory, where Ansible knows them (core 2.19 and later)."""
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:
        return ""
    found = Origin.get_tag(value)
    if not found or not found.path:
        return ""
    return shown(Path(found.path)) + (f":{found.line_num}" if found.line_num else "")


def shown(path: Path, folder: Path | None = None) -> str:
    """Return a path as a user types it: relative to a folder, by default the current one, where it is below it."""
    folder = folder or Path.cwd()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
