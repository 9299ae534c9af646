# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One-off commands of a release: the migration, what follows it, and the one-shots of the Compose file."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import paths, progress
from ..command import Process
from ..config.stack import JobSpec, MigrationSpec
from ..engine.compose_one_shots import MIGRATE, OneShot, job_key
from ..errors import SwitchyardError
from . import job_log
from .context import StackContext
from .record import Record

# Seconds between two calls of a job's callback.
POLL = 0.25

LINES_SHOWN = 40

# A command may be a whole script.
CHARACTERS_SHOWN = 160


@dataclass(frozen=True)
class OneOffJob:
    """One command and how it runs; without ``command`` it is the service's own. ``timeout`` is seconds.

    ``name`` is part of the names of its container and its log, ``part`` is the Compose file in the release's folder,
    ``env`` is visible in the container: no secrets. ``on_poll`` is called while it runs. ``step`` and
    ``rows`` of its database are shown as progress. A release continues when a job fails that is not ``required``.
    """

    name: str
    service: str
    command: t.Sequence[str]
    timeout: float
    part: str = "jobs"
    env: t.Mapping[str, str] = field(default_factory=dict)
    on_poll: t.Callable[[], None] = lambda: None
    step: str = "command"
    rows: int | None = None
    required: bool = True

    @property
    def command_line(self) -> str:
        """The command for messages, on one line; a service's own command is known by the service."""
        text = " ".join(" ".join(self.command).split()) or f"one-shot {self.service}"
        return text if len(text) <= CHARACTERS_SHOWN else f"{text[: CHARACTERS_SHOWN - 3]}..."


@dataclass(frozen=True)
class JobResult:
    """How a command ended: its exit code, or None when it was stopped at its time limit."""

    job: OneOffJob
    code: int | None
    seconds: float
    log: Path
    container: str

    @property
    def succeeded(self) -> bool:
        """Whether the command ended with exit code 0."""
        return self.code == 0

    def lines(self, number: int = LINES_SHOWN) -> list[str]:
        """Return the last lines of the log."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-number:]

    def error(self, more: str = "") -> SwitchyardError:
        """Return the error of a command that failed, with the last lines of its log."""
        timed_out = f"was not done after {self.job.timeout:g} s and was stopped"
        reason = timed_out if self.code is None else f"ended with exit code {self.code}"
        if not self.job.command and self.code is None:
            more = f"A one-shot ends by itself, and exit code 0 is success. {more}"
        subject = f"'{self.job.command_line}' in the new image" if self.job.command else f"The {self.job.command_line}"
        return SwitchyardError(
            f"{subject} {reason}. {more}Its whole log: {self.log}",
            logs={self.container: self.lines()},
        )

    @property
    def summary(self) -> JobSummary:
        """The command, its exit code and its seconds."""
        return JobSummary(self.job.command_line, self.code, round(self.seconds, 3))


@dataclass(frozen=True)
class JobSummary:
    """What a module returns of a command that ended; ``exit_code`` is None when it was stopped at its time limit."""

    command: str
    exit_code: int | None
    seconds: float


def job_of(spec: JobSpec | MigrationSpec, name: str, **more: t.Any) -> OneOffJob:
    """Return a one-off command of a stack as it runs."""
    return OneOffJob(name, spec.service, spec.command, spec.timeout, **more)


def run_one(ctx: StackContext, number: int, token: int, job: OneOffJob) -> JobResult:
    """Run a command to its end, in a one-off container of the new image.

    The container is removed at the command's time limit, and when this process fails.
    """
    folder = ctx.records.path(number)
    ctx.lock.renew(token, job.command_line, job.timeout)
    container = f"{ctx.compose_project('jobs')}-{number}-{job.name}"
    args = ["docker", "compose", "-p", ctx.compose_project("jobs"), "-f", str(paths.compose_file(folder, job.part))]
    args += ["run", "--rm", "--no-deps", "--no-TTY", "--name", container]
    args += [arg for name, value in job.env.items() for arg in ("--env", f"{name}={value}")]
    args += [job.service, *job.command]
    log = folder / f"job-{job.name}.log"
    begin = time.monotonic()
    with (
        # The command appends, so that its log can be shortened while it runs.
        log.open("ab") as output,
        progress.report_progress(ctx.folder, job.step, lambda: (None, job.rows)),
    ):
        log.chmod(0o600)
        log.write_bytes(b"")
        process = Process(args, name="docker compose run", stdout=output, stderr=output)
        try:
            code = _wait(process, job, begin + job.timeout, log)
        finally:
            if process.poll() is None:
                process.kill()
                leftover = ctx.engine.container(container)
                ctx.engine.remove([leftover] if leftover else [], timeout=10)
            job_log.shorten(log)
    return JobResult(job, code, time.monotonic() - begin, log, container)


def _wait(process: Process, job: OneOffJob, until: float, log: Path) -> int | None:
    while time.monotonic() < until:
        code = process.wait(timeout=POLL)
        if code is not None:
            return code
        job_log.shorten(log)
        job.on_poll()
    return None


def run_all(ctx: StackContext, number: int, token: int, jobs: t.Iterable[OneOffJob]) -> list[JobSummary]:
    """Run one-off commands in their order, each once; return them with their seconds.

    Raises SwitchyardError with the last lines of the log when one fails or reaches its time limit; the next ones do
    not run then.
    """
    results = []
    for job in jobs:
        result = run_one(ctx, number, token, job)
        if not result.succeeded and job.required:
            raise result.error()
        results.append(result.summary)
    return results


def sequence(record: Record) -> tuple[list[OneOffJob], list[OneOffJob]]:
    """Return what runs before the migration of a release, and what follows it, both in their order."""
    before = [_one_shot(one) for one in record.one_shots if one.before == MIGRATE]
    after: list[OneOffJob] = []
    for index, spec in enumerate(record.stack.after_migrate):
        after += [_one_shot(one) for one in record.one_shots if one.before == job_key(index)]
        # The migration is number 1.
        after.append(job_of(spec, str(index + 2)))
    return before, after + [_one_shot(one) for one in record.one_shots if not one.before]


def _one_shot(one: OneShot) -> OneOffJob:
    return OneOffJob(f"one-shot-{one.service}", one.service, (), JobSpec.timeout, required=one.required)
