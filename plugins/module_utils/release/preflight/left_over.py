# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an environment has on the server that its inventory no longer has. A release ignores it."""

from __future__ import annotations

from collections.abc import Sequence

from ... import names, paths
from ..left_overs import LeftOver, containers_left_over, stacks_left_over
from ..plan import ReleasePlan
from .context import HostCheckContext, StackCheckContext


def find_left_overs(
    checks: HostCheckContext, contexts: Sequence[StackCheckContext], plans: Sequence[ReleasePlan]
) -> list[LeftOver]:
    """Return what is left over on a server that answers: stacks, and what the stacks of this run no longer have."""
    facts, host = checks.inventory, checks.host
    if facts.stacks is None or checks.failures:
        return []
    owner = (host.project, host.environment)
    releases = paths.environment_folder(host.root, *owner).glob(f"*/{paths.RELEASES}")
    folders = {folder.parent.name for folder in releases if any(folder.iterdir())}
    found = stacks_left_over(checks.names_in_use, _routes(checks), folders, owner, facts.stacks, facts.retire)
    released = {plan.stack for plan in plans if plan.action == "release"}
    for context in contexts:
        if not context.in_place:
            is_locked = host.stack(context.stack.name).lock.state() is not None
            found += containers_left_over(
                checks.names_in_use, context.stack, owner, context.stack.name in released, is_locked
            )
    return found


def _routes(checks: HostCheckContext) -> dict[str, list[str]]:
    """Return the hosts and paths that the proxy knows, by stack of the environment."""
    state = checks.proxy_state
    routes: dict[str, list[str]] = {}
    for key in sorted(state.known_stacks()):
        stack = names.stack_of_key(key, checks.host.project, checks.host.environment)
        if stack:
            routes[stack] = sorted({route for of, _color, route in state.routes if of == key})
    return routes
