# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ``release_prepare`` returns, one dataclass for each outcome."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..config.canary_steps import CanaryStep
from .plan import ReleasePlan
from .revert import RevertResult


@dataclass(frozen=True)
class PrepareResult:
    """A prepared release: what the next modules of the release take from it.

    ``token`` is that of the lock. ``started`` says that the color runs already. ``steps`` are the next steps of the
    canary, ``pauses`` whether the last of them waits for an operator. ``parts`` are the Compose projects that exist,
    ``projects`` their names. ``image_seconds`` is how long images were pulled and built.
    """

    plan: ReleasePlan
    recovery_action: str | None
    diff: t.Mapping[str, str]
    release: int
    version: str
    image_seconds: float
    previous_release: int | None
    token: int
    color: str
    folder: str
    started: bool
    dropped_requests: int
    strategy: str
    steps: tuple[CanaryStep, ...]
    pauses: bool
    parts: tuple[str, ...]
    projects: t.Mapping[str, str]
    changed: bool = True


@dataclass(frozen=True)
class NothingToPrepare:
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
    live: str | None
    traffic_reverted: bool
    workers_reverted: bool
    database: str | None
    canary_cancelled: bool = True
    changed: bool = True

    @classmethod
    def of(cls, plan: ReleasePlan, reverted: RevertResult) -> CancelledCanary:
        """Return the result of a plan and what was reverted."""
        return cls(plan, reverted.live, reverted.traffic_reverted, reverted.workers_reverted, reverted.database)


@dataclass(frozen=True)
class PreparePreview:
    """What a release would change, for check mode."""

    plan: ReleasePlan
    diff: t.Mapping[str, str]

    JSON_PROPERTIES: t.ClassVar = ("changed",)

    @property
    def changed(self) -> bool:
        """Whether the plan changes anything."""
        return self.plan.changed


PrepareOutcome = t.Union[PrepareResult, NothingToPrepare, CancelledCanary]
