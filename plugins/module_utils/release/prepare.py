# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares a release on the server, under the lock, without touching traffic."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import atomic_file, names, paths, progress
from ..config import canary_steps
from ..engine import compose_dependencies, compose_one_shots, compose_render, compose_roles, host_ports
from ..errors import SwitchyardError
from . import build_images, hold_requests, mounted_files, revert, secret_files, stack_networks
from . import plan as release_plan
from .context import StackContext
from .diff import readable, save_text, saved_text, text_diff
from .drain import clear_canary_weight, drain_and_remove, live_since
from .effective_files import effective_files
from .fingerprint import fingerprint_of
from .fixed_addresses import fix_addresses, renew_addresses
from .lock import ControllerProcess
from .migration import projects as migration_projects
from .migration import undo
from .preflight.examine import DeployInput, examine_stack
from .prepare_result import CancelledCanary, NothingToPrepare, PrepareOutcome, PreparePreview, PrepareResult
from .record import Record
from .release_line import version_of
from .routes import routes_of_stack
from .stack_input import StackInput

PARTS = ("blue", "green", "workers", "accessories", "jobs")


@dataclass(frozen=True)
class PreparedRelease:
    """A prepared release: its record, the token of its lock, its folder, and the next steps of its canary.

    ``image_seconds`` is how long images were pulled and built.
    """

    record: Record
    token: int
    folder: Path
    previous: int | None
    started: bool
    dropped_requests: int = 0
    steps: tuple[canary_steps.CanaryStep, ...] = ()
    image_seconds: float = 0.0

    def result(
        self, ctx: StackContext, plan: release_plan.ReleasePlan, recovery_action: str | None, before: str
    ) -> PrepareResult:
        """Return what the next modules need; ``before`` is the text of the live release."""
        parts = tuple(part for part in PARTS if paths.compose_file(self.folder, part).exists())
        return PrepareResult(
            plan=plan,
            recovery_action=recovery_action,
            diff=text_diff(ctx, before, saved_text(ctx, self.record.number)),
            release=self.record.number,
            version=version_of(self.record),
            image_seconds=round(self.image_seconds, 1),
            previous_release=self.previous,
            token=self.token,
            color=self.record.color,
            folder=str(self.folder),
            started=self.started,
            dropped_requests=self.dropped_requests,
            strategy=self.record.stack.strategy,
            steps=self.steps,
            pauses=bool(self.steps and self.steps[-1].pause),
            parts=parts,
            projects={part: ctx.compose_project(part) for part in parts},
        )


def take_lock(
    ctx: StackContext,
    holder: str,
    stale_token: int | None,
    process: ControllerProcess | None = None,
    wait: float = 0.0,
) -> int:
    """Take the stack's lock within ``wait`` seconds, and return its token. Raises LockHeld."""
    ctx.folder.mkdir(parents=True, exist_ok=True)
    lock = ctx.lock

    def remove_jobs() -> str | None:
        # Their release was interrupted; no run waits for them.
        ctx.engine.remove(ctx.containers(role="job"), timeout=10)
        return None

    def of_whom() -> str:
        held = lock.state()
        return f"{held.holder}, step {held.step}" if held else "another run"

    name = progress.waiting_name(process.machine, process.id) if process else progress.NAME
    with progress.report_progress(ctx.folder, "lock", detail=of_whom, name=name):
        token = lock.take(holder, "prepare", remove_jobs, stale_token, process, wait).token
    progress.remove_stale(ctx.folder)
    return token


