# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller sends of one stack: its definition, its files and its secrets."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .. import state_file
from ..config.stack import Stack
from .source_tree import SourceTree


@dataclass(frozen=True)
class StackInput:
    """One stack as the controller sends it. ``where`` is its path in the inventory, for messages.

    ``sources`` are the Compose files and what Compose reads with them, by relative name; ``tree`` are the files that
    containers mount. ``archive`` is a file of the server with those of them that it does not have.

    ``contexts`` has the digest of each folder that images are built from, ``commit`` the commit of the files where they
    are from a Git repository. ``build_archive`` is a file of the server with these folders, or with built images.
    """

    stack: Stack
    sources: t.Mapping[str, str] = field(repr=False)
    secrets: t.Mapping[str, str] = field(repr=False)
    where: str
    tree: SourceTree = field(default_factory=SourceTree)
    archive: str | None = None
    contexts: t.Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    build_archive: str | None = None

    @classmethod
    def from_module(
        cls,
        option: t.Mapping[str, t.Any],
        secrets: t.Mapping[str, str],
        archive: str | None = None,
        build_archive: str | None = None,
    ) -> StackInput:
        """Return the input from a module's option ``stack`` and the secrets of this stack.

        The secrets may be more than those of the inventory: the controller adds those whose value is a file.
        """
        stack = state_file.from_json(Stack, option["definition"])
        return cls(
            stack,
            option["sources"],
            secrets,
            option["inventory_path"],
            SourceTree(option["tree"]),
            archive,
            option.get("contexts") or {},
            option.get("commit"),
            build_archive,
        )
