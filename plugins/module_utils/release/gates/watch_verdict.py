# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the requests of a new color are worse than allowed and worse than those of the old one.

What is compared: the new color's newest requests, ``min_requests`` of them or those of the last interval where these
are more. A limit is exceeded only where the new color is also worse than the old one. The old one's figures are those
of the same time where it has clients too, as in a canary; otherwise those of the time before the switch, and then those
of its answers to the same requests now (``watch_comparison.py``). So neither a canary nor a release is reverted for a
fault of a third party that both colors have.
"""

from __future__ import annotations

import collections
import math
import typing as t
from dataclasses import dataclass

from ...config.stack import WatchSpec

if t.TYPE_CHECKING:
    from ...proxy.access_log import AccessLine

# The old color's share counts with this many standard errors: with 2, one of 44 windows differs as much by chance.
ERRORS_OF_CHANCE = 2.0
# How many times the old color's 99th percentile is worse.
SLOWER = 1.5

GOOD, WORSE, TOO_FEW = "good", "worse", "too_few"


class Tally:
    """Counts of one color: exact, with one number per different millisecond, so that it needs no request again."""

    __slots__ = ("failed", "requests", "times")

    def __init__(self) -> None:
        self.requests = 0
        self.failed = 0
        self.times: collections.Counter[int] = collections.Counter()

    def add(self, line: AccessLine) -> None:
        """Count a request. Its time is the application's; a request without an answer counts for the time it took.

        A connection that was upgraded has no time, for it lasts as long as its client wants.
        """
        time = line.duration if line.upstream is None else line.upstream
        self.count(line.failed, None if line.status == 101 else time)

    def count(self, failed: bool, milliseconds: float | None) -> None:
        """Count a request by whether it failed and its time, None without one."""
        self.requests += 1
        self.failed += failed
        if milliseconds is not None:
            self.times[math.ceil(milliseconds)] += 1


@dataclass(frozen=True)
class Figures:
    """What a color did: its requests, those that failed, and 99 % of the times in milliseconds (None without any)."""

    requests: int = 0
    failed: int = 0
    p99_ms: int | None = None

    @property
    def share(self) -> float:
        """The share of failed requests, from 0 to 1."""
        return self.failed / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        slow = "" if self.p99_ms is None else f", p99 {self.p99_ms} ms"
        return f"{self.share:.1%} of {self.requests} requests failed{slow}"


@dataclass(frozen=True)
class Verdict:
    """The state of the new color, why, and what was compared; ``old`` is None without figures to compare."""

    state: str
    reasons: tuple[str, ...]
    new: Figures
    old: Figures | None = None


def figures(tallies: t.Iterable[Tally]) -> Figures:
    """Return the figures of several counts together. The percentile is exact (nearest rank)."""
    requests, failed = 0, 0
    times: collections.Counter[int] = collections.Counter()
    for tally in tallies:
        requests += tally.requests
        failed += tally.failed
        times.update(tally.times)
    return Figures(requests, failed, percentile(times, 0.99))


def percentile(times: t.Mapping[int, int], share: float) -> int | None:
    """Return the smallest value that at least a share of all is not above; None without any."""
    total = sum(times.values())
    rank = math.ceil(total * share)
    for value in sorted(times):
        rank -= times[value]
        if rank <= 0:
            return value if total else None
    return None


def newest(tallies: t.Sequence[Tally], least: int) -> int:
    """Return how many of the newest tallies have ``least`` requests together; all of them where they have fewer."""
    count = 0
    for number, tally in enumerate(reversed(tallies), 1):
        count += tally.requests
        if count >= least:
            return number
    return len(tallies)


def judge(new: Figures, compared: Figures | None, spec: WatchSpec) -> Verdict:
    """Return whether a color is worse than its limits and than the old color; None compares it with the limits only.

    The error share of the old color counts with the difference that chance makes between so many requests, and its
    99th percentile 1.5 times.
    """
    if new.requests < spec.min_requests:
        return Verdict(TOO_FEW, (f"only {new.requests} of {spec.min_requests} requests",), new, compared)
    reasons = []
    if new.share > spec.max_error_rate and new.share > allowed_share(compared, new.requests):
        reasons.append(f"{new.share:.1%} of its requests failed, {spec.max_error_rate:.1%} are allowed")
    limit = spec.max_p99_ms
    if limit and new.p99_ms is not None and new.p99_ms > limit:
        slow = compared.p99_ms if compared else None
        if slow is None or new.p99_ms > slow * SLOWER:
            reasons.append(f"1 % of its requests took longer than {new.p99_ms} ms, {limit} ms are allowed")
    return Verdict(WORSE if reasons else GOOD, tuple(reasons), new, compared)


def allowed_share(old: Figures | None, requests: int) -> float:
    """Return the error share that so many requests may have by chance, if the new color is as the old one."""
    if not old:
        return 0.0
    variance = old.share * (1 - old.share)
    return old.share + ERRORS_OF_CHANCE * math.sqrt(variance * (1 / old.requests + 1 / requests))
