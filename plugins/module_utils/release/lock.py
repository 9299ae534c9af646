# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release lock of a stack: a lock file with an end and a fencing token.

The holder renews it with every step, and the lock names the process of the server that works at the step. Another run
takes it over only when it has expired, when that process was killed, or when the controller is known to have ended and
nothing of it works here any more. Each token is higher than the one before; a step with an old token fails, so a
release that lost its lock changes nothing when it continues.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import atomic_file, paths, state_file
from ..backup import display
from ..errors import LockHeld, LockLost
from .server_process import ServerProcess

# Seconds beyond a step's own limit: what comes between two steps takes far less.
MARGIN = 60.0

# Seconds between two attempts to take a lock that another run holds.
RETRY_EVERY = 1.0

# Seconds between renewals during a step without a limit: well within the margin.
RENEW_EVERY = 15.0


@dataclass(frozen=True)
class ControllerProcess:
    """The Ansible process that releases: its user, its machine, and its process id there.

    ``operator`` is who started it, in a CI job the user of the CI; ``job`` is the URL of that job.
    """

    user: str
    machine: str
    id: int
    operator: str | None = None
    job: str | None = None
    extra: dict[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LockState:
    """The lock while it is held: by whom, since when, at which step, and until when (seconds since the epoch).

    ``holder`` is the text for other users. ``server_process`` is the process on this server that works at the step;
    None between two steps.
    """

    token: int
    holder: str
    since: float
    step: str
    until: float
    process: ControllerProcess | None = field(default=None, metadata=state_file.nested(ControllerProcess))
    server_process: ServerProcess | None = field(default=None, metadata=state_file.nested(ServerProcess))
    extra: dict[str, t.Any] = field(default_factory=dict)

    def sentence(self, stack: str, now: float) -> str:
        """Return who releases a stack, for the messages of other users; ``now`` in seconds since the epoch."""
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.since))
        age = display.age(now - self.since)
        return f"{stack} is being released by {self.holder} since {since} (for {age}, step: {self.step})"

    def works(self) -> bool:
        """Return whether the holder's process on this server runs, and is not this one."""
        return self.server_process is not None and self.server_process.runs

    def was_killed(self) -> bool:
        """Return whether the holder's process on this server ended in the middle of a step."""
        return self.server_process not in (None, ServerProcess.current()) and not self.works()

    def is_stale(self, now: float) -> bool:
        """Return whether the next run takes the lock over; ``now`` in seconds since the epoch."""
        return self.until <= now or self.was_killed()


@state_file.register(paths.LOCK)
@dataclass(frozen=True)
class LockFile:
    """The content of the lock file: the last token that was given out, and the lock while it is held."""

    token: int = 0
    lock: LockState | None = field(default=None, metadata=state_file.nested(LockState))
    extra: dict[str, t.Any] = field(default_factory=dict)


# The locks under which this process has worked, with their tokens.
_WORKED_UNDER: set[tuple[Path, int]] = set()


