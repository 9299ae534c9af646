# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of a long step: shows the server's progress reports while the module runs.

The module runs as usual. A thread reads the file of ``module_utils/progress.py`` over a connection of its own, with the
options of the task's connection. A failure there ends the display and nothing else.
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import shlex
import threading
import time
import typing as t
from pathlib import Path

from ansible.plugins.action.normal import ActionModule as Normal
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

from ansible_collections.switchyard.stacks.plugins.module_utils import paths, progress
from ansible_collections.switchyard.stacks.plugins.plugin_utils.cached_module import CachedModuleAction

# Seconds before the first line and at least between two lines; 0 shows none.
VARIABLE = "switchyard_progress"
SECONDS = 5.0

display = Display()


class ProgressAction(CachedModuleAction, Normal):
    """Runs the module of the same name, and shows its progress when it takes long."""

    # Whether it also reports in the stack's own folder, and not only in the folder of its backups
    releases = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return what the module returns."""
        with self.progress_shown(task_vars or {}):
            result: dict[str, t.Any] = super().run(tmp, task_vars)
        return result

    @property
    def stack(self) -> str:
        """The name of the stack that the task is about."""
        return str(self._task.args["stack"])

    def read_progress(self) -> progress.Progress | None:
        """Return the server's present report, or None."""
        args = self._task.args
        names = (Path(args.get("root") or paths.ROOT), args["project"], args["environment"], self.stack)
        folders = [paths.stack_folder(*names)] if self.releases else []
        source = (args["accessory"], args["database"]) if args.get("accessory") and args.get("database") else None
        folders += [paths.backup_store_folder(*names, source)]
        reports = [folder / progress.NAME for folder in folders]
        process = args.get("lock_process")
        if self.releases and process:
            # While this run waits for the lock, the other reports are those of the run that holds it.
            reports.insert(0, folders[0] / progress.waiting_name(process["machine"], process["id"]))
        files = " ".join(shlex.quote(str(report)) for report in reports)
        answer = self._low_level_execute_command(f"cat -- {files} 2>/dev/null; date +%s")
        return progress.read(answer["stdout"])

    def progress_seconds(self, task_vars: dict[str, t.Any]) -> float:
        """Return the seconds before the first line; 0 for no lines, also where the variable is not a number."""
        try:
            return float(self._templar.template(task_vars.get(VARIABLE, SECONDS)))
        except (TypeError, ValueError):
            return 0.0

    def host_prefix(self, task_vars: dict[str, t.Any]) -> str:
        """Return the start of a line about this host; empty where the play has no other one."""
        hosts = task_vars.get("ansible_play_hosts_all") or []
        return f"[{task_vars['inventory_hostname']}] " if len(hosts) > 1 else ""

    @contextlib.contextmanager
    def progress_shown(self, task_vars: dict[str, t.Any], read: Reader | None = None) -> t.Iterator[None]:
        """Show the progress of the module that runs in this context, or of the work that ``read`` reads it of."""
        printer = None
        # The module reports invalid arguments.
        with contextlib.suppress(Exception):
            seconds = self.progress_seconds(task_vars)
            # A task with async polls over the connection that this one would be copied from.
            if seconds > 0 and not self._task.async_val and not self._task.check_mode:
                printer = ProgressPrinter(self, seconds, self.host_prefix(task_vars), read)
        if not printer:
            yield
            return
        printer.start()
        try:
            yield
        finally:
            printer.end()

    def with_own_connection(self) -> ProgressAction:
        """Return a copy of this action with another connection: two commands at once need two."""
        original = self._connection
        # By the name with which Ansible loaded the original
        connection = connection_loader.get(self._play_context.connection, self._play_context, shell=original._shell)
        connection.set_options(direct=original.get_options())
        # A become plugin stores the prompt of its last command.
        connection.set_become_plugin(copy.copy(original.become))
        action = copy.copy(self)
        action._connection = connection
        return action


# Reads the progress of a step over the connection of an action; None where there is nothing to show.
Reader = t.Callable[[ProgressAction], t.Optional[progress.Progress]]


def received(path: str, size: int, step: str) -> Reader:
    """Return a reader of how much of a file the server has received; ``size`` is in bytes."""
    started = time.time()

    def read(action: ProgressAction) -> progress.Progress | None:
        answer = action._low_level_execute_command(f"stat -c %s -- {shlex.quote(path)} 2>/dev/null")
        text = answer["stdout"].strip()
        return progress.Progress(step, started, time.time(), int(text), size, "bytes") if text.isdigit() else None

    return read


@contextlib.contextmanager
def bytes_shown(
    stack: str, environment: str, step: str, amount: t.Callable[[], progress.Amount], first: float = SECONDS
) -> t.Iterator[None]:
    """Print lines about the bytes that a step of the controller has processed in this context."""
    started, before = time.time(), None

    def line(_passed: float) -> str:
        nonlocal before
        now = progress.Progress(step, started, time.time(), *amount(), "bytes")
        text, before = progress.line(stack, environment, now, before), now
        return text

    with lines_shown(line, first):
        yield


@contextlib.contextmanager
def lines_shown(line: t.Callable[[float], str], first: float = SECONDS) -> t.Iterator[None]:
    """Print lines about work of the controller in this context; ``line`` gets the seconds since its beginning.

    ``first`` is the number of seconds before the first line; 0 for none.
    """
    if first <= 0:
        yield
        return
    ended = threading.Event()

    def show() -> None:
        # The work continues without lines.
        with contextlib.suppress(Exception):
            begin, pause = time.monotonic(), first
            while not ended.wait(pause):
                passed = time.monotonic() - begin
                display.display(line(passed), stderr=True)
                pause = progress.pause(passed, first)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(show,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class ProgressPrinter:
    """A thread that prints progress lines until it is ended."""

    def __init__(self, action: ProgressAction, first: float, host: str, read: Reader | None = None) -> None:
        self._action, self._first, self._host = action, first, host
        self._read = read or (lambda action: action.read_progress())
        self._ended = threading.Event()
        self._printing = threading.Lock()

    def start(self) -> None:
        """Start the thread."""
        # Ansible stores the running task in a context variable.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run,), daemon=True).start()

    def end(self) -> None:
        """Print nothing from now on.

        This does not wait for a running query, but for a line that is being printed: its thread holds the queue of all
        workers.
        """
        with self._printing:
            self._ended.set()

    def _run(self) -> None:
        # The module continues when this connection ends.
        with contextlib.suppress(Exception):
            self._print_lines()

    def _print_lines(self) -> None:
        begin, pause = time.monotonic(), self._first
        action: ProgressAction | None = None
        before: progress.Progress | None = None
        while not self._ended.wait(pause):
            action = action or self._action.with_own_connection()
            report = self._read(action)
            if report:
                line = progress.line(action.stack, action._task.args["environment"], report, before)
                with self._printing:
                    if self._ended.is_set():
                        return
                    # Standard error: a program that reads the play's output is not disturbed.
                    display.display(f"{self._host}{line}", stderr=True)
                before = report
            pause = progress.pause(time.monotonic() - begin, self._first)