def prepare(
    ctx: StackContext, given: StackInput, deploy_input: DeployInput, holder: str, token: int
) -> PreparedRelease:
    """Prepare everything of a release on the server, under the lock; the live color does not change.

    The idle color is drained first, for at most ``drain_limit`` seconds of its stack.
    """
    plan, stack = deploy_input.plan, given.stack
    images, begin = dict(deploy_input.images), time.monotonic()
    for name in deploy_input.pulls:
        ctx.lock.renew(token, f"pull {name}", 900)
        images[name] = ctx.pull(name).pinned
    images.update(build_images.build_missing(ctx, given, deploy_input.builds, token))
    image_seconds = time.monotonic() - begin
    ctx.lock.renew(token, "prepare")
    number = ctx.records.begin()
    folder = ctx.records.path(number)
    mounted_files.create(ctx, deploy_input.mounts, given, images)
    normalised = effective_files(ctx, deploy_input.mounts, stack, images)
    secret_files.write(ctx, given)
    fingerprint = fingerprint_of(ctx, normalised, given, images)
    roles = compose_roles.roles_of(normalised, stack)
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
        commit=given.commit,
        service_images={name: item["image"] for name, item in deploy_input.mounts.normalised["services"].items()},
        replicas={name: compose_roles.replicas_of(normalised, name) for name in roles},
        containers=_count(normalised, roles, "routed", "inner"),
        workers=_count(normalised, roles, "worker"),
        accessories=_count(normalised, roles, "accessory"),
        one_shots=compose_one_shots.one_shots_of(normalised, stack, roles),
        waits=compose_dependencies.accessory_waits(normalised, roles),
        color_waits=compose_dependencies.color_waits(normalised, roles),
        networks=compose_render.networks_created(normalised, stack, ctx.project, ctx.environment),
    )
    record = _reserve_ports(ctx, record)
    published, secrets = {record.color: record.ports}, secret_files.paths_of(ctx, given)
    release = compose_render.Release(
        ctx.project, ctx.environment, number, secrets, fingerprint, images, published, plan.color
    )
    rendered = compose_render.render(normalised, stack, release)
    # Fixed addresses need the subnet of the network.
    _ensure_resources(ctx, rendered)
    projects = [*rendered.colors.values(), rendered.workers, rendered.accessories, rendered.jobs]
    for part, content in zip(PARTS, projects):
        if content:
            fixed = fix_addresses(ctx, content) if part == plan.color else content
            atomic_file.write_json(paths.compose_file(folder, part), fixed, 0o600)
    image_names = {name: service["image"] for name, service in normalised["services"].items()}
    migration = migration_projects.migration_projects(ctx, given, folder, release, image_names)
    for part, content in migration.items():
        atomic_file.write_json(paths.compose_file(folder, part), content, 0o600)
    save_text(ctx, number, readable(ctx, rendered.colors[plan.color], rendered.workers, given))
    dropped = drain_and_remove(ctx, plan.color, stack, token, live_since(ctx))
    configure_routes(ctx, record)
    # A color that waits for nothing starts now: it boots while the controller starts the next module.
    started = not (rendered.jobs or rendered.accessories or stack.strategy == "recreate")
    if started:
        ctx.compose_up(record, record.color)
    steps = _next_steps(record, before)
    return PreparedRelease(record, token, folder, before, started, dropped, steps, image_seconds)


def prepare_rollback(ctx: StackContext, plan: release_plan.ReleasePlan, token: int) -> PreparedRelease:
    """Prepare the previous release to run again; a color that still runs stays as it is."""
    record = ctx.records.require(t.cast(int, plan.target))
    for name, pinned in record.images.items():
        if not ctx.engine.image(pinned):
            if pinned.startswith("sha256:"):
                message = f"{name} of release {record.number} was built, and is not on this server any more."
                raise SwitchyardError(message, hint="Deploy that version with deploy.yml.")
            ctx.lock.renew(token, f"pull {name}", 900)
            ctx.pull(pinned)
    containers = ctx.containers(color=record.color)
    warm = {container.label("release") for container in containers} == {str(record.number)}
    warm = warm and sum(container.running for container in containers) == record.containers
    stack_networks.ensure(ctx, record.networks)
    if not warm:
        drain_and_remove(ctx, record.color, record.stack, token, live_since(ctx))
        renew_addresses(ctx, record)
    configure_routes(ctx, record)
    return PreparedRelease(record, token, ctx.records.path(record.number), ctx.release_on(ctx.live()), warm)


def prepare_promote(ctx: StackContext, plan: release_plan.ReleasePlan, token: int) -> PreparedRelease:
    """Continue a paused canary: it runs, and has its clients."""
    record = ctx.records.require(t.cast(int, plan.target)).updated(state="prepared")
    ctx.records.save(record)
    before = ctx.release_on(plan.live)
    return PreparedRelease(record, token, ctx.records.path(record.number), before, True, 0, _next_steps(record, before))


def _next_steps(record: Record, before: int | None) -> tuple[canary_steps.CanaryStep, ...]:
    """Return the next steps of the canary; none when no release is live, because there are no clients to split."""
    if record.stack.strategy != "canary" or not before:
        return ()
    return tuple(canary_steps.remaining_steps(canary_steps.parse_steps(record.stack.canary), record.steps))


def configure_routes(ctx: StackContext, record: Record) -> None:
    """Configure the routes of a release in the proxy, for its color only: the live color does not change."""
    routing = routes_of_stack(record.stack, ctx.project, ctx.environment, record.replicas, record.ports)
    ctx.proxy.apply(lambda state: ctx.proxy.plan_routes(state, routing, record.color))


