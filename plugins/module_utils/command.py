# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of this server: run to their end, or running while this process does something else.

This is the only place that starts a process. Arguments are lists and never pass through a shell. They can be read in
``/proc`` by every user of the server, so secrets go through files, the environment or standard input. Messages name
the program, never its arguments.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .errors import SwitchyardError

# Lines of a command's output that its error shows.
LINES = 12

# The target of a stream of a Process: this process, or standard output for standard error.
PIPE = subprocess.PIPE
STDOUT = subprocess.STDOUT

Arguments = t.Sequence[str]


class CommandError(SwitchyardError):
    """A command did not start, did not end in time, or failed.

    ``code`` is its exit code, None where it has none; ``output`` is everything that it wrote to standard error.
    """

    def __init__(self, message: str, code: int | None = None, output: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.output = output


@dataclass(frozen=True)
class Result:
    """What a command wrote, and its exit code."""

    code: int
    stdout: str
    stderr: str


class Process:
    """A command that runs while this process does something else; every stream is ``/dev/null`` unless given."""

    def __init__(
        self,
        args: Arguments,
        *,
        name: str = "",
        stdin: int | t.IO[bytes] = subprocess.DEVNULL,
        stdout: int | t.IO[bytes] = subprocess.DEVNULL,
        stderr: int | t.IO[bytes] = subprocess.DEVNULL,
        env: t.Mapping[str, str] | None = None,
        cwd: Path | None = None,
        new_session: bool = False,
    ) -> None:
        """Start the command. Raises CommandError where there is no such program.

        ``name`` is what messages call the command, ``env`` its whole environment; ``new_session`` keeps signals of the
        terminal away from it.
        """
        self.name = name or args[0]
        try:
            # AnsibleModule.run_command needs a module and waits for the end; this code also runs from a timer.
            # pylint: disable-next=ansible-bad-function,consider-using-with
            self._popen: subprocess.Popen[bytes] = subprocess.Popen(
                list(args), stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd, start_new_session=new_session
            )
        except OSError as error:
            raise CommandError(f"{self.name} cannot be started: {error.strerror}.") from error

    @property
    def stdin(self) -> t.IO[bytes]:
        """The pipe to its standard input; only where it was started with ``PIPE``."""
        return t.cast("t.IO[bytes]", self._popen.stdin)

    @property
    def stdout(self) -> t.IO[bytes]:
        """The pipe from its standard output; only where it was started with ``PIPE``."""
        return t.cast("t.IO[bytes]", self._popen.stdout)

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._popen.poll()

    def wait(self, timeout: float | None = None) -> int | None:
        """Return the exit code, or None where the command still runs after ``timeout`` seconds."""
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def communicate(self, stdin: bytes | None, timeout: float | None) -> tuple[bytes, bytes]:
        """Write all of standard input, and return standard output and error; kill the command after ``timeout``."""
        try:
            stdout, stderr = self._popen.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            raise CommandError(f"{self.name} was not done after {timeout:g} s.") from None
        finally:
            self.kill()
            self.close()
        return stdout or b"", stderr or b""

    def kill(self, grace: float = 0) -> None:
        """End the command: wait ``grace`` seconds for it, then kill it. One that has ended is left alone."""
        if grace:
            self.wait(grace)
        if self.poll() is None:
            self._popen.kill()
            self._popen.wait()

    def close(self) -> None:
        """Close the pipes of this process."""
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()


def run(
    args: Arguments,
    *,
    name: str = "",
    timeout: float | None = None,
    stdin: str | None = None,
    env: t.Mapping[str, str] | None = None,
    inherit: t.Collection[str] | None = None,
    cwd: Path | None = None,
    merge: bool = False,
    output: t.IO[bytes] | None = None,
    check: bool = True,
) -> Result:
    """Run a command to its end.

    ``name`` is what messages call it, the program where empty. It is killed after ``timeout`` seconds. ``env`` is
    added to the variables of this process, of which only those named in ``inherit`` are passed on (all where None).
    ``merge`` makes standard error part of standard output; ``output`` is a file for both, and the result has no text
    then. Raises CommandError where the command does not start or does not end in time, and with ``check`` also for an
    exit code other than 0, with the last lines of standard error.
    """
    own = {key: value for key, value in os.environ.items() if inherit is None or key in inherit}
    process = Process(
        args,
        name=name,
        stdin=PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=output or PIPE,
        stderr=STDOUT if merge or output else PIPE,
        env={**own, **(env or {})},
        cwd=cwd,
    )
    stdout, stderr = process.communicate(stdin.encode() if stdin is not None else None, timeout)
    result = Result(process.poll() or 0, _text(stdout), _text(stderr))
    if check and result.code:
        raise failure(process.name, result.code, result.stdout if merge else result.stderr)
    return result


def failure(name: str, code: int, output: str) -> CommandError:
    """Return the error of a command that ended with another exit code than 0, with the last lines of its output."""
    shown = "\n".join(output.strip().splitlines()[-LINES:])
    return CommandError(f"{name} ended with exit code {code}: {shown or 'it wrote nothing.'}", code, output)


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")
