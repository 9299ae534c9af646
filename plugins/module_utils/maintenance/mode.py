# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance mode: stacks answer with a page and status 503, or serve again; requests through the proxy verify it."""

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

# Seconds until the proxy must show the page, or must no longer show it.
LIMIT = 5.0


@dataclass(frozen=True)
class MaintenancePlan:
    """What turning maintenance on or off changes: the proxy's state and the page of each stack.

    ``page`` is None for maintenance off; ``requests`` counts the requests that verified the change.
    """

    plan: ProxyPlan
    page: str | None
    pages_before: t.Mapping[str, str | None]
    requests: int = 0

    @property
    def changed(self) -> bool:
        """Whether the proxy's state or a page changes."""
        return self.plan.changed or any(before != self.page for before in self.pages_before.values())

    @property
    def turns_on(self) -> bool:
        """Whether the stacks are in maintenance afterwards."""
        return self.page is not None


def known_stacks(state: ProxyState, project: str, environment: str) -> list[str]:
    """Return the stacks of an environment that have a route, a live color or an availability in the proxy."""
    keys = {*state.live, *state.availability, *(key for key, _color, _route in state.routes)}
    return sorted(filter(None, (names.stack_of_key(key, project, environment) for key in keys)))


def select_stacks(requested: t.Sequence[str], known: list[str], environment: str) -> list[str]:
    """Return the requested stacks, or without any all known ones.

    Raises ProblemsFound for a name that the proxy does not know.
    """
    unknown = [name for name in dict.fromkeys(requested) if name not in known]
    if unknown:
        message = f"the proxy of this server does not know {' or '.join(unknown)} in {environment}"
        hint = f"Write one of: {', '.join(known)}" if known else "Run setup.yml and deploy.yml first"
        raise ProblemsFound("Nothing was changed", [Problem("stack", message, hint, "stack.unknown")])
    return list(dict.fromkeys(requested)) or known


def plan(host: HostContext, state: ProxyState, stacks: t.Iterable[str], page: str | None) -> MaintenancePlan:
    """Return the plan that turns maintenance on with a page, or off with None."""
    pages = {stack: atomic_file.read(_page_path(host, stack)) for stack in stacks}
    availability = None if page is None else "maintenance"
    return MaintenancePlan(host.proxy.plan_availability(state, _keys(host, pages), availability), page, pages)


def set_maintenance(
    host: HostContext, requested: t.Sequence[str], page: str | None, check_mode: bool = False
) -> MaintenancePlan:
    """Turn maintenance on with a page, or off with None, and verify it with requests through the proxy.

    Raises SwitchyardError; when the verification fails, the earlier state is restored.
    """
    state = host.proxy.read()
    stacks = select_stacks(requested, known_stacks(state, host.project, host.environment), host.environment)
    if page is not None and not stacks:
        raise SwitchyardError(
            f"The proxy of this server does not know any stack in {host.environment}. "
            "Run setup.yml and deploy.yml first."
        )
    _assert_no_held_requests(host, state, stacks)
    intended = plan(host, state, stacks, page)
    return intended if check_mode or not intended.changed else _apply(host, intended)


def _apply(host: HostContext, intended: MaintenancePlan) -> MaintenancePlan:
    stacks = list(intended.pages_before)
    pages = dict.fromkeys(stacks, intended.page)
    # Maintenance off is verified by an answer that differs from every page that may have been shown.
    general = atomic_file.read(paths.page(host.root, "maintenance"))
    shown = [intended.page] if intended.turns_on else [*intended.pages_before.values(), general]
    # A page exists before the proxy shows it, and as long as the proxy shows it.
    if intended.turns_on:
        _write_pages(host, pages)
    applied = host.proxy.apply(lambda state: plan(host, state, stacks, intended.page).plan)
    keys = _keys(host, stacks)
    try:
        requests = verify(host.proxy, applied.after, keys, [page for page in shown if page], intended.turns_on)
    except SwitchyardError:
        host.proxy.apply(lambda state: ProxyPlan(state, _with_earlier_availability(state, applied.before, keys)))
        _write_pages(host, intended.pages_before)
        raise
    _write_pages(host, pages)
    return replace(intended, plan=applied, requests=requests)


def _with_earlier_availability(state: ProxyState, before: ProxyState, keys: t.Iterable[str]) -> ProxyState:
    for key in keys:
        state = state.with_availability([key], before.availability.get(key))
    return state


