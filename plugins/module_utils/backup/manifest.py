# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a backup: what was dumped, when, and how far the backup is verified.

It is written last and carries a checksum of itself: a folder without a complete manifest is not a backup. The format
is the dataclass ``Manifest`` as JSON, with ``version`` and ``checksum``.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from .. import atomic_file, state_file
from ..errors import Problem, SwitchyardError

NAME = "manifest.json"

VERSION = 1

# How far a backup is verified: written; completely read again; restored into a scratch server and compared.
STATES = ("dumped", "read", "restored")

# The state that each value of the option ``verify`` leads to
STATE_AFTER = {"none": "dumped", "read": "read", "restore": "restored"}

FORMATS = ("custom", "directory")

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class ManifestError(SwitchyardError):
    """A missing or invalid manifest; ``problems`` has every mistake."""

    def __init__(self, folder: Path, problems: t.Sequence[Problem]) -> None:
        self.problems = list(problems)
        text = " ".join(str(problem) for problem in self.problems)
        super().__init__(f"The backup {folder.name} cannot be used: {text}")


@dataclass(frozen=True)
class BackupSummary:
    """A backup of a database, as lists show it; times are seconds since the epoch."""

    name: str
    state: str
    started: float
    finished: float
    release: int | None
    format: str
    database: str
    database_bytes: int
    source: str | None
    schema_version: str | None
    verified_at: t.Mapping[str, float]
    bytes: int
    rows: int
    tables: int
    postgres: str
    problems: tuple[str, ...] = ()


@state_file.register(NAME)
@dataclass(frozen=True)
class Manifest:
    """One backup; times are seconds since the epoch, ``verified_at`` has the time of each state.

    ``locale`` is set when a database is created, ``properties`` are set afterwards. ``changes`` are the change
    counters at the snapshot, ``lockout`` is the id of the lockout that was active. A sequence has its next value
    before and after the dump: pg_dump reads it in between, outside of its snapshot.

    ``source`` names the accessory and its database, None for the shared server. Of a ``dedicated`` server the dump
    keeps the owners, and ``role_definitions`` has what its roles are made of: a dump holds none.
    """

    name: str
    project: str
    environment: str
    stack: str
    database: str
    owner: str
    state: str
    started: float
    finished: float
    format: str
    compression: str
    parallel_jobs: int
    server: dict[str, t.Any]
    number: int
    locale: dict[str, t.Any]
    properties: dict[str, t.Any]
    extensions: list[dict[str, str]]
    roles: list[str]
    tables: dict[str, dict[str, t.Any]]
    sequences: dict[str, list[int]]
    large_objects: int
    database_bytes: int
    changes: dict[str, t.Any]
    files: dict[str, dict[str, t.Any]]
    version_query: str | None = None
    schema_version: str | None = None
    release: int | None = None
    lockout: str | None = None
    verified_at: dict[str, float] = field(default_factory=dict)
    source: str | None = None
    dedicated: bool = False
    role_definitions: list[dict[str, t.Any]] = field(default_factory=list)
    extra: dict[str, t.Any] = field(default_factory=dict)

    def verified_as(self, state: str, when: float) -> Manifest:
        """Return the manifest with a state that was reached; a weaker state never replaces a stronger one."""
        best = max(self.state, state, key=STATES.index)
        return replace(self, state=best, verified_at={**self.verified_at, state: when})

    def unverified(self) -> Manifest:
        """Return the manifest in its first state: the backup no longer matches it."""
        return replace(self, state=STATES[0], verified_at={STATES[0]: self.finished})

    @property
    def unit(self) -> str:
        """The stack, and the accessory with its database, by which off-site copies are found."""
        return f"{self.stack}/{self.source}" if self.source else self.stack

    @property
    def bytes(self) -> int:
        """The size of the dump in bytes."""
        return sum(file["bytes"] for file in self.files.values())

    @property
    def rows(self) -> int:
        """The number of rows in all tables."""
        return sum(table["rows"] for table in self.tables.values())

    @property
    def major(self) -> int:
        """The major version of the server that was dumped."""
        return int(self.server["number"]) // 10000

    def summary(self) -> BackupSummary:
        """Return the backup as lists show it."""
        shown = ("name", "state", "started", "finished", "release", "format", "database", "database_bytes", "source")
        return BackupSummary(
            **{key: getattr(self, key) for key in (*shown, "schema_version", "verified_at")},
            bytes=self.bytes,
            rows=self.rows,
            tables=len(self.tables),
            postgres=self.server["version"],
        )


