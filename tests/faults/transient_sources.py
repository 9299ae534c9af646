"""What is there for a moment only: argument lists of processes, containers that do one thing, lines for syslog.

It is taken down while the plays run, and looked through afterwards: by then it is known what had to stay secret.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker_api
from docker_resources import belongs

EVERY = 0.02
SYSLOG = "/dev/log"
# What kind it is, of whom, and what was said
Moment = tuple[str, str, bytes]


def arguments() -> Iterator[bytes]:
    """Return the argument lists of all processes, those in containers too."""
    for number in os.listdir("/proc"):
        if number.isdigit():
            # A process may end while it is looked at.
            with contextlib.suppress(OSError), io.FileIO(f"/proc/{number}/cmdline") as file:
                yield file.readall() or b""


class TransientSources:
    """Takes down what happens between its beginning and its end."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._seen: set[Moment] = set()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._since = time.time()
        self._syslog: socket.socket | None = None
        self._watching: list[threading.Thread] = []

    def __enter__(self) -> TransientSources:
        self._listen()
        self._begin(self._watch_processes)
        self._begin(self._watch_containers)
        return self

    def __exit__(self, *dummy: object) -> None:
        self._end.set()
        if self._syslog:
            # Who waits for a line gets an empty one.
            self._syslog.shutdown(socket.SHUT_RDWR)
            Path(SYSLOG).unlink()

    def taken(self) -> set[Moment]:
        """Return what was seen since it was asked last."""
        if not all(thread.is_alive() for thread in self._watching):
            raise RuntimeError("nobody watches any more")
        with self._lock:
            seen, self._seen = self._seen, set()
        return seen | {("syslog", "", line) for line in self._journal()}

    def _begin(self, work: Callable[..., None], *given: object) -> None:
        self._watching.append(threading.Thread(target=work, args=given, daemon=True))
        self._watching[-1].start()

    def _add(self, *moment: Moment) -> None:
        with self._lock:
            self._seen.update(moment)

    def _watch_processes(self) -> None:
        while not self._end.wait(EVERY):
            self._add(*(("argv", "", words) for words in set(arguments())))

    # --- containers ---

    def _watch_containers(self) -> None:
        answer = docker_api.opened("/events", since=self._since, filters=json.dumps({"type": ["container"]}))
        for line in answer:
            if self._end.is_set():
                return
            event = json.loads(line)
            # Labels stand there beside the name.
            about = event["Actor"]["Attributes"]
            name = about["name"]
            if not belongs(name, about, self.prefix):
                continue
            self._add(("events", name, line))
            if event["Action"] == "create":
                details = docker_api.read(f"/containers/{event['id']}/json")
                # One that was gone first is counted apart: of it nobody knows.
                self._add(("inspect" if b'"Config"' in details else "missed container", name, details))
            elif event["Action"] == "start":
                threading.Thread(target=self._follow, args=(name, event["id"]), daemon=True).start()

    def _follow(self, name: str, container: str) -> None:
        with docker_api.opened(f"/containers/{container}/logs", follow=1, stdout=1, stderr=1) as answer:
            for line in answer:
                self._add(("log", name, line))

    # --- syslog: what Ansible's modules say there of their parameters ---

    def _listen(self) -> None:
        """Be the machine's syslog, where it has none."""
        if self._has_syslog():
            return
        Path(SYSLOG).unlink(missing_ok=True)
        self._syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._syslog.bind(SYSLOG)
        os.chmod(SYSLOG, 0o666)
        self._begin(self._watch_syslog, self._syslog)

    @staticmethod
    def _has_syslog() -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking, contextlib.suppress(OSError):
            asking.connect(SYSLOG)
            return True
        return False

    def _watch_syslog(self, listening: socket.socket) -> None:
        while not self._end.is_set():
            self._add(("syslog", "", listening.recv(1 << 20)))

    def _journal(self) -> list[bytes]:
        if self._syslog:
            return []
        if not shutil.which("journalctl"):
            raise RuntimeError(f"somebody else listens at {SYSLOG}, and there is no journalctl to ask")
        words = ["journalctl", "--quiet", "--output=cat", f"--since=@{self._since:.0f}"]
        return subprocess.run(words, capture_output=True, check=True).stdout.splitlines()
