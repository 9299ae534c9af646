# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stacks use a shared service, from the inventory."""

from __future__ import annotations

import hashlib
import typing as t

Tenant = dict[str, t.Any]
Stacks = t.Iterable[t.Mapping[str, t.Any]]


def stacks_using(stacks: Stacks, server: str) -> t.Iterator[tuple[str, t.Mapping[str, t.Any]]]:
    for stack in stacks:
        settings = stack.get(server)
        if settings is None:
            continue
        if not isinstance(settings, t.Mapping) or not settings.get("password"):
            raise ValueError(f"switchyard_stacks[{stack['name']}].{server}.password is missing")
        yield stack["name"], settings


def sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
