# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts, expressions and map blocks in nginx's syntax."""

from __future__ import annotations

import re
import typing as t


def quoted(text: str) -> str:
    """Return a text as one word without special characters. A dollar sign would begin a variable, so it is one."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${sy_dollar}")
    return f'"{plain}"'


def expression(text: str) -> str:
    """Return a regular expression that matches exactly a text, and can be part of a quoted word."""
    plain = re.sub(r"[^A-Za-z0-9/_:.-]", lambda match: "".join(rf"\x{byte:02x}" for byte in match[0].encode()), text)
    return plain.replace(".", r"\.")


def above(number: int) -> str:
    """Return a regular expression for the whole numbers above one: nginx itself only compares texts."""
    digits = str(number)
    longer = [rf"[1-9]\d{{{len(digits)},}}"]
    bigger = [
        rf"{digits[:index]}[{int(digit) + 1}-9]\d{{{len(digits) - index - 1}}}"
        for index, digit in enumerate(digits)
        if digit != "9"
    ]
    return f"^0*(?:{'|'.join(longer + bigger)})$"


def variable(source: str, result: str, entries: t.Iterable[tuple[str, str]], default: str = '""') -> str:
    """Return a map block from a text to a variable; keys and values are words of nginx."""
    rows = "".join(f"    {key} {value};\n" for key, value in entries)
    # "volatile": the variable is evaluated again after the variables that it depends on were set.
    return f"map {source} {result} {{\n    volatile;\n    default {default};\n{rows}}}\n"
