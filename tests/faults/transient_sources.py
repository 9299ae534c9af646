"""Texts that exist for a moment only: argument lists of processes, short-lived containers, lines of syslog.

They are recorded while the plays run and searched afterwards, when all secrets are known.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import docker.errors
from docker_resources import as_text, belongs

EVERY = 0.02
SYSLOG = "/dev/log"
# Kind, name of the container or empty, and text
Text = tuple[str, str, bytes]


def arguments() -> Iterator[bytes]:
    """The argument lists of all processes, also of those in containers."""
    for number in os.listdir("/proc"):
        if number.isdigit():
            # A process may end at any time.
            with contextlib.suppress(OSError), io.FileIO(f"/proc/{number}/cmdline") as file:
                yield file.readall() or b""


class TransientSources:
    """Records the texts while its context is open."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._recorded: set[Text] = set()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._since = time.time()
        self._syslog: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> TransientSources:
        self._listen()
        self._begin(self._watch_processes)
        self._begin(self._watch_containers)
        return self

    def __exit__(self, *dummy: object) -> None:
        self._end.set()
        if self._syslog:
            # Ends the thread that waits for a line.
            self._syslog.shutdown(socket.SHUT_RDWR)
            Path(SYSLOG).unlink()

    def take(self) -> set[Text]:
        """The texts recorded since the last call. Raises RuntimeError when a recording thread has ended."""
        if not all(thread.is_alive() for thread in self._threads):
            raise RuntimeError("a recording thread has ended")
        with self._lock:
            recorded, self._recorded = self._recorded, set()
        return recorded | {("syslog", "", line) for line in self._journal()}

    def _begin(self, work: Callable[..., None], *args: object) -> None:
        self._threads.append(threading.Thread(target=work, args=args, daemon=True))
        self._threads[-1].start()

    def _add(self, *texts: Text) -> None:
        with self._lock:
            self._recorded.update(texts)

    def _watch_processes(self) -> None:
        while not self._end.wait(EVERY):
            self._add(*(("argv", "", args) for args in set(arguments())))

    # --- containers ---

    def _watch_containers(self) -> None:
        client = docker.APIClient()
        for event in client.events(since=self._since, filters={"type": ["container"]}, decode=True):
            if self._end.is_set():
                return
            # The labels of the container, and its name.
            attributes = event["Actor"]["Attributes"]
            name = attributes["name"]
            if not belongs(name, attributes, self.prefix):
                continue
            self._add(("events", name, as_text(event)))
            if event["Action"] == "create":
                try:
                    self._add(("inspect", name, as_text(client.inspect_container(event["id"]))))
                except docker.errors.NotFound:
                    # Counted apart, for its data is unknown.
                    self._add(("missed container", name, b""))
            elif event["Action"] == "start":
                threading.Thread(target=self._follow, args=(name, event["id"]), daemon=True).start()

    def _follow(self, name: str, container: str) -> None:
        with contextlib.suppress(docker.errors.NotFound):
            for text in docker.APIClient().logs(container, stream=True, follow=True):
                self._add(("log", name, text))

    # --- syslog: Ansible's modules log their parameters there ---

    def _listen(self) -> None:
        """Act as the syslog of a machine that has none."""
        if self._has_syslog():
            return
        Path(SYSLOG).unlink(missing_ok=True)
        self._syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._syslog.bind(SYSLOG)
        os.chmod(SYSLOG, 0o666)
        self._begin(self._watch_syslog, self._syslog)

    @staticmethod
    def _has_syslog() -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client, contextlib.suppress(OSError):
            client.connect(SYSLOG)
            return True
        return False

    def _watch_syslog(self, server: socket.socket) -> None:
        while not self._end.is_set():
            self._add(("syslog", "", server.recv(1 << 20)))

    def _journal(self) -> list[bytes]:
        if self._syslog:
            return []
        if not shutil.which("journalctl"):
            raise RuntimeError(f"another program listens at {SYSLOG}, and journalctl is missing")
        command = ["journalctl", "--quiet", "--output=cat", f"--since=@{self._since:.0f}"]
        return subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
