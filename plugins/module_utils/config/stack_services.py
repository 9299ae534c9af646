# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stacks use a shared service, from the inventory."""

from __future__ import annotations

import hashlib
import typing as t

from .. import names
from .placeholders import placeholder_problems

Tenant = dict[str, t.Any]
Stacks = t.Iterable[t.Mapping[str, t.Any]]


def stacks_using(stacks: Stacks, server: str) -> t.Iterator[tuple[str, t.Mapping[str, t.Any]]]:
    for stack in stacks:
        settings = stack.get(server)
        if settings is None:
            continue
        if not isinstance(settings, t.Mapping) or not settings.get("password"):
            raise ValueError(f"switchyard_stacks[{stack['name']}].{server}.password is missing")
        problems = placeholder_problems(
            str(settings["password"]), f"switchyard_stacks[{stack['name']}].{server}.password"
        )
        if problems:
            raise ValueError(f"{problems[0].where} {problems[0].message}")
        yield stack["name"], settings


def front_networks(stacks: Stacks, project: str, environment: str, internal: bool) -> list[dict[str, t.Any]]:
    """Return the network to the proxy of each stack with routes, as the module ``server_resources`` takes them."""
    return [
        {
            "name": names.front(project, stack["name"], environment),
            "stack": stack["name"],
            "role": "front",
            "internal": internal,
        }
        for stack in stacks
        if stack.get("routes") and stack.get("strategy") != "in_place"
    ]


def back_networks(tenants: t.Iterable[Tenant], project: str, environment: str) -> list[dict[str, t.Any]]:
    """Return the networks of the tenants to the shared servers, as the module ``server_resources`` takes them.

    A tenant without a stack has the network of its environment.
    """
    stacks = dict.fromkeys(str(tenant.get("stack") or "") for tenant in tenants)
    return [
        {"name": names.back(project, stack, environment), "stack": stack, "role": "back", "internal": True}
        for stack in stacks
    ]


def sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
