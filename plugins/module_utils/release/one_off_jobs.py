# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One-off commands of a release: the migration and what follows it."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import paths, progress
from ..command import Process
from ..config.stack import JobSpec, MigrationSpec, Stack
from ..errors import SwitchyardError
from .context import StackContext

# So often somebody may look at a command that runs.
POLL = 0.25

LINES_SHOWN = 40

# A command may be a whole script.
WORDS_SHOWN = 160


@dataclass(frozen=True)
class OneOffJob:
    """One command: what the inventory says of it, and how it runs.

    ``name`` stands in the names of its container and its log, ``part`` is its Compose project's file in the release's
    folder, ``env`` goes into the container and can be seen: no secrets. ``look`` is called while it runs.
    Meanwhile a person is told of the ``step``, and how many ``rows`` its database has.
    """

    name: str
    service: str
    command: t.Sequence[str]
    timeout: float
    part: str = "jobs"
    env: t.Mapping[str, str] = field(default_factory=dict)
    look: t.Callable[[], None] = lambda: None
    step: str = "command"
    rows: int | None = None

    @property
    def words(self) -> str:
        """The command as a person reads it, on one line."""
        words = " ".join(" ".join(self.command).split())
        return words if len(words) <= WORDS_SHOWN else f"{words[: WORDS_SHOWN - 3]}..."


@dataclass(frozen=True)
class JobResult:
    """How a command ended: its exit code, or None where its time was over."""

    job: OneOffJob
    code: int | None
    seconds: float
    log: Path
    container: str

    @property
    def good(self) -> bool:
        """Whether it did what it should."""
        return self.code == 0

    def lines(self, number: int = LINES_SHOWN) -> list[str]:
        """Return the last lines that it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-number:]

    def error(self, more: str = "") -> SwitchyardError:
        """Return the error of a command that did not end well, with the last lines of its log."""
        over = f"was not done after {self.job.timeout:g} s and was ended"
        why = over if self.code is None else f"ended with exit code {self.code}"
        return SwitchyardError(
            f"'{self.job.words}' in the new image {why}. {more}Its whole log: {self.log}",
            logs={self.container: self.lines()},
        )

    def as_dict(self) -> dict[str, t.Any]:
        """Return what a module's result says of it."""
        return {"command": self.job.words, "seconds": round(self.seconds, 3)}


def job_of(spec: JobSpec | MigrationSpec, name: str, **more: t.Any) -> OneOffJob:
    """Return a one-off command of a stack as it runs."""
    return OneOffJob(name, spec.service, spec.command, spec.timeout, **more)


def run_one(ctx: StackContext, number: int, token: int, job: OneOffJob) -> JobResult:
    """Run a command to its end, in a one-off container of the new image.

    When its time is over, or something goes wrong here, the container is ended.
    """
    folder = ctx.records.path(number)
    ctx.lock.renew(token, job.words, job.timeout)
    container = f"{ctx.compose_project('jobs')}-{number}-{job.name}"
    args = ["docker", "compose", "-p", ctx.compose_project("jobs"), "-f", str(paths.compose_file(folder, job.part))]
    args += ["run", "--rm", "--no-deps", "--no-TTY", "--name", container]
    args += [arg for name, value in job.env.items() for arg in ("--env", f"{name}={value}")]
    args += [job.service, *job.command]
    log = folder / f"job-{job.name}.log"
    begun = time.monotonic()
    with (
        log.open("wb") as output,
        progress.report_progress(ctx.folder, job.step, lambda: (None, job.rows)),
    ):
        log.chmod(0o600)
        running = Process(args, name="docker compose run", stdout=output, stderr=output)
        try:
            code = _wait(running, job, begun + job.timeout)
        finally:
            if running.poll() is None:
                running.kill()
                left = ctx.engine.container(container)
                ctx.engine.remove([left] if left else [], timeout=10)
    return JobResult(job, code, time.monotonic() - begun, log, container)


def _wait(running: Process, job: OneOffJob, until: float) -> int | None:
    while time.monotonic() < until:
        code = running.wait(timeout=POLL)
        if code is not None:
            return code
        job.look()
    return None


def run_all(ctx: StackContext, number: int, token: int, chosen: t.Iterable[OneOffJob]) -> list[dict[str, t.Any]]:
    """Run one-off commands in their order, each once; return their seconds.

    Raises SwitchyardError with the last lines of the log when one fails or takes longer than its limit; then the rest
    does not run.
    """
    done = []
    for job in chosen:
        ended = run_one(ctx, number, token, job)
        if not ended.good:
            raise ended.error()
        done.append(ended.as_dict())
    return done


def after_migrate(stack: Stack) -> list[OneOffJob]:
    """Return the commands that follow the migration."""
    return [job_of(spec, str(index)) for index, spec in enumerate(stack.after_migrate, 2)]
