# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks that have no release yet: the proxy knows their hosts and answers with its placeholder page."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import atomic_file, names, paths
from ..config.stack import RouteSpec
from ..errors import Problem, ProblemsFound
from ..proxy.driver import Proxy
from ..proxy.state import ProxyPlan, ProxyState, StackRoutes
from ..release.context import HostContext
from ..release.routes import proxy_routes
from .mode import known_stacks

# The first release of a stack takes this color (planning.deploy), and its own routes with it.
COLOR = names.COLORS[0]


@dataclass(frozen=True)
class PlaceholderPlan:
    """What it takes: the stacks whose ways in change, and the server's pages by name; None for no page."""

    routings: tuple[StackRoutes, ...]
    pages: t.Mapping[str, str | None]
    pages_before: t.Mapping[str, str | None]
    before: ProxyState
    after: ProxyState

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.routings) or dict(self.pages) != dict(self.pages_before)


def plan(
    host: HostContext, state: ProxyState, stacks: t.Mapping[str, t.Sequence[RouteSpec]], pages: t.Mapping[str, str]
) -> PlaceholderPlan:
    """Return what it takes for stacks without a release to have their hosts, and for the server to have its pages.

    A stack that is live or has a release is left as it is; one that was only announced, and is no longer in the
    list, gives its hosts back. Raises ProblemsFound for a host and path that another stack has.
    """
    given = {
        name: StackRoutes(host.project, host.environment, name, proxy_routes(routes, host.environment))
        for name, routes in stacks.items()
    }
    here = known_stacks(state, host.project, host.environment)
    gone = {name: StackRoutes(host.project, host.environment, name, ()) for name in here if name not in given}
    routings, after = [], state
    problems = []
    for name, routing in {**gone, **given}.items():
        ctx = host.stack(name)
        ways = {route.host + route.path: route.service for route in routing.routes}
        if ctx.key in state.live or ctx.records.all() or after.routes_of(ctx.key, COLOR) == ways:
            continue
        taken = {at: after.stack_of_route(at) for at in ways if after.stack_of_route(at) not in (None, ctx.key)}
        problems += [
            Problem(
                f"switchyard_stacks[{name}].routes",
                f"{at} leads to {owner} on this server",
                "Take another host",
                "route.conflict",
            )
            for at, owner in taken.items()
        ]
        routings.append(routing)
        after = after.with_routes(routing, COLOR)
    if problems:
        raise ProblemsFound("No stack was announced", problems)
    before = {kind: atomic_file.read(_path(host, kind)) for kind in pages}
    return PlaceholderPlan(tuple(routings), dict(pages), before, state, after)


def apply(
    host: HostContext,
    stacks: t.Mapping[str, t.Sequence[RouteSpec]],
    pages: t.Mapping[str, str],
    check_mode: bool = False,
) -> PlaceholderPlan:
    """Make it so. Raises SwitchyardError."""
    if check_mode:
        return plan(host, _current_page(host), stacks, pages)
    wanted = plan(host, host.proxy.read(), stacks, pages)
    for kind, page in wanted.pages.items():
        if page != wanted.pages_before[kind]:
            atomic_file.write_or_remove(_path(host, kind), page)
    for routing in wanted.routings:
        host.proxy.apply(_serving(host.proxy, routing))
    return wanted


def _current_page(host: HostContext) -> ProxyState:
    """Return what the proxy does; nothing where none stands yet, as in check mode before the first setup."""
    return host.proxy.read() if paths.proxy_settings(host.root).exists() else ProxyState()


def _serving(proxy: Proxy, routing: StackRoutes) -> t.Callable[[ProxyState], ProxyPlan]:
    """Return what gives a stack its ways in; a release that was quicker keeps its own."""
    return lambda state: (
        ProxyPlan(state, state) if routing.key in state.live else proxy.plan_routes(state, routing, COLOR)
    )


def result(announcing: PlaceholderPlan) -> dict[str, t.Any]:
    """Return what a module says of it, done or planned."""

    def text(state: ProxyState, pages: t.Mapping[str, str | None]) -> str:
        ways = sorted(at for routing in announcing.routings for at in state.routes_of(routing.key, COLOR))
        return "".join(f"{at}\n" for at in ways) + "".join(
            f"{kind}.html: {len((page or '').encode())} bytes\n" for kind, page in pages.items()
        )

    return {
        "changed": announcing.changed,
        "stacks": [routing.stack for routing in announcing.routings if routing.routes],
        "diff": {
            "before": text(announcing.before, announcing.pages_before),
            "after": text(announcing.after, announcing.pages),
            "before_header": "ways in without a release",
            "after_header": "ways in without a release",
        },
    }


def _path(host: HostContext, kind: str) -> Path:
    return paths.page(host.root, kind)
