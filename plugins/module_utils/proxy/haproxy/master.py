# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands to HAProxy's master process, which passes them on to its workers.

Management guide, 9.4 "Master CLI". After a reload the old worker still answers the last request of its idle
connections. A server that gets an address later stays down for it (measured, 3.0: "Proxy is disabled"), so it is told
to pass these requests on to the current worker.
"""

from __future__ import annotations

import csv
import io
import re
import time
import typing as t
from pathlib import Path

from ...errors import ProxyRefused, ProxyUnavailable, SwitchyardError
from .. import unix_socket
from ..layout import CONFIG_ROOT
from ..map_file import map_text, parse_map
from ..state import ProxyState
from .maps import MAPS, OLD_WORKER, maps_of

# The backends through which an old worker passes its requests on.
HANDOVER = frozenset({"handover", "handover-https"})

# Seconds in which a master that starts again refuses connections: it does so whenever an old worker has ended.
RESTART_TIME = 2.0

# Seconds. The master answers when the new worker has read everything, certificates too.
RELOAD_TIMEOUT = 60.0

# Seconds until the master notices that a worker has ended.
ENDING_LIMIT = 2.0
POLL = 0.05


def parse_processes(answer: str) -> list[str]:
    """Return the process ids of all workers in ``show proc``: the current one first, then the old ones."""
    return [row[0] for row in map(str.split, answer.splitlines()) if len(row) > 1 and row[1] == "worker"]


class Master:
    """The master process of a running HAProxy."""

    def __init__(self, run_folder: t.Callable[[], Path], log_command: str) -> None:
        """Take a function that returns the folder of the sockets, and the command that shows the proxy's log."""
        self._run_folder = run_folder
        self._log_command = log_command

    def ask(self, command: str, worker: str | None = None, timeout: float = unix_socket.TIMEOUT) -> str:
        """Return the answer of the master, or of one of its workers. Raises ProxyUnavailable without an answer."""
        line = f"@!{worker} {command}" if worker else command
        path = self._run_folder() / "master.sock"
        return unix_socket.ask(path, f"{line}\n", self._log_command, timeout, True, RESTART_TIME).strip()

    def workers(self) -> list[str]:
        """Return the process ids of the workers, the current one first."""
        workers = parse_processes(self.ask("show proc"))
        if not workers:
            raise ProxyUnavailable(
                "The proxy's master runs no worker.",
                hint=f"Read its log with '{self._log_command}', then run setup.yml.",
            )
        return workers

    def maps(self, worker: str) -> dict[str, dict[str, str]]:
        """Return the maps that a worker uses, by name."""
        return {name: parse_map(self.ask(f"show map {CONFIG_ROOT}/maps/{name}.map", worker)) for name in MAPS}

    def rows(self) -> t.Iterator[dict[str, str]]:
        """Yield the rows of ``show stat`` of all workers."""
        for worker in self.workers():
            yield from csv.DictReader(io.StringIO(self.ask("show stat", worker)))

    def servers(self, without: t.Iterable[str] = ()) -> str:
        """Return the servers' addresses in the form of a ``server-state-file``, without some backends.

        Management guide, 9.3, ``show servers state``: the second field is the name of the backend.
        """
        lines = self.ask("show servers state", self.workers()[0]).splitlines()
        left_out = HANDOVER.union(without)
        return "".join(f"{line}\n" for line in lines if left_out.isdisjoint(line.split()[1:2]))

    def set_maps(self, state: ProxyState) -> None:
        """Replace the maps of the current worker, each in one commit; old workers pass their requests on to it."""
        current, *old = self.workers()
        self._set_maps_of(current, state)
        self.hand_over(old, state)

    def hand_over(self, workers: t.Iterable[str], state: ProxyState) -> None:
        """Let old workers pass their last requests on; a worker that does not support that gets the maps."""
        for worker in workers:
            try:
                entries = self.ask(f"show map {OLD_WORKER}", worker)
                if entries.startswith("0x"):
                    continue
                if entries:
                    # An error: it was started with a configuration that has no such map.
                    self._set_maps_of(worker, state)
                else:
                    self._command(f"add map {OLD_WORKER} worker yes", worker)
            except SwitchyardError:
                # A worker that finishes its last requests may end between two commands.
                if not self._has_ended(worker):
                    raise

    def _has_ended(self, worker: str) -> bool:
        """Return whether an old worker has ended; the master lists it until it notices that."""
        end = time.monotonic() + ENDING_LIMIT
        while worker in (workers := self.workers()):
            if worker == workers[0] or time.monotonic() > end:
                return False
            time.sleep(POLL)
        return True

    def _set_maps_of(self, worker: str, state: ProxyState) -> None:
        """Replace the maps that differ; most often that is one map, so that a switch is one commit."""
        actual, desired = self.maps(worker), maps_of(state)
        for name, entries in ((name, desired[name]) for name in MAPS if desired[name] != actual[name]):
            path = f"{CONFIG_ROOT}/maps/{name}.map"
            answer = self.ask(f"prepare map {path}", worker)
            version = re.search(r"New version created: (\d+)\s*\Z", answer)
            if not version:
                raise ProxyRefused(f"The proxy refused 'prepare map {path}': {answer}")
            if entries:
                self._command(f"add map @{version[1]} {path} <<\n{map_text(entries)}", worker)
            self._command(f"commit map @{version[1]} {path}", worker)

    def _command(self, command: str, worker: str) -> None:
        """Send a command whose success is an empty answer."""
        answer = self.ask(command, worker)
        if answer:
            raise ProxyRefused(f"The proxy refused '{command.splitlines()[0]}': {answer}")
