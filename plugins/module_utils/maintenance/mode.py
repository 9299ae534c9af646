# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance: stacks are closed with a page, or open again, and a request as anybody's proves it."""

from __future__ import annotations

import hashlib
import socket
import time
import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

from .. import atomic_file, names, paths
from ..errors import GateFailed, Problem, ProblemsFound, SwitchyardError
from ..proxy.driver import Proxy
from ..proxy.state import ProxyPlan, ProxyState
from ..release.context import HostContext
from ..release.gates.probe import POLL, Answer

# The page has to be seen, or to be seen no longer, within this many seconds.
LIMIT = 5.0


@dataclass(frozen=True)
class MaintenancePlan:
    """What maintenance on or off changes: the proxy's state, and the page of each stack; None for no page.

    ``asked`` is how many requests the proof took.
    """

    plan: ProxyPlan
    page: str | None
    pages_before: t.Mapping[str, str | None]
    asked: int = 0

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.plan.changed or any(before != self.page for before in self.pages_before.values())

    @property
    def closed(self) -> bool:
        """Whether the stacks are closed afterwards."""
        return self.page is not None


def known_stacks(state: ProxyState, project: str, environment: str) -> list[str]:
    """Return the stacks of an environment that the proxy knows: routed, live or closed."""
    keys = {*state.live, *state.availability, *(key for key, _color, _address in state.routes)}
    return sorted(filter(None, (names.stack_of_key(key, project, environment) for key in keys)))


def select_stacks(asked: t.Sequence[str], here: list[str], environment: str) -> list[str]:
    """Return the stacks that are meant: those asked for, or all there are.

    Raises ProblemsFound for a name that the proxy does not know.
    """
    unknown = [name for name in dict.fromkeys(asked) if name not in here]
    if unknown:
        message = f"the proxy of this server knows no {' and no '.join(unknown)} in {environment}"
        hint = f"Write one of: {', '.join(here)}" if here else "Run setup.yml and deploy.yml first"
        raise ProblemsFound("Nothing was changed", [Problem("stack", message, hint, "stack.unknown")])
    return list(dict.fromkeys(asked)) or here


def plan(host: HostContext, state: ProxyState, stacks: t.Iterable[str], page: str | None) -> MaintenancePlan:
    """Return what it takes for stacks to be closed with a page, or to be open, with None."""
    pages = {stack: atomic_file.read(_path(host, stack)) for stack in stacks}
    how = None if page is None else "maintenance"
    return MaintenancePlan(host.proxy.plan_availability(state, _keys(host, pages), how), page, pages)


def set_maintenance(
    host: HostContext, asked: t.Sequence[str], page: str | None, check_mode: bool = False
) -> MaintenancePlan:
    """Close stacks with a page, or open them with None, and prove it through the public way in.

    Raises SwitchyardError; when the proof fails, the state before is back.
    """
    state = host.proxy.read()
    stacks = select_stacks(asked, known_stacks(state, host.project, host.environment), host.environment)
    if page is not None and not stacks:
        raise SwitchyardError(
            f"The proxy of this server knows no stack in {host.environment}: there is nothing to close. "
            "Run setup.yml and deploy.yml first."
        )
    _no_request_waits(host, state, stacks)
    closing = plan(host, state, stacks, page)
    return closing if check_mode or not closing.changed else _apply(host, closing)


def _apply(host: HostContext, closing: MaintenancePlan) -> MaintenancePlan:
    stacks = list(closing.pages_before)
    wanted = dict.fromkeys(stacks, closing.page)
    # Off is proved by an answer that is none of the pages that may have been shown.
    general = atomic_file.read(paths.page(host.root, "maintenance"))
    shown = [closing.page] if closing.closed else [*closing.pages_before.values(), general]
    # A page is there before it is shown, and until it is shown no longer.
    if closing.closed:
        _put(host, wanted)
    done = host.proxy.apply(lambda state: plan(host, state, stacks, closing.page).plan)
    try:
        asked = verify(host.proxy, done.after, _keys(host, stacks), [page for page in shown if page], closing.closed)
    except SwitchyardError:
        host.proxy.apply(lambda state: ProxyPlan(state, _restore_page(state, done.before, _keys(host, stacks))))
        _put(host, closing.pages_before)
        raise
    _put(host, wanted)
    return replace(closing, plan=done, asked=asked)


