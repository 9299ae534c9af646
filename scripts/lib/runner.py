"""Runs steps: one after the other, or several at the same time within their limits."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import junit
from junit import Count

# A warning of Ansible fails the step: warnings in a green run would go unread.
ANSIBLE_WARNING = re.compile(r"^(?:\x1b\[[0-9;]*m)?\[(?:DEPRECATION )?WARNING\]: .*", re.MULTILINE)

# Steps that run at the same time. Scenarios wait more than they compute, so that there are more than processors.
SLOTS = 3


@dataclasses.dataclass(frozen=True)
class Step:
    """One command. It counts as one test, except that pytest counts its own.

    ``uses`` names what no two steps may use at the same time. A ``quiet`` step starts when the light parts are done,
    for its clients count every request. ``limit`` is in seconds.
    """

    name: str
    command: list[str]
    limit: int = 300
    pytest: bool = False
    warnings_fail: bool = False
    uses: frozenset[str] = frozenset()
    quiet: bool = False


@dataclasses.dataclass(frozen=True)
class Together:
    """Steps that may run at the same time. ``repair`` runs after a failure, when no other of them runs."""

    steps: tuple[Step, ...]
    repair: tuple[tuple[str, ...], ...] = ()


class Runner:
    """Runs steps, keeps their logs and results, and ends them on Ctrl-C."""

    def __init__(self, root: Path, logs: Path, environment: dict[str, str]) -> None:
        self._root = root
        self._logs = logs
        self._results = logs / "junit"
        self._results.mkdir(parents=True)
        self._environment = environment
        self._screen = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self.light_parts_done = threading.Event()
        self.stopped = False

    def say(self, text: str) -> None:
        """Print text as a whole."""
        with self._screen:
            print(text, flush=True)

    def run(self, part: str, step: Step) -> Count:
        """Run one step, print its line, and count its tests."""
        started = time.monotonic()
        slug = re.sub("[^a-z0-9.]+", "-", step.name.lower())
        log, result = self._logs / f"{slug}.log", self._results / f"{slug}.xml"
        command = [*step.command, f"--junitxml={result}", "-o", f"junit_suite_name={slug}"]
        code = self._execute(command if step.pytest else step.command, log, step.limit)
        seconds = time.monotonic() - started
        text = log.read_text(errors="replace")
        warnings = ANSIBLE_WARNING.findall(text) if step.warnings_fail else []
        reason = failure_reason(code, step.limit, warnings)
        files = [result]
        tail = warnings or text.splitlines()[-40:]
        if not step.pytest:
            junit.write_case(result, part, step.name, seconds, "\n".join([reason, *tail]) if reason else "")
        elif reason and not junit.count(files).failed:
            # pytest failed as a whole: a timeout, a crash, or no test at all.
            files.append(self._results / f"{slug}.step.xml")
            junit.write_case(files[-1], part, step.name, seconds, "\n".join([reason, *tail]))
        count = junit.count(files)
        if reason:
            shown = "\n".join(f"    | {line}" for line in tail)
            self.say(f"FAILED  {step.name}: {reason} (all of it: {log.relative_to(self._root)})\n{shown}")
        self.say(f"        {step.name:<28} {'FAILED' if count.failed else 'ok':<7} {seconds:6.1f} s")
        return count

    def _execute(self, command: list[str], log: Path, limit: int) -> int | None:
        """Run a command and return its exit code; None when it ran into its limit."""
        with log.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=self._root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
            if self.stopped:
                # stop() came after the start and before this process was known to it.
                end(process)
            try:
                return process.wait(timeout=limit)
            except subprocess.TimeoutExpired:
                return None
            finally:
                end(process)
                self._running.discard(process)

    def run_quietly(self, command: Iterable[str]) -> None:
        """Run a command for its effect; its result counts nowhere."""
        subprocess.run(
            list(command),
            cwd=self._root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            check=False,
        )

    def run_together(self, part: str, group: Together) -> Count:
        """Run steps at the same time, within their limits, and count their tests."""
        schedule = Schedule(group.steps, self.light_parts_done)
        total = Count()
        with concurrent.futures.ThreadPoolExecutor(SLOTS) as pool:
            for count in pool.map(lambda slot: self._work(part, group, schedule), range(SLOTS)):
                total += count
        return total

    def _work(self, part: str, group: Together, schedule: Schedule) -> Count:
        total = Count()
        while not self.stopped:
            step = schedule.take(lambda: self.stopped)
            if step is None:
                break
            failed = True
            try:
                count = self.run(part, step)
                total += count
                failed = bool(count.failed)
            finally:
                schedule.done(step, failed)
            if failed and not self.stopped:
                schedule.alone(lambda: [self.run_quietly(command) for command in group.repair])
        return total

    def stop(self) -> None:
        """End every running step and start no other."""
        self.stopped = True
        for process in list(self._running):
            end(process)


class Schedule:
    """Decides which of several steps may start. Its methods are called from several threads."""

    def __init__(self, steps: Iterable[Step], light_parts_done: threading.Event) -> None:
        self._waiting = list(steps)
        self._running: list[Step] = []
        self._failures = 0
        self._light_parts_done = light_parts_done
        self._changed = threading.Condition()

    def next_step(self) -> Step | None:
        """The first step that may start now."""
        alone = self._light_parts_done.is_set()
        # Until then the light parts take one of the slots.
        if len(self._running) >= (SLOTS if alone else SLOTS - 1) or self._failures:
            return None
        used = {name for step in self._running for name in step.uses}
        return next((step for step in self._waiting if not step.uses & used and (alone or not step.quiet)), None)

    def take(self, stopped: Callable[[], bool] = lambda: False) -> Step | None:
        """Wait for a step that may start, and start it; None when no step is left."""
        with self._changed:
            while self._waiting and not stopped():
                step = self.next_step()
                if step:
                    self._waiting.remove(step)
                    self._running.append(step)
                    return step
                # The end of the light parts notifies no condition.
                self._changed.wait(0.2)
            return None

    def done(self, step: Step, failed: bool) -> None:
        """Record the end of a step. After a failure no step starts before ``alone`` was called."""
        with self._changed:
            self._running.remove(step)
            self._failures += failed
            self._changed.notify_all()

    def alone(self, repair: Callable[[], object]) -> None:
        """Run ``repair`` when no step runs, once for all failures until then."""
        with self._changed:
            while self._running:
                self._changed.wait()
            if self._failures:
                repair()
                self._failures = 0
            self._changed.notify_all()


def failure_reason(code: int | None, limit: int, warnings: list[str]) -> str:
    """Why a step failed; empty when it did not."""
    if code is None:
        return f"ran longer than {limit} s"
    if code:
        return f"exit code {code}"
    return "Ansible warned" if warnings else ""


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, with its children."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
