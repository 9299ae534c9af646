"""Locks under which another process works than the one that runs the tests."""

from __future__ import annotations

import os
from dataclasses import replace

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release import server_process
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import LockFile, LockState, ReleaseLock
from ansible_collections.switchyard.stacks.plugins.module_utils.release.server_process import ServerProcess

# A process that runs no longer.
KILLED = ServerProcess(7, 1, "an earlier boot")


def running_process() -> ServerProcess:
    """Return a process of this machine that runs, and is not this one."""
    number = os.getppid()
    started = server_process._started(number)
    assert started
    return ServerProcess(number, started, server_process._boot())


def worked_at_by(lock: ReleaseLock, process: ServerProcess) -> LockState:
    """Let another process be the one that works under the held lock."""
    held = lock.state()
    assert held
    other = replace(held, server_process=process)
    state_file.save(lock.path, LockFile(held.token, other))
    return other
