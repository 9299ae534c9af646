# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a new inventory creates, replaces and keeps. Decided first, written second."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

CREATED, REPLACED, UNCHANGED, KEPT = "created", "replaced", "unchanged", "kept"

# What its reader completes by hand: a replaced one would lose secrets, or settings of other inventories.
NEVER_REPLACED = ("vault.yml", "ansible.cfg")

OTHER_FOLDER = "Choose another -e folder"

# Only the owner reads it, until it is encrypted.
MODES = {"vault.yml": 0o600}


@dataclass(frozen=True)
class FileChange:
    """A file, its content before (None: it does not exist) and after, and what happens to it."""

    path: Path
    before: str | None
    after: str
    action: str

    @property
    def changes(self) -> bool:
        """Whether the file is written."""
        return self.action in (CREATED, REPLACED)


def plan_changes(files: t.Mapping[Path, str], overwrite: bool) -> tuple[list[FileChange], list[Problem]]:
    """Return what happens to each file, and a problem for each one that exists with another content."""
    changes, problems = [], []
    for path, after in files.items():
        try:
            before = atomic_file.read(path)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not a text"
            problems.append(Problem(str(path), f"cannot be read ({reason})", OTHER_FOLDER, "new.folder"))
            continue
        action = _action(path, before, after)
        if action == REPLACED and not overwrite:
            hint = "Choose another -e folder, or replace it with -e overwrite=true"
            problems.append(Problem(str(path), "exists, with another content", hint, "new.exists"))
        changes.append(FileChange(path, before, after, action))
    folders = {_existing_folder(change.path) for change in changes if change.changes}
    for folder in sorted(folders):
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            reason = "is not writable" if folder.is_dir() else "is not a folder"
            problems.append(Problem(str(folder), reason, OTHER_FOLDER, "new.folder"))
    return changes, problems


def _existing_folder(path: Path) -> Path:
    """Return the lowest folder above a file that exists."""
    return next(parent for parent in path.parents if parent.exists() or parent.is_symlink())


def _action(path: Path, before: str | None, after: str) -> str:
    if before is None:
        return CREATED
    if before == after:
        return UNCHANGED
    return KEPT if path.name in NEVER_REPLACED else REPLACED


def write_changes(changes: t.Iterable[FileChange]) -> None:
    """Write the files that change, with the folders that are missing. Raises OSError."""
    for change in changes:
        if change.changes:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            atomic_file.write(change.path, change.after, MODES.get(change.path.name, 0o644))
