# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a stack on a server: created for a release, removed when no release has them any more."""

from __future__ import annotations

import contextlib
import typing as t

from .. import names
from ..engine import networks
from ..engine.networks import DesiredNetwork
from ..errors import SwitchyardError
from .context import StackContext

# The label ``role`` of a network of a Compose file.
ROLE = "stack"


def desired(ctx: StackContext, created: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[DesiredNetwork]:
    """Return the networks that a release creates, as ``compose_render.networks_created`` returns them."""
    labels = names.labels(project=ctx.project, environment=ctx.environment, stack=ctx.stack, role=ROLE)
    return [DesiredNetwork(name, labels, one["internal"], one["containers"]) for name, one in created.items()]


def ensure(ctx: StackContext, created: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Create the networks of a release that are missing; return their names. Raises SwitchyardError."""
    return networks.ensure(ctx.engine, ctx.host.root, desired(ctx, created))


def remove_unused(ctx: StackContext, needed: t.Container[str]) -> list[str]:
    """Remove the networks of the stack that its release does not have and no container uses; return their names.

    A rollback creates what the earlier release had.
    """
    own = (ctx.project, ctx.stack, ctx.environment)
    old = [
        name
        for name, one in ctx.engine.networks_in_use().items()
        if names.owner(one.labels) == own and one.labels.get(f"{names.LABEL}role") == ROLE and name not in needed
    ]
    if not old:
        return []
    removed = []
    for network in ctx.engine.networks_of(project=ctx.project, environment=ctx.environment, stack=ctx.stack):
        if network.name in old and not network.users:
            # A container may have joined it since; the next release looks again.
            with contextlib.suppress(SwitchyardError):
                ctx.engine.remove_resource("network", network.name)
                removed.append(network.name)
    networks.forget(ctx.host.root, removed)
    return removed
