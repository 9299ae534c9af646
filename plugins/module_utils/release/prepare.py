# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares a release on the server, under the lock, without touching traffic."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .. import atomic_file, names, paths
from ..config import canary_steps
from ..engine import compose_dependencies, compose_one_shots, compose_render, compose_roles, host_ports
from ..errors import SwitchyardError
from . import build_images, mounted_files, secret_files, stack_networks
from . import plan as release_plan
from .context import StackContext
from .diff import readable, save_text
from .drain import drain_and_remove, drain_color, live_since
from .effective_files import effective_files
from .fingerprint import fingerprint_of
from .fixed_addresses import fix_addresses, renew_addresses
from .migration import projects as migration_projects
from .preflight.examine import DeployInput
from .record import Record
from .routes import routes_of_stack
from .stack_input import StackInput

# Called with the number of a release that has its record, and of the one that is live.
BeginRecord = t.Callable[[int, t.Optional[int]], None]

PARTS = ("blue", "green", "workers", "accessories", "jobs")


@dataclass(frozen=True)
class PreparedRelease:
    """A prepared release: its record, the release that is live before it, and the next steps of its canary.

    ``started`` says that its color runs already. ``dropped_requests`` is what the idle color from before still answered
    at its drain limit.
    """

    record: Record
    previous: int | None
    started: bool
    dropped_requests: int = 0
    canary_steps: tuple[canary_steps.CanaryStep, ...] = ()


def get_images(ctx: StackContext, given: StackInput, deploy_input: DeployInput, token: int) -> dict[str, str]:
    """Pull and build the images that are missing; return all pinned ones by their names in the Compose files."""
    images = dict(deploy_input.images)
    for name in deploy_input.pulls:
        ctx.lock.renew(token, f"pull {name}", 900)
        images[name] = ctx.pull(name).pinned
    return {**images, **build_images.build_missing(ctx, given, deploy_input.builds, token)}


def prepare(
    ctx: StackContext,
    given: StackInput,
    deploy_input: DeployInput,
    images: dict[str, str],
    holder: str,
    token: int,
    begin_record: BeginRecord,
) -> PreparedRelease:
    """Prepare everything of a release on the server, under the lock; the live color does not change.

    The idle color is drained first, for at most ``drain_limit`` seconds of its stack, and stopped while the Compose
    projects are written. A color that waits for nothing starts before the proxy gets its routes. ``begin_record`` is
    called as soon as the release has a record.
    """
    plan, stack = deploy_input.plan, given.stack
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
    begin_record(number, before)
    published, secrets = {record.color: record.ports}, secret_files.paths_of(ctx, given)
    release = compose_render.Release(
        ctx.project, ctx.environment, number, secrets, fingerprint, images, published, plan.color
    )
    rendered = compose_render.render(normalised, stack, release)
    # Fixed addresses need the subnet of the network.
    _ensure_resources(ctx, rendered)
    drained = drain_color(ctx, plan.color, stack, token, live_since(ctx))
    # A container may take minutes to stop.
    with ctx.lock.renewed(token, "prepare"), ThreadPoolExecutor(1) as pool:
        removal = pool.submit(ctx.engine.remove, drained.containers)
        projects = [*rendered.colors.values(), rendered.workers, rendered.accessories, rendered.jobs]
        for part, content in zip(PARTS, projects):
            if content:
                fixed = fix_addresses(ctx, content) if part == plan.color else content
                atomic_file.write_json(paths.compose_file(folder, part), fixed, 0o600)
        image_names = {name: service["image"] for name, service in normalised["services"].items()}
        migration = migration_projects.migration_projects(ctx, given, folder, release, image_names)
        for part, content in migration.items():
            atomic_file.write_json(paths.compose_file(folder, part), content, 0o600)
        removal.result()
        started = not (rendered.jobs or rendered.accessories or stack.strategy == "recreate")
        # The longest step of this process: the container boots while the proxy gets its routes.
        start = pool.submit(ctx.compose_up, record, record.color) if started else None
        save_text(ctx, number, readable(ctx, rendered.colors[plan.color], rendered.workers, given))
        configure_routes(ctx, record)
        if start:
            start.result()
    return PreparedRelease(record, before, started, drained.remaining, _next_steps(record, before))


def prepare_rollback(
    ctx: StackContext, plan: release_plan.ReleasePlan, token: int, begin_record: BeginRecord
) -> PreparedRelease:
    """Prepare the previous release to run again; a color that still runs stays as it is."""
    record = ctx.records.require(t.cast(int, plan.target))
    before = ctx.release_on(plan.live)
    begin_record(record.number, before)
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
    return PreparedRelease(record, before, warm)


def prepare_promote(ctx: StackContext, plan: release_plan.ReleasePlan, begin_record: BeginRecord) -> PreparedRelease:
    """Continue a paused canary: it runs, and has its clients."""
    record = ctx.records.require(t.cast(int, plan.target)).updated(state="prepared")
    before = ctx.release_on(plan.live)
    begin_record(record.number, before)
    ctx.records.save(record)
    return PreparedRelease(record, before, True, 0, _next_steps(record, before))


def _next_steps(record: Record, before: int | None) -> tuple[canary_steps.CanaryStep, ...]:
    """Return the next steps of the canary; none when no release is live, because there are no clients to split."""
    if record.stack.strategy != "canary" or not before:
        return ()
    return tuple(canary_steps.remaining_steps(canary_steps.parse_steps(record.stack.canary), record.canary_steps_done))


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
