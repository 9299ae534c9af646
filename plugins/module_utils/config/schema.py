# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory may set for a stack, read from the dataclasses in ``stack.py``."""

from __future__ import annotations

import typing as t
from dataclasses import MISSING, dataclass, fields

from .stack import REQUIRED, Stack

# PostgreSQL cuts identifiers at 63 bytes (manual, 4.1.1), and so does DNS with a label (RFC 1035, 2.3.4).
LONGEST_NAME = 63


@dataclass(frozen=True)
class Field:
    """One key of a mapping: the name of its type (``value_types.py``), its default or REQUIRED, and its limits.

    ``cls`` is the dataclass of the mapping, or of each mapping in a list of them. A ``secret`` is checked, and is no
    field of the dataclass.
    """

    type_name: str
    default: t.Any = None
    cls: type | None = None
    least: float | None = None
    choices: tuple[t.Any, ...] = ()
    secret: bool = False


@dataclass(frozen=True)
class KeyRow:
    """One key of a stack as documentation shows it: ``routes[].port``, its type, default and choices."""

    key: str
    type: str
    required: bool
    default: t.Any
    choices: tuple[t.Any, ...]


def keys_of(cls: type) -> dict[str, Field]:
    """Return the keys that an inventory may set for one mapping, in the order of the dataclass."""
    secrets = {name: Field("text", default, secret=True) for name, default in getattr(cls, "SECRETS", {}).items()}
    plain = {}
    for item in fields(cls):
        if "type" in item.metadata:
            plain[item.name] = Field(
                type_name=item.metadata["type"],
                default=_default(item),
                cls=item.metadata.get("class") or item.metadata.get("items"),
                least=item.metadata.get("least"),
                choices=item.metadata.get("choices", ()),
            )
    return {**secrets, **plain}


def _default(item: t.Any) -> t.Any:
    if item.default_factory is not MISSING:
        return item.default_factory()
    return REQUIRED if item.default is MISSING else item.default


def list_keys(cls: type = Stack, prefix: str = "") -> list[KeyRow]:
    """Return every key of a stack with its type, default and choices, those of nested mappings among them."""
    rows = []
    for name, item in keys_of(cls).items():
        required = item.default is REQUIRED
        default = None if required or item.type_name == "mapping" else item.default
        rows.append(KeyRow(prefix + name, item.type_name, required, default, item.choices))
        if item.cls:
            rows += list_keys(item.cls, f"{prefix}{name}[]." if item.type_name == "mappings" else f"{prefix}{name}.")
    return rows
