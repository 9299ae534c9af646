# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy behind an existing Traefik, which finds it by its labels.

Two containers serve only while one replaces the other: the proxy, and one whose name ends in ``-next``, with the same
files and its own sockets. The replacement holds the proxy's lock, so nothing else changes in that time. Where it was
killed, every other change is refused until setup.yml has finished it.
"""

from __future__ import annotations

import contextlib
import csv
import io
import typing as t
from pathlib import Path

from ...errors import ProxyUnavailable, SwitchyardError
from ..haproxy.driver import HAProxy
from ..layout import RUN_ROOT
from .labels import REPLACEMENT_SUFFIX

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...engine.models import Container

# The frontend of the public port, as roles/proxy names it, in ``show stat``.
FRONTEND = ("public", "FRONTEND")


class BehindTraefikProxy(HAProxy):
    """The HAProxy behind an existing Traefik, in whichever of the two containers it runs now."""

    def __init__(
        self,
        folder: Path,
        settings: t.Mapping[str, t.Any],
        engine: Engine,
        name: str | None = None,
    ) -> None:
        """Take what a Proxy takes; ``name`` limits it to one of the two containers."""
        super().__init__(folder, settings, engine)
        self.name = str(settings["container"])
        self.names = [name] if name else [self.name, self.name + REPLACEMENT_SUFFIX]

    def container(self) -> Container:
        """Return the container. Raises ProxyUnavailable where there is none."""
        containers = [container for container in map(self.engine.container, self.names) if container]
        if not containers:
            raise ProxyUnavailable(f"The container {self.names[0]} of the proxy is missing.", hint="Run setup.yml.")
        return next((container for container in containers if container.running), containers[0])

    @property
    def run(self) -> Path:
        """The folder with the sockets of the process."""
        return run_folder(self.container(), self.folder)

    @property
    def address(self) -> str:
        """The address of the container, since no port of the server leads to it; empty while there is none."""
        with contextlib.suppress(SwitchyardError):
            return self.container().address_on(self.name)
        return ""

    @address.setter
    def address(self, value: str) -> None:
        """Ignore the address in the settings, which is empty."""

    def check_single_process(self) -> None:
        """Raise SwitchyardError where both containers run; see Proxy."""
        other = self.engine.container(self.name + REPLACEMENT_SUFFIX)
        if other and other.running:
            raise SwitchyardError(
                f"Two proxies run, {self.name} and {other.name}: the replacement of one was interrupted. Nothing was "
                "changed.",
                hint="Run setup.yml.",
            )

    def load_figures(self) -> tuple[int, int]:
        """Return how many requests have arrived in total, and how many are in flight, held ones included.

        An idle connection has no session (management guide, 9.3, ``show sess``).
        """
        total, in_flight = 0, 0
        for worker in self.master.workers():
            rows = csv.DictReader(io.StringIO(self.master.ask("show stat", worker)))
            total += sum(int(row["req_tot"] or 0) for row in rows if (row["# pxname"], row["svname"]) == FRONTEND)
            sessions = self.master.ask("show sess", worker).splitlines()
            in_flight += sum(f" fe={FRONTEND[0]} " in line for line in sessions)
        return total, in_flight


def run_folder(container: Container, folder: Path) -> Path:
    """Return the folder of the server with a container's sockets."""
    return Path(container.mounts.get(RUN_ROOT) or folder / "run")
