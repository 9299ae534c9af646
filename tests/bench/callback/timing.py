# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes when each task began and ended, for the release benchmark."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: timing
type: aggregate
short_description: Write the begin and end of each task to a file
description:
  - The file named by E(TIMING_FILE) gets one JSON object a line, times in seconds since the epoch.
"""

# Actions that never leave the controller; everything else is a module call on a server.
LOCAL = {
    "include_tasks",
    "include_role",
    "import_role",
    "debug",
    "fail",
    "assert",
    "set_fact",
    "validate_argument_spec",
}


class CallbackModule(CallbackBase):
    """Follow every task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "timing"

    def __init__(self) -> None:
        super().__init__()
        self.path = os.environ["TIMING_FILE"]

    def write(self, event: str, **values: t.Any) -> None:
        """Append one line."""
        with open(self.path, "a", encoding="utf-8") as handle:
            handle.write(json.dumps({"event": event, "time": time.time(), **values}) + "\n")

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        """Note the begin of a task."""
        self.write("begin", name=task.get_name())

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Note the end of a task that ran."""
        task, answer = result.task, result.result
        remote = task.action.split(".")[-1] not in LOCAL
        waited = answer.get("gate_seconds", 0)
        self.write("end", name=task.get_name(), action=task.action, remote=remote, waited=waited)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """Note the end of the play."""
        self.write("stats")
