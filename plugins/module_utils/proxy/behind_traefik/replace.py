# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces our proxy behind a Traefik without a dropped request."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ... import atomic_file
from ...errors import SwitchyardError
from ..state import ProxyState
from . import labels
from .driver import BehindTraefikProxy, run_folder

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...engine.models import Container


# While this file lies in that folder, Docker's health check fails, and Traefik sends nobody new.
LEAVING = "leaving"

# Seconds in which a container has to be healthy, or unhealthy.
HEALTH_LIMIT = 60.0
POLL = 0.1

# Seconds without a new request after which nobody comes any more.
QUIET = 2.0

# Seconds after which a Traefik that still sends requests is taken for one that does not look at the health. On a
# machine that is very busy it was seen to follow after more than a minute.
FOLLOW_LIMIT = 180.0

# Seconds that an empty container gets to end.
STOP = 3


@dataclass(frozen=True)
class ReplacementState:
    """What stands of an edge: the proxy, the one beside it, and whether the proxy was told to leave."""

    proxy: Container | None
    beside: Container | None
    leaving: bool = False


def decide(stand: ReplacementState, begin: bool) -> list[str]:
    """Return the steps until one proxy stands alone: the one beside it when ``begin`` is asked for, or it has begun.

    ``drop`` removes the one beside it, which never served; ``retreat`` takes it from the public again. ``enter`` brings
    it to the public, ``leave`` takes the proxy away, ``rename`` gives its name to the other. ``stay`` lets a proxy that
    was told to leave, and is alone, be healthy again.
    """
    if not stand.beside:
        return ["stay"] if stand.leaving else []
    if not stand.proxy:
        return ["rename"] if stand.beside.running else ["enter", "rename"]
    if not stand.proxy.running:
        return ["leave", "rename"] if stand.beside.running else ["drop"]
    if stand.leaving and stand.beside.running:
        return ["leave", "rename"]
    stay = ["stay"] if stand.leaving else []
    if stand.beside.running:
        return [*stay, "retreat"]
    return [*stay, "enter", "leave", "rename"] if begin else [*stay, "drop"]


