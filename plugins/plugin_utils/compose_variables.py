# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in Compose files, as far as the controller has to know them. For the controller only.

Sources: Compose specification, 12-interpolation.md, and Docker's manual, "Set environment variables" (``.env``).
"""

from __future__ import annotations

import re
import typing as t

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?:(?P<operator>:?[-+?])(?P<word>[^}]*))?\}|(?P<plain>\w+)|\$)")
_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>\w[\w.-]*)\s*[=:](?P<value>.*)")


def substitute(text: str, values: t.Mapping[str, str]) -> str | None:
    """Return a text with the values of its variables; None where one has no value and no default."""
    unknown = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal unknown
        name = match["braced"] or match["plain"]
        if not name:
            return "$"
        value, operator, word = values.get(name), match["operator"] or "", match["word"] or ""
        present = bool(value) if operator.startswith(":") else value is not None
        if operator.endswith("+"):
            return word if present else ""
        if present:
            return str(value)
        unknown = unknown or not operator.endswith("-")
        return word

    found = _VARIABLE.sub(value_of, text)
    return None if unknown or "$" in found else found


def read_env_file(text: str) -> dict[str, str]:
    """Return the variables of a ``.env`` file: names, and values without quotation marks and comments."""
    values = {}
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found:
            value = found["value"].strip()
            if value[:1] in ("'", '"') and value.count(value[0]) > 1:
                value = value[1 : value.index(value[0], 1)]
            else:
                value = re.split(r"\s#", value)[0].rstrip()
            values[found["name"]] = value
    return values
