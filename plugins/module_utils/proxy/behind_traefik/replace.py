# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces our proxy behind an existing Traefik without a dropped request."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ... import atomic_file
from ...errors import SwitchyardError
from ..state import ProxyState
from .driver import BehindTraefikProxy, run_folder
from .labels import PORT, REPLACEMENT_SUFFIX

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...engine.models import Container

# While this file exists in the folder of the sockets, Docker's health check fails, and Traefik sends no new request.
LEAVING = "leaving"

# Seconds in which a container has to become healthy, or unhealthy.
HEALTH_LIMIT = 60.0
POLL = 0.1

# Seconds without a new request after which Traefik sends none any more.
QUIET = 2.0

# Seconds after which a Traefik that still sends requests is taken for one that ignores the health. On a very busy
# machine it was seen to follow after more than a minute.
FOLLOW_LIMIT = 180.0

# Seconds that an idle container gets to stop.
STOP_TIMEOUT = 3


@dataclass(frozen=True)
class ReplacementState:
    """The containers: the proxy, its replacement, and whether the proxy has begun to leave."""

    proxy: Container | None
    replacement: Container | None
    leaving: bool = False


def decide(state: ReplacementState, start_replacement: bool) -> list[str]:
    """Return the steps until one proxy runs: the replacement when that is asked for or has begun.

    ``drop`` removes a replacement that never served; ``retreat`` removes one that serves. ``enter`` starts it and waits
    for requests, ``leave`` removes the proxy, ``rename`` gives the replacement its name. ``stay`` makes a proxy healthy
    again that had begun to leave.
    """
    if not state.replacement:
        return ["stay"] if state.leaving else []
    if not state.proxy:
        return ["rename"] if state.replacement.running else ["enter", "rename"]
    if not state.proxy.running:
        return ["leave", "rename"] if state.replacement.running else ["drop"]
    if state.leaving and state.replacement.running:
        return ["leave", "rename"]
    stay = ["stay"] if state.leaving else []
    if state.replacement.running:
        return [*stay, "retreat"]
    return [*stay, "enter", "leave", "rename"] if start_replacement else [*stay, "drop"]


