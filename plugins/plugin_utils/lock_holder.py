# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs this play, for the lock and the record of a release. For the controller only."""

from __future__ import annotations

import getpass
import os
import socket
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import ControllerProcess
from ansible_collections.switchyard.stacks.plugins.module_utils.release.unlock import ENDED, RUNS, UNKNOWN


def own_process(environment: t.Mapping[str, str]) -> ControllerProcess:
    """Return this Ansible process, with the job of GitLab CI or GitHub Actions by its environment variables.

    A task runs in a child of it.
    """
    user, machine, operator, job = getpass.getuser(), socket.gethostname(), None, None
    if environment.get("CI_JOB_URL"):
        job, operator = environment["CI_JOB_URL"], environment.get("GITLAB_USER_LOGIN")
    elif environment.get("GITHUB_RUN_ID"):
        # GitHub Actions sets these variables in each job.
        site, repository = (environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY"))
        job, operator = (
            f"{site}/{repository}/actions/runs/{environment['GITHUB_RUN_ID']}",
            environment.get("GITHUB_ACTOR"),
        )
    return ControllerProcess(user, machine, os.getppid(), operator, job)


def lock_holder(process: ControllerProcess) -> str:
    """Return who releases, for the messages of others: the user, the machine, the process and the CI job."""
    own = f"{process.user}@{process.machine}"
    text = f"{process.operator} ({own}, process {process.id})" if process.operator else f"{own} (process {process.id})"
    return f"{text}, {process.job}" if process.job else text


def as_option(process: ControllerProcess) -> dict[str, t.Any]:
    """Return a process as modules take it."""
    return {key: value for key, value in vars(process).items() if key != "extra" and value is not None}


def state_of(other: t.Mapping[str, t.Any] | None, own: ControllerProcess) -> str:
    """Return RUNS or ENDED for the process of a lock, and UNKNOWN for one of another machine or user."""
    if not other or (other["user"], other["machine"]) != (own.user, own.machine):
        return UNKNOWN
    try:
        os.kill(other["id"], 0)
    except ProcessLookupError:
        return ENDED
    except PermissionError:
        # Another user has this number now.
        return UNKNOWN
    return RUNS
