# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retires stacks, or a whole environment: removes them from this server.

The proxy stops sending requests to a stack, requests in flight finish, the proxy forgets the stack, and only then its
containers are removed. A second run continues where an interrupted one ended: it scans what is still there.
"""

from __future__ import annotations

import shutil
import typing as t
from contextlib import suppress
from dataclasses import dataclass

from .. import atomic_file, names
from ..config import server_state
from ..config.stack import Stack
from ..engine import networks
from ..errors import ProxyRefused, SwitchyardError
from ..proxy import process
from ..proxy.state import ProxyPlan
from ..release import built_images, drain
from ..release.context import HostContext, StackContext
from .plan import DecommissionPlan, plan
from .scan import LOCKS, EnvironmentScan, scan


def execute(
    host: HostContext, requested: t.Sequence[str], remove_data: bool, lock_holder: str, check_mode: bool = False
) -> tuple[EnvironmentScan, DecommissionPlan]:
    """Remove the requested stacks, or without any the environment, under the locks of all of them.

    Returns the scan and the plan. Raises SwitchyardError when a release of one of the stacks holds its lock.
    """
    before = scan(host)
    intended = plan(before, requested, remove_data)
    run(host, intended, lambda: plan(scan(host), requested, remove_data), lock_holder, check_mode)
    return before, intended


def run(
    host: HostContext,
    intended: DecommissionPlan,
    plan_again: t.Callable[[], DecommissionPlan],
    lock_holder: str,
    check_mode: bool,
) -> None:
    """Do what a plan says, under the locks of its stacks; in check mode, only find whether they are free."""
    stacks = [host.stack(name) for name in intended.stacks]
    if check_mode or not intended.changed:
        for ctx in stacks:
            ctx.lock.assert_free()
        return
    tokens: dict[str, int] = {}
    try:
        for ctx in stacks:
            tokens[ctx.stack] = _take_lock(ctx, lock_holder)
        # What was added until the locks were taken is removed as well.
        _apply(host, plan_again(), tokens)
    finally:
        for ctx in stacks:
            with suppress(SwitchyardError, OSError):
                ctx.lock.release(tokens[ctx.stack]) if ctx.stack in tokens and ctx.lock.path.exists() else None
    if intended.server_parts:
        server_state.leave(host.root, host.project, host.environment)
    for ctx in stacks:
        with suppress(OSError):
            ctx.folder.rmdir()
            ctx.folder.parent.rmdir()
        built_images.prune(ctx)


def _take_lock(ctx: StackContext, lock_holder: str) -> int:
    ctx.folder.mkdir(parents=True, exist_ok=True)

    def busy() -> str | None:
        return next((container.name for container in ctx.containers(role="job") if container.running), None)

    return ctx.lock.take(lock_holder, "retire", busy).token


def _apply(host: HostContext, intended: DecommissionPlan, tokens: t.Mapping[str, int]) -> None:
    engine = host.engine
    containers = engine.containers(project=host.project)
    # Its stop signal lets requests in flight finish, and no other environment uses it any more.
    volumes = intended.anonymous_volumes
    engine.remove((one for one in containers if one.name in intended.shared), volumes=volumes)
    if intended.unit:
        process.SystemdProcess(intended.unit).remove()
    for stack in intended.routes:
        _remove_from_proxy(host.stack(stack), tokens[stack])
    for stack, token in tokens.items():
        host.stack(stack).lock.renew(token, "retire", 600)
    engine.remove((one for one in containers if one.name in intended.containers), volumes=volumes)
    # No application uses them any more.
    engine.remove((one for one in containers if one.name in intended.servers), volumes=volumes)
    for network, name in intended.disconnects:
        engine.disconnect(network, name)
    for name in intended.networks:
        engine.remove_resource("network", name)
    networks.forget(host.root, intended.networks)
    for name in intended.volumes:
        engine.remove_resource("volume", name)
    # The locks are removed last: until then no release begins here.
    for path in sorted(intended.paths, key=lambda path: path.name in LOCKS):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            atomic_file.write_or_remove(path, None)


def _remove_from_proxy(ctx: StackContext, token: int) -> None:
    """Stop sending requests to a stack, drain both colors, and make the proxy forget the stack."""
    record = next(iter(ctx.records.all()), None)
    limit = record.stack.drain_limit if record else Stack.drain
    ctx.lock.renew(token, "retire", 2 * limit + 60)
    proxy = ctx.proxy
    proxy.apply(lambda state: ProxyPlan(state, state.with_live(ctx.key, None)))
    for color in names.COLORS:
        drain.wait_until_drained(proxy, ctx.key, color, limit)
    proxy.apply(lambda state: proxy.plan_forget(state, ctx.key))
    if ctx.key in proxy.read().known_stacks():
        raise ProxyRefused(f"The proxy still has routes for {ctx.stack} after they were removed. Run retire.yml again.")


@dataclass(frozen=True)
class RetireResult:
    """What was or would be removed and retained of ``stacks``; ``known_stacks`` are all that the server had."""

    changed: bool
    stacks: t.Sequence[str]
    known_stacks: t.Sequence[str]
    removed: t.Sequence[str]
    retained: t.Sequence[str]
    diff: t.Mapping[str, str]


def result(host: HostContext, before: EnvironmentScan, intended: DecommissionPlan) -> RetireResult:
    """Return the result of the module ``retire``, done or planned."""
    return RetireResult(
        changed=intended.changed,
        stacks=intended.stacks,
        known_stacks=before.stacks,
        removed=intended.removed,
        retained=intended.retained,
        diff=removal_diff(host, intended.removed),
    )


def removal_diff(host: HostContext, removed: t.Iterable[str]) -> dict[str, str]:
    """Return the diff of an environment from which these lines are removed."""
    header = f"{host.project} {host.environment}"
    before = "".join(f"{line}\n" for line in removed)
    return {"before": before, "after": "", "before_header": header, "after_header": header}
