# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that continues when the connection to the controller is lost.

Ansible's module is a child of a session of SSH, and often of sudo, which end it with the connection. The work runs in a
process with a session of its own and without their pipes; the module waits for its result.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
import typing as t

from ..errors import SwitchyardError

Outcome = dict[str, t.Any]


class WorkInterrupted(SwitchyardError):
    """The process of the work was asked to end, with SIGTERM."""


def run_detached(work: t.Callable[[], Outcome]) -> Outcome:
    """Return what the work returns, from a process that outlives this one and its terminal.

    An unexpected error of the work is in ``exception`` of the outcome. SIGTERM to that process raises WorkInterrupted
    in the work, once.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _run(work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    _pid, status = os.waitpid(child, 0)
    if not answer:
        ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"
        text = f"The process of the release on the server ended without a result ({ended})."
        return {"failed": True, "msg": f"{text} Run the same command again: it finishes or reverts what was begun."}
    outcome: Outcome = json.loads(answer)
    return outcome


def _run(work: t.Callable[[], Outcome], writer: int) -> t.NoReturn:
    """Work in this process, write the outcome, and end."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _interrupt)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        try:
            outcome = work()
        except Exception as error:  # pylint: disable=broad-exception-caught
            text = f"Unexpected {type(error).__name__}: {error}"
            outcome = {"failed": True, "msg": text, "exception": traceback.format_exc()}
        code = 0
        # Where the module is gone, the record has the outcome.
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(json.dumps(outcome, default=str).encode())
    except BrokenPipeError:
        pass
    finally:
        # Without the clean-up of the process that this one is a copy of.
        os._exit(code)


def ignore_interruption() -> None:
    """Let nothing interrupt the work any more: what follows is the way back."""
    if signal.getsignal(signal.SIGTERM) is _interrupt:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _interrupt(_number: int, _frame: object) -> t.NoReturn:
    ignore_interruption()
    raise WorkInterrupted("The release was asked to end.")
