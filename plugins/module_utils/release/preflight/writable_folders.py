# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: no file of a writable folder changed since the folder was created from it."""

from __future__ import annotations

from ... import paths
from ...errors import Problem
from ..file_store import FileStore
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the writable folders whose files in ``source.path`` changed: a release would not bring the change."""
    folder, tree = context.ctx.folder, context.spec.tree
    seeds = FileStore(folder).seeds()
    problems = []
    for name, services in context.mounts.data.items():
        if name not in seeds or not tree.blobs(name) or seeds[name] == tree.digest(name):
            continue
        where = f"{context.where}.compose.services.{services[0]}.volumes" if services else f"{context.where}.compose"
        message = f"{name} changed in source.path, and no release overwrites {paths.data_folder(folder) / name}"
        hint = f"Mount files that each release brings with :ro, or write '!{name}' in files to leave them out"
        problems.append(Problem(where, message, hint, "stack.writable_folder_changed"))
    return problems
