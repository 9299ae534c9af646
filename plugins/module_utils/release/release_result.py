# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ``release`` returns, one dataclass for each outcome."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .gates.watch import WatchResult
from .migration.state import MigrationResult
from .one_off_jobs import JobSummary
from .plan import ReleasePlan
from .record import StepRecord
from .revert import RevertResult


@dataclass(frozen=True)
class ReleaseResult:
    """A release that is live, or a canary that is paused with ``percent`` of the clients.

    ``steps`` are those of this visit with their times. ``stopped`` is the color that was stopped before the new version
    started, ``dropped_requests`` how many connections did not end in time. ``warnings_found`` has a sentence for each
    dependency that failed and that the Compose file does not require, and for what the clean-up could not remove.
    ``watched`` is what the last watch gate found, None without one.
    """

    plan: ReleasePlan
    recovery_action: str | None
    diff: t.Mapping[str, str]
    release: int
    version: str
    previous_release: int | None
    color: str
    live: str | None
    steps: tuple[StepRecord, ...]
    percent: int = 0
    jobs: t.Sequence[JobSummary] = ()
    migration: MigrationResult | None = None
    stopped: str | None = None
    warnings_found: t.Sequence[str] = ()
    image_seconds: float = 0.0
    gate_seconds: float = 0.0
    switch_seconds: float = 0.0
    watched: WatchResult | None = None
    release_seconds: float = 0.0
    requests: int = 0
    dropped_requests: int = 0
    changed: bool = True

    JSON_PROPERTIES: t.ClassVar = ("paused",)

    @property
    def paused(self) -> bool:
        """Whether the release is a canary that waits for an operator."""
        return self.live != self.color


@dataclass(frozen=True)
class NothingToRelease:
    """A plan without a change; ``recovery_action`` says what was done about an interrupted migration."""

    plan: ReleasePlan
    recovery_action: str | None

    JSON_PROPERTIES: t.ClassVar = ("changed",)

    @property
    def changed(self) -> bool:
        """Whether anything changed on the server."""
        return self.recovery_action is not None


@dataclass(frozen=True)
class CancelledCanary:
    """A canary that was cancelled: what was reverted, as `RevertResult` describes it."""

    plan: ReleasePlan
    recovery_action: str | None
    live: str | None
    traffic_reverted: bool
    workers_reverted: bool
    database: str | None
    canary_cancelled: bool = True
    changed: bool = True

    @classmethod
    def of(cls, plan: ReleasePlan, recovery_action: str | None, reverted: RevertResult) -> CancelledCanary:
        """Return the result of a plan and what was reverted."""
        done = (reverted.live, reverted.traffic_reverted, reverted.workers_reverted, reverted.database)
        return cls(plan, recovery_action, *done)


@dataclass(frozen=True)
class ReleasePreview:
    """What a release would change, for check mode."""

    plan: ReleasePlan
    diff: t.Mapping[str, str]

    JSON_PROPERTIES: t.ClassVar = ("changed",)

    @property
    def changed(self) -> bool:
        """Whether the plan changes anything."""
        return self.plan.changed


ReleaseOutcome = t.Union[ReleaseResult, NothingToRelease, CancelledCanary]
