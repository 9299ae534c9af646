# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files outside of the source folder that Compose would read on the server, or fetch. For the controller only.

Compose reads them as root before it checks them, and shows a line that it cannot read. So a refused file is never in
what the server gets: the key that names it is taken out of the texts, for which the other checks can still run.
"""

from __future__ import annotations

import typing as t

import yaml

from ansible_collections.switchyard.stacks.plugins.module_utils.config.allowances import (
    EVERY_SERVICE,
    FILE,
    line,
    unused_allowance,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

from .compose_references import OutsideFile, References


def outside_file_problems(references: References, stack: Stack, where: str) -> list[Problem]:
    """Return the files that Compose would read without an allowance, and the allowances of files that it does not."""
    problems = []
    used: set[tuple[str, str]] = set()
    for file in references.outside_files:
        allowance = f"{FILE} {file.path}"
        matches = [key for key in (file.service, EVERY_SERVICE) if allowance in stack.allow.get(key, ())]
        used.update((key, allowance) for key in matches)
        if not matches:
            problems.append(_not_allowed(file, allowance, stack, where))
    for file in references.unknown:
        hint = "Write the path without a variable, or give each variable a value in variables or .env"
        message = f"{file.path} cannot be known before Compose reads it"
        problems.append(Problem(f"{where}.compose.{_key(file)}", message, hint, "compose.path_unknown"))
    return problems + [
        unused_allowance(where, key, allowance)
        for key, allowances in stack.allow.items()
        for allowance in allowances
        if allowance.startswith(f"{FILE} ") and (key, allowance) not in used
    ]


def refused_files(references: References, stack: Stack) -> list[OutsideFile]:
    """Return the files outside of the source folder that Compose must not read."""
    allowed = {
        (key, allowance)
        for key, allowances in stack.allow.items()
        for allowance in allowances
        if allowance.startswith(f"{FILE} ")
    }
    named = [
        file
        for file in references.outside_files
        if not allowed.intersection((key, f"{FILE} {file.path}") for key in (file.service, EVERY_SERVICE))
    ]
    return [*named, *references.unknown, *references.leading_out]


def without_keys(text: str, keys: t.Collection[tuple[str, str]]) -> str:
    """Return a Compose file without keys of its services, each as a service and a key; anchors and tags are kept.

    Raises YAMLError.
    """
    documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    for document in documents:
        for section, services in _pairs(document):
            if section == "services":
                for service, definition in _pairs(services):
                    _remove(definition, {key for name, key in keys if name == service})
    return yaml.serialize_all(documents, Dumper=yaml.SafeDumper, allow_unicode=True)


def _remove(node: yaml.Node, keys: t.Collection[str]) -> None:
    """Remove keys of a mapping, and of those that it merges."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _remove(item, keys)
    elif isinstance(node, yaml.MappingNode):
        node.value = [(key, value) for key, value in node.value if key.value not in keys]
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                _remove(value, keys)


def _pairs(node: yaml.Node) -> list[tuple[str, yaml.Node]]:
    """Return the keys and values of a mapping; nothing for another node."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [(str(key.value), value) for key, value in pairs]


def _not_allowed(file: OutsideFile, allowance: str, stack: Stack, where: str) -> Problem:
    lines = line(file.service, dict.fromkeys([*stack.allow.get(file.service, ()), allowance]))
    return Problem(
        f"{where}.compose.{_key(file)}",
        f"{file.path} needs an allowance: Compose would read it on the server or fetch it",
        f"Copy it into source.path, or write {lines} in the stack",
        "compose.not_allowed",
    )


def _key(file: OutsideFile) -> str:
    """Return the path of the key in the Compose files."""
    return file.key if file.service == EVERY_SERVICE else f"services.{file.service}.{file.key}"
