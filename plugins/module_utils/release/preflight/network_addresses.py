# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the pool has subnets for the new networks, and the existing ones are as the release needs."""

from __future__ import annotations

from ... import names
from ...engine import networks
from ...errors import Problem, SwitchyardError
from .. import stack_networks
from .context import StackCheckContext

NEEDS = ("compose", "engine")


def check(context: StackCheckContext) -> list[Problem]:
    """Return the networks without a subnet, those with too few addresses, and those that are not as in the file."""
    problems = []
    try:
        reservations = context.host.reservations
    except SwitchyardError as error:
        return [error.problem("server", "Repair networks.json", code="server.network_pool")]
    for one in stack_networks.desired(context.ctx, context.new_networks):
        present = context.host.networks.get(one.name)
        if present:
            if networks.too_small(one, present):
                message = (
                    f"the network {one.name} ({', '.join(present.subnets)}) has too few addresses for "
                    f"{one.containers} containers, the number while both colors run"
                )
                hint = "Lower the number of replicas, or give the network another name in the file"
                problems.append(Problem(context.where, message, hint, "server.network_too_small"))
            # The network to the proxy depends on the kind of proxy, not on the file.
            if one.internal != present.internal and one.labels[f"{names.LABEL}role"] == "stack":
                message = (
                    f"the network {one.name} exists {'with' if one.internal else 'without'} a way out, and the files "
                    f"make it {'internal' if one.internal else 'one that is not internal'}"
                )
                hint = "Give the network another name in the files; the old one is removed when no container uses it"
                problems.append(Problem(context.where, message, hint, "server.network_internal"))
            continue
        reservations.count += 1
        subnet = reservations.plan.choose(one.name, one.containers)
        if subnet:
            reservations.plan = reservations.plan.with_used(f"the network {one.name}", subnet)
        else:
            full = networks.exhausted(one, reservations.plan)
            problems.append(full.problem(context.where, "", code="server.network_pool"))
    return problems
