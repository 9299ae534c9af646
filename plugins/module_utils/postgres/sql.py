# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotes identifiers and literals for SQL, and the length limit of a name."""

from __future__ import annotations

# PostgreSQL cuts names after 63 bytes (manual, 4.1.1), and a login has its kind behind the database.
LONGEST_NAME = 63


def ident(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | None) -> str:
    """Return a text as SQL writes it (standard_conforming_strings is on since 9.1)."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
