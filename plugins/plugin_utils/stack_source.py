# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a stack's files on the controller: its own, or one version of a Git repository. For the controller."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

from .build_contexts import digest_of
from .git_source import GitError, check_out
from .play_folder import play_folder


@dataclass(frozen=True)
class StackSource:
    """The folder of a stack's files on the controller; without a folder, no file is needed.

    ``commit`` is that of the files, where they are from the Git repository ``url``.
    """

    folder: Path | None
    commit: str | None = None
    url: str | None = None


def open_source(
    stack: Stack, variable: str, task_vars: t.Mapping[str, t.Any], mode: str
) -> tuple[StackSource | None, list[Problem]]:
    """Return the folder of a stack's files, and what is wrong with its Git repository; None where it has no folder.

    A relative path starts at the inventory, so that it means the same from every folder.
    """
    inventory = Path(task_vars.get("inventory_dir") or ".")
    source = stack.source
    if mode != "deploy" and stack.strategy != "in_place":
        # A record has everything that an earlier release ran.
        return StackSource(None), []
    if not source.git:
        return StackSource((inventory / (source.path or ".")).resolve()), []
    url = str((inventory / source.git).resolve()) if (inventory / source.git).is_dir() else source.git
    where = f"{variable}[{stack.name}].source"
    try:
        checkout = check_out(url, source.version or "", play_folder() / "switchyard-git")
    except GitError as error:
        return None, [error.problem(f"{where}.git", "Try it with 'git ls-remote'", code="stack.git")]
    problems = []
    if source.require_tag and checkout.kind != "tag":
        message = f"{source.version} is a {checkout.kind}, and require_tag is true"
        problems = [Problem(f"{where}.version", message, "Write the name of a tag", "stack.git_tag_required")]
    folder = (checkout.folder / (source.path or ".")).resolve()
    if not folder.is_relative_to(checkout.folder.resolve()) or not folder.is_dir():
        message = f"{source.path} is not a folder of {source.git} at {source.version}"
        return None, [*problems, Problem(f"{where}.path", message, "Correct source.path", "stack.git")]
    return StackSource(folder, checkout.commit, url), problems


def context_digests(
    source: StackSource, contexts: t.Mapping[str, t.Collection[str]], where: str
) -> tuple[dict[str, str], list[Problem]]:
    """Return the digest of each folder that images are built from, and those that cannot be read."""
    digests, problems = {}, []
    for name, dockerfiles in contexts.items():
        try:
            # With a commit, the files are known by it.
            digests[name] = source.commit or digest_of(t.cast(Path, source.folder), name, dockerfiles)
        except OSError as error:
            message = f"{error.filename} of a build cannot be read ({error.strerror})"
            hint = "Make it readable, or list it in .dockerignore"
            problems.append(Problem(f"{where}.compose", message, hint, "stack.file_unreadable"))
    return digests, problems
