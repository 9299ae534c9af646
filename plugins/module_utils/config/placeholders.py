# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placeholders of a proposed inventory: values that only its reader knows. Preflight refuses each of them."""

from __future__ import annotations

import re
import typing as t

from ..errors import Problem

PLACEHOLDER = re.compile(r"<fill in\b[^<>]*>")

CODE = "inventory.placeholder"


def placeholder(what: str) -> str:
    """Return the placeholder of a value; ``what`` says what to write, without angle brackets."""
    return f"<fill in: {what}>"


def placeholder_of(text: str) -> str | None:
    """Return the placeholder in a text, or None."""
    found = PLACEHOLDER.search(text)
    return found[0] if found else None


def placeholder_problems(value: t.Any, where: str) -> list[Problem]:
    """Return a problem for each placeholder in a value of the inventory; ``where`` is its path.

    The texts of a list have the path of the list, as the other problems of a key have it.
    """
    if isinstance(value, dict):
        return [one for key, item in value.items() for one in placeholder_problems(item, f"{where}.{key}")]
    if isinstance(value, list):
        paths = (f"{where}[{index}]" if isinstance(item, dict) else where for index, item in enumerate(value))
        return [one for path, item in zip(paths, value) for one in placeholder_problems(item, path)]
    found = " and ".join(dict.fromkeys(PLACEHOLDER.findall(value))) if isinstance(value, str) else ""
    return [Problem(where, f"is still {found}", "Write the value in its place", CODE)] if found else []
