# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory may set for a stack, read from the dataclasses in ``stack.py``."""

from __future__ import annotations

import typing as t
from dataclasses import MISSING, dataclass, fields

from .stack import REQUIRED

# PostgreSQL cuts identifiers at 63 bytes (manual, 4.1.1), and so does DNS with a label (RFC 1035, 2.3.4).
LONGEST_NAME = 63


@dataclass(frozen=True)
class Field:
    """One key of a mapping: the name of its type (``value_types.py``), its default or REQUIRED, and its limits.

    ``cls`` is the dataclass of the mapping, or of each mapping in a list of them. A ``secret`` is checked, and is no
    field of the dataclass. ``not_required_with`` is the key that replaces a required one. A ``switch`` may
    be false instead of a mapping, for none, and true, for its defaults.
    """

    type_name: str
    default: t.Any = None
    cls: type | None = None
    least: float | None = None
    choices: tuple[t.Any, ...] = ()
    secret: bool = False
    not_required_with: str | None = None
    switch: bool = False


def keys_of(cls: type) -> dict[str, Field]:
    """Return the keys that an inventory may set for one mapping, in the order of the dataclass."""
    replaced = getattr(cls, "NOT_REQUIRED_WITH", {})
    secrets = {
        name: Field("text", default, secret=True, not_required_with=replaced.get(name))
        for name, default in getattr(cls, "SECRETS", {}).items()
    }
    plain = {}
    for item in fields(cls):
        if "type" in item.metadata:
            plain[item.name] = Field(
                type_name=item.metadata["type"],
                default=_default(item),
                cls=item.metadata.get("class") or item.metadata.get("items"),
                least=item.metadata.get("least"),
                choices=item.metadata.get("choices", ()),
                switch=item.metadata.get("switch", False),
            )
    return {**secrets, **plain}


def _default(item: t.Any) -> t.Any:
    if item.default_factory is not MISSING:
        return item.default_factory()
    return REQUIRED if item.default is MISSING else item.default
