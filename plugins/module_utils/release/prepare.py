# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a release to the server, under the lock. The public notices nothing of it."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import atomic_file, names, paths, state_file
from ..config import canary_steps
from ..engine import compose_cli, compose_render, host_ports
from ..errors import SwitchyardError
from . import hold_requests, revert, secret_files, source_files
from . import plan as release_plan
from .context import StackContext
from .diff import readable, rendered_text, text_diff
from .drain import clear_canary_weight, drain_and_remove, live_since
from .fingerprint import fingerprint_of
from .migration import projects as migration_projects
from .migration import undo
from .preflight.examine import DeployInput, examine_stack
from .record import Record
from .routes import routes_of_stack
from .stack_input import StackInput

PARTS = ("blue", "green", "workers", "accessories", "jobs")


@dataclass(frozen=True)
class PreparedRelease:
    """A release that is ready to start: its record, its lock's token, and which parts it has."""

    record: Record
    token: int
    folder: Path
    before: int | None
    started: bool
    left: int = 0
    steps: tuple[canary_steps.CanaryStep, ...] = ()

    def as_dict(self, ctx: StackContext) -> dict[str, t.Any]:
        """Return what the role needs for the next visits."""
        parts = [part for part in PARTS if paths.compose_file(self.folder, part).exists()]
        return {
            "release": self.record.number,
            "previous_release": self.before,
            "token": self.token,
            "color": self.record.color,
            "folder": str(self.folder),
            "started": self.started,
            "dropped_requests": self.left,
            "strategy": self.record.stack.strategy,
            "steps": state_file.as_json(self.steps),
            "pauses": bool(self.steps and self.steps[-1].pause),
            "parts": parts,
            "projects": {part: ctx.compose_project(part) for part in parts},
        }


def take_lock(ctx: StackContext, holder: str, gone: int | None) -> int:
    """Take the stack's lock and return its token. Raises LockHeld."""
    ctx.folder.mkdir(parents=True, exist_ok=True)

    def end_jobs() -> str | None:
        # Their release is gone, and nobody waits for them any more.
        ctx.engine.remove(ctx.containers(role="job"), timeout=10)
        return None

    return ctx.lock.take(holder, "prepare", end_jobs, gone).token


def prepare(ctx: StackContext, given: StackInput, seen: DeployInput, holder: str, token: int) -> PreparedRelease:
    """Bring everything of a release to the server, under the lock; the public notices nothing.

    The idle color is emptied: what runs there finishes its requests first, at most ``drain`` seconds.
    """
    plan, stack = seen.plan, given.stack
    images = dict(seen.images)
    for name in seen.pulls:
        ctx.lock.renew(token, f"pull {name}", 900)
        images[name] = ctx.engine.pull(name).pinned
    ctx.lock.renew(token, "prepare")
    number = ctx.records.begin()
    folder = ctx.records.path(number)
    normalised = source_files.rebase_paths(seen.normalised, source_files.PLACEHOLDER, str(folder / "source"))
    compose_cli.write_sources(given.sources, folder / "source")
    secret_files.write(ctx, folder, normalised, given, images)
    fingerprint = fingerprint_of(ctx, seen.normalised, given, images)
    roles = compose_render.services_of(normalised, stack)
    before = ctx.release_on(ctx.live())
    record = Record(
        number=number,
        color=plan.color,
        state="prepared",
        fingerprint=fingerprint,
        stack=stack,
        holder=holder,
        started=time.time(),
        previous=before,
        images=images,
        replicas={name: compose_render.replicas(normalised, name) for name in roles},
        containers=_count(normalised, roles, "routed", "inner"),
        workers=_count(normalised, roles, "worker"),
        accessories=_count(normalised, roles, "accessory"),
    )
    record = _reserve_ports(ctx, record)
    published = {record.color: record.ports}
    release = compose_render.Release(ctx.project, ctx.environment, number, str(folder), fingerprint, images, published)
    rendered = compose_render.render(normalised, stack, release)
    projects = [*rendered.colors.values(), rendered.workers, rendered.accessories, rendered.jobs]
    for part, content in zip(PARTS, projects):
        if content:
            atomic_file.write_json(paths.compose_file(folder, part), content, 0o600)
    for part, content in migration_projects.migration_projects(ctx, stack, folder, release).items():
        atomic_file.write_json(paths.compose_file(folder, part), content, 0o600)
    _ensure(ctx, rendered)
    left = drain_and_remove(ctx, plan.color, stack, token, live_since(ctx))
    give_routes(ctx, record)
    # A color that waits for nothing starts at once: it boots while the controller makes its next visit.
    started = not (rendered.jobs or rendered.accessories or stack.strategy == "recreate")
    if started:
        ctx.compose_up(record, record.color)
    return PreparedRelease(record, token, folder, before, started, left, _steps_ahead(record, before))


