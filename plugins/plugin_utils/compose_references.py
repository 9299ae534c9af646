# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a stack's Compose files refer to. For the controller only.

Sources: Compose specification, 14-include.md (``include``), 05-services.md (``env_file``, ``label_file``, ``extends``,
``volumes``), 08-configs.md, 09-secrets.md, and Docker's manual, "Set environment variables" (``.env``).
"""

from __future__ import annotations

import os
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ansible_collections.switchyard.stacks.plugins.module_utils.config.allowances import ADDRESS, EVERY_SERVICE
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_build import is_built
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_variables import (
    read_env_file,
    substitute,
)

# Far more than an application has; files that include each other with ever other folders would never end.
MOST_FILES = 100


class OutsideFile(t.NamedTuple):
    """A path that Compose reads: the service and its key, or ``*`` and a key of the file, and the path or address."""

    service: str
    key: str
    path: str


@dataclass
class References:
    """Paths relative to the folder of the stack: files that Compose reads, and those outside of the folder.

    ``mounted`` are files and folders that containers mount, ``secrets`` the files of secrets by their names.
    ``contexts`` are the folders and files that images are built from, each with the Dockerfiles that a folder has.
    ``outside_files`` are what Compose would read on the server itself, or fetch; ``unknown`` has a variable without a
    value, and ``leading_out`` are those of ``outside``, each with the key that names it. ``invalid`` are Compose files
    that cannot be read, each with the reason. ``values`` are those of ``.env``.
    """

    files: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    mounted: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    contexts: dict[str, list[str]] = field(default_factory=dict)
    outside_files: list[OutsideFile] = field(default_factory=list)
    unknown: list[OutsideFile] = field(default_factory=list)
    leading_out: list[OutsideFile] = field(default_factory=list)
    invalid: list[tuple[str, str]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict, repr=False)


class _Loader(yaml.SafeLoader):
    """Reads Compose's own tags, ``!reset`` and ``!override``, as plain values."""