def _restore_page(state: ProxyState, before: ProxyState, keys: t.Iterable[str]) -> ProxyState:
    """Return the state in which stacks are closed as they were before."""
    for key in keys:
        state = state.with_availability([key], before.availability.get(key))
    return state


def verify(
    proxy: Proxy, state: ProxyState, keys: t.Iterable[str], pages: t.Sequence[str], closed: bool, limit: float = LIMIT
) -> int:
    """Wait until the public gets one of the pages on every way in, or none of them; return the number of requests.

    Raises GateFailed with the last answer when the limit passes.
    """
    end = time.monotonic() + limit
    asked = 0
    for address in sorted(at for key in keys for at in _addresses(state, key)):
        while True:
            asked += 1
            answer, waited = ask(proxy, address, limit)
            if is_page(answer, pages) if closed else waited or (answer.status and not is_page(answer, pages)):
                break
            if time.monotonic() > end:
                wish = "show the maintenance page" if closed else "open again"
                raise GateFailed(f"The proxy was told to {wish}, but {answer}. It is as it was before.", gate="confirm")
            time.sleep(POLL)
    return asked


def ask(proxy: Proxy, address: str, limit: float) -> tuple[Answer, bool]:
    """Ask as anybody would; return the answer, and whether the application was waited for.

    The proxy gives its page at once, so a request that takes too long has reached the application.
    """
    host, path = address.split("/", 1)
    request = f"GET http://{host}/{path} (without the key)"
    try:
        status, _color, body = proxy.request(host, f"/{path}", None, limit, public=True)
    except OSError as error:
        return Answer(request, None, error=f"{type(error).__name__}: {error}"), isinstance(error, socket.timeout)
    return Answer(request, status, body=body), False


def is_page(answer: Answer, pages: t.Iterable[str]) -> bool:
    """Return whether an answer is one of the pages; of a long one the proxy may hand over the start."""
    return answer.status == 503 and bool(answer.body) and any(page.startswith(answer.body) for page in pages)


def result(host: HostContext, closing: MaintenancePlan) -> dict[str, t.Any]:
    """Return what a module says of it, done or planned."""
    keys = {stack: names.stack_key(host.project, stack, host.environment) for stack in closing.pages_before}

    def text(state: ProxyState, pages: t.Mapping[str, str | None]) -> str:
        return "".join(
            f"{stack}: {state.availability.get(key, 'open')}{_summary(pages[stack])}\n" for stack, key in keys.items()
        )

    diff = {
        "before": text(closing.plan.before, closing.pages_before),
        "after": text(closing.plan.after, dict.fromkeys(keys, closing.page)),
        "before_header": "stacks",
        "after_header": "stacks",
    }
    return {"changed": closing.changed, "stacks": list(keys), "requests": closing.asked, "diff": diff}


def _summary(page: str | None) -> str:
    """Return a page as a diff can show it: images make it long, so its size and digest stand for it."""
    if page is None:
        return ""
    content = page.encode()
    return f", page of {len(content)} bytes ({hashlib.sha256(content).hexdigest()[:8]})"


def _put(host: HostContext, pages: t.Mapping[str, str | None]) -> None:
    for stack, page in pages.items():
        atomic_file.write_or_remove(_path(host, stack), page)


def _path(host: HostContext, stack: str) -> Path:
    return paths.maintenance_page(host.root, names.stack_key(host.project, stack, host.environment))


def _keys(host: HostContext, stacks: t.Iterable[str]) -> list[str]:
    return [names.stack_key(host.project, stack, host.environment) for stack in stacks]


def _addresses(state: ProxyState, key: str) -> set[str]:
    """Return the hosts and paths on which the public reaches a stack: the live color's, or all while none is live."""
    live = state.live.get(key)
    return {at for owner, color, at in state.routes if owner == key and live in (None, color)}


def _no_request_waits(host: HostContext, state: ProxyState, stacks: t.Iterable[str]) -> None:
    """Raise LockHeld where requests wait for a release that is under way: it resumes the stack by itself."""
    for stack in stacks:
        ctx = host.stack(stack)
        if state.availability.get(ctx.key) == "held":
            ctx.lock.assert_free("Requests wait for it in the proxy. Run this again when it is done.")