def _reserve_ports(ctx: StackContext, record: Record) -> Record:
    """Save the record, with host ports for its routed services when the proxy runs as a systemd unit; return it."""
    port_range = ctx.proxy.ports
    if not port_range:
        ctx.records.save(record)
        return record
    current = ctx.records.get(ctx.release_on(record.color))
    own = {port for ports in current.ports.values() for port in ports} if current else set()
    before = [earlier.ports for earlier in ctx.records.all() if earlier.color == record.color]
    counts = {route.service: record.replicas[route.service] for route in record.stack.routes}
    # A record reserves the ports that it names: no other stack may choose before this one is written.
    with atomic_file.locked(paths.host_ports_lock(ctx.host.root)):
        ports = host_ports.allocate(
            port_range,
            counts,
            before,
            host_ports.reserved(ctx.host.root),
            lambda port: port in own or host_ports.is_free(port),
        )
        record = record.updated(ports=ports)
        ctx.records.save(record)
    return record


def _count(normalised: dict[str, t.Any], roles: dict[str, str], *counted: str) -> int:
    return sum(compose_roles.replicas_of(normalised, name) for name, role in roles.items() if role in counted)


def _ensure_resources(ctx: StackContext, rendered: compose_render.Rendered) -> None:
    """Create the networks and volumes that the projects refer to."""
    stack_networks.ensure(ctx, rendered.networks)
    for name, volume in rendered.volumes.items():
        labels = names.labels(project=ctx.project, environment=ctx.environment, stack=ctx.stack, **volume["made_for"])
        ctx.engine.ensure_volume(name, volume["driver"], volume["driver_opts"], labels)


def start_release(
    ctx: StackContext,
    given: StackInput,
    mode: str,
    holder: str,
    stale_token: int | None,
    process: ControllerProcess | None = None,
    wait: float = 0.0,
) -> PrepareOutcome:
    """Take the lock, run the checks again under it, and prepare; return what the next modules need.

    ``mode`` is ``deploy``, ``rollback`` or ``promote``. ``wait`` is how many seconds to wait for the lock. Raises
    SwitchyardError; then the lock is released and the live color unchanged.
    """
    token = take_lock(ctx, holder, stale_token, process, wait)
    recovered = None
    try:
        recovered = undo.undo(ctx, token)
        deploy_input, plan = examine_stack(ctx, given, mode)
        before = saved_text(ctx, ctx.release_on(plan.live))
        if not plan.changed:
            ctx.lock.release(token)
            return NothingToPrepare(plan, recovered)
        if plan.action == "cancel_canary":
            return CancelledCanary.of(plan, _cancel_canary(ctx, plan, token, holder))
        if deploy_input:
            ready = prepare(ctx, given, deploy_input, holder, token)
        else:
            ready = (prepare_promote if plan.action == "promote" else prepare_rollback)(ctx, plan, token)
    except Exception:
        if recovered:
            _resume_serving(ctx)
        ctx.lock.release(token)
        raise
    return ready.result(ctx, plan, recovered, before)


def _resume_serving(ctx: StackContext) -> None:
    """Resume the requests that an interrupted release held, to the live version."""
    old = ctx.records.get(ctx.release_on(ctx.live()))
    # The error to show is why the release failed.
    with contextlib.suppress(SwitchyardError):
        if old:
            hold_requests.restart_and_resume(ctx, old)


def _cancel_canary(ctx: StackContext, plan: release_plan.ReleasePlan, token: int, holder: str) -> revert.RevertResult:
    """Send the clients of a canary back, and remove it."""
    if plan.target:
        return revert.revert(ctx, plan.target, ctx.release_on(plan.live), token, f"cancelled by {holder}")
    had_weight = clear_canary_weight(ctx)
    ctx.lock.release(token)
    return revert.RevertResult(plan.live, had_weight)


def preview(ctx: StackContext, given: StackInput, mode: str) -> PreparePreview:
    """Return what ``start_release`` would do, for check mode."""
    deploy_input, plan = examine_stack(ctx, given, mode)
    before = saved_text(ctx, ctx.release_on(plan.live))
    if deploy_input:
        secrets = secret_files.paths_of(ctx, given)
        release = compose_render.Release(
            ctx.project, ctx.environment, secrets=secrets, images=deploy_input.images, color=plan.color
        )
        files = effective_files(ctx, deploy_input.mounts, given.stack, deploy_input.images)
        rendered = compose_render.render(files, given.stack, release)
        after = readable(ctx, rendered.colors[plan.color], rendered.workers, given)
    else:
        after = before if plan.action == "cancel_canary" else saved_text(ctx, plan.target)
    return PreparePreview(plan, text_diff(ctx, before, after))
