# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch gate: a color that has clients, by its requests in the proxy's log and by its containers.

On a breach the proxy moves the traffic back to the old color first; then the gate fails with its figures. What is
compared is in ``watch_verdict.py``.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass

from ... import names, progress, state_file
from ...engine.oom_kills import oom_kills
from ...errors import EngineError, GateFailed, LockLost, SwitchyardError
from ...proxy.log_reader import AccessLogReader
from ..drain import clear_canary_weight
from ..migration import undo
from ..record import Gate
from . import confirm, health
from .watch_comparison import NewestRequests
from .watch_verdict import TOO_FEW, WORSE, Figures, Tally, Verdict, figures, judge, newest

if t.TYPE_CHECKING:
    from ...config.stack import WatchSpec
    from ...engine.models import Container
    from ...proxy.access_log import AccessLine
    from ..context import StackContext
    from ..record import Record

# Seconds between two looks at the containers and the log.
POLL = 1.0
# Seconds of the old color's requests before the switch that are compared: as long as the watch, within these limits.
LEAST_BEFORE, MOST_BEFORE = 60.0, 600.0
# Seconds that the engine may take to answer again, as after an upgrade with live-restore.
ENGINE_PATIENCE = 30.0

GOOD, NO_DATA, NO_WAY_BACK = "good", "no_data", "no_way_back"


@dataclass(frozen=True)
class WatchResult:
    """The result of a watch: ``good``, ``no_data`` or ``no_way_back``; ``message`` says all of it in a sentence.

    ``old`` is None where the old color had too few requests to compare.
    """

    outcome: str
    message: str
    seconds: float
    new: Figures
    old: Figures | None = None

    @property
    def gate(self) -> Gate:
        """The result for the record."""
        return Gate("watch", round(self.seconds, 1), {"outcome": self.outcome, **state_file.as_json(self.new)})


