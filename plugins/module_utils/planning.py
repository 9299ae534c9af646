# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release will do, decided from what stands now. Pure: it looks at nothing by itself."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from . import names
from .records import Record


@dataclass(frozen=True)
class Standing:
    """What stands of a stack now; ``fingerprints`` are those of the running containers by role or color."""

    live: str | None
    live_record: Record | None
    warm_record: Record | None
    healthy: bool
    fingerprints: frozenset[str]
    routes_known: bool


@dataclass(frozen=True)
class Plan:
    """What will be done: ``none``, ``release``, ``rollback`` or ``in_place``, on which color, and why."""

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


def deploy(stack: str, fingerprint: str, pulls: list[str], standing: Standing) -> Plan:
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
    if not standing.routes_known:
        reasons.append("the proxy does not know these routes")
    reasons += [f"{image} is not on the server yet" for image in pulls]
    if not reasons:
        return Plan(stack, "none", standing.live or color, standing.live)
    return Plan(stack, "release", color, standing.live, reasons=tuple(reasons))


def rollback(stack: str, standing: Standing) -> Plan | None:
    """Return the plan that makes the release before the live one live again, or None where there is none."""
    target = standing.warm_record
    if not standing.live or not target:
        return None
    current = f"release {standing.live_record.number}" if standing.live_record else "a release without a record"
    reason = f"back from {current} to release {target.number}"
    return Plan(stack, "rollback", target.color, standing.live, target.number, (reason,))