def _plain(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> t.Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return None


_Loader.add_multi_constructor("!", _plain)


def find_references(
    folder: Path,
    compose: t.Sequence[str],
    variables: t.Mapping[str, str],
    texts: t.Mapping[str, str] | None = None,
) -> References:
    """Return what Compose reads (``.env``, ``env_file``, ``include``, ``extends``) and what containers mount.

    Only files that exist are returned; Compose itself reports a missing file that is required. ``variables`` are those
    of the stack; a path whose variables have no value here cannot be found. ``texts`` replace those of files.
    """
    project = os.path.dirname(compose[0]) if compose else ""
    search = _Search(folder.resolve(), project, texts or {})
    if search.refer(EVERY_SERVICE, ".env", project, ".env"):
        search.values = read_env_file((folder / project / ".env").read_text(encoding="utf-8", errors="replace"))
    search.values.update(variables)
    for name in compose:
        search.read(name, project)
    files = [name for name in search.files if name not in compose]
    return References(
        files,
        search.outside,
        search.mounted,
        search.secrets,
        search.contexts,
        search.outside_files,
        search.unknown,
        search.leading_out,
        search.invalid,
        search.values,
    )


class _Search:
    """Walks through Compose files and collects what they refer to, as ``References`` has it."""

    def __init__(self, folder: Path, project: str, texts: t.Mapping[str, str]) -> None:
        self.folder = folder
        self.texts = texts
        self.project = project
        self.values: dict[str, str] = {}
        self.files: list[str] = []
        self.outside: list[str] = []
        self.mounted: list[str] = []
        self.secrets: dict[str, str] = {}
        self.contexts: dict[str, list[str]] = {}
        self.outside_files: list[OutsideFile] = []
        self.unknown: list[OutsideFile] = []
        self.leading_out: list[OutsideFile] = []
        self.invalid: list[tuple[str, str]] = []
        # Names of Compose files, each with the folder where its relative paths start.
        self.visited: set[tuple[str, str]] = set()

    def known(self, base: str, text: str) -> str | None:
        """Return a text with its variables' values, as ``substitute``; ``${PWD}`` is relative to ``base``."""
        working = f"./{os.path.relpath(self.project or '.', base or '.')}"
        return substitute(text, {"PWD": working, **self.values})

    def name_of(self, base: str, path: t.Any) -> str | None:
        """Return a path relative to ``base`` by its name below the folder, or None where it is not known."""
        text = self.known(base, path) if isinstance(path, str) else None
        return os.path.normpath(os.path.join(base, text)) if text and "://" not in text else None

    def mount(self, base: str, path: t.Any) -> None:
        """Note a path that a container mounts; a path of the server or outside of the folder is not sent."""
        name = self.name_of(base, path)
        if name and not os.path.isabs(name) and name.split("/")[0] not in ("..", "~") and name not in self.mounted:
            self.mounted.append("" if name == "." else name)

    def refer(self, service: str, key: str, base: str, path: t.Any) -> str | None:
        """Note a file that a key of a service or of a file names, as ``add``, also one that Compose finds itself."""
        if not isinstance(path, str) or not path:
            return None
        text = self.known(base, path)
        if text is None:
            self.unknown.append(OutsideFile(service, key, path))
        elif os.path.isabs(text) or text.startswith("~") or ADDRESS.search(text):
            self.outside_files.append(OutsideFile(service, key, text))
        else:
            found = self.add(base, path)
            if found is None and self.name_of(base, path) in self.outside:
                self.leading_out.append(OutsideFile(service, key, path))
            return found
        return None

    def add(self, base: str, path: str) -> str | None:
        """Note a file, relative to ``base``, and return its name below the folder, or None if it cannot be sent."""
        name = self.name_of(base, path)
        if not name:
            return None
        file = self.folder / name
        leads_out = os.path.isabs(name) or name.split("/")[0] == ".."
        if leads_out or (file.is_file() and not file.resolve().is_relative_to(self.folder)):
            self.outside += [name] if name not in self.outside else []
            return None
        if not file.is_file():
            return None
        if name not in self.files:
            self.files.append(name)
        return name

    def read(self, name: str, base: str) -> None:
        """Follow the references of a Compose file, whose relative paths start at ``base``."""
        base = os.path.normpath(base or ".")
        if (name, base) in self.visited:
            return
        self.visited.add((name, base))
        if len(self.visited) > MOST_FILES:
            self.invalid.append((name, f"more than {MOST_FILES} Compose files refer to each other"))
            return
        try:
            # Compose merges all documents of a file.
            text = self.texts.get(name) or (self.folder / name).read_text(encoding="utf-8")
            documents = list(yaml.load_all(text, Loader=_Loader))
        except (OSError, UnicodeDecodeError):
            # The check of the files reports it.
            return
        except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
            reason = " ".join(str(getattr(error, "problem", None) or error).split())
            self.invalid.append((name, reason))
            return
        for content in documents:
            if isinstance(content, dict):
                self._document(content, base)

    def _document(self, content: dict[str, t.Any], base: str) -> None:
        for include in _items(content.get("include")):
            self._include(include if isinstance(include, dict) else {"path": include}, base)
        for service, value in _mappings(content, "services").items():
            self._service(service, value, base)
        for config in _mappings(content, "configs").values():
            self.mount(base, config.get("file"))
        for secret, value in _mappings(content, "secrets").items():
            path = self.name_of(base, value.get("file"))
            if path and (self.folder / path).is_file() and (self.folder / path).resolve().is_relative_to(self.folder):
                self.secrets[secret] = path

    def _include(self, include: dict[str, t.Any], base: str) -> None:
        paths = [path for path in _items(include.get("path")) if isinstance(path, str)]
        if not paths:
            return
        directory = include.get("project_directory")
        if isinstance(directory, str):
            self.refer(EVERY_SERVICE, "include", base, directory)
        first = self.known(base, directory if isinstance(directory, str) else os.path.dirname(paths[0])) or ""
        project = os.path.join(base, first)
        for env_file in _items(include.get("env_file")):
            self.refer(EVERY_SERVICE, "include", base, env_file)
        if not os.path.isabs(project):
            self.refer(EVERY_SERVICE, ".env", project, ".env")
        for path in paths:
            self._follow(EVERY_SERVICE, "include", base, path, project)

    def _service(self, name: str, service: dict[str, t.Any], base: str) -> None:
        for key in ("env_file", "label_file"):
            for item in _items(service.get(key)):
                self.refer(name, key, base, item.get("path") if isinstance(item, dict) else item)
        for volume in _items(service.get("volumes")):
            if isinstance(volume, dict):
                self.mount(base, volume.get("source") if volume.get("type") == "bind" else None)
            elif isinstance(volume, str):
                # A source with a variable in it may have colons of its own.
                text = self.known(base, volume) or ""
                if text.startswith("."):
                    self.mount(base, text.split(":")[0])
        image = substitute(str(service.get("image") or ""), self.values)
        # An image whose name is not known here may be built.
        if service.get("build") and (image is None or is_built({**service, "image": image})):
            self._build(service["build"], base)
        extends = service.get("extends")
        if isinstance(extends, dict) and isinstance(extends.get("file"), str):
            file = extends["file"]
            folder = os.path.dirname(self.known(base, file) or "")
            self._follow(name, "extends", base, file, os.path.join(base, folder))

    def _build(self, build: t.Any, base: str) -> None:
        """Note the folders that an image is built from."""
        definition = build if isinstance(build, dict) else {"context": build}
        more = definition.get("additional_contexts") or {}
        others = more.values() if isinstance(more, dict) else [str(item).partition("=")[2] for item in _items(more)]
        context = self.name_of(base, str(definition.get("context") or "."))
        dockerfile = substitute(str(definition.get("dockerfile") or "Dockerfile"), self.values)
        for path in others:
            self._context(self.name_of(base, str(path)), [])
        # Another repository or a path with a variable: its Dockerfile is not known here.
        if not context or not dockerfile:
            return
        outside = os.path.normpath(dockerfile).startswith("../")
        self._context(context, [] if outside else [os.path.normpath(dockerfile)])
        if outside:
            self._context(os.path.normpath(os.path.join(context, dockerfile)), [])

    def _context(self, name: str | None, dockerfiles: list[str]) -> None:
        if not name or os.path.isabs(name) or name.split("/")[0] == "..":
            return
        if (self.folder / name).exists() and (self.folder / name).resolve().is_relative_to(self.folder):
            known = self.contexts.setdefault(name, [])
            known += [dockerfile for dockerfile in dockerfiles if dockerfile not in known]

    def _follow(self, service: str, key: str, base: str, path: str, project: str) -> None:
        name = self.refer(service, key, base, path)
        if name:
            self.read(name, project)


def _mappings(content: dict[str, t.Any], key: str) -> dict[str, dict[str, t.Any]]:
    """Return the mappings below a key of a file."""
    section = content.get(key)
    items = section.items() if isinstance(section, dict) else ()
    return {name: value for name, value in items if isinstance(value, dict)}


def _items(value: t.Any) -> Iterator[t.Any]:
    """Yield the items of a value that may be a single item, a list or absent."""
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value
