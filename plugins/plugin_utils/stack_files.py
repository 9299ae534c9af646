# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller reads of a stack's source folder: Compose files, mounted files and secrets. For the controller.

Nothing of it is in a task's result: a ``.env`` holds secrets, and Ansible shows results.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_variables
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

from .compose_references import References, find_references
from .outside_files import outside_file_problems, refused_files, without_keys
from .source_tree import read_tree
from .unread_files import default_file, unread_files

LOOK = "Look at source.path, which starts at the inventory"


@dataclass
class StackFiles:
    """The texts that Compose reads, the entries of the source tree, and secrets whose value is a file of the folder.

    ``unused`` are the variables of the stack that no file uses.
    ``unread`` has a sentence for each Compose file next to them that a release does not read.
    ``contexts`` are the folders and files that images are built from, each with the Dockerfiles of a folder.
    ``readable``: despite the problems, the server can check the rest of the files. ``follow_up`` are the problems that
    it would report only because of these, each as a code and a path in the inventory.
    """

    sources: dict[str, str] = field(default_factory=dict, repr=False)
    tree: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    unused: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    contexts: dict[str, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True
    follow_up: set[tuple[str, str]] = field(default_factory=set)


def read_stack_files(folder: Path, stack: Stack, where: str) -> StackFiles:
    """Return the files of a stack, with a problem for each path that cannot be sent.

    A secret of the inventory wins over its file.
    """
    result = StackFiles()
    references = find_references(folder, stack.compose, stack.variables)
    refused = outside_file_problems(references, stack, where)
    found = read_tree(folder, references.mounted, stack.files)
    hint = "Choose source.path so that it contains the file, and write compose: with the folder of the Compose file"
    refused += [_leads_out(f"{where}.compose", name, hint) for name in references.outside]
    hint = "Choose source.path so that it contains the file, or leave the path out: '!path' in files"
    result.problems += [_leads_out(f"{where}.files", name, hint) for name in found.outside]
    for name, reason in references.invalid:
        hint = "Look at the file; no key may be hidden from the checks"
        message = f"{name} cannot be read as YAML: {reason}"
        result.problems.append(Problem(f"{where}.compose", message, hint, "compose.invalid"))
    found_here = default_file(folder)
    for name in (*stack.compose, *references.files):
        other = f"Write compose: [{found_here}] in the stack" if found_here and name in stack.compose else LOOK
        _read_text(folder, name, result.sources, f"{where}.compose", result.problems, hint=other)
    for secret, name in references.secrets.items():
        if secret not in stack.secrets:
            _read_text(folder, name, result.secrets, f"{where}.compose.secrets.{secret}", result.problems, secret)
    for name, reason in found.unreadable:
        hint = "Make it readable, or leave it out: '!path' in files"
        message = f"{folder / name} cannot be read ({reason})"
        result.problems.append(Problem(f"{where}.files", message, hint, "stack.file_unreadable"))
    result.readable = not result.problems and _leave_out(folder, references, stack, where, result)
    for pattern in found.unmatched:
        message = f"{folder / pattern} does not exist"
        result.problems.append(Problem(f"{where}.files", message, LOOK, "stack.file_unreadable"))
    result.problems[:0] = refused
    result.tree = found.entries
    result.unused = compose_variables.unused(stack.variables, result.sources.values())
    result.contexts = references.contexts
    result.unread = unread_files(folder, stack.compose, {**references.values, **stack.variables})
    return result


def _leads_out(where: str, name: str, hint: str) -> Problem:
    return Problem(where, f"{name} leads out of source.path", hint, "stack.file_outside")


def _leave_out(folder: Path, references: References, stack: Stack, where: str, files: StackFiles) -> bool:
    """Take the keys that name refused files out of the texts; return whether that is enough: Compose reads no other.

    What a service would have from ``extends``, such as its image, is missing in turn.
    """
    refused = refused_files(references, stack)
    if not refused:
        return True
    keys = {(file.service, file.key) for file in refused}
    try:
        texts = {
            name: without_keys(text, keys) if name in stack.compose or name.endswith((".yml", ".yaml")) else text
            for name, text in files.sources.items()
        }
    except yaml.YAMLError:
        return False
    if refused_files(find_references(folder, stack.compose, stack.variables, texts), stack):
        return False
    files.sources = texts
    extended = [file.service for file in refused if file.key == "extends"]
    files.follow_up = {("compose.image_missing", f"{where}.compose.services.{name}.image") for name in extended}
    return True


def _read_text(
    folder: Path,
    name: str,
    texts: dict[str, str],
    where: str,
    problems: list[Problem],
    key: str | None = None,
    hint: str = LOOK,
) -> None:
    """Add the text of a file under its name or under ``key``, or a problem."""
    try:
        texts[key or name] = (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text"
        problems.append(Problem(where, f"{folder / name} cannot be read ({reason})", hint, "stack.file_unreadable"))
