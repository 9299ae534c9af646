# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a backup: what was dumped, of which moment, and how far it has been proved.

It is written last, and carries a checksum of itself: a folder without a whole manifest is no backup.
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

# How far a backup is proved: it was written; all of it was read again; it was restored elsewhere and compared.
STATES = ("dumped", "read", "restored")

FORMATS = ("custom", "directory")

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class ManifestError(SwitchyardError):
    """A manifest that is missing or wrong; ``problems`` has all that is wrong with it."""

    def __init__(self, folder: Path, problems: t.Sequence[Problem]) -> None:
        self.problems = list(problems)
        text = " ".join(str(problem) for problem in self.problems)
        super().__init__(f"The backup {folder.name} cannot be used: {text}")


@state_file.register("manifest.json")
@dataclass(frozen=True)
class Manifest:
    """One backup; times are seconds (epoch). ``proved`` has when each state was reached.

    ``locale`` is what a new database must have from its beginning, ``properties`` what it is given afterwards.
    ``changes`` are the counters of the moment, ``fence`` the id of the fence that stood then. A sequence has the next
    number before and after the dump: a dump reads it in between, outside of its snapshot.
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
    jobs: int
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
    query: str | None = None
    answer: str | None = None
    release: int | None = None
    fence: str | None = None
    proved: dict[str, float] = field(default_factory=dict)
    extra: dict[str, t.Any] = field(default_factory=dict)

    def reached(self, state: str, when: float) -> Manifest:
        """Return the manifest with a state that was proved; a weaker proof takes no stronger one away."""
        best = max(self.state, state, key=STATES.index)
        return replace(self, state=best, proved={**self.proved, state: when})

    def unproved(self) -> Manifest:
        """Return the manifest without its proofs: what was proved once is not true any more."""
        return replace(self, state=STATES[0], proved={STATES[0]: self.finished})

    @property
    def bytes(self) -> int:
        """The size of the dump."""
        return sum(one["bytes"] for one in self.files.values())

    @property
    def rows(self) -> int:
        """How many rows are in it."""
        return sum(one["rows"] for one in self.tables.values())

    @property
    def major(self) -> int:
        """The major version of the server that it is of."""
        return int(self.server["number"]) // 10000

    def summary(self) -> dict[str, t.Any]:
        """Return what a list of backups shows."""
        shown = ("name", "state", "started", "finished", "release", "format", "database", "database_bytes", "answer")
        return {
            **{key: getattr(self, key) for key in shown},
            "bytes": self.bytes,
            "rows": self.rows,
            "tables": len(self.tables),
            "proved": self.proved,
            "postgres": self.server["version"],
            "problems": [],
        }


def text(manifest: Manifest) -> str:
    """Return the manifest as its file has it."""
    content = {"version": VERSION, **state_file.as_json(manifest)}
    return json.dumps({**content, "checksum": _checksum(content)}, indent=1, sort_keys=True) + "\n"


def write(folder: Path, manifest: Manifest) -> None:
    """Put the manifest into its backup's folder."""
    atomic_file.write(folder / NAME, text(manifest), 0o600)


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises ManifestError with all that is wrong with it."""
    path = folder / NAME
    content = atomic_file.read(path)
    if content is None:
        raise ManifestError(folder, [Problem(str(path), "it is missing", "Use another backup", "manifest.missing")])
    try:
        value = json.loads(content)
    except ValueError:
        raise ManifestError(
            folder, [Problem(str(path), "it is not whole", "Use another backup", "manifest.invalid")]
        ) from None
    found = problems(value, str(path))
    if isinstance(value, dict) and value.get("name") != folder.name:
        # The name leads to the files: a copy under another name would be proved by those of the first.
        found.append(
            Problem(
                str(path), f"it is of the backup {value.get('name')}", "Give the folder its name back", "manifest.name"
            )
        )
    if found:
        raise ManifestError(folder, found)
    return state_file.from_json(
        Manifest, {key: item for key, item in value.items() if key not in ("version", "checksum")}
    )


def problems(value: t.Any, where: str) -> list[Problem]:
    """Return everything that is wrong with the content of a manifest."""
    if not isinstance(value, dict):
        return [Problem(where, "it is no manifest", "Use another backup", "manifest.invalid")]
    if value.get("version") != VERSION:
        message = f"it has version {value.get('version')!r}, and this collection knows {VERSION}"
        return [Problem(where, message, "Use the collection that wrote it, or a newer one", "manifest.version")]
    found = []

    def wrong(message: str) -> None:
        found.append(Problem(where, message, "Use another backup", "manifest.invalid"))

    content = {key: item for key, item in value.items() if key != "checksum"}
    if value.get("checksum") != _checksum(content):
        wrong("its checksum is wrong: it was changed after it was written")
    optional = {"query", "answer", "release", "fence", "proved", state_file.EXTRA}
    for key in sorted({item.name for item in fields(Manifest)} - optional - set(content)):
        wrong(f"{key} is missing")
    for key, kinds in _KINDS.items():
        if key in content and type(content[key]) not in kinds:
            wrong(f"{key} is no {kinds[0].__name__}")
    if content.get("state") not in STATES:
        wrong(f"state is {content.get('state')!r}, not one of {', '.join(STATES)}")
    if content.get("format") not in FORMATS:
        wrong(f"format is {content.get('format')!r}, not one of {', '.join(FORMATS)}")
    listed = content.get("files")
    for name, one in listed.items() if isinstance(listed, dict) else ():
        # A name never leads out of the folder.
        if not re.fullmatch(r"dump(/[A-Za-z0-9_.-]+)?", name) or name.endswith("/.."):
            wrong(f"files has the name {name!r}")
        elif (
            not isinstance(one, dict)
            or not _SHA256.match(str(one.get("sha256")))
            or not isinstance(one.get("bytes"), int)
        ):
            wrong(f"files[{name}] has no sha256 and size")
    if isinstance(listed, dict) and not listed:
        wrong("files is empty")
    return found


_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "project", "environment", "stack", "database", "owner"), (str,)),
    **dict.fromkeys(("started", "finished"), (float, int)),
    **dict.fromkeys(("server", "locale", "properties", "tables", "sequences", "changes", "files", "proved"), (dict,)),
    **dict.fromkeys(("extensions", "roles"), (list,)),
    **dict.fromkeys(("large_objects", "database_bytes", "jobs", "number"), (int,)),
}


def _checksum(content: t.Mapping[str, t.Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
