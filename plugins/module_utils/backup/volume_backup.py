# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backs up a volume: a copy without writers, which is read back and compared."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import names, progress, state_file
from ..engine.docker_client import Engine
from ..engine.models import Container, Volume
from ..errors import Problem, SwitchyardError, report
from ..paths import free_bytes
from . import retention, volume_archive, volume_quiet
from .checksums import checksum_file
from .create import MARGIN
from .dump_process import timed
from .offsite_restic import OffsiteRepository
from .retention import RetentionPolicy
from .volume_manifest import VolumeManifest, VolumeSummary
from .volume_store import VolumeStore

ARCHIVE = "dump"


@dataclass(frozen=True)
class VolumeRequest:
    """What to copy, and how: ``service`` runs ``before`` and ``after``; without them, containers are stopped."""

    project: str
    environment: str
    stack: str
    volume: str
    service: str | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)

    @property
    def server_name(self) -> str:
        """The name of the volume on the server."""
        return names.volume(self.project, self.stack, self.volume, self.environment)

    def owns(self, container: Container) -> bool:
        """Return whether a container belongs to the stack."""
        own = {"project": self.project, "environment": self.environment, "stack": self.stack}
        return all(container.label(name) == value for name, value in own.items())

    @property
    def hooked(self) -> bool:
        """Whether commands replace stopping."""
        return bool(self.before or self.after)


@dataclass(frozen=True)
class VolumeFacts:
    """The volume, the containers that use it, those of the service of the hooks, and the free bytes for the copy."""

    volume: Volume | None
    users: tuple[Container, ...]
    service: tuple[Container, ...]
    bytes: int
    free_bytes: int


@dataclass(frozen=True)
class VolumePlan:
    """The backup that will be made, the containers that stop for it, and the backups that will be removed after it."""

    name: str
    volume: str
    method: str
    stop: list[str]
    remove: list[str]
    bytes: int

    @property
    def diff(self) -> str:
        """The plan as a line of a diff."""
        stops = f", stops {', '.join(self.stop)}" if self.stop else ""
        return f"{self.name}: volume {self.volume}, {self.method}{stops}\n"


def gather_facts(engine: Engine, store: VolumeStore, request: VolumeRequest) -> VolumeFacts:
    """Return the facts of a volume's backup."""
    volume = engine.volume(request.server_name)
    of_stack = {"project": request.project, "environment": request.environment, "stack": request.stack}
    service = engine.containers(**of_stack, service=request.service) if request.service else []
    folder = Path(volume.folder) if volume and volume.folder else None
    files = folder.rglob("*") if folder and folder.is_dir() else ()
    size = sum(path.lstat().st_size for path in files if path.is_file())
    return VolumeFacts(
        volume=volume,
        users=tuple(engine.users_of_volume(request.server_name)),
        service=tuple(container for container in service if container.running),
        bytes=size,
        free_bytes=free_bytes(store.folder),
    )


def plan_volume(
    request: VolumeRequest, facts: VolumeFacts, backups: t.Sequence[VolumeManifest], name: str, now: float
) -> tuple[VolumePlan, list[Problem]]:
    """Return the plan, and every problem that prevents the backup."""
    planned = retention.PlannedBackup(name, "read", now)
    stop = [] if request.hooked else sorted(container.name for container in facts.users if container.running)
    plan = VolumePlan(
        name=name,
        volume=request.volume,
        method="hooked" if request.hooked else "stopped",
        stop=stop,
        remove=retention.backups_to_remove([*backups, planned], request.retention, now),
        bytes=facts.bytes,
    )
    return plan, problems_of(request, facts)


def problems_of(request: VolumeRequest, facts: VolumeFacts, copies: int = 1) -> list[Problem]:
    """Return every problem that prevents a copy; ``copies`` of the volume have to fit."""
    where, problems = f"backup_volumes.{request.volume}", []
    if not facts.volume:
        message = f"there is no volume {request.server_name} on this server"
        problems.append(Problem(where, message, "Check its name, or deploy the stack", "backup.volume"))
    elif not facts.volume.folder or facts.volume.driver != "local" or facts.volume.options:
        message = f"{request.server_name} has the driver {facts.volume.driver}, options, or no folder on this server"
        problems.append(Problem(where, message, "Back it up where its data is", "backup.volume"))
    if request.hooked and not facts.service:
        message = f"no container of the service {request.service or '(none is named)'} runs"
        problems.append(Problem(f"{where}.service", message, "Start it, or name the service", "backup.volume"))
    foreign = [one.name for one in facts.users if one.running and not request.owns(one)]
    if foreign and not request.hooked:
        message = f"{', '.join(foreign)} of another owner runs and uses it"
        problems.append(Problem(where, message, "Stop it for the copy, or use before and after", "backup.volume"))
    if facts.bytes * copies + MARGIN > facts.free_bytes:
        message = f"the copy needs {facts.bytes * copies >> 20} MiB, and {facts.free_bytes >> 20} MiB are free"
        problems.append(Problem("root", message, "Free some disk space, or keep fewer backups", "backup.disk_space"))
    return problems


