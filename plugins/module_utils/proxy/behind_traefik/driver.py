# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge: HAProxy behind a Traefik that stands already, replaced beside itself without a dropped request.

The proxy is the container with the proxy's name. While it is replaced, a second one stands beside it, with ``-next``
behind its name, the same files and sockets of its own. Nothing else changes meanwhile: who replaces it holds the lock
of the proxy, and where a replacement was killed every other change is refused until setup.yml has ended it.
"""

from __future__ import annotations

import contextlib
import csv
import io
import typing as t
from pathlib import Path

from ...errors import SwitchyardError
from ..haproxy.driver import HAProxy
from . import labels

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...engine.models import Container


# Where the folder with the sockets is mounted in the container; roles/proxy uses the same path.
RUN = "/run/switchyard"

# The public's way in, as roles/proxy names it, in ``show stat``.
FRONTEND = ("public", "FRONTEND")


class BehindTraefikProxy(HAProxy):
    """The HAProxy of an edge, whichever container it is now."""

    def __init__(
        self,
        folder: Path,
        settings: t.Mapping[str, t.Any],
        engine: Engine,
        name: str | None = None,
    ) -> None:
        """Take the role's folder and its settings, and the engine; ``name`` is one of the two containers."""
        super().__init__(folder, settings, engine)
        self.engine = engine
        self.name = str(settings["container"])
        self.names = [name] if name else [self.name, self.name + labels.MAINTENANCE_RETRY]

    def container(self) -> Container:
        """Return the container. Raises SwitchyardError where there is none."""
        found = [one for one in map(self.engine.container, self.names) if one]
        if not found:
            raise SwitchyardError(f"The proxy does not run: there is no container {self.names[0]}. Run setup.yml.")
        return next((one for one in found if one.running), found[0])

    @property
    def run(self) -> Path:
        """The folder with the sockets of the process."""
        return run_folder(self.container(), self.folder)

    @property
    def address(self) -> str:
        """Where the container answers; nowhere while there is none. No port of the server leads to it."""
        with contextlib.suppress(SwitchyardError):
            return next(filter(None, self.container().addresses.values()), "")
        return ""

    @address.setter
    def address(self, value: str) -> None:
        """Forget what the settings say: they name no address."""

    def _alone(self) -> None:
        other = self.engine.container(self.name + labels.MAINTENANCE_RETRY)
        if other and other.running:
            raise SwitchyardError(
                f"Two proxies serve side by side, {self.name} and {other.name}: somebody began to replace the edge and "
                "did not end it. Nothing was changed. Run setup.yml."
            )

    def load(self) -> tuple[int, int]:
        """Return how many requests came so far, and how many are in flight, those that are held among them.

        A connection that waits for its next request has no session (management guide, 9.3, ``show sess``).
        """
        came, busy = 0, 0
        for worker in self.workers():
            rows = csv.DictReader(io.StringIO(self.ask("show stat", worker)))
            came += sum(int(row["req_tot"] or 0) for row in rows if (row["# pxname"], row["svname"]) == FRONTEND)
            busy += sum(f" fe={FRONTEND[0]} " in line for line in self.ask("show sess", worker).splitlines())
        return came, busy


def run_folder(container: Container, folder: Path) -> Path:
    """Return the folder of the server in which a container has its sockets."""
    return Path(container.mounts.get(RUN) or folder / "run")
