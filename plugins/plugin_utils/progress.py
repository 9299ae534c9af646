# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of a long step: what it tells on the server is shown while the module runs.

The module runs as every module does. Beside it a thread looks at the file of ``module_utils/progress.py`` through a
connection of its own, which has the options of the task's connection. It only shows: whatever goes wrong there ends
what is shown, and nothing else.
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

# The seconds before the first line, and at least between two; 0 shows nothing.
VARIABLE = "switchyard_progress"
SECONDS = 5.0

display = Display()


class Watched(Normal):
    """Run the module of the same name, and show how far it is when it takes long."""

    # Whether it works in the stack's own folder too, and not only with its backups.
    releases = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return what the module returns."""
        with self._shown(task_vars or {}):
            result: dict[str, t.Any] = super().run(tmp, task_vars)
        return result

    def look(self) -> progress.Progress | None:
        """Return what the server tells now."""
        args = self._task.args
        where = (Path(args.get("root") or paths.ROOT), args["project"], args["environment"], args["stack"])
        folders = [paths.stack_folder(*where)] if self.releases else []
        folders += [paths.backup_store_folder(*where)]
        words = " ".join(shlex.quote(str(folder / progress.NAME)) for folder in folders)
        answer = self._low_level_execute_command(f"cat -- {words} 2>/dev/null; date +%s")
        return progress.read(answer["stdout"])

    @contextlib.contextmanager
    def _shown(self, task_vars: dict[str, t.Any]) -> t.Iterator[None]:
        shower = None
        # What is wrong with the task is for the module to say.
        with contextlib.suppress(Exception):
            seconds = float(self._templar.template(task_vars.get(VARIABLE, SECONDS)))
            # A task that polls has no connection meanwhile that this one could go beside.
            if seconds > 0 and not self._task.async_val and not self._task.check_mode:
                hosts = task_vars.get("ansible_play_hosts_all") or []
                host = f"[{task_vars['inventory_hostname']}] " if len(hosts) > 1 else ""
                shower = _Shower(self, seconds, host)
        if not shower:
            yield
            return
        shower.start()
        try:
            yield
        finally:
            shower.end()

    def beside(self) -> Watched:
        """Return this action with a connection of its own: two commands at once need two."""
        mine = self._connection
        # The name by which Ansible loaded the first one
        other = connection_loader.get(self._play_context.connection, self._play_context, shell=mine._shell)
        other.set_options(direct=mine.get_options())
        # It remembers the prompt of its last command.
        other.set_become_plugin(copy.copy(mine.become))
        action = copy.copy(self)
        action._connection = other
        return action


class _Shower:
    """A thread that shows lines until it is ended."""

    def __init__(self, action: Watched, first: float, host: str) -> None:
        self._action, self._first, self._host = action, first, host
        self._over = threading.Event()
        self._showing = threading.Lock()

    def start(self) -> None:
        """Begin to wait for the first line."""
        # Ansible keeps the task that runs in a variable of the context.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run,), daemon=True).start()

    def end(self) -> None:
        """Show nothing from now on.

        A look that is under way is not waited for. A line is: its thread holds the queue of all workers meanwhile.
        """
        with self._showing:
            self._over.set()

    def _run(self) -> None:
        # The module goes on, whatever happened to the other connection.
        with contextlib.suppress(Exception):
            self._show()

    def _show(self) -> None:
        begun, pause = time.monotonic(), self._first
        action: Watched | None = None
        before: progress.Progress | None = None
        while not self._over.wait(pause):
            action = action or self._action.beside()
            told = action.look()
            if told:
                args = action._task.args
                line = progress.line(args["stack"], args["environment"], told, before)
                with self._showing:
                    if self._over.is_set():
                        return
                    # What reads the output of a play is not disturbed.
                    display.display(f"{self._host}{line}", stderr=True)
                before = told
            pause = progress.pause(time.monotonic() - begun, self._first)
