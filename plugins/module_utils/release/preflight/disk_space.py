# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: enough disk is free for images, releases and backups."""

from __future__ import annotations

import typing as t

from ... import paths
from ...errors import WARNING, Problem
from .context import HostCheckContext

NEEDS = ("engine",)


def check(context: HostCheckContext) -> list[Problem]:
    """Return the folders with less free space than the inventory asks for, or than the next backups need."""
    host = context.host
    hint = "Make room: 'docker system df' shows what of the engine uses it"
    found = [
        Problem(
            "server",
            f"{folder} has {gibibytes(free)} free, {gibibytes(context.min_free)} are asked for",
            hint,
            "server.disk_space",
        )
        for folder, free in host.free_bytes().items()
        if free < context.min_free
    ]
    folder = paths.backups_folder(host.root, host.project, host.environment)
    stacks = [spec.stack.name for spec in context.specs if spec.stack.shared_database]
    sizes = {name: _newest_backup(context, name) for name in stacks}
    return found + backup_problems(str(folder), paths.free_bytes(folder), sizes)


def backup_problems(folder: str, free: int, sizes: t.Mapping[str, int]) -> list[Problem]:
    """Return a problem when the next backup of each stack, as large as its last one, does not fit."""
    needed = sum(sizes.values())
    if needed <= free:
        return []
    message = (
        f"{folder} has {gibibytes(free)} free, and the last backups of {', '.join(sizes)} have {gibibytes(needed)}"
    )
    hint = "Make room, or keep fewer backups with backup_keep"
    return [Problem("server", message, hint, "server.backup_space", severity=WARNING)]


def gibibytes(number: int) -> str:
    """Return a number of bytes for a message."""
    return f"{number / 2**30:.1f} GiB"


def _newest_backup(context: HostCheckContext, stack: str) -> int:
    """Return the bytes of the newest backup of a stack; 0 where it has none."""
    from ...backup.store import BackupStore

    host = context.host
    usable = BackupStore(host.root, host.project, host.environment, stack).usable()
    return usable[0].bytes if usable else 0
