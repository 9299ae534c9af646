# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a release from the current state of its stack. Pure functions: they read nothing."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import names
from .record import Record
from .release_line import ReleaseLine


@dataclass(frozen=True)
class StackState:
    """The current state of a stack; ``fingerprints`` are those of the running containers by role or color.

    ``weight`` is the percent of the clients that get ``canary``, a release that is not live; ``held`` says that
    requests wait in the proxy, ``interrupted`` that a migration was not finished. ``ended`` are the containers of the
    live release that do not run.
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
    ended: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReleasePlan:
    """What a release will do, on which color, and why.

    ``action`` is ``none``, ``release``, ``rollback``, ``promote``, ``cancel_canary`` or ``in_place``. ``target`` is the
    number of an existing release that the action is about; ``recreates`` are running accessories. ``downgrades`` names
    what becomes older than it is live. ``live_commit`` is the commit of the live release's files, ``live_release`` that
    release in a line.
    """

    stack: str
    action: str
    color: str
    live: str | None
    target: int | None = None
    reasons: tuple[str, ...] = ()
    recreates: tuple[str, ...] = ()
    downgrades: tuple[str, ...] = ()
    live_commit: str | None = None
    live_release: ReleaseLine | None = None

    JSON_PROPERTIES: t.ClassVar = ("changed",)

    @property
    def changed(self) -> bool:
        """Whether the release changes anything."""
        return self.action != "none"


def no_action(stack: str, live: str | None) -> ReleasePlan:
    """Return the plan that changes nothing."""
    return ReleasePlan(stack, "none", live or names.COLORS[0], live)


def deploy(
    stack: str,
    fingerprint: str,
    pulls: list[str],
    state: StackState,
    accessories: t.Sequence[str] = (),
    downgrades: t.Sequence[str] = (),
) -> ReleasePlan:
    """Return the plan that makes ``fingerprint`` live; it does nothing when exactly that runs already.

    ``pulls`` are the images that are not on the server yet, ``accessories`` those that the release recreates,
    ``downgrades`` what becomes older than it is live.
    """
    reasons = []
    if not state.live:
        reasons.append("no release is live yet")
    elif state.fingerprints != {fingerprint}:
        reasons.append("the running release differs")
    elif not state.healthy:
        reasons.append(" ".join(["a container of the live release is not running:", *state.ended]).rstrip(":"))
    if state.weight:
        reasons.append(f"a canary has {state.weight} % of the clients")
    if state.held:
        reasons.append("the proxy holds requests")
    if state.interrupted:
        reasons.append("a migration was not finished")
    if not state.routes_known:
        reasons.append("the proxy does not have these routes")
    reasons += [f"{image} is not on the server yet" for image in pulls]
    reasons += [f"the accessory {name} is recreated, its definition, secrets or files changed" for name in accessories]
    if not reasons:
        return no_action(stack, state.live)
    color = names.other(state.live) if state.live else names.COLORS[0]
    reasons += [f"older than the live version: {text}" for text in downgrades]
    commit = state.live_record.commit if state.live_record else None
    return ReleasePlan(
        stack,
        "release",
        color,
        state.live,
        reasons=tuple(reasons),
        recreates=tuple(accessories),
        downgrades=tuple(downgrades),
        live_commit=commit,
    )


def rollback(stack: str, state: StackState) -> ReleasePlan | None:
    """Return the plan that makes the previous release live again, or None without a previous release.

    While a canary has a weight, the plan cancels the canary: the live color stays.
    """
    if state.live and state.weight:
        number = state.canary.number if state.canary else None
        reason = f"the canary loses its {state.weight} % of the clients"
        return ReleasePlan(stack, "cancel_canary", state.live, state.live, number, (reason,))
    target = state.warm_record
    if not state.live or not target:
        return None
    current = f"release {state.live_record.number}" if state.live_record else "a release without a record"
    reason = f"back from {current} to release {target.number}"
    return ReleasePlan(stack, "rollback", target.color, state.live, target.number, (reason,))


def promote(stack: str, state: StackState) -> ReleasePlan:
    """Return the plan that continues a paused canary; it does nothing when no canary is paused."""
    paused = state.canary
    if not state.live or not paused or paused.state != "paused":
        return no_action(stack, state.live)
    reason = f"release {paused.number} continues from {state.weight} %"
    return ReleasePlan(stack, "promote", paused.color, state.live, paused.number, (reason,))


def only_canaries(plans: list[ReleasePlan]) -> list[ReleasePlan]:
    """Return the plans of a rollback of several stacks: while any has a canary, only canaries are cancelled."""
    if not any(plan.action == "cancel_canary" for plan in plans):
        return plans
    return [plan if plan.action == "cancel_canary" else no_action(plan.stack, plan.live) for plan in plans]