class Watch:
    """A watch over the color of a release, which counts the requests from the moment it is made."""

    def __init__(
        self,
        ctx: StackContext,
        record: Record,
        spec: WatchSpec,
        seconds: float | None = None,
        canary: bool = False,
    ) -> None:
        """Take the release, for how many seconds it is watched, by default as long as the stack says, and its kind.

        In a ``canary`` the old color has clients at the same time.
        """
        self.ctx, self.record, self.spec, self.canary = ctx, record, spec, canary
        self.color, self.old_color = record.color, names.other(record.color)
        self.seconds = spec.seconds if seconds is None else seconds
        self.began, self.clock = time.time(), time.monotonic()
        before = min(max(self.seconds, LEAST_BEFORE), MOST_BEFORE)
        self.reader = AccessLogReader(ctx.proxy.process.open_log, ctx.key, self.began - before)
        containers = self._containers()
        self.restarts = {one.id: one.restarts for one in containers}
        self.kills = {one.pid: oom_kills(one.pid) for one in containers}
        # The old color before the watch; both colors in each interval of it, the newest last; and all together.
        self.before = Tally()
        self.intervals: list[dict[str, Tally]] = [self._interval()]
        self.all = self._interval()
        self.newest = NewestRequests()
        # Whether the figures of the old color are of the same time, or its answers to the same requests.
        self.at_same_time, self.asked_again = False, False
        self.shown, self.unread = "", ""

    def run(self, token: int | None = None, step: str = "watch") -> WatchResult:
        """Watch for its seconds from now on, and return what was found; ``step`` is the one that the lock shows.

        Without a token the watch is not part of a release. Raises GateFailed when the color is worse than allowed, or
        has too few requests and ``fail`` is set; its traffic is back then, where the old color runs. Raises LockLost,
        and without a token LockHeld.
        """
        self._assert_allowed(token, step)
        with contextlib.ExitStack() as stack:
            if token is not None:
                stack.enter_context(self.ctx.lock.renewed(token, step))
            stack.enter_context(progress.report_progress(self.ctx.folder, "watch", detail=lambda: self.shown))
            stack.enter_context(contextlib.closing(self.reader))
            reasons, verdict = self._observe()
            whole = figures([self.all[self.color]])
            message = self._compared(whole, verdict.old)
            few = whole.requests < self.spec.min_requests
            if few and not reasons:
                message = f"{whole.requests} requests in {self.seconds:g} s say nothing, {self.spec.min_requests} are"
                message = f"{message} needed (on_no_data: {self.spec.on_no_data}). {self._gaps()}".strip()
                reasons = (message.rstrip("."),) if self.spec.on_no_data == "fail" else ()
            if reasons:
                self._assert_allowed(token, step)
                return self._fail(reasons, verdict)
        return WatchResult(NO_DATA if few else GOOD, message, self._passed(), whole, verdict.old)

    def _observe(self) -> tuple[tuple[str, ...], Verdict]:
        """Watch to the end or a breach; return its reasons, none where it found nothing bad, and the last verdict."""
        verdict, worse = Verdict(TOO_FEW, (), Figures()), 0
        answered = time.monotonic()
        end = answered + self.seconds
        patience = self.spec.interval * self.spec.consecutive_failures
        next_look = answered + self.spec.interval
        while True:
            now = time.monotonic()
            try:
                fault = self._fault()
                self._count()
                answered = now
            except (EngineError, OSError):
                if now > answered + ENGINE_PATIENCE:
                    raise
                fault = None
            if fault:
                return (fault,), self._look()[0]
            if now >= min(next_look, end):
                verdict, fresh = self._look()
                worse = worse + fresh if verdict.state == WORSE else 0
                # Figures that are worse at the end are looked at again, as often as it needs, or until no client asks.
                if worse >= self.spec.consecutive_failures or (worse and now >= end + patience):
                    verdict = self._compared_at_same_time(verdict)
                    if verdict.state == WORSE:
                        return verdict.reasons, verdict
                    worse = 0
                if now >= end and not worse:
                    return (), verdict
                next_look = time.monotonic() + self.spec.interval
            now = time.monotonic()
            time.sleep(max(0.0, min(POLL, next_look - now, end - now if end > now else POLL)))

    def _fail(self, reasons: t.Sequence[str], verdict: Verdict) -> WatchResult:
        """Move the traffic back, then raise GateFailed; without an old color, say that there is no way back."""
        noticed = self._passed()
        begin = time.monotonic()
        back, error = False, ""
        first = not self.ctx.containers(color=self.old_color)
        if not first:
            try:
                back = traffic_back(self.ctx, self.record)
            except LockLost:
                raise
            except (SwitchyardError, OSError) as failure:
                error = f" The traffic is not back: {failure}"
        took = time.monotonic() - begin
        stack = f"{self.ctx.stack} ({self.color})"
        way = f" The traffic was back {took:.1f} s later." if back else error
        message = f"The watch gate of {stack} failed: {'; '.join(reasons)}. Noticed after {noticed:.1f} s.{way}"
        message += f" {self._compared(verdict.new, verdict.old)}"
        if first:
            message += " There is no release before it, so it stays live."
            return WatchResult(NO_WAY_BACK, message, noticed, verdict.new, verdict.old)
        raise GateFailed(
            message,
            gate="watch",
            traffic_back=back,
            noticed_seconds=round(noticed, 1),
            back_seconds=round(took, 3) if back else None,
            error_rate=round(verdict.new.share, 4),
            p99_ms=verdict.new.p99_ms,
            requests=verdict.new.requests,
            logs={one.name: self.ctx.engine.logs(one.id) for one in self._containers()},
        )

    def _assert_allowed(self, token: int | None, step: str) -> None:
        """Raise LockLost where another run has the lock, and without a token LockHeld where any run has it."""
        if token is None:
            self.ctx.lock.assert_free()
        else:
            self.ctx.lock.renew(token, step)

    # --- the figures ---

    def _interval(self) -> dict[str, Tally]:
        return {color: Tally() for color in names.COLORS}

    def _count(self) -> None:
        """Count the requests that ended since the last look; those with a preview key do not count."""
        try:
            for line in self.reader.read():
                if line.color is not None and not line.preview:
                    self._add(line, line.color)
            self.unread = ""
        except EngineError:
            raise
        except SwitchyardError as error:
            # The containers are watched without it.
            self.unread = str(error)
        self.shown = f"{figures([self.all[self.color]])}, for {self.seconds:g} s"

    def _add(self, line: AccessLine, color: str) -> None:
        if line.time < self.began:
            if color == self.old_color:
                self.before.add(line)
            return
        self.intervals[-1][color].add(line)
        self.all[color].add(line)
        if color == self.color:
            self.newest.add(line)

    def _look(self) -> tuple[Verdict, bool]:
        """Return the verdict now, and whether it has requests that the last one did not have; begin an interval."""
        new = [tallies[self.color] for tallies in self.intervals]
        count = newest(new, self.spec.min_requests)
        # What no later verdict needs is forgotten.
        del self.intervals[: len(self.intervals) - count]
        found = figures(new[-count:])
        old = figures(tallies[self.old_color] for tallies in self.intervals) if self.canary else Figures()
        self.at_same_time, self.asked_again = old.requests >= self.spec.min_requests, False
        old = old if self.at_same_time else figures([self.before])
        verdict = judge(found, old if old.requests >= self.spec.min_requests else None, self.spec)
        fresh = new[-1].requests > 0
        self.intervals.append(self._interval())
        return verdict, fresh

    def _compared_at_same_time(self, verdict: Verdict) -> Verdict:
        """Return a verdict in comparison with what the old color answers now, if it has no clients of its own."""
        containers = self.ctx.containers(color=self.old_color)
        running = bool(containers) and all(one.running for one in containers)
        if self.at_same_time or not self.spec.ask_old_color or not running:
            return verdict
        asked = self.newest.ask(self.ctx.proxy, self.old_color)
        self.asked_again = asked is not None
        return judge(verdict.new, asked, self.spec) if asked else verdict

    def _compared(self, new: Figures, old: Figures | None) -> str:
        """Return the figures as a sentence."""
        compared = "with the same requests" if self.asked_again else "in comparison"
        other = f"{self.old_color} {compared}: {old}" if old else f"{self.old_color} has too few to compare"
        return f"{self.color}: {new}; {other}. {self._gaps()}".strip()

    def _gaps(self) -> str:
        """Return what the log does not have, as a sentence."""
        found = ["lines of the log were removed before they were read"] if self.reader.missed else []
        found += [f"{self.reader.unreadable} lines of the log are broken"] if self.reader.unreadable else []
        gaps = [f"Not counted: {', '.join(found)}."] if found else []
        return " ".join([*gaps, *([self.unread] if self.unread else [])])

    # --- the containers ---

    def _containers(self) -> list[Container]:
        return self.ctx.target(self.record).containers(self.ctx.engine)

    def _fault(self) -> str | None:
        """Return what is wrong with a container of the color, or None."""
        containers = self._containers()
        for one in containers:
            if one.oom_killed or oom_kills(one.pid) > self.kills.setdefault(one.pid, 0):
                return f"a process of {one.name} was killed, it needs more memory than its limit"
            if one.restarts > self.restarts.get(one.id, 0):
                return f"{one.name} was restarted"
        return health.container_fault(containers, self.record.containers)[0]

    def _passed(self) -> float:
        return time.monotonic() - self.clock


def traffic_back(ctx: StackContext, record: Record) -> bool:
    """Send all clients from a release to the color before it; return False where only a revert can do that.

    That is where the old color does not run, or does not work on the schema of the new one.
    """
    if clear_canary_weight(ctx) or ctx.live() != record.color:
        return True
    old_color = names.other(record.color)
    containers = ctx.containers(color=old_color)
    old = ctx.records.get(ctx.release_on(old_color))
    if not old or not all(one.running for one in containers) or undo.past_point_of_no_return(ctx, record):
        return False
    confirm.switch_back(ctx, old)
    return True