def prepare_rollback(ctx: StackContext, plan: release_plan.ReleasePlan, token: int) -> PreparedRelease:
    """Make sure that the release before can stand again; a color that still stands is left as it is."""
    record = ctx.records.require(t.cast(int, plan.target))
    for name, pinned in record.images.items():
        if not ctx.engine.image(pinned):
            ctx.lock.renew(token, f"pull {name}", 900)
            ctx.engine.pull(pinned)
    here = ctx.containers(color=record.color)
    warm = {one.label("release") for one in here} == {str(record.number)}
    warm = warm and sum(one.running for one in here) == record.containers
    if not warm:
        drain_and_remove(ctx, record.color, record.stack, token, live_since(ctx))
    give_routes(ctx, record)
    return PreparedRelease(record, token, ctx.records.path(record.number), ctx.release_on(ctx.live()), warm)


def prepare_promote(ctx: StackContext, plan: release_plan.ReleasePlan, token: int) -> PreparedRelease:
    """Go on with a release that waits for a person: it stands, and has a share of the clients."""
    record = ctx.records.require(t.cast(int, plan.target)).updated(state="prepared")
    ctx.records.save(record)
    before = ctx.release_on(plan.live)
    return PreparedRelease(
        record, token, ctx.records.path(record.number), before, True, 0, _steps_ahead(record, before)
    )


def _steps_ahead(record: Record, before: int | None) -> tuple[canary_steps.CanaryStep, ...]:
    """Return the steps of the canary that come next; where nothing is live there is nobody to share clients with."""
    if record.stack.strategy != "canary" or not before:
        return ()
    return tuple(canary_steps.remaining_steps(canary_steps.parse_steps(record.stack.canary), record.steps))


def give_routes(ctx: StackContext, record: Record) -> None:
    """Make the routes of a release known to the proxy, for its color only: the public stays where it is."""
    routing = routes_of_stack(record.stack, ctx.project, ctx.environment, record.replicas, record.ports)
    ctx.proxy.apply(lambda state: ctx.proxy.plan_routes(state, routing, record.color))


def _reserve_ports(ctx: StackContext, record: Record) -> Record:
    """Return the record with ports for the routed services, where the proxy runs on the server itself; it is saved."""
    span = ctx.proxy.ports
    if not span:
        ctx.records.save(record)
        return record
    standing = ctx.records.get(ctx.release_on(record.color))
    own = {port for row in standing.ports.values() for port in row} if standing else set()
    before = [one.ports for one in ctx.records.all() if one.color == record.color]
    wanted = {route.service: record.replicas[route.service] for route in record.stack.routes}
    # A port is taken by a record that names it: no other stack may choose before this one is written.
    with atomic_file.locked(paths.host_ports_lock(ctx.host.root)):
        given = host_ports.allocate(
            span,
            wanted,
            before,
            host_ports.reserved(ctx.host.root),
            lambda port: port in own or host_ports.is_free(port),
        )
        record = record.updated(ports=given)
        ctx.records.save(record)
    return record