def verify(
    proxy: Proxy, state: ProxyState, keys: t.Iterable[str], pages: t.Sequence[str], is_on: bool, limit: float = LIMIT
) -> int:
    """Wait until clients get one of the pages on every route, or with ``is_on`` false none; return the requests sent.

    Raises GateFailed with the last answer when ``limit`` seconds have passed.
    """
    end = time.monotonic() + limit
    requests = 0
    for route in sorted(route for key in keys for route in _live_routes(state, key)):
        while True:
            requests += 1
            answer, timed_out = request_as_client(proxy, route, limit)
            shows_page = is_page(answer, pages)
            if shows_page if is_on else timed_out or (answer.status and not shows_page):
                break
            if time.monotonic() > end:
                expected = "on" if is_on else "off"
                raise GateFailed(
                    f"Maintenance is not {expected} after {limit:g} s: {answer}. The earlier state is restored.",
                    gate="confirm",
                )
            time.sleep(POLL)
    return requests


def request_as_client(proxy: Proxy, route: str, timeout: float) -> tuple[Answer, bool]:
    """Send one request without a preview key; return the answer, and whether it timed out.

    The proxy shows its page at once, so a request that times out has reached the application.
    """
    host, path = route.split("/", 1)
    request = f"GET http://{host}/{path} (without a preview key)"
    try:
        status, _color, body = proxy.request(host, f"/{path}", None, timeout, public=True)
    except OSError as error:
        return Answer(request, None, error=f"{type(error).__name__}: {error}"), isinstance(error, socket.timeout)
    return Answer(request, status, body=body), False


def is_page(answer: Answer, pages: t.Iterable[str]) -> bool:
    """Return whether an answer is one of the pages; the body may be only the start of a long page."""
    return answer.status == 503 and bool(answer.body) and any(page.startswith(answer.body) for page in pages)


@dataclass(frozen=True)
class MaintenanceResult:
    """What the module ``maintenance`` returns; ``requests`` counts those that verified the change."""

    changed: bool
    stacks: t.Sequence[str]
    requests: int
    diff: t.Mapping[str, str]


def result(host: HostContext, intended: MaintenancePlan) -> MaintenanceResult:
    """Return the result of the module ``maintenance``, done or planned."""
    keys = {stack: names.stack_key(host.project, stack, host.environment) for stack in intended.pages_before}

    def text(state: ProxyState, pages: t.Mapping[str, str | None]) -> str:
        return "".join(
            f"{stack}: {state.availability.get(key, 'available')}{_summary(pages[stack])}\n"
            for stack, key in keys.items()
        )

    diff = {
        "before": text(intended.plan.before, intended.pages_before),
        "after": text(intended.plan.after, dict.fromkeys(keys, intended.page)),
        "before_header": "stacks",
        "after_header": "stacks",
    }
    return MaintenanceResult(intended.changed, tuple(keys), intended.requests, diff)


def _summary(page: str | None) -> str:
    """Return the size and digest of a page for a diff: images in it make the page itself too long."""
    if page is None:
        return ""
    content = page.encode()
    return f", page of {len(content)} bytes ({hashlib.sha256(content).hexdigest()[:8]})"


def _write_pages(host: HostContext, pages: t.Mapping[str, str | None]) -> None:
    for stack, page in pages.items():
        atomic_file.write_or_remove(_page_path(host, stack), page)


def _page_path(host: HostContext, stack: str) -> Path:
    return paths.maintenance_page(host.root, names.stack_key(host.project, stack, host.environment))


def _keys(host: HostContext, stacks: t.Iterable[str]) -> list[str]:
    return [names.stack_key(host.project, stack, host.environment) for stack in stacks]


def _live_routes(state: ProxyState, key: str) -> set[str]:
    """Return the routes of a stack that clients reach: those of the live color, or all while none is live."""
    live = state.live.get(key)
    return {route for owner, color, route in state.routes if owner == key and live in (None, color)}


def _assert_no_held_requests(host: HostContext, state: ProxyState, stacks: t.Iterable[str]) -> None:
    """Raise LockHeld while a running release holds requests of a stack: the release resumes them itself."""
    for stack in stacks:
        ctx = host.stack(stack)
        if state.availability.get(ctx.key) == "held":
            ctx.lock.assert_free("Requests wait for it in the proxy. Run this again when it is done.")
