# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotes identifiers and literals for SQL, and shortens names to PostgreSQL's limit."""

from __future__ import annotations

# PostgreSQL cuts identifiers after 63 bytes (manual, 4.1.1 "Identifiers and Key Words").
LONGEST_NAME = 63


def ident(name: str) -> str:
    """Return a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | None) -> str:
    """Return a quoted string literal (standard_conforming_strings is on since 9.1)."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def shorten_name(name: str, suffix: str = "") -> str:
    """Return ``name`` with ``suffix``, at most 63 bytes long; the name is cut, the suffix never."""
    return name.encode()[: LONGEST_NAME - len(suffix.encode())].decode("utf-8", "ignore") + suffix