def _count(normalised: dict[str, t.Any], roles: dict[str, str], *wanted: str) -> int:
    return sum(compose_render.replicas(normalised, name) for name, role in roles.items() if role in wanted)


def _ensure(ctx: StackContext, rendered: compose_render.Rendered) -> None:
    """Make the networks and volumes that the projects refer to."""
    labels = names.labels(project=ctx.project, environment=ctx.environment, stack=ctx.stack)
    for name, network in rendered.networks.items():
        ctx.engine.ensure_network(name, network["internal"], {**labels, **names.labels(role="stack")})
    for name, volume in rendered.volumes.items():
        ctx.engine.ensure_volume(name, volume["driver"], volume["driver_opts"], labels)


def start_release(ctx: StackContext, given: StackInput, mode: str, holder: str, gone: int | None) -> dict[str, t.Any]:
    """Take the lock, look again under it, and prepare; return what the role needs for the next visits.

    ``mode`` is ``deploy``, ``rollback`` or ``promote``. Raises SwitchyardError; then the lock is free again and the
    public has noticed nothing.
    """
    token = take_lock(ctx, holder, gone)
    recovered = None
    try:
        recovered = undo.undo(ctx, token)
        seen, plan = examine_stack(ctx, given, mode)
        before = rendered_text(ctx, ctx.release_on(plan.live), plan.live)
        if not plan.changed:
            ctx.lock.release(token)
            return {"changed": recovered is not None, "plan": plan.as_dict(), "recovery_action": recovered}
        if plan.action == "cancel_canary":
            return {
                "changed": True,
                "plan": plan.as_dict(),
                "canary_cancelled": True,
                **_abort_canary(ctx, plan, token, holder),
            }
        if seen:
            ready = prepare(ctx, given, seen, holder, token)
        else:
            ready = (prepare_promote if plan.action == "promote" else prepare_rollback)(ctx, plan, token)
    except Exception:
        if recovered:
            _resume_serving(ctx)
        ctx.lock.release(token)
        raise
    after = rendered_text(ctx, ready.record.number, plan.color)
    told = {
        "changed": True,
        "plan": plan.as_dict(),
        "recovery_action": recovered,
        "diff": text_diff(ctx, before, after),
    }
    return {**told, **ready.as_dict(ctx)}


def _resume_serving(ctx: StackContext) -> None:
    """Let the requests that a killed release left waiting go on to the version that is live."""
    old = ctx.records.get(ctx.release_on(ctx.live()))
    # Why nothing can be released is the error to show.
    with contextlib.suppress(SwitchyardError):
        if old:
            hold_requests.restart_and_resume(ctx, old)


def _abort_canary(ctx: StackContext, plan: release_plan.ReleasePlan, token: int, holder: str) -> dict[str, t.Any]:
    """Take a canary from the clients that have it, and remove it."""
    if plan.target:
        reverted = revert.revert(ctx, plan.target, ctx.release_on(plan.live), token, f"cancelled by {holder}")
        return t.cast("dict[str, t.Any]", state_file.as_json(reverted))
    clear_canary_weight(ctx)
    ctx.lock.release(token)
    return {"live": plan.live}


def preview(ctx: StackContext, given: StackInput, mode: str) -> dict[str, t.Any]:
    """Return what ``begin`` would do, for check mode."""
    seen, plan = examine_stack(ctx, given, mode)
    before = rendered_text(ctx, ctx.release_on(plan.live), plan.live)
    if seen:
        release = compose_render.Release(ctx.project, ctx.environment, images=seen.images)
        rendered = compose_render.render(seen.normalised, given.stack, release)
        after = readable(ctx, {"color": rendered.colors[plan.color], "workers": rendered.workers})
    else:
        after = before if plan.action == "cancel_canary" else rendered_text(ctx, plan.target, plan.color)
    return {"changed": plan.changed, "plan": plan.as_dict(), "diff": text_diff(ctx, before, after)}