class ReleaseLock:
    """The lock file of one stack and environment on this server."""

    def __init__(self, folder: Path, stack: str, now: t.Callable[[], float] = time.time) -> None:
        """Take the stack's folder; ``now`` returns seconds since the epoch."""
        self.path = folder / paths.LOCK
        self.guard = folder / paths.LOCK_GUARD
        self.stack = stack
        self.now = now

    def state(self) -> LockState | None:
        """Return the lock, or None when it is free. A stale lock counts as held until another run takes it."""
        return self._read().lock

    def assert_free(self, hint: str = "Wait until that is done.") -> None:
        """Raise LockHeld while the lock is held and not stale."""
        lock = self.state()
        if lock and not lock.is_stale(self.now()):
            raise LockHeld(f"{lock.sentence(self.stack, self.now())}.", hint=hint, lock=state_file.as_json(lock))

    def take(
        self,
        holder: str,
        step: str,
        busy: t.Callable[[], str | None],
        stale_token: int | None = None,
        process: ControllerProcess | None = None,
        wait: float = 0.0,
    ) -> LockState:
        """Take the lock, within ``wait`` seconds.

        ``busy`` returns what of the last holder still runs and must not be stopped, or None. ``stale_token`` is the
        token of a holder whose controller is known to have ended: while its process works here, this waits for it.
        ``process`` lets a later run know it of this one. Raises LockHeld.
        """
        limit = time.monotonic() + wait
        while True:
            try:
                return self._take_now(holder, step, busy, stale_token, process)
            except LockHeld:
                last = self.state()
                if not last or (last.token == stale_token and last.works()):
                    # It finishes or reverts its release, or its lock expires.
                    limit = max(limit, time.monotonic() + 2 * RETRY_EVERY)
                if time.monotonic() >= limit:
                    raise
            time.sleep(RETRY_EVERY)

    def _take_now(
        self,
        holder: str,
        step: str,
        busy: t.Callable[[], str | None],
        stale_token: int | None,
        process: ControllerProcess | None,
    ) -> LockState:
        with atomic_file.locked(self.guard):
            content = self._read()
            last = content.lock
            if last:
                if not last.is_stale(self.now()) and (last.works() or last.token != stale_token):
                    raise self._held(last)
                if last.server_process:
                    # It works on although its lock has expired.
                    last.server_process.kill()
                running = busy()
                if running:
                    raise LockHeld(
                        f"{last.sentence(self.stack, self.now())}; its lock expired, but {running} still runs.",
                        hint=f"Wait for it, or stop it with 'docker stop {running}'.",
                        lock=state_file.as_json(last),
                    )
            until = self.now() + MARGIN
            lock = LockState(
                content.token + 1, holder, self.now(), step, until, process, self._this_process(content.token + 1)
            )
            self._write(lock)
            return lock

    def _held(self, lock: LockState) -> LockHeld:
        remaining = f"{lock.until - self.now():.0f} s"
        hint = f"Wait until that is done, or add -e lock_wait=600; if it died, its lock expires in {remaining}."
        hint += " unlock.yml shows what of it still runs."
        return LockHeld(f"{lock.sentence(self.stack, self.now())}.", hint=hint, lock=state_file.as_json(lock))

    def take_away(self, token: int) -> None:
        """Free the lock of another run, which fails at its next step. Raises LockHeld when a later run has taken it."""
        with atomic_file.locked(self.guard):
            lock = self.state()
            if lock and lock.token != token:
                raise LockHeld(
                    f"{lock.sentence(self.stack, self.now())}, which took the lock in the meantime.",
                    hint="Nothing was changed. Look again.",
                    lock=state_file.as_json(lock),
                )
            if lock:
                state_file.save(self.path, replace(self._read(), lock=None))

    def renew(self, token: int, step: str, seconds: float = 0.0) -> LockState:
        """Renew the lock for a step of up to ``seconds``. Raises LockLost when another run took it."""
        with atomic_file.locked(self.guard):
            until = self.now() + seconds + MARGIN
            lock = replace(self._own(token), step=step, until=until, server_process=self._this_process(token))
            self._write(lock)
            return lock

    @contextlib.contextmanager
    def renewed(self, token: int, step: str) -> t.Iterator[None]:
        """Renew the lock again and again during a step without a time limit; it expires soon after this process.

        Raises LockLost when another run took it before the step.
        """
        self.renew(token, step)
        done = threading.Event()

        def renew() -> None:
            # The next step reports a lost lock.
            with contextlib.suppress(LockLost, OSError):
                while not done.wait(RENEW_EVERY):
                    self.renew(token, step)

        renewer = threading.Thread(target=renew, daemon=True)
        renewer.start()
        try:
            yield
        finally:
            done.set()
            renewer.join()

    def release(self, token: int) -> None:
        """Release the lock. Raises LockLost when another run took it."""
        with atomic_file.locked(self.guard):
            self._own(token)
            state_file.save(self.path, replace(self._read(), lock=None))

    def _this_process(self, token: int) -> ServerProcess:
        """Return this process, which says when it ends that it did not die in the middle of its step."""
        if (self.path, token) not in _WORKED_UNDER:
            _WORKED_UNDER.add((self.path, token))
            atexit.register(self._leave, token)
        return ServerProcess.current()

    def _leave(self, token: int) -> None:
        """Note that this process works no longer under the lock."""
        with contextlib.suppress(OSError):
            # Its folder may be retired.
            if not self.path.exists():
                return
            with atomic_file.locked(self.guard):
                lock = self.state()
                if lock and lock.token == token and lock.server_process == ServerProcess.current():
                    self._write(replace(lock, server_process=None))

    def _own(self, token: int) -> LockState:
        lock = self.state()
        if not lock or lock.token != token:
            now = lock.sentence(self.stack, self.now()) if lock else f"no release of {self.stack} is running"
            raise LockLost(f"This release lost its lock (token {token}): {now}.", hint="Start it again.")
        return lock

    def _read(self) -> LockFile:
        return state_file.load(self.path, LockFile) or LockFile()

    def _write(self, lock: LockState) -> None:
        state_file.save(self.path, replace(self._read(), token=lock.token, lock=lock))
