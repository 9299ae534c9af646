# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take stacks, or a whole environment, off a server. Data stays unless a person says otherwise.

The public leaves first, requests in flight end, then the proxy forgets the stack, and only then its containers go. What
is still there says what is left to do, so a second run goes on where one was killed.
"""

from __future__ import annotations

import shutil
import typing as t
from contextlib import suppress

from .. import atomic_file, names
from ..config.stack import Stack
from ..errors import ProxyRefused, SwitchyardError
from ..proxy import process
from ..proxy.state import ProxyPlan
from ..release import drain
from ..release.context import HostContext, StackContext
from .plan import DecommissionPlan, plan
from .scan import LOCKS, EnvironmentScan, scan


def execute(
    server: HostContext, asked: t.Sequence[str], remove_data: bool, holder: str, check_mode: bool = False
) -> tuple[EnvironmentScan, DecommissionPlan]:
    """Take stacks, or with none asked for the environment, off this server, under the locks of all of them.

    Returns what stood and what went. Raises SwitchyardError, and then first of all who releases one of them.
    """
    seen = scan(server)
    wanted = plan(seen, asked, remove_data)
    places = [server.stack(name) for name in wanted.stacks]
    if check_mode or not wanted.changed:
        for ctx in places:
            ctx.lock.assert_free()
        return seen, wanted
    tokens: dict[str, int] = {}
    try:
        for ctx in places:
            tokens[ctx.stack] = _take_lock(ctx, holder)
        # What changed until the locks were taken goes as well.
        _carry_out(server, plan(scan(server), asked, remove_data), tokens)
    finally:
        for ctx in places:
            with suppress(SwitchyardError, OSError):
                ctx.lock.release(tokens[ctx.stack]) if ctx.stack in tokens and ctx.lock.path.exists() else None
    for ctx in places:
        with suppress(OSError):
            ctx.folder.rmdir()
            ctx.folder.parent.rmdir()
    return seen, wanted


def _take_lock(ctx: StackContext, holder: str) -> int:
    ctx.folder.mkdir(parents=True, exist_ok=True)

    def busy() -> str | None:
        return next((one.name for one in ctx.containers(role="job") if one.running), None)

    return ctx.lock.take(holder, "retire", busy).token


def _carry_out(server: HostContext, wanted: DecommissionPlan, tokens: t.Mapping[str, int]) -> None:
    engine = server.engine
    everything = engine.containers(project=server.project)
    # Its stop signal lets requests in flight finish, and nobody else is behind it any more.
    engine.remove(one for one in everything if one.name in wanted.servers)
    if wanted.unit:
        process.SystemdProcess(wanted.unit).remove()
    for stack in wanted.routes:
        _off_the_proxy(server.stack(stack), tokens[stack])
    for stack, token in tokens.items():
        server.stack(stack).lock.renew(token, "retire", 600)
    engine.remove(one for one in everything if one.name in wanted.containers)
    for network, name in wanted.leaves:
        engine.disconnect(network, name)
    for name in wanted.networks:
        engine.remove_resource("network", name)
    for name in wanted.volumes:
        engine.remove_resource("volume", name)
    # The locks are the last to go: until then nobody begins a release here.
    for path in sorted(wanted.paths, key=lambda path: path.name in LOCKS):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            atomic_file.write_or_remove(path, None)


def _off_the_proxy(ctx: StackContext, token: int) -> None:
    """Take the public off a stack, let requests in flight end, and make the proxy forget it."""
    record = next(iter(ctx.records.all()), None)
    limit = record.stack.drain_limit if record else Stack.drain
    ctx.lock.renew(token, "retire", 2 * limit + 60)
    proxy = ctx.proxy
    proxy.apply(lambda state: ProxyPlan(state, state.with_live(ctx.key, None)))
    for color in names.COLORS:
        drain.wait_until_drained(proxy, ctx.key, color, limit)
    proxy.apply(lambda state: proxy.plan_forget(state, ctx.key))
    if ctx.key in proxy.read().known_stacks():
        raise ProxyRefused(f"The proxy was told to forget {ctx.stack}, and still knows it. Run retire.yml again.")


def result(server: HostContext, seen: EnvironmentScan, wanted: DecommissionPlan) -> dict[str, t.Any]:
    """Return what a module says of it, done or planned."""
    before = "".join(f"{line}\n" for line in wanted.lines)
    header = f"{server.project} {server.environment}"
    return {
        "changed": wanted.changed,
        "stacks": list(wanted.stacks),
        "known": seen.stacks,
        "gone": wanted.lines,
        "kept": list(wanted.kept),
        "diff": {"before": before, "after": "", "before_header": header, "after_header": header},
    }