def text(manifest: Manifest) -> str:
    """Return the content of a manifest's file."""
    content = {"version": VERSION, **state_file.as_json(manifest)}
    return json.dumps({**content, "checksum": checksum(content)}, indent=1, sort_keys=True) + "\n"


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into its backup's folder."""
    atomic_file.write(folder / NAME, text(manifest), 0o600)


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises ManifestError with every mistake."""
    path = folder / NAME
    content = atomic_file.read(path)
    if content is None:
        raise ManifestError(folder, [Problem(str(path), "it is missing", "Use another backup", "manifest.missing")])
    try:
        value = json.loads(content)
    except ValueError:
        problem = Problem(str(path), "it is not complete", "Use another backup", "manifest.invalid")
        raise ManifestError(folder, [problem]) from None
    found = problems(value, str(path))
    if isinstance(value, dict) and value.get("name") != folder.name:
        # The folder's name leads to the files: a copy under another name would be verified by those of the first.
        message = f"it belongs to the backup {value.get('name')}"
        found.append(Problem(str(path), message, "Rename the folder back", "manifest.name"))
    if found:
        raise ManifestError(folder, found)
    known = {key: item for key, item in value.items() if key not in ("version", "checksum")}
    return state_file.from_json(Manifest, known)


def problems(value: t.Any, where: str) -> list[Problem]:
    """Return every mistake in the content of a manifest; ``where`` is its path."""
    if not isinstance(value, dict):
        return [Problem(where, "it is not a manifest", "Use another backup", "manifest.invalid")]
    if value.get("version") != VERSION:
        message = f"it has version {value.get('version')!r}, and this collection reads version {VERSION}"
        return [Problem(where, message, "Use the collection that wrote it, or a newer one", "manifest.version")]
    content = {key: item for key, item in value.items() if key != "checksum"}
    mistakes = []
    if value.get("checksum") != checksum(content):
        mistakes.append("its checksum is wrong: it was changed after it was written")
    mistakes += [*_field_mistakes(content), *_file_mistakes(content.get("files"))]
    return [Problem(where, mistake, "Use another backup", "manifest.invalid") for mistake in mistakes]


def _field_mistakes(content: t.Mapping[str, t.Any]) -> list[str]:
    optional = {"version_query", "schema_version", "release", "lockout", "verified_at", state_file.EXTRA}
    optional |= {"source", "dedicated", "role_definitions"}
    required = {item.name for item in fields(Manifest)} - optional
    mistakes = [f"{key} is missing" for key in sorted(required - set(content))]
    for key, types in _TYPES.items():
        if key in content and type(content[key]) not in types:
            mistakes.append(f"{key} is not of the type {types[0].__name__}")
    for key, values in (("state", STATES), ("format", FORMATS)):
        if content.get(key) not in values:
            mistakes.append(f"{key} is {content.get(key)!r}, not one of {', '.join(values)}")
    return mistakes


def _file_mistakes(files: t.Any) -> list[str]:
    if not isinstance(files, dict):
        return []
    mistakes = []
    for name, entry in files.items():
        # A name must not lead out of the folder.
        if not re.fullmatch(r"dump(/[A-Za-z0-9_.-]+)?", name) or name.endswith("/.."):
            mistakes.append(f"files has the name {name!r}")
        elif (
            not isinstance(entry, dict)
            or not _SHA256.match(str(entry.get("sha256")))
            or not isinstance(entry.get("bytes"), int)
        ):
            mistakes.append(f"files[{name}] has no sha256 and size")
    return mistakes if files else ["files is empty"]


_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "project", "environment", "stack", "database", "owner"), (str,)),
    **dict.fromkeys(("started", "finished"), (float, int)),
    **dict.fromkeys(
        ("server", "locale", "properties", "tables", "sequences", "changes", "files", "verified_at"), (dict,)
    ),
    **dict.fromkeys(("extensions", "roles"), (list,)),
    **dict.fromkeys(("large_objects", "database_bytes", "parallel_jobs", "number"), (int,)),
}


def checksum(content: t.Mapping[str, t.Any]) -> str:
    """Return the SHA-256 of a manifest's content, in one canonical form."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
