# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a volume's backup: what is in it, and how it was copied.

As with a database, it is written last and carries a checksum of itself.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import atomic_file, state_file
from ..errors import Problem
from . import manifest as backup_manifest
from .manifest import ManifestError, checksum

KIND = "volume"

# A copy is made; it was read back completely and compared with its list.
STATES = backup_manifest.STATES[:2]


@dataclass(frozen=True)
class VolumeSummary:
    """A backup of a volume, as lists show it; its files count as rows, times are seconds since the epoch."""

    name: str
    state: str
    started: float
    finished: float
    release: int | None
    volume: str
    method: str
    verified_at: t.Mapping[str, float]
    bytes: int
    rows: int
    problems: tuple[str, ...] = ()


@state_file.register("volume/manifest.json")
@dataclass(frozen=True)
class VolumeManifest:
    """One backup of a volume; times are seconds since the epoch.

    ``volume`` is its name in the Compose files. ``entries`` are its files as ``volume_archive`` lists them. ``method``
    is ``stopped`` when no container that uses it ran, else ``hooked``.
    """

    name: str
    project: str
    environment: str
    stack: str
    volume: str
    state: str
    started: float
    finished: float
    method: str
    entries: dict[str, dict[str, t.Any]]
    files: dict[str, dict[str, t.Any]]
    release: int | None = None
    verified_at: dict[str, float] = field(default_factory=dict)
    extra: dict[str, t.Any] = field(default_factory=dict)

    def verified_as(self, state: str, when: float) -> VolumeManifest:
        """Return the manifest with a state that was reached."""
        return replace(self, state=state, verified_at={**self.verified_at, state: when})

    @property
    def unit(self) -> str:
        """The stack and the volume, by which off-site copies are found."""
        return f"{self.stack}/volume@{self.volume}"

    @property
    def bytes(self) -> int:
        """The size of the archive in bytes."""
        return sum(file["bytes"] for file in self.files.values())

    def summary(self) -> VolumeSummary:
        """Return the backup as lists show it; its files count as rows."""
        shown = ("name", "state", "started", "finished", "release", "volume", "method", "verified_at")
        rows = sum(entry["type"] == "file" for entry in self.entries.values())
        return VolumeSummary(**{key: getattr(self, key) for key in shown}, bytes=self.bytes, rows=rows)


def write(folder: Path, manifest: VolumeManifest) -> None:
    """Write the manifest into its backup's folder."""
    content = {"version": backup_manifest.VERSION, "kind": KIND, **state_file.as_json(manifest)}
    text = json.dumps({**content, "checksum": checksum(content)}, indent=1, sort_keys=True) + "\n"
    atomic_file.write(folder / backup_manifest.NAME, text, 0o600)


def read(folder: Path) -> VolumeManifest:
    """Return the manifest of a volume's backup. Raises ManifestError with every mistake."""
    path = folder / backup_manifest.NAME
    text = atomic_file.read(path)
    try:
        value = json.loads(text or "")
    except ValueError:
        value = None
    mistakes = _mistakes(value, folder.name)
    if mistakes:
        hint = "Use another backup"
        raise ManifestError(folder, [Problem(str(path), mistake, hint, "manifest.invalid") for mistake in mistakes])
    known = {key: item for key, item in value.items() if key not in ("version", "checksum", "kind")}
    return state_file.from_json(VolumeManifest, known)


def _mistakes(value: t.Any, name: str) -> list[str]:
    if not isinstance(value, dict):
        return ["it is missing or not complete"]
    content = {key: item for key, item in value.items() if key != "checksum"}
    if value.get("kind") != KIND or value.get("version") != backup_manifest.VERSION:
        return [f"it is a {value.get('kind')!r} of version {value.get('version')!r}, not a volume of version 1"]
    mistakes = [] if value.get("checksum") == checksum(content) else ["its checksum is wrong: it was changed"]
    if value.get("name") != name:
        mistakes.append(f"it belongs to the backup {value.get('name')}")
    if value.get("state") not in STATES:
        mistakes.append(f"state is {value.get('state')!r}, not one of {', '.join(STATES)}")
    # A name must not lead out of the volume.
    for entry in value.get("entries") or ():
        if entry.startswith("/") or ".." in entry.split("/"):
            mistakes.append(f"entries has the name {entry!r}")
    return mistakes