def raise_for(problems: t.Sequence[Problem], request: VolumeRequest) -> None:
    """Raise SwitchyardError with all problems, if there are any."""
    if problems:
        heading = f"Nothing was changed in the volume {request.server_name}. Problems"
        raise SwitchyardError(report(problems, heading), problems=[problem.as_dict() for problem in problems])


@dataclass(frozen=True)
class VolumeResult:
    """A copy of a volume that was made, or in check mode would be made, which leaves out ``backup`` and ``seconds``.

    ``started_again`` are containers that an interrupted run had stopped.
    """

    changed: bool
    name: str
    diff: t.Mapping[str, str]
    removed: t.Sequence[str]
    plan: VolumePlan
    started_again: t.Sequence[str]
    backup: VolumeSummary | None = None
    seconds: t.Mapping[str, float] | None = field(default=None, metadata=state_file.when_set())
    removed_offsite: t.Sequence[str] | None = field(default=None, metadata=state_file.when_set())


def create_volume_backup(
    engine: Engine,
    store: VolumeStore,
    request: VolumeRequest,
    check_mode: bool = False,
    offsite: OffsiteRepository | None = None,
) -> VolumeResult:
    """Copy a volume, read the copy back and compare it.

    Raises SwitchyardError with all problems before anything changes. A failed copy leaves nothing, and the containers
    that were stopped run again.
    """
    started = time.time()
    with contextlib.ExitStack() as stack:
        restarted: list[str] = []
        if not check_mode:
            stack.enter_context(store.locked())
            store.remove_partials()
            restarted = volume_quiet.start_again(engine, store)
        name = store.next_name(started)
        facts = gather_facts(engine, store, request)
        plan, problems = plan_volume(request, facts, store.volumes(), name, started)
        raise_for(problems, request)
        planned = VolumeResult(True, name, store.diff(plan.remove, plan.diff), plan.remove, plan, restarted)
        if check_mode:
            return planned
        seconds: dict[str, float] = {}
        manifest = _copy(engine, store, request, facts, plan, started, seconds)
        removed = retention.backups_to_remove(store.volumes(), request.retention, time.time())
        store.remove(removed)
        result = replace(planned, removed=removed, backup=manifest.summary(), seconds=seconds)
        if not offsite:
            return result
        with progress.report_progress(store.folder, "offsite"):
            return replace(result, removed_offsite=offsite.upload(store, manifest, request.retention))


def _copy(
    engine: Engine,
    store: VolumeStore,
    request: VolumeRequest,
    facts: VolumeFacts,
    plan: VolumePlan,
    started: float,
    seconds: dict[str, float],
) -> VolumeManifest:
    folder = Path(t.cast(Volume, facts.volume).folder)
    done = [0]

    def amount() -> progress.Amount:
        return done[0], plan.bytes

    def add(size: int) -> None:
        done[0] += size

    with store.writing(plan.name) as partial:
        archive = partial / ARCHIVE
        quiet = volume_quiet.stopped(engine, store, facts.users)
        if request.hooked:
            quiet = volume_quiet.hooked(engine, facts.service, request.before, request.after)
        with timed(seconds, "copy"), quiet, progress.report_progress(store.folder, "copy", amount, "bytes"):
            entries = volume_archive.write_archive(folder, archive, add)
        with timed(seconds, "verify"):
            found = volume_archive.differences(entries, volume_archive.read_archive(archive))
            if found:
                lines = "\n".join(f"  {line}" for line in found[:20])
                raise SwitchyardError(f"The copy of {request.server_name} is not what was read. Differences:\n{lines}")
            files = {ARCHIVE: {"sha256": checksum_file(archive), "bytes": archive.stat().st_size}}
        manifest = VolumeManifest(
            name=plan.name,
            project=request.project,
            environment=request.environment,
            stack=request.stack,
            volume=request.volume,
            state="read",
            started=started,
            finished=time.time(),
            method=plan.method,
            entries=entries,
            files=files,
            verified_at={"read": time.time()},
        )
        store.publish_volume(plan.name, manifest)
    return manifest