@dataclass
class RollingReplacement:
    """The replacement of the proxy on this server.

    ``provider_delay`` is how many seconds Traefik may need to follow Docker, ``drain`` how many seconds requests in
    flight get, and ``dropped_requests`` how many did not end in that time.
    """

    folder: Path
    name: str
    engine: Engine
    provider_delay: float
    drain: float
    dropped_requests: int = 0

    @property
    def replacement(self) -> str:
        """The name of the container that replaces the proxy."""
        return self.name + REPLACEMENT_SUFFIX

    def gather(self) -> ReplacementState:
        """Return the containers that exist now."""
        proxy, replacement = self.engine.container(self.name), self.engine.container(self.replacement)
        leaving = bool(proxy and (run_folder(proxy, self.folder) / LEAVING).exists())
        return ReplacementState(proxy, replacement, leaving)

    def execute(self, start_replacement: bool, check_mode: bool = False) -> list[str]:
        """Carry out and return the steps, under the proxy's lock. Raises SwitchyardError; a later run continues."""
        if check_mode or not self.folder.exists():
            return decide(self.gather(), start_replacement)
        actions = {
            "drop": self._drop,
            "stay": self._stay,
            "retreat": self._retreat,
            "enter": self._enter,
            "leave": self._leave,
            "rename": self._rename,
        }
        with atomic_file.locked(self.folder / "lock"):
            state = self.gather()
            if start_replacement and state.proxy and not state.replacement:
                message = f"{self.replacement} does not exist: another run replaced {self.name} first."
                raise SwitchyardError(message, hint="Run setup.yml again.")
            steps = decide(state, start_replacement)
            for step in steps:
                actions[step]()
            return steps

    def _open(self, name: str) -> BehindTraefikProxy:
        settings = {"container": self.name, "port": PORT}
        return BehindTraefikProxy(self.folder, settings, self.engine, name)

    def _drop(self) -> None:
        replacement = self.engine.container(self.replacement)
        self.engine.remove([replacement] if replacement else [])

    def _stay(self) -> None:
        (self._open(self.name).run / LEAVING).unlink(missing_ok=True)

    def _retreat(self) -> None:
        self._drain_and_remove(self.replacement)

    def _leave(self) -> None:
        if self._drain_and_remove(self.name, only_if_drained=True):
            return
        self._stay()
        self._drain_and_remove(self.replacement)
        raise SwitchyardError(
            f"Traefik kept sending requests to {self.name} after Docker reported it unhealthy, so it was not replaced "
            "and serves on. Set proxy_behind_traefik.provider_delay above Traefik's providersThrottleDuration."
        )

    def _rename(self) -> None:
        self.engine.rename(self.replacement, self.name)

    def _enter(self) -> None:
        """Start the replacement with the addresses that the proxy knows, and wait until Traefik sends requests."""
        replacement = self._open(self.replacement)
        for path in replacement.run.iterdir():
            path.unlink()
        proxy = self.engine.container(self.name)
        if proxy and proxy.running:
            atomic_file.write(replacement.run / "servers.state", self._open(self.name).master.servers())
        self.engine.start_container(self.replacement)
        try:
            self._wait_for_health(self.replacement, "healthy")
            state = self._first_state(replacement)
            if proxy and proxy.running and state != self._open(self.name).read():
                raise SwitchyardError(f"The state of {self.replacement} differs from that of {self.name}.")
        except SwitchyardError as error:
            logs = {self.replacement: self.engine.logs(self.replacement)}
            self._remove_failed_replacement()
            raise SwitchyardError(f"The proxy was not replaced, the old one serves on: {error}", logs=logs) from error
        end = time.monotonic() + self.provider_delay
        while replacement.load_figures()[0] == 0 and time.monotonic() < end:
            time.sleep(POLL)
        replacement.forget_addresses()

    def _remove_failed_replacement(self) -> None:
        """Remove the replacement, which may have received requests."""
        with contextlib.suppress(SwitchyardError):
            container = self.engine.container(self.replacement)
            if container and container.health == "healthy":
                atomic_file.write_or_remove(run_folder(container, self.folder) / LEAVING, "")
                self._wait_for_health(self.replacement, "unhealthy")
                time.sleep(self.provider_delay)
        self._drop()

    def _first_state(self, proxy: BehindTraefikProxy) -> ProxyState:
        """Return the state of a proxy that has just started: its master answers a moment after its worker."""
        end = time.monotonic() + HEALTH_LIMIT
        while True:
            try:
                return proxy.read()
            except SwitchyardError:
                if time.monotonic() > end:
                    raise
            time.sleep(POLL)

    def _drain_and_remove(self, name: str, only_if_drained: bool = False) -> bool:
        """Make a container unhealthy, let its requests end, and remove it; return whether it was removed."""
        proxy = self._open(name)
        container = proxy.container()
        in_flight = 0
        if container.running:
            if container.health:
                atomic_file.write_or_remove(run_folder(container, self.folder) / LEAVING, "")
                self._wait_for_health(name, "unhealthy")
            in_flight, still_coming = self._wait_until_drained(proxy)
            if still_coming and only_if_drained and container.health:
                return False
        self.dropped_requests += in_flight
        # Without requests only idle connections remain, which need not end by themselves.
        self.engine.remove([container], None if in_flight else STOP_TIMEOUT)
        return True

    def _wait_until_drained(self, proxy: BehindTraefikProxy) -> tuple[int, bool]:
        """Wait until no request arrives or is in flight; return how many are then, and whether some still arrive.

        A Traefik that ignores the health of a container keeps sending requests.
        """
        start = last_arrival = time.monotonic()
        total, in_flight = proxy.load_figures()
        while True:
            time.sleep(POLL)
            now = time.monotonic()
            total_now, in_flight = proxy.load_figures()
            if total_now != total:
                last_arrival, total = now, total_now
            followed = now - start >= self.provider_delay
            if followed and now - last_arrival >= QUIET and not in_flight:
                return 0, False
            if followed and now - last_arrival >= max(QUIET, self.drain):
                return in_flight, False
            if now - last_arrival < QUIET and now - start >= self.provider_delay + FOLLOW_LIMIT:
                return in_flight, True

    def _wait_for_health(self, name: str, health: str) -> None:
        end = time.monotonic() + HEALTH_LIMIT
        while True:
            container = self.engine.container(name)
            if not container or not container.running:
                raise SwitchyardError(f"{name} does not keep running.")
            if container.health == health:
                return
            if time.monotonic() > end:
                raise SwitchyardError(f"{name} is not {health} after {HEALTH_LIMIT:.0f} s, but {container.health}.")
            time.sleep(POLL)
