# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placeholder pages: the proxy knows the hosts of stacks that have no release yet, and answers with a page."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import atomic_file, names, paths
from ..config.stack import RouteSpec
from ..errors import Problem, ProblemsFound
from ..proxy.driver import Proxy
from ..proxy.state import ProxyPlan, ProxyState, StackRoutes
from ..release.context import HostContext
from ..release.routes import proxy_routes
from .mode import known_stacks

# The first release of a stack takes this color, and the routes of the placeholder page with it.
COLOR = names.COLORS[0]


@dataclass(frozen=True)
class PlaceholderPlan:
    """The stacks whose routes change, and the server's pages by name; None for no page."""

    stacks: tuple[StackRoutes, ...]
    pages: t.Mapping[str, str | None]
    pages_before: t.Mapping[str, str | None]
    before: ProxyState
    after: ProxyState

    @property
    def changed(self) -> bool:
        """Whether routes or a page change."""
        return bool(self.stacks) or dict(self.pages) != dict(self.pages_before)


def plan(
    host: HostContext, state: ProxyState, stacks: t.Mapping[str, t.Sequence[RouteSpec]], pages: t.Mapping[str, str]
) -> PlaceholderPlan:
    """Return the plan that gives stacks without a release their routes, and the server its pages.

    A stack that is live or has a release does not change. A stack that has only placeholder routes, and is not in
    ``stacks`` any more, loses them. Raises ProblemsFound for a route that another stack has.
    """
    requested = {
        name: StackRoutes(host.project, host.environment, name, proxy_routes(routes, host.environment))
        for name, routes in stacks.items()
    }
    obsolete = {
        name: StackRoutes(host.project, host.environment, name, ())
        for name in known_stacks(state, host.project, host.environment)
        if name not in requested
    }
    changing, after = [], state
    problems = []
    for name, stack in {**obsolete, **requested}.items():
        ctx = host.stack(name)
        routes = {route.address: route.service for route in stack.routes}
        if ctx.key in state.live or ctx.records.all() or after.routes_of(ctx.key, COLOR) == routes:
            continue
        owners = {route: after.stack_of_route(route) for route in routes}
        problems += [
            Problem(
                f"switchyard_stacks[{name}].routes",
                f"{route} is a route of {owner} on this server",
                "Use another host or path",
                "route.conflict",
            )
            for route, owner in owners.items()
            if owner not in (None, ctx.key)
        ]
        changing.append(stack)
        after = after.with_routes(stack, COLOR)
    if problems:
        raise ProblemsFound("No placeholder page was set up", problems)
    pages_before = {name: atomic_file.read(paths.page(host.root, name)) for name in pages}
    return PlaceholderPlan(tuple(changing), dict(pages), pages_before, state, after)


def apply(
    host: HostContext,
    stacks: t.Mapping[str, t.Sequence[RouteSpec]],
    pages: t.Mapping[str, str],
    check_mode: bool = False,
) -> PlaceholderPlan:
    """Write the pages and give stacks without a release their routes; return the plan. Raises SwitchyardError."""
    if check_mode:
        return plan(host, _state_before_setup(host), stacks, pages)
    intended = plan(host, host.proxy.read(), stacks, pages)
    for name, page in intended.pages.items():
        if page != intended.pages_before[name]:
            atomic_file.write_or_remove(paths.page(host.root, name), page)
    for stack in intended.stacks:
        host.proxy.apply(_plan_routes(host.proxy, stack))
    return intended


def _state_before_setup(host: HostContext) -> ProxyState:
    """Return the proxy's state; an empty one before the first setup, when check mode has no proxy to read."""
    return host.proxy.read() if paths.proxy_settings(host.root).exists() else ProxyState()


def _plan_routes(proxy: Proxy, stack: StackRoutes) -> t.Callable[[ProxyState], ProxyPlan]:
    """Return the change that gives a stack its routes; a release that went live in between keeps its own."""
    return lambda state: ProxyPlan(state, state) if stack.key in state.live else proxy.plan_routes(state, stack, COLOR)


@dataclass(frozen=True)
class PlaceholderResult:
    """What the module ``placeholder_page`` returns; ``stacks`` are those that have the page now."""

    changed: bool
    stacks: t.Sequence[str]
    diff: t.Mapping[str, str]


def result(intended: PlaceholderPlan) -> PlaceholderResult:
    """Return the result of the module ``placeholder_page``, done or planned."""

    def text(state: ProxyState, pages: t.Mapping[str, str | None]) -> str:
        routes = sorted(route for stack in intended.stacks for route in state.routes_of(stack.key, COLOR))
        return "".join(f"{route}\n" for route in routes) + "".join(
            f"{name}.html: {len((page or '').encode())} bytes\n" for name, page in pages.items()
        )

    diff = {
        "before": text(intended.before, intended.pages_before),
        "after": text(intended.after, intended.pages),
        "before_header": "placeholder routes",
        "after_header": "placeholder routes",
    }
    stacks = tuple(stack.stack for stack in intended.stacks if stack.routes)
    return PlaceholderResult(intended.changed, stacks, diff)
