# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a proxy: in a container, or on the server itself as a systemd unit.

Both have the proxy's folders at the same paths, so that its configuration and its commands are the same.
"""

from __future__ import annotations

import abc
import fcntl
import os
import tempfile
import typing as t
from pathlib import Path

from .. import command
from ..errors import SwitchyardError

if t.TYPE_CHECKING:
    from ..engine.docker_client import Engine
    from .log_reader import LogReader

# An SSH session may have no sbin on its path, and the output of systemctl depends on the language.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}

TIMEOUT = 60.0

# The folder of an administrator's units (systemd.unit(5)); the role ``proxy`` writes there.
UNITS = Path("/etc/systemd/system")


class ProxyProcess(abc.ABC):
    """The running process of a proxy."""

    # The command with which a user reads the proxy's log.
    log_command: str

    @abc.abstractmethod
    def is_up(self) -> bool:
        """Return whether the proxy runs now; one that is restarting does not."""

    @abc.abstractmethod
    def run(self, args: list[str]) -> tuple[int, str]:
        """Run a command in the proxy's container or mounts, as its user; return its exit code and its output."""

    @abc.abstractmethod
    def logs(self, lines: int) -> list[str]:
        """Return the last lines of the proxy's log."""

    @abc.abstractmethod
    def open_log(self, since: float, needle: bytes) -> LogReader:
        """Return a reader of the lines that have a text, from a time on (seconds since the epoch)."""


class ContainerProcess(ProxyProcess):
    """A proxy in a container."""

    def __init__(self, name: str, engine: Engine) -> None:
        """Take the container's name and its engine."""
        self.name = name
        self.engine = engine
        self.log_command = f"docker logs {name}"

    def is_up(self) -> bool:
        """Return whether the container runs."""
        container = self.engine.container(self.name)
        return bool(container and container.running)

    def run(self, args: list[str]) -> tuple[int, str]:
        """Run a command in the container."""
        return self.engine.exec(self.name, args)

    def logs(self, lines: int) -> list[str]:
        """Return the last lines of the container."""
        return self.engine.logs(self.name, lines)

    def open_log(self, since: float, needle: bytes) -> LogReader:
        """Return a reader of the engine's files of the container."""
        from .log_reader import ContainerLogReader  # few module calls read the log

        return ContainerLogReader(lambda: self.engine.log_path(self.name), since, needle)


class SystemdProcess(ProxyProcess):
    """A proxy as a systemd unit; its folders are mounted for its processes only."""

    def __init__(self, unit: str, proc: Path = Path("/proc")) -> None:
        """Take the unit's name."""
        self.unit = unit
        self.proc = proc
        self.log_command = f"journalctl --unit {unit}"

    def is_up(self) -> bool:
        """Return whether the unit is active."""
        return self._pid() > 0

    def run(self, args: list[str]) -> tuple[int, str]:
        """Run a command with the mounts, the user and the one capability of the unit's first process.

        As root the proxies would leave files that their own user cannot write.
        """
        pid = self._pid()
        if not pid:
            hint = f"See 'systemctl status {self.unit}', then run setup.yml."
            raise SwitchyardError("The proxy does not run.", hint=hint)
        owner = (self.proc / str(pid)).stat()
        enter = ["nsenter", f"--target={pid}", "--mount", "--"]
        become = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
        become += ["--inh-caps=-all,+net_bind_service", "--ambient-caps=-all,+net_bind_service", "--"]
        # A file instead of a pipe: nginx opens /dev/stdout again, so it has to be its owner, and must append.
        with tempfile.TemporaryFile() as output:
            fcntl.fcntl(output, fcntl.F_SETFL, os.O_APPEND)
            os.fchown(output.fileno(), owner.st_uid, owner.st_gid)
            result = command.run([*enter, *become, *args], timeout=TIMEOUT, env=ENVIRONMENT, output=output, check=False)
            output.seek(0)
            return result.code, output.read().decode("utf-8", "replace").strip()

    def logs(self, lines: int) -> list[str]:
        """Return the last lines of the unit in the journal."""
        return _output(["journalctl", f"--unit={self.unit}", f"--lines={lines}", "--output=cat", "--no-pager"])

    def open_log(self, since: float, needle: bytes) -> LogReader:
        """Return a reader of the unit in the journal."""
        from .log_reader import JournalReader

        return JournalReader(self.unit, since, needle, ENVIRONMENT)

    def remove(self) -> None:
        """Stop the unit with its own stop signal, and remove it from this server."""
        path = UNITS / self.unit
        if path.exists():
            _output(["systemctl", "disable", "--now", "--", self.unit])
            path.unlink()
            _output(["systemctl", "daemon-reload"])

    def _pid(self) -> int:
        """Return the unit's first process, 0 where it is not active."""
        shown = _output(["systemctl", "show", "--property=ActiveState,MainPID", "--", self.unit])
        said = dict(line.partition("=")[::2] for line in shown)
        up = said.get("ActiveState") in ("active", "reloading", "refreshing")
        return int(said.get("MainPID", "0")) if up else 0


def _output(args: list[str]) -> list[str]:
    """Return the lines that a command wrote. Raises CommandError with the last of them when it fails."""
    return command.run(args, timeout=TIMEOUT, env=ENVIRONMENT, merge=True).stdout.splitlines()


def unit_of(pid: int, proc: Path = Path("/proc")) -> str:
    """Return the systemd service that a process belongs to (proc(5), /proc/pid/cgroup), or an empty text."""
    try:
        text = (proc / str(pid) / "cgroup").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    services = [line.rpartition("/")[2] for line in text.splitlines() if line.endswith(".service")]
    return services[0] if services else ""


def process_for(settings: t.Mapping[str, t.Any], engine: Engine) -> ProxyProcess:
    """Return the process of a proxy, from the content of ``proxy.json``."""
    return (
        SystemdProcess(str(settings["unit"]))
        if "unit" in settings
        else ContainerProcess(str(settings["container"]), engine)
    )
