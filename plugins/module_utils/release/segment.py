# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release in one visit to the server: from the lock to the record, and back where a step fails.

A segment of a release ends only with the release, or at the pause of a canary. The process that runs it needs no
controller: it finishes or reverts the release, and releases the lock.
"""

from __future__ import annotations

import contextlib
import functools
import traceback
import typing as t
from dataclasses import dataclass

from .. import paths, state_file
from ..errors import LockHeld, LockLost, SwitchyardError
from . import canary, detached_work, finish, hold_requests, prepare, revert, start, switch, workers
from . import plan as release_plan
from .context import StackContext
from .diff import saved_text, text_diff
from .drain import clear_canary_weight
from .gates.watch import GOOD, NO_WAY_BACK, Watch, WatchResult
from .hidden_values import SHORTEST, hide
from .lock import ControllerProcess
from .lock_takeover import take_lock
from .migration import undo
from .preflight.examine import DeployInput, examine_stack
from .prepare import PreparedRelease
from .release_line import version_of
from .release_result import CancelledCanary, NothingToRelease, ReleaseOutcome, ReleaseResult
from .stack_input import StackInput
from .start import StartResult
from .step_log import StepLog
from .switch import SwitchResult


@dataclass(frozen=True)
class ReleaseRequest:
    """What the controller asks for: a stack, a mode (``deploy``, ``rollback`` or ``promote``), and who asks.

    ``stale_token`` is the token of a lock whose holder is known to have ended, ``wait`` how many seconds to wait for
    another lock.
    """

    given: StackInput
    mode: str
    holder: str
    process: ControllerProcess | None = None
    stale_token: int | None = None
    wait: float = 0.0


@dataclass(frozen=True)
class OpenedRelease:
    """A release that has its lock and its plan; ``before`` is the text of the live release."""

    token: int
    plan: release_plan.ReleasePlan
    deploy_input: DeployInput | None
    recovery_action: str | None
    before: str


def run_segment(ctx: StackContext, request: ReleaseRequest) -> ReleaseOutcome:
    """Release a stack, and return what was done; when a step fails, revert the release, traffic first.

    Raises SwitchyardError with the cause: its details say what was reverted, and which color is live. Before the
    release has a record, nothing of the live version has changed, and the details have no ``release``.
    """
    steps, recovered, token = StepLog(ctx), None, 0

    def lock() -> None:
        nonlocal token
        token = take_lock(ctx, request.holder, request.stale_token, request.process, request.wait)

    try:
        steps.run("lock", lock)
        recovered = undo.undo(ctx, token)
        deploy_input, plan = steps.run("look", lambda: examine_stack(ctx, request.given, request.mode))
        before = saved_text(ctx, ctx.release_on(plan.live))
        opened = OpenedRelease(token, plan, deploy_input, recovered, before)
        if not plan.changed:
            ctx.lock.release(token)
            return NothingToRelease(plan, recovered)
        if plan.action == "cancel_canary":
            return CancelledCanary.of(plan, recovered, _cancel_canary(ctx, opened, request.holder))
        return _release(ctx, request, opened, steps)
    except (LockHeld, LockLost):
        # What becomes of the release is up to the run that has the lock.
        raise
    except Exception as error:  # pylint: disable=broad-exception-caught
        failure = _reverted(ctx, request, steps, token, error, recovered)
        raise failure from (None if failure is error else error)


def _release(ctx: StackContext, request: ReleaseRequest, opened: OpenedRelease, steps: StepLog) -> ReleaseResult:
    """Run the steps of a release in their order."""
    token = opened.token
    ready = _prepare(ctx, request, opened, steps)
    diff = text_diff(ctx, opened.before, saved_text(ctx, ready.record.number))
    number, record = ready.record.number, ready.record
    started = steps.run("start", lambda: _start(ctx, ready, token, request.mode == "deploy"))
    percent, watched = _run_canary(ctx, ready, token, steps)
    if percent:
        steps.run("pause", lambda: finish.pause(ctx, number, token))
        ctx.lock.release(token)
        return _result(opened, ready, diff, started, steps, watched, percent=percent)
    gate_seconds = steps.run("gates", lambda: switch.pass_gates(ctx, record, token))
    ctx.lock.renew(token, "switch")
    spec = record.stack.watch if request.mode != "rollback" else None
    # It counts from here on what the workers take their time for.
    watching = Watch(ctx, record, spec) if spec else None
    switched = steps.run("switch", lambda: switch.move_traffic(ctx, record))
    previous = ctx.records.get(ready.previous)
    steps.run("workers", lambda: workers.replace(ctx, record, previous, token))
    watched = steps.run("watch", lambda: _watch(ctx, watching, token)) if watching else None
    # What is left only records what users have.
    detached_work.ignore_interruption()
    ended = steps.run("finish", lambda: finish.finish(ctx, number, ready.previous, token))
    ctx.lock.release(token)
    return _result(opened, ready, diff, started, steps, watched, switched, ended, gate_seconds)


def _run_canary(
    ctx: StackContext, ready: PreparedRelease, token: int, steps: StepLog
) -> tuple[int, WatchResult | None]:
    """Run the next steps of a canary; return the percentage with which it pauses, 0 to go on, and the last watch."""
    number, found = ready.record.number, None
    for step in ready.canary_steps:
        if ready.record.stack.watch and not step.pause:
            steps.run("canary", functools.partial(canary.give_share, ctx, number, token, step))
            found = steps.run("watch", functools.partial(canary.watch_share, ctx, number, token, step))
        else:
            steps.run("canary", functools.partial(canary.run_canary_step, ctx, number, token, step))
        if step.pause or canary.must_pause(ready.record, found):
            return step.percent, found
    return 0, found


def _watch(ctx: StackContext, watching: Watch, token: int) -> WatchResult:
    """Watch a release that has all clients, and record what was found."""
    found = watching.run(token)
    record = ctx.records.require(watching.record.number)
    ctx.records.save(record.with_gates([found.gate]).updated(proven=found.outcome == GOOD))
    return found


def _prepare(ctx: StackContext, request: ReleaseRequest, opened: OpenedRelease, steps: StepLog) -> PreparedRelease:
    token, plan, deploy_input = opened.token, opened.plan, opened.deploy_input
    if plan.action == "promote":
        return steps.run("prepare", lambda: prepare.prepare_promote(ctx, plan, steps.begin_record))
    if not deploy_input:
        return steps.run("prepare", lambda: prepare.prepare_rollback(ctx, plan, token, steps.begin_record))
    images = steps.run("images", lambda: prepare.get_images(ctx, request.given, deploy_input, token))
    release_files = functools.partial(prepare.prepare, ctx, request.given, deploy_input, images, request.holder, token)
    return steps.run("prepare", lambda: release_files(steps.begin_record))


def _start(ctx: StackContext, ready: PreparedRelease, token: int, run_jobs: bool) -> StartResult:
    """Start what does not run yet; a color that waits for nothing runs already."""
    accessories = paths.compose_file(ctx.records.path(ready.record.number), "accessories").exists()
    if ready.started and not accessories:
        return StartResult()
    return start.start(ctx, ready.record.number, token, run_jobs, not ready.started)


def _result(
    opened: OpenedRelease,
    ready: PreparedRelease,
    diff: t.Mapping[str, str],
    started: StartResult,
    steps: StepLog,
    watched: WatchResult | None,
    switched: SwitchResult | None = None,
    ended: finish.FinishResult | None = None,
    gate_seconds: float = 0.0,
    percent: int = 0,
) -> ReleaseResult:
    record = ready.record
    not_good = [watched.message] if watched and watched.outcome == NO_WAY_BACK else []
    dropped = ready.dropped_requests + started.dropped_requests + (ended.dropped_requests if ended else 0)
    return ReleaseResult(
        plan=opened.plan,
        recovery_action=opened.recovery_action,
        diff=diff,
        release=record.number,
        version=version_of(record),
        previous_release=ready.previous,
        color=record.color,
        live=record.color if switched else opened.plan.live,
        steps=tuple(steps.steps),
        percent=percent,
        jobs=started.jobs,
        migration=started.migration,
        stopped=started.stopped,
        warnings_found=(*started.failed_dependencies, *not_good, *(ended.problems if ended else ())),
        image_seconds=round(steps.seconds("images"), 1),
        gate_seconds=gate_seconds,
        watched=watched,
        switch_seconds=switched.switch_seconds if switched else 0.0,
        release_seconds=ended.release_seconds if ended else 0.0,
        requests=switched.requests if switched else 0,
        dropped_requests=dropped,
    )


def _reverted(
    ctx: StackContext,
    request: ReleaseRequest,
    steps: StepLog,
    token: int,
    error: Exception,
    recovered: str | None,
) -> SwitchyardError:
    """Revert what a release has begun, release its lock, and return the error with what was done."""
    detached_work.ignore_interruption()
    cause = error if isinstance(error, SwitchyardError) else _unexpected(error)
    if steps.release is None:
        if recovered:
            _resume_serving(ctx)
        with contextlib.suppress(LockLost):
            ctx.lock.release(token)
        return cause
    # The history shows it.
    reason = hide(str(cause), [value for value in request.given.secrets.values() if len(value) >= SHORTEST])
    try:
        if steps.has_done("finish"):
            # Its record says that it is live, and the one before that it is not.
            ctx.lock.release(token)
            reverted = revert.RevertResult(ctx.live())
        else:
            reverted = revert.revert(ctx, steps.release, steps.previous, token, reason)
        done = state_file.as_json(reverted)
    except Exception as failure:  # pylint: disable=broad-exception-caught
        # The first error is the one to show, and this one too.
        with contextlib.suppress(LockLost):
            ctx.lock.release(token)
        done = {"revert_error": str(failure)}
    before = ctx.records.get(steps.previous)
    known = {"release": steps.release, "live_before": before.color if before else None}
    cause.details = {**cause.details, **known, **done}
    return cause


def _unexpected(error: Exception) -> SwitchyardError:
    """Return an error of another kind as one of this collection."""
    if isinstance(error, OSError):
        # The errors of the Docker SDK are among these; their text is the engine's own words.
        return SwitchyardError(f"{error}.")
    return SwitchyardError(f"Unexpected {type(error).__name__}: {error}", exception=traceback.format_exc())


def _resume_serving(ctx: StackContext) -> None:
    """Resume the requests that an interrupted release held, to the live version."""
    old = ctx.records.get(ctx.release_on(ctx.live()))
    # The error to show is why the release failed.
    with contextlib.suppress(SwitchyardError):
        if old:
            hold_requests.restart_and_resume(ctx, old)


def _cancel_canary(ctx: StackContext, opened: OpenedRelease, holder: str) -> revert.RevertResult:
    """Send the clients of a canary back, and remove it."""
    plan, token = opened.plan, opened.token
    if plan.target:
        return revert.revert(ctx, plan.target, ctx.release_on(plan.live), token, f"cancelled by {holder}")
    had_weight = clear_canary_weight(ctx)
    ctx.lock.release(token)
    return revert.RevertResult(plan.live, had_weight)
