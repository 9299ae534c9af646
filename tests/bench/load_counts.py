"""What the load client counted, and how it is written and printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import IO


@dataclass
class Span:
    """The answers of one version: how many, when the first one came and when the last."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass
class Counts:
    """What happened to the requests of one kind. Every request sent ends in `succeeded` or in `failed`."""

    sent: int = 0
    succeeded: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    failures: list[dict] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    versions: dict[str, Span] = field(default_factory=dict)
    last_good: float = 0.0
    longest_gap: float = 0.0
    longest_gap_at: float = 0.0
    answers: IO[str] | None = None

    def good(self, now: float, latency: float, version: str) -> None:
        self.succeeded += 1
        self.latencies.append(latency)
        self.gap(now)
        self.last_good = now
        span = self.versions.setdefault(version, Span(first=now))
        span.count += 1
        span.last = now
        if self.answers:
            self.answers.write(f"{now:.4f} {version}\n")

    def bad(self, now: float, latency: float, kind: str, request: str) -> None:
        self.failed[kind] = self.failed.get(kind, 0) + 1
        if len(self.failures) < 1000:
            self.failures.append({"at": round(now, 3), "after": round(latency, 3), "kind": kind, "request": request})

    def gap(self, now: float) -> None:
        if now - self.last_good > self.longest_gap:
            self.longest_gap, self.longest_gap_at = now - self.last_good, self.last_good

    def report(self, clock: float) -> dict:
        """The counts as they are written to the result. `clock`: the wall clock at time 0, seconds."""
        order = sorted(self.latencies)
        milliseconds = {
            f"p{percent}": round(1000 * order[min(len(order) - 1, len(order) * percent // 100)], 1)
            for percent in (50, 90, 99)
            if order
        }
        if order:
            milliseconds["max"] = round(1000 * order[-1], 1)
        return {
            "sent": self.sent,
            "succeeded": self.succeeded,
            "failed": sum(self.failed.values()),
            "failed_by_kind": self.failed,
            "failures": self.failures,
            "latency_ms": milliseconds,
            "longest_gap": {"seconds": round(self.longest_gap, 3), "from": round(self.longest_gap_at, 3)},
            "versions": {
                name: {
                    "count": span.count,
                    "first": round(span.first, 3),
                    "last": round(span.last, 3),
                    "first_clock": wall(clock + span.first),
                    "last_clock": wall(clock + span.last),
                }
                for name, span in sorted(self.versions.items(), key=lambda item: item[1].first)
            },
        }


def wall(clock: float) -> str:
    return datetime.fromtimestamp(clock, timezone.utc).isoformat(timespec="milliseconds")


def summary(result: dict) -> str:
    """The result in a few lines."""
    lines = []
    for kind in ("normal", "slow"):
        counts = result[kind]
        latency = "  ".join(f"{name} {value:g} ms" for name, value in counts["latency_ms"].items())
        kinds = ", ".join(f"{name}: {count}" for name, count in sorted(counts["failed_by_kind"].items()))
        lines.append(
            f"{kind:7}{counts['sent']} sent, {counts['failed']} failed{f' ({kinds})' if kinds else ''}  {latency}"
        )
    gap = result["normal"]["longest_gap"]
    lines.append(f"longest gap between good answers: {gap['seconds']:g} s, from {gap['from']:g} s on")
    lines += [
        f"version {name}: {span['count']} answers, {span['first']:g} s to {span['last']:g} s"
        for name, span in result["normal"]["versions"].items()
    ]
    return "\n".join(lines)
