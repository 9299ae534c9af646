# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a stack: a lease with a fencing token.

Who holds it renews it with every step. It is taken over only when it ran out, or when its holder is known to be gone.
Each holder's token is higher than the one before; a step that comes with an old token is refused, so a release that
was overtaken can do no harm when it wakes up.
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

# Between two steps the controller only starts the next module; a minute covers a slow connection.
MARGIN = 60.0

# So often a step that may take any time renews the lock: well within the margin.
RENEW_EVERY = 15.0


@dataclass(frozen=True)
class LockState:
    """Who releases a stack: a name a person knows, since when, at which step, and until when (seconds, epoch)."""

    token: int
    holder: str
    since: float
    step: str
    until: float
    extra: dict[str, t.Any] = field(default_factory=dict)

    def sentence(self, stack: str) -> str:
        """Return what a second person is told."""
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
        """Take the stack's folder; ``now`` gives the seconds since the epoch."""
        self.path = folder / paths.LOCK
        self.guard = folder / paths.LOCK_GUARD
        self.stack = stack
        self.now = now

    def holder(self) -> LockState | None:
        """Return who holds the lock; a lease that ran out still counts as held until it is taken over."""
        return self._read().lock

    def assert_free(self, hint: str = "Wait until that is done.") -> None:
        """Raise LockHeld while a lease has not run out."""
        held = self.holder()
        if held and held.until > self.now():
            raise LockHeld(f"{held.sentence(self.stack)}.", hint=hint, lock=state_file.as_json(held))

    def take(self, holder: str, step: str, busy: t.Callable[[], str | None], gone: int | None = None) -> LockState:
        """Take the lock or refuse at once.

        ``busy`` says what of the old release still runs and is not to be ended, or None. ``gone`` is the token of a
        holder that is known to live no longer. Raises LockHeld.
        """
        with atomic_file.locked(self.guard):
            content = self._read()
            held = content.lock
            if held:
                rest = held.until - self.now()
                if rest > 0 and held.token != gone:
                    raise LockHeld(
                        f"{held.sentence(self.stack)}.",
                        hint=f"Wait until that is done; if it died, its lock ends by itself in {rest:.0f} s.",
                        lock=state_file.as_json(held),
                    )
                running = busy()
                if running:
                    raise LockHeld(
                        f"{held.sentence(self.stack)}; its lock ran out, but {running} still runs.",
                        hint=f"Wait for it, or end it with 'docker stop {running}'.",
                        lock=state_file.as_json(held),
                    )
            lease = LockState(content.token + 1, holder, self.now(), step, self.now() + MARGIN)
            self._write(lease)
            return lease

    def renew(self, token: int, step: str, seconds: float = 0.0) -> LockState:
        """Go on holding the lock for a step of up to ``seconds``. Raises LockLost when it was taken over."""
        with atomic_file.locked(self.guard):
            held = self._mine(token)
            lease = replace(held, step=step, until=self.now() + seconds + MARGIN)
            self._write(lease)
            return lease

    @contextlib.contextmanager
    def kept(self, token: int, step: str) -> t.Iterator[None]:
        """Hold the lock while a step runs of which nobody knows how long it takes; it ends soon after this process.

        Raises LockLost when it was taken over before the step.
        """
        self.renew(token, step)
        done = threading.Event()

        def renew() -> None:
            # The next step tells of a lock that was lost.
            with contextlib.suppress(LockLost, OSError):
                while not done.wait(RENEW_EVERY):
                    self.renew(token, step)

        keeper = threading.Thread(target=renew, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def release(self, token: int) -> None:
        """Give the lock back. Raises LockLost when it was taken over."""
        with atomic_file.locked(self.guard):
            self._mine(token)
            state_file.save(self.path, replace(self._read(), lock=None))

    def _mine(self, token: int) -> LockState:
        held = self.holder()
        if not held or held.token != token:
            now = held.sentence(self.stack) if held else f"nobody releases {self.stack} now"
            raise LockLost(f"This release lost its lock (token {token}): {now}.", hint="Start it again.")
        return held

    def _read(self) -> LockFile:
        return state_file.load(self.path, LockFile) or LockFile()

    def _write(self, lease: LockState) -> None:
        state_file.save(self.path, replace(self._read(), token=lease.token, lock=lease))
