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

from .. import atomic_file, names
from ..config import canary_steps
from ..engine import compose_cli, compose_render, host_ports
from ..errors import SwitchyardError, report
from . import hold_requests, revert
from . import plan as release_plan
from .context import StackContext
from .diff import readable, rendered_text, text_diff
from .drain import clear_canary_weight, drain_and_remove, live_since
from .fingerprint import fingerprint_of
from .migration import projects as migration_projects
from .migration import undo
from .preflight.examine import PreflightResult, examine_records, examine_stack, rebase_paths, secrets_owner
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

    def as_dict(self, place: StackContext) -> dict[str, t.Any]:
        """Return what the role needs for the next visits."""
        parts = [part for part in PARTS if (self.folder / f"{part}.yml").exists()]
        return {
            "release": self.record.number,
            "before": self.before,
            "token": self.token,
            "color": self.record.color,
            "folder": str(self.folder),
            "started": self.started,
            "cut_off": self.left,
            "strategy": self.record.stack["strategy"],
            "steps": list(self.steps),
            "pauses": bool(self.steps and self.steps[-1]["pause"]),
            "parts": parts,
            "projects": {part: place.compose_project(part) for part in parts},
        }


def take_lock(place: StackContext, holder: str, gone: int | None) -> int:
    """Take the stack's lock and return its token. Raises SwitchyardError with the holder's name."""
    place.folder.mkdir(parents=True, exist_ok=True)

    def end_jobs() -> str | None:
        # Their release is gone, and nobody waits for them any more.
        place.engine.remove(place.containers(role="job"), timeout=10)
        return None

    return place.lock.take(holder, "prepare", end_jobs, gone).token


def prepare(place: StackContext, given: StackInput, seen: PreflightResult, holder: str, token: int) -> PreparedRelease:
    """Bring everything of a release to the server, under the lock; the public notices nothing.

    The idle color is emptied: what runs there finishes its requests first, at most ``drain`` seconds.
    """
    plan, stack = t.cast(release_plan.ReleasePlan, seen.plan), given.stack
    images = dict(seen.images)
    for name in seen.pulls:
        place.lock.renew(token, f"pull {name}", 900)
        images[name] = place.engine.pull(name).pinned
    place.lock.renew(token, "prepare")
    number = place.records.begin()
    folder = place.records.path(number)
    normalised = rebase_paths(seen.normalised, "/source", str(folder / "source"))
    compose_cli.write_sources(given.sources, folder / "source")
    _write_secrets(place, folder, normalised, given, images)
    fingerprint = fingerprint_of(place, seen.normalised, given, images)
    roles = compose_render.services_of(normalised, stack)
    before = place.release_on(place.live())
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
    record = _reserve_ports(place, record)
    published = {record.color: record.ports}
    release = compose_render.Release(
        place.project, place.environment, number, str(folder), fingerprint, images, published
    )
    rendered = compose_render.render(normalised, stack, release)
    projects = [*rendered.colors.values(), rendered.workers, rendered.accessories, rendered.jobs]
    for part, content in zip(PARTS, projects):
        if content:
            atomic_file.write_json(folder / f"{part}.yml", content, 0o600)
    for part, content in migration_projects.migration_projects(place, stack, folder, release).items():
        atomic_file.write_json(folder / f"{part}.yml", content, 0o600)
    _ensure(place, rendered)
    left = drain_and_remove(place, plan.color, stack, token, live_since(place))
    give_routes(place, record)
    # A color that waits for nothing starts at once: it boots while the controller makes its next visit.
    started = not (rendered.jobs or rendered.accessories or stack["strategy"] == "recreate")
    if started:
        place.compose_up(record, record.color)
    return PreparedRelease(record, token, folder, before, started, left, _steps_ahead(record, before))


def prepare_rollback(place: StackContext, plan: release_plan.ReleasePlan, token: int) -> PreparedRelease:
    """Make sure that the release before can stand again; a color that still stands is left as it is."""
    record = place.records.need(t.cast(int, plan.target))
    for name, pinned in record.images.items():
        if not place.engine.image(pinned):
            place.lock.renew(token, f"pull {name}", 900)
            place.engine.pull(pinned)
    here = place.containers(color=record.color)
    warm = {one.label("release") for one in here} == {str(record.number)}
    warm = warm and sum(one.running for one in here) == record.containers
    if not warm:
        drain_and_remove(place, record.color, record.stack, token, live_since(place))
    give_routes(place, record)
    return PreparedRelease(record, token, place.records.path(record.number), place.release_on(place.live()), warm)


def prepare_promote(place: StackContext, plan: release_plan.ReleasePlan, token: int) -> PreparedRelease:
    """Go on with a release that waits for a person: it stands, and has a share of the clients."""
    record = place.records.need(t.cast(int, plan.target)).now(state="prepared")
    place.records.save(record)
    before = place.release_on(plan.live)
    return PreparedRelease(
        record, token, place.records.path(record.number), before, True, 0, _steps_ahead(record, before)
    )


def _steps_ahead(record: Record, before: int | None) -> tuple[canary_steps.CanaryStep, ...]:
    """Return the steps of the canary that come next; where nothing is live there is nobody to share clients with."""
    if record.stack["strategy"] != "canary" or not before:
        return ()
    return tuple(canary_steps.remaining_steps(canary_steps.parse_steps(record.stack["canary"]), record.steps))


def give_routes(place: StackContext, record: Record) -> None:
    """Make the routes of a release known to the proxy, for its color only: the public stays where it is."""
    routing = routes_of_stack(record.stack, place.project, place.environment, record.replicas, record.ports)
    place.proxy.apply(lambda state: place.proxy.plan_routes(state, routing, record.color))


