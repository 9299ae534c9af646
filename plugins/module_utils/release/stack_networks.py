# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a stack on a server: created for a release, removed when no release has them any more."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

from .. import names
from ..engine import networks
from ..engine.networks import DesiredNetwork
from ..errors import SwitchyardError
from .context import StackContext


def desired(ctx: StackContext, created: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[DesiredNetwork]:
    """Return the networks that a release creates, as ``compose_render.networks_created`` returns them."""
    labels = names.labels(project=ctx.project, environment=ctx.environment, stack=ctx.stack)
    return [
        DesiredNetwork(name, {**labels, **names.labels(role=one["role"])}, one["internal"], one["containers"])
        for name, one in created.items()
    ]


def ensure(ctx: StackContext, created: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Create the networks of a release that are missing, and let the proxy join; return the names of the new ones.

    A proxy in a container joins each stack's network while it serves. One that runs on the server itself reaches
    published ports, which a network without a way out does not have. Raises SwitchyardError.
    """
    chosen, front = desired(ctx, created), names.front(ctx.project, ctx.stack, ctx.environment)
    published = front in created and bool(ctx.proxy.ports)
    if published:
        chosen = [replace(one, internal=False) if one.name == front else one for one in chosen]
    new = networks.ensure(ctx.engine, ctx.host.root, chosen)
    if front in created and not published:
        # While a proxy is replaced, there are two.
        for proxy in ctx.engine.containers(project=ctx.project, role="proxy"):
            if front not in proxy.addresses:
                ctx.engine.connect(front, proxy.name)
    return new


def remove_unused(ctx: StackContext, needed: t.Collection[str]) -> list[str]:
    """Remove the networks of the stack that its release does not have and no container of it uses; return their names.

    The proxy leaves them first. A rollback creates what the earlier release had, except the network to the shared
    servers: these join it in setup.yml only, and so it stays.
    """
    own, back = (ctx.project, ctx.stack, ctx.environment), names.back(ctx.project, ctx.stack, ctx.environment)
    old = [
        name
        for name, one in ctx.engine.networks_in_use().items()
        if names.owner(one.labels) == own and name not in (*needed, back)
    ]
    if not old:
        return []
    removed = []
    proxies = {one.name for one in ctx.engine.containers(project=ctx.project, role="proxy")}
    for network in ctx.engine.networks_of(project=ctx.project, environment=ctx.environment, stack=ctx.stack):
        if network.name in old and proxies.issuperset(network.users):
            # A container may have joined it since; the next release looks again.
            with contextlib.suppress(SwitchyardError):
                for user in network.users:
                    ctx.engine.disconnect(network.name, user)
                ctx.engine.remove_resource("network", network.name)
                removed.append(network.name)
    networks.forget(ctx.host.root, removed)
    return removed
