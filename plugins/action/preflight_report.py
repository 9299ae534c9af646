# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes and shows one report of what preflight found on all servers, and fails where it has errors."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ERROR, SEVERITIES, WARNING
from ansible_collections.switchyard.stacks.plugins.plugin_utils.failure import failure
from ansible_collections.switchyard.stacks.plugins.plugin_utils.junit_report import as_junit
from ansible_collections.switchyard.stacks.plugins.plugin_utils.preflight_report import (
    PreflightReport,
    as_json,
    as_text,
    counted,
    in_short,
    report_of,
)

FORMATS: dict[str, t.Callable[[PreflightReport], str]] = {".txt": as_text, ".json": as_json, ".xml": as_junit}

display = Display()


class ActionModule(ActionBase):
    """Report the results of the module ``preflight``, which the play has for each server."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the report; failed where it has errors."""
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        args = self._task.args
        path = args.get("path") or ""
        if path and Path(path).suffix not in FORMATS:
            raise AnsibleActionFail(f"{path} is not the name of a report. It ends with one of {', '.join(FORMATS)}.")
        result["changed"] = False
        if not args.get("results"):
            return result
        results = results_of(args["results"], task_vars)
        is_short = args.get("detail") == "short"
        # Where nothing changes, nothing has to be confirmed.
        questions = ERROR if is_short and not self._task.check_mode else WARNING
        report = report_of(results, args["project"], args["environment"], questions)
        if path:
            write(path, report)
        result["counts"] = {f"{severity}s": len(report.of(severity)) for severity in SEVERITIES}
        text = in_short(report) if is_short else as_text(report)
        errors = report.of(ERROR)
        if errors and is_short:
            listed = [f"  {number}. {item}" for number, item in enumerate(errors, 1)]
            heading = f"Nothing was changed. These problems prevent it ({len(errors)}):"
            raise failure("\n".join([heading, *listed, *text.splitlines()]), counts=result["counts"])
        if text:
            display.display(text)
        if errors:
            count = counted(len(errors), ERROR)
            message = f"Nothing was changed. {count}, listed first in the report above, prevent a release"
            raise failure(message, counts=result["counts"])
        return result


def results_of(register: str, task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Mapping[str, t.Any]]:
    """Return the result of preflight of each server that is still part of the play."""
    hosts = task_vars.get("ansible_play_hosts") or [task_vars["inventory_hostname"]]
    return {host: task_vars["hostvars"][host][register] for host in hosts}


def write(path: str, report: PreflightReport) -> None:
    """Write the report in the format of the file's extension; a relative path starts at the current folder."""
    file = Path(path).expanduser().absolute()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_file.write(file, FORMATS[file.suffix](report))
    except OSError as error:
        raise AnsibleActionFail(f"The report cannot be written to {file} ({error.strerror}).") from error