def _reserve_ports(place: StackContext, record: Record) -> Record:
    """Return the record with ports for the routed services, where the proxy runs on the server itself; it is saved."""
    span = place.proxy.ports
    if not span:
        place.records.save(record)
        return record
    standing = place.records.get(place.release_on(record.color))
    own = {port for row in standing.ports.values() for port in row} if standing else set()
    before = [one.ports for one in place.records.all() if one.color == record.color]
    wanted = {route["service"]: record.replicas[route["service"]] for route in record.stack["routes"]}
    # A port is taken by a record that names it: no other stack may choose before this one is written.
    with atomic_file.locked(place.server.root / "proxy" / "ports.lock"):
        given = host_ports.allocate(
            span,
            wanted,
            before,
            host_ports.reserved(place.server.root),
            lambda port: port in own or host_ports.is_free(port),
        )
        record = record.now(ports=given)
        place.records.save(record)
    return record


def _count(normalised: dict[str, t.Any], roles: dict[str, str], *wanted: str) -> int:
    return sum(compose_render.replicas(normalised, name) for name, role in roles.items() if role in wanted)


def _write_secrets(
    place: StackContext, folder: Path, normalised: dict[str, t.Any], given: StackInput, images: dict[str, str]
) -> None:
    """Write the secret files, readable by the containers' user only: a bind mount keeps the file's own owner."""
    if not given.secrets:
        return
    owner = secrets_owner(place, normalised, given, images)
    (folder / "secrets").mkdir(mode=0o700)
    for name, value in given.secrets.items():
        atomic_file.write(folder / "secrets" / name, value, 0o400, owner)


def _ensure(place: StackContext, rendered: compose_render.Rendered) -> None:
    """Make the networks and volumes that the projects refer to."""
    labels = names.labels(project=place.project, environment=place.environment, stack=place.stack)
    for name, network in rendered.networks.items():
        place.engine.ensure_network(name, network["internal"], {**labels, **names.labels(role="stack")})
    for name, volume in rendered.volumes.items():
        place.engine.ensure_volume(name, volume["driver"], volume["driver_opts"], labels)


def start_release(place: StackContext, given: StackInput, mode: str, holder: str, gone: int | None) -> dict[str, t.Any]:
    """Take the lock, look again under it, and prepare; return what the role needs for the next visits.

    ``mode`` is ``deploy``, ``rollback`` or ``promote``. Raises SwitchyardError; then the lock is free again and the
    public has noticed nothing.
    """
    token = take_lock(place, holder, gone)
    recovered = None
    try:
        recovered = undo.undo(place, token)
        seen, plan = _examine(place, given, mode)
        before = rendered_text(place, place.release_on(plan.live), plan.live)
        if not plan.changed:
            place.lock.release(token)
            return {"changed": recovered is not None, "plan": plan.as_dict(), "recovered": recovered}
        if plan.action == "abort":
            return {
                "changed": True,
                "plan": plan.as_dict(),
                "aborted": True,
                **_abort_canary(place, plan, token, holder),
            }
        if seen:
            ready = prepare(place, given, seen, holder, token)
        else:
            ready = (prepare_promote if plan.action == "promote" else prepare_rollback)(place, plan, token)
    except Exception:
        if recovered:
            _resume_serving(place)
        place.lock.release(token)
        raise
    after = rendered_text(place, ready.record.number, plan.color)
    told = {"changed": True, "plan": plan.as_dict(), "recovered": recovered, "diff": text_diff(place, before, after)}
    return {**told, **ready.as_dict(place)}


def _resume_serving(place: StackContext) -> None:
    """Let the requests that a killed release left waiting go on to the version that is live."""
    old = place.records.get(place.release_on(place.live()))
    # Why nothing can be released is the error to show.
    with contextlib.suppress(SwitchyardError):
        if old:
            hold_requests.restart_and_resume(place, old)


def _examine(
    place: StackContext, given: StackInput, mode: str
) -> tuple[PreflightResult | None, release_plan.ReleasePlan]:
    """Return what would be done, and what was seen for it. Raises SwitchyardError with all that stands in the way."""
    seen = examine_stack(place, given) if mode == "deploy" else None
    plan, problems = (seen.plan, seen.problems) if seen else examine_records(place, given.where, mode)
    if problems or not plan:
        raise SwitchyardError(report(problems, f"{place.stack} cannot be released"))
    return seen, plan


def _abort_canary(place: StackContext, plan: release_plan.ReleasePlan, token: int, holder: str) -> dict[str, t.Any]:
    """Take a canary from the clients that have it, and remove it."""
    if plan.target:
        return revert.revert(place, plan.target, place.release_on(plan.live), token, f"taken back by {holder}")
    clear_canary_weight(place)
    place.lock.release(token)
    return {"live": plan.live}


def preview(place: StackContext, given: StackInput, mode: str) -> dict[str, t.Any]:
    """Return what ``begin`` would do, for check mode."""
    seen, plan = _examine(place, given, mode)
    before = rendered_text(place, place.release_on(plan.live), plan.live)
    if seen:
        release = compose_render.Release(place.project, place.environment, images=seen.images)
        rendered = compose_render.render(seen.normalised, given.stack, release)
        after = readable(place, {"color": rendered.colors[plan.color], "workers": rendered.workers})
    else:
        after = before if plan.action == "abort" else rendered_text(place, plan.target, plan.color)
    return {"changed": plan.changed, "plan": plan.as_dict(), "diff": text_diff(place, before, after)}
