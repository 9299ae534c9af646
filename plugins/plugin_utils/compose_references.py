# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that Docker Compose reads together with a stack's Compose files. For the controller only.

Sources: Compose specification, 14-include.md (``include``), 05-services.md (``env_file``, ``label_file``, ``extends``),
and Docker's manual, "Set environment variables" (``.env``).
"""

from __future__ import annotations

import os
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml


@dataclass
class References:
    """Files by their path relative to the folder of the stack: those to send, and those outside of the folder."""

    files: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """Reads Compose's own tags, ``!reset`` and ``!override``, as plain values."""


def _plain(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> t.Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return None


_Loader.add_multi_constructor("!", _plain)


def find_references(folder: Path, compose: t.Sequence[str]) -> References:
    """Return the other files that Compose reads: ``.env``, ``env_file``, ``include``, ``extends``.

    Only files that exist are returned; Compose itself reports a missing file that is required. A path with a variable
    in it cannot be known before Compose has replaced it.
    """
    search = _Search(folder.resolve())
    project = os.path.dirname(compose[0]) if compose else ""
    search.add(project, ".env")
    for name in compose:
        search.read(name, project)
    return References([name for name in search.files if name not in compose], search.outside)


class _Search:
    """Walks through Compose files; ``files`` and ``outside`` collect what they refer to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[str] = []
        self.outside: list[str] = []

    def add(self, base: str, path: t.Any) -> str | None:
        """Note a file, relative to ``base``, and return its name below the folder, or None if it cannot be sent."""
        if not isinstance(path, str) or not path or "$" in path or "://" in path:
            return None
        name = os.path.normpath(os.path.join(base, path))
        file = self.folder / name
        if not file.is_file():
            return None
        if os.path.isabs(name) or not file.resolve().is_relative_to(self.folder) or name.startswith(".."):
            self.outside += [name] if name not in self.outside else []
            return None
        if name not in self.files:
            self.files.append(name)
        return name

    def read(self, name: str, base: str) -> None:
        """Follow the references of a Compose file, whose relative paths start at ``base``."""
        try:
            content = yaml.load((self.folder / name).read_text(encoding="utf-8"), Loader=_Loader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            # The check of the files, or Compose itself, reports it.
            return
        if not isinstance(content, dict):
            return
        for include in _items(content.get("include")):
            self._include(include if isinstance(include, dict) else {"path": include}, base)
        services = content.get("services")
        for service in services.values() if isinstance(services, dict) else ():
            if isinstance(service, dict):
                self._service(service, base)

    def _include(self, include: dict[str, t.Any], base: str) -> None:
        paths = [path for path in _items(include.get("path")) if isinstance(path, str)]
        if not paths:
            return
        directory = include.get("project_directory")
        project = os.path.join(base, directory if isinstance(directory, str) else os.path.dirname(paths[0]))
        for env_file in _items(include.get("env_file")):
            self.add(base, env_file)
        self.add(project, ".env")
        for path in paths:
            self._follow(base, path, project)

    def _service(self, service: dict[str, t.Any], base: str) -> None:
        for key in ("env_file", "label_file"):
            for item in _items(service.get(key)):
                self.add(base, item.get("path") if isinstance(item, dict) else item)
        extends = service.get("extends")
        if isinstance(extends, dict) and isinstance(extends.get("file"), str):
            file = extends["file"]
            self._follow(base, file, os.path.join(base, os.path.dirname(file)))

    def _follow(self, base: str, path: str, project: str) -> None:
        before = len(self.files)
        name = self.add(base, path)
        # A file that was found before has been read.
        if name and len(self.files) > before:
            self.read(name, project)


def _items(value: t.Any) -> Iterator[t.Any]:
    """Yield the items of a value that may be a single item, a list or absent."""
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value
