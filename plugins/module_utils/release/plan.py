# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release will do, decided from what stands now. Pure: it looks at nothing by itself."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from .. import names
from .record import Record


@dataclass(frozen=True)
class StackState:
    """What stands of a stack now; ``fingerprints`` are those of the running containers by role or color.

    ``weight`` is the percent of the clients that get ``canary``, a release that is not live; ``held`` says that
    requests wait in the proxy, ``interrupted`` that a migration was not brought to an end.
    """

    live: str | None
    live_record: Record | None
    warm_record: Record | None
    healthy: bool
    fingerprints: frozenset[str]
    routes_known: bool
    weight: int = 0
    canary: Record | None = None
    held: bool = False
    interrupted: bool = False


@dataclass(frozen=True)
class ReleasePlan:
    """What will be done, on which color, and why.

    ``action`` is ``none``, ``release``, ``rollback``, ``promote``, ``abort`` or ``in_place``.
    """

    stack: str
    action: str
    color: str
    live: str | None
    target: int | None = None
    reasons: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything will be different afterwards."""
        return self.action != "none"

    def as_dict(self) -> dict[str, t.Any]:
        """Return the plan for a module's result."""
        return {**asdict(self), "reasons": list(self.reasons), "changed": self.changed}


def deploy(stack: str, fingerprint: str, pulls: list[str], standing: StackState) -> ReleasePlan:
    """Return the plan that makes ``fingerprint`` live; nothing when just that runs already.

    ``pulls`` are the images that are not on the server yet.
    """
    color = names.other(standing.live) if standing.live else names.COLORS[0]
    reasons = []
    if not standing.live:
        reasons.append("nothing is live yet")
    elif standing.fingerprints != {fingerprint}:
        reasons.append("the release that runs is another one")
    elif not standing.healthy:
        reasons.append("a container of the live release does not run")
    if standing.weight:
        reasons.append(f"a canary has {standing.weight} % of the clients")
    if standing.held:
        reasons.append("requests are held in the proxy")
    if standing.interrupted:
        reasons.append("a migration was not brought to an end")
    if not standing.routes_known:
        reasons.append("the proxy does not know these routes")
    reasons += [f"{image} is not on the server yet" for image in pulls]
    if not reasons:
        return ReleasePlan(stack, "none", standing.live or color, standing.live)
    return ReleasePlan(stack, "release", color, standing.live, reasons=tuple(reasons))


def rollback(stack: str, standing: StackState) -> ReleasePlan | None:
    """Return the plan that makes the release before the live one live again, or None where there is none.

    While a canary has a share of the clients, the way back is to take it from them: what is live stays.
    """
    if standing.live and standing.weight:
        number = standing.canary.number if standing.canary else None
        reason = f"the canary is taken from {standing.weight} % of the clients"
        return ReleasePlan(stack, "abort", standing.live, standing.live, number, (reason,))
    target = standing.warm_record
    if not standing.live or not target:
        return None
    current = f"release {standing.live_record.number}" if standing.live_record else "a release without a record"
    reason = f"back from {current} to release {target.number}"
    return ReleasePlan(stack, "rollback", target.color, standing.live, target.number, (reason,))


def promote(stack: str, standing: StackState) -> ReleasePlan:
    """Return the plan that goes on with a release that waits for a person; nothing where none does."""
    waiting = standing.canary
    if not standing.live or not waiting or waiting.state != "paused":
        return ReleasePlan(stack, "none", standing.live or names.COLORS[0], standing.live)
    reason = f"release {waiting.number} goes on from {standing.weight} %"
    return ReleasePlan(stack, "promote", waiting.color, standing.live, waiting.number, (reason,))


def only_canaries(plans: list[ReleasePlan]) -> list[ReleasePlan]:
    """Return the plans of a way back for several stacks: while canaries are out, only they are taken back."""
    if not any(plan.action == "abort" for plan in plans):
        return plans
    return [
        plan if plan.action == "abort" else ReleasePlan(plan.stack, "none", plan.live or names.COLORS[0], plan.live)
        for plan in plans
    ]