@dataclass
class RollingReplacement:
    """The steps, on this server. ``settle`` is how many seconds Traefik may need to take a change over.

    ``drain`` is how many seconds requests in flight get.
    """

    folder: Path
    name: str
    engine: Engine
    settle: float
    drain: float
    cut_off: int = 0

    def look(self) -> ReplacementState:
        """Return what stands now."""
        proxy, beside = self.engine.container(self.name), self.engine.container(self.name + labels.MAINTENANCE_RETRY)
        leaving = bool(proxy and (run_folder(proxy, self.folder) / LEAVING).exists())
        return ReplacementState(proxy, beside, leaving)

    def carry_out(self, begin: bool, check_mode: bool = False) -> list[str]:
        """Do it, alone on this server; return the steps. Raises SwitchyardError; then the next run goes on."""
        if check_mode or not self.folder.exists():
            return decide(self.look(), begin)
        with atomic_file.locked(self.folder / "lock"):
            stand = self.look()
            if begin and stand.proxy and not stand.beside:
                raise SwitchyardError(
                    f"There is nothing beside {self.name}: another setup.yml replaced it meanwhile. Run yours again."
                )
            steps = decide(stand, begin)
            for step in steps:
                getattr(self, f"_{step}")()
            return steps

    def _open(self, name: str) -> BehindTraefikProxy:
        settings = {"container": self.name, "address": "", "port": labels.PORT}
        return BehindTraefikProxy(self.folder, settings, self.engine, name)

    def _drop(self) -> None:
        beside = self.engine.container(self.name + labels.MAINTENANCE_RETRY)
        self.engine.remove([beside] if beside else [])

    def _stay(self) -> None:
        self._flag(self.name).unlink(missing_ok=True)

    def _flag(self, name: str) -> Path:
        return run_folder(self._open(name).container(), self.folder) / LEAVING

    def _retreat(self) -> None:
        self._take_away(self.name + labels.MAINTENANCE_RETRY)

    def _leave(self) -> None:
        if self._take_away(self.name, only_if_it_works=True):
            return
        self._stay()
        self._take_away(self.name + labels.MAINTENANCE_RETRY)
        raise SwitchyardError(
            f"Traefik sent {self.name} requests on and on after Docker called it unhealthy, so it was not replaced "
            "and serves on. Is Traefik's own delay (providersThrottleDuration) longer than proxy_behind_traefik.settle?"
        )

    def _rename(self) -> None:
        self.engine.rename(self.name + labels.MAINTENANCE_RETRY, self.name)

    def _enter(self) -> None:
        """Start the one beside, with the addresses that the proxy knows, and wait until Traefik sends requests."""
        name = self.name + labels.MAINTENANCE_RETRY
        beside = self._open(name)
        for old in beside.run.iterdir():
            old.unlink()
        proxy = self.engine.container(self.name)
        if proxy and proxy.running:
            atomic_file.write(beside.run / "servers.state", self._open(self.name).servers())
        self.engine.start_container(name)
        try:
            self._wait(name, "healthy")
            there = self._first_answer(beside)
            if proxy and proxy.running and there != self._open(self.name).read():
                raise SwitchyardError(f"{name} does not do what {self.name} does.")
        except SwitchyardError as error:
            logs = {name: self.engine.logs(name)}
            self._give_up(name)
            raise SwitchyardError(f"The edge was not replaced, the old one serves on: {error}", logs=logs) from error
        end = time.monotonic() + self.settle
        while beside.load()[0] == 0 and time.monotonic() < end:
            time.sleep(POLL)

    def _give_up(self, name: str) -> None:
        """Remove the one beside, which may have requests by now."""
        with contextlib.suppress(SwitchyardError):
            container = self.engine.container(name)
            if container and container.health == "healthy":
                atomic_file.write_or_remove(run_folder(container, self.folder) / LEAVING, "")
                self._wait(name, "unhealthy")
                time.sleep(self.settle)
        self._drop()

    def _first_answer(self, one: BehindTraefikProxy) -> ProxyState:
        """Return what a proxy does that was just started: its master begins to answer a moment after its worker."""
        end = time.monotonic() + HEALTH_LIMIT
        while True:
            try:
                return one.read()
            except SwitchyardError:
                if time.monotonic() > end:
                    raise
            time.sleep(POLL)

    def _take_away(self, name: str, only_if_it_works: bool = False) -> bool:
        """Take a container from the public, let requests in flight end, and remove it; return whether that was done."""
        one = self._open(name)
        container = one.container()
        busy = 0
        if container.running:
            if container.health:
                atomic_file.write_or_remove(run_folder(container, self.folder) / LEAVING, "")
                self._wait(name, "unhealthy")
            busy, coming = self._empty(one)
            if coming and only_if_it_works and container.health:
                return False
        self.cut_off += busy
        # Connections that wait for a request are all that is left: they need not end by themselves.
        self.engine.remove([container], None if busy else STOP)
        return True

    def _empty(self, one: BehindTraefikProxy) -> tuple[int, bool]:
        """Wait until nobody comes and nothing is in flight; return what is in flight then, and whether some still come.

        Where they come and come, Traefik does not look at the health.
        """
        begun = last = time.monotonic()
        came, busy = one.load()
        while True:
            time.sleep(POLL)
            now = time.monotonic()
            seen, busy = one.load()
            last, came = (last, came) if seen == came else (now, seen)
            if now - begun >= self.settle and now - last >= QUIET and not busy:
                return 0, False
            if now - last >= max(QUIET, self.drain) and now - begun >= self.settle:
                return busy, False
            if now - last < QUIET and now - begun >= self.settle + FOLLOW_LIMIT:
                return busy, True

    def _wait(self, name: str, health: str) -> None:
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
