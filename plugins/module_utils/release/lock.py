# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release lock of a stack: a lock file with an end and a fencing token.

The holder renews it with every step. Another run takes it over only when it has expired, or when its holder is known to
have ended. Each token is higher than the one before; a step with an old token fails, so a release that lost its lock
changes nothing when it continues.
"""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import atomic_file, paths, state_file
from ..errors import LockHeld, LockLost

# Seconds beyond a step's own limit. Between two steps the controller only starts the next module; a minute covers a
# slow connection.
MARGIN = 60.0

# Seconds between renewals during a step without a limit: well within the margin.
RENEW_EVERY = 15.0


@dataclass(frozen=True)
class ControllerProcess:
    """The Ansible process that releases: its user, its machine, and its process id there."""

    user: str
    machine: str
    id: int
    extra: dict[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LockState:
    """The lock while it is held: by whom, since when, at which step, and until when (seconds since the epoch).

    ``holder`` is the text for other users.
    """

    token: int
    holder: str
    since: float
    step: str
    until: float
    process: ControllerProcess | None = field(default=None, metadata=state_file.nested(ControllerProcess))
    extra: dict[str, t.Any] = field(default_factory=dict)

    def sentence(self, stack: str) -> str:
        """Return who releases a stack, for the messages of other users."""
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.since))
        return f"{stack} is being released by {self.holder} since {since} (step: {self.step})"


@state_file.register(paths.LOCK)
@dataclass(frozen=True)
class LockFile:
    """The content of the lock file: the last token that was given out, and the lock while it is held."""

    token: int = 0
    lock: LockState | None = field(default=None, metadata=state_file.nested(LockState))
    extra: dict[str, t.Any] = field(default_factory=dict)


class ReleaseLock:
    """The lock file of one stack and environment on this server."""

    def __init__(self, folder: Path, stack: str, now: t.Callable[[], float] = time.time) -> None:
        """Take the stack's folder; ``now`` returns seconds since the epoch."""
        self.path = folder / paths.LOCK
        self.guard = folder / paths.LOCK_GUARD
        self.stack = stack
        self.now = now

    def state(self) -> LockState | None:
        """Return the lock, or None when it is free. An expired lock counts as held until another run takes it."""
        return self._read().lock

    def assert_free(self, hint: str = "Wait until that is done.") -> None:
        """Raise LockHeld while the lock is held and has not expired."""
        lock = self.state()
        if lock and lock.until > self.now():
            raise LockHeld(f"{lock.sentence(self.stack)}.", hint=hint, lock=state_file.as_json(lock))

    def take(
        self,
        holder: str,
        step: str,
        busy: t.Callable[[], str | None],
        stale_token: int | None = None,
        process: ControllerProcess | None = None,
    ) -> LockState:
        """Take the lock, or fail at once.

        ``busy`` returns what of the last holder still runs and must not be stopped, or None. ``stale_token`` is the
        token of a holder that is known to have ended; ``process`` lets a later run know it of this one. Raises
        LockHeld.
        """
        with atomic_file.locked(self.guard):
            content = self._read()
            last = content.lock
            if last:
                remaining = last.until - self.now()
                if remaining > 0 and last.token != stale_token:
                    raise LockHeld(
                        f"{last.sentence(self.stack)}.",
                        hint=f"Wait until that is done; if it died, its lock expires in {remaining:.0f} s.",
                        lock=state_file.as_json(last),
                    )
                running = busy()
                if running:
                    raise LockHeld(
                        f"{last.sentence(self.stack)}; its lock expired, but {running} still runs.",
                        hint=f"Wait for it, or stop it with 'docker stop {running}'.",
                        lock=state_file.as_json(last),
                    )
            lock = LockState(content.token + 1, holder, self.now(), step, self.now() + MARGIN, process)
            self._write(lock)
            return lock

    def renew(self, token: int, step: str, seconds: float = 0.0) -> LockState:
        """Renew the lock for a step of up to ``seconds``. Raises LockLost when another run took it."""
        with atomic_file.locked(self.guard):
            lock = replace(self._own(token), step=step, until=self.now() + seconds + MARGIN)
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

    def _own(self, token: int) -> LockState:
        lock = self.state()
        if not lock or lock.token != token:
            now = lock.sentence(self.stack) if lock else f"no release of {self.stack} is running"
            raise LockLost(f"This release lost its lock (token {token}): {now}.", hint="Start it again.")
        return lock

    def _read(self) -> LockFile:
        return state_file.load(self.path, LockFile) or LockFile()

    def _write(self, lock: LockState) -> None:
        state_file.save(self.path, replace(self._read(), token=lock.token, lock=lock))
