# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores a volume: into a new one, which is compared and then swapped with the live one.

Docker cannot rename a volume. The local driver keeps the content of each in the folder ``_data``; while no container
runs on it, two of these folders change places by renaming. The old content is kept in a volume with a dated name.
"""

from __future__ import annotations

import os
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import atomic_file, names, state_file
from ..engine.docker_client import Engine
from ..engine.models import Volume
from ..errors import SwitchyardError
from . import volume_archive, volume_quiet
from .checksums import checksum_file
from .dump_process import timed
from .volume_backup import ARCHIVE, VolumeRequest, gather_facts, problems_of, raise_for
from .volume_manifest import VolumeManifest, VolumeSummary
from .volume_store import VolumeStore

JOURNAL = "volume-restore.json"


@state_file.register(JOURNAL)
@dataclass(frozen=True)
class VolumeJournal:
    """A restore in progress: the volumes, and the folders with their content."""

    backup: str
    live: str
    new: str
    retained: str
    live_folder: str
    new_folder: str
    retained_folder: str
    extra: dict[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class VolumeRestoreResult:
    """A restore that was done, or in check mode would be done, which has no ``seconds``.

    ``retained`` is the volume that has the previous content.
    """

    changed: bool
    backup: VolumeSummary
    volume: str
    retained: str
    diff: t.Mapping[str, str]
    recovery_action: str | None = None
    seconds: t.Mapping[str, float] | None = field(default=None, metadata=state_file.when_set())


def restore_volume(
    engine: Engine, store: VolumeStore, request: VolumeRequest, backup: str, check_mode: bool = False
) -> VolumeRestoreResult:
    """Restore a backup of a volume.

    Raises SwitchyardError with all problems before anything changes. After a later failure, the live volume has its
    content of before, and the containers run again.
    """
    if check_mode:
        return _restore(engine, store, request, backup, check_mode=True)
    with store.locked():
        store.remove_partials()
        recovered = finish_interrupted(engine, store)
        return replace(_restore(engine, store, request, backup, check_mode=False), recovery_action=recovered)


def _restore(
    engine: Engine, store: VolumeStore, request: VolumeRequest, backup: str, check_mode: bool
) -> VolumeRestoreResult:
    manifest = store.get_volume(backup)
    archive = store.folder / manifest.name / ARCHIVE
    known = manifest.files.get(ARCHIVE, {})
    if not archive.is_file() or checksum_file(archive) != known.get("sha256"):
        raise SwitchyardError(f"The backup {manifest.name} is not what was copied. Use another one.")
    facts = gather_facts(engine, store, request)
    # The hooks make a copy of a running program consistent; a restore always stops it.
    plain = VolumeRequest(request.project, request.environment, request.stack, request.volume)
    raise_for(problems_of(plain, facts), request)
    live = t.cast(Volume, facts.volume)
    now = time.gmtime()
    retained = f"{live.name}-before-{time.strftime('%Y%m%d-%H%M%S', now)}"
    after = f"{live.name}: the backup {manifest.name}\n{retained}: as {live.name} is now\n"
    diff = {"before": f"{live.name}: as it is now\n", "after": after}
    planned = VolumeRestoreResult(True, manifest.summary(), live.name, retained, diff)
    if check_mode:
        return planned
    seconds: dict[str, float] = {}
    with timed(seconds, "load"):
        new = _create(engine, request, f"{live.name}-restore-{manifest.name.rpartition('-')[2]}")
        try:
            volume_archive.extract(archive, Path(new.folder))
            found = volume_archive.differences(manifest.entries, volume_archive.scan(Path(new.folder)))
            if found:
                lines = "\n".join(f"  {line}" for line in found[:20])
                raise SwitchyardError(f"The backup {manifest.name} does not restore. Differences:\n{lines}")
        except (SwitchyardError, OSError):
            engine.remove_resource("volume", new.name)
            raise
    with timed(seconds, "outage"):
        _swap(engine, store, request, manifest, live, new, retained)
    return replace(planned, seconds=seconds)


def _create(engine: Engine, request: VolumeRequest, name: str) -> Volume:
    """Create an empty volume of the stack; one that an interrupted run left is removed first."""
    if engine.has_volume(name):
        engine.remove_resource("volume", name)
    labels = names.labels(project=request.project, environment=request.environment, stack=request.stack)
    engine.ensure_volume(name, "local", {}, labels)
    return t.cast(Volume, engine.volume(name))


def _swap(
    engine: Engine,
    store: VolumeStore,
    request: VolumeRequest,
    manifest: VolumeManifest,
    live: Volume,
    new: Volume,
    retained: str,
) -> None:
    kept = _create(engine, request, retained)
    journal = VolumeJournal(manifest.name, live.name, new.name, kept.name, live.folder, new.folder, kept.folder)
    try:
        state_file.save(store.folder / JOURNAL, journal)
        with volume_quiet.stopped(engine, store, engine.users_of_volume(live.name)):
            os.rmdir(kept.folder)
            os.rename(live.folder, kept.folder)
            os.rename(new.folder, live.folder)
            atomic_file.sync_folder(Path(live.folder).parent)
    finally:
        finish_interrupted(engine, store)


def finish_interrupted(engine: Engine, store: VolumeStore) -> str | None:
    """Finish an interrupted restore: ``finished`` when the swap was done, ``undone`` when not, None without one.

    Each folder exists in one place only, which shows how far it came.
    """
    journal = state_file.load(store.folder / JOURNAL, VolumeJournal)
    outcome = None
    if journal:
        live, new, kept = (Path(path) for path in (journal.live_folder, journal.new_folder, journal.retained_folder))
        outcome = "undone" if new.exists() else "finished"
        if not live.exists():
            os.rename(kept, live)
        # Docker removes a volume only with its folder.
        for folder in (new, kept):
            folder.mkdir(exist_ok=True)
        removed = [journal.new, *([journal.retained] if outcome == "undone" else [])]
        for name in removed:
            if engine.has_volume(name):
                engine.remove_resource("volume", name)
        atomic_file.write_or_remove(store.folder / JOURNAL, None)
    volume_quiet.start_again(engine, store)
    return outcome
