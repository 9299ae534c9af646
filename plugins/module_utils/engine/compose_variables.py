# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in Compose files: their names, and their values as far as a release has to know them before Compose.

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


def unused(variables: t.Iterable[str], texts: t.Iterable[str]) -> list[str]:
    """Return the variables that no text uses: as ``${NAME}``, or as a name without a value in ``environment``.

    Compose itself reads those that begin with ``COMPOSE_``.
    """
    text = "\n".join(texts)
    return [
        name
        for name in variables
        if not name.startswith("COMPOSE_")
        and not re.search(
            rf"\$\{{?{re.escape(name)}\b|(?m:[-\[,]\s*[\"']?{re.escape(name)}[\"']?\s*(?:[,\]#]|$))", text
        )
        and not re.search(rf"(?m:^\s*{re.escape(name)}:\s*$)", text)
    ]
