# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application as its Compose files describe it, read on the controller. For the controller only.

Nothing of the values in ``.env`` and of other files is kept: they hold secrets.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.config.allowances import ADDRESS, FILE
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import SourceSpec, Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_mistakes import VARIABLE, messages
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_variables import read_env_file
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ComposeError, Problem, SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import source_files
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext
from ansible_collections.switchyard.stacks.plugins.module_utils.release.mount_plan import plan_mounts
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import FILE as FILE_ENTRY
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import FOLDER, SourceTree
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput
from ansible_collections.switchyard.stacks.plugins.plugin_utils.compose_references import References, find_references
from ansible_collections.switchyard.stacks.plugins.plugin_utils.unread_files import DEFAULTS, default_file, unread_files

WHERE = "-e compose"
CODE = "new.compose"

_IMAGE = re.compile(r"\bimage:\s*[\"']?((?:\$\{[^}]*\}|[^\s\"',}#])+)")
_SHARED = re.compile(r"\$\{?SWITCHYARD_(POSTGRES|REDIS)_")

# How many folders above the Compose files may hold files that they name.
MOST_PARENTS = 3


@dataclass(frozen=True)
class Application:
    """What the Compose files of an application say, and what is next to them.

    ``folder`` has all files; ``compose`` are relative to it. ``written`` are folders that services write, with these
    services. ``unset`` are variables without a value. ``image_texts`` are the images as the files write them, with
    variables. ``shared`` are the servers (``postgres``, ``redis``) whose address the files take from this collection.
    ``env_names`` are the variables of ``.env``, ``file_secrets`` the secrets whose value is a file of the folder,
    ``outside_files`` services with the allowance of a file that Compose reads outside, ``inactive`` the services of
    inactive profiles with these, ``unread`` sentences about other Compose files, and ``mistakes`` Compose's messages.
    ``of_environment`` is the file that was found by the name of the environment.
    """

    folder: Path
    compose: tuple[str, ...]
    normalised: t.Mapping[str, t.Any] = field(repr=False)
    written: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    image_texts: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()
    env_names: tuple[str, ...] = ()
    file_secrets: tuple[str, ...] = ()
    outside_files: tuple[tuple[str, str], ...] = ()
    inactive: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    of_environment: str = ""

    @property
    def services(self) -> t.Mapping[str, t.Mapping[str, t.Any]]:
        """The services of the Compose files by name."""
        return t.cast("t.Mapping[str, t.Mapping[str, t.Any]]", self.normalised.get("services") or {})


def read_application(
    given: t.Sequence[str], name: str, environment: str, start: Path
) -> tuple[Application | None, list[Problem]]:
    """Return the application of a folder or of Compose files, and the problems; None where it cannot be read.

    Relative paths begin at ``start``. Where the files name others above their folder, the folder is the one that has
    all of them.
    """
    files, problems = find_files(given, environment, start)
    if problems:
        return None, problems
    own = next((file.name for file in files[1:] if file.name in names_of_environment(files[0].name, environment)), "")
    folder = Path(os.path.commonpath([file.parent for file in files]))
    first: tuple[Application | None, list[Problem]] | None = None
    for top in [folder, *folder.parents][: MOST_PARENTS + 1]:
        compose = tuple(str(file.relative_to(top)) for file in files)
        application, problems, leads_out = _read(top, compose, (name, environment))
        application = replace(application, of_environment=own) if application else None
        first = first or (application, problems)
        if not leads_out:
            return application, problems
    return t.cast("tuple[Application | None, list[Problem]]", first)


def find_files(given: t.Sequence[str], environment: str, start: Path) -> tuple[list[Path], list[Problem]]:
    """Return the Compose files that words of the command name, each a file or a folder, and the problems."""
    if not given:
        hint = "Write -e compose=../shop, the folder of the Compose file of the application"
        return [], [Problem(WHERE, "is missing", hint, CODE)]
    files: list[Path] = []
    problems = []
    for word in given:
        path = Path(os.path.normpath(start / Path(word).expanduser()))
        if path.is_dir():
            found = _files_of(path, environment)
            if not found:
                message = f"{path} has no Compose file"
                hint = f"Name the file itself, or a folder with one of {', '.join(DEFAULTS)}"
                problems.append(Problem(WHERE, message, hint, CODE))
            files += found
        else:
            files.append(path)
    for path in files:
        if not path.is_file():
            problems.append(Problem(WHERE, f"{path} does not exist", "Write the path of a folder or a file", CODE))
    return files, problems


def names_of_environment(default: str, environment: str) -> list[str]:
    """Return the names that the Compose file of an environment may have, next to the default one."""
    stem = default.rpartition(".")[0]
    words = [environment, *({"prod": ["production"], "production": ["prod"]}.get(environment, []))]
    return [name for word in words for end in ("yml", "yaml") for name in (f"{stem}.{word}.{end}", f"{word}.{end}")]


def _files_of(folder: Path, environment: str) -> list[Path]:
    """Return the Compose files of a folder: those that COMPOSE_FILE in ``.env`` names, or the default one.

    A file of the environment follows the default one.
    """
    try:
        values = read_env_file((folder / ".env").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        values = {}
    names = (values.get("COMPOSE_FILE") or "").split(values.get("COMPOSE_PATH_SEPARATOR") or ":")
    named = [Path(os.path.normpath(folder / one)) for one in names if one]
    default = default_file(folder)
    if named or not default:
        return named
    own = [folder / name for name in names_of_environment(default, environment) if _has_services(folder / name)]
    return [folder / default, *own[:1]]


def _has_services(file: Path) -> bool:
    """Return whether a file exists and has the section of services."""
    try:
        return bool(re.search(r"(?m)^services:", file.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return False


def _read(
    folder: Path, compose: tuple[str, ...], names: tuple[str, str]
) -> tuple[Application | None, list[Problem], bool]:
    """Return an application, the problems, and whether its files name others outside of the folder.

    ``names`` are those of the stack and of the environment.
    """
    references = find_references(folder, compose, {})
    problems = [
        Problem(WHERE, f"{folder / one} cannot be read as YAML: {reason}", "Correct it", "compose.invalid")
        for one, reason in references.invalid
    ]
    sources: dict[str, str] = {}
    for one in (*compose, *references.files):
        try:
            sources[one] = (folder / one).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not a text"
            problems.append(Problem(WHERE, f"{folder / one} cannot be read ({reason})", "Make it readable", CODE))
    if problems:
        return None, problems, False
    outside = tuple((one.service, f"{FILE} {one.path}") for one in references.outside_files)
    allowed = tuple(allowance for _service, allowance in outside if not ADDRESS.search(allowance.partition(" ")[2]))
    stack = Stack(names[0], SourceSpec(str(folder)), compose, allow={"*": allowed} if allowed else {})
    spec = StackInput(stack, sources, {}, WHERE)
    context = HostContext(folder, names[0], names[1]).stack(names[0])
    try:
        files = source_files.read(context, spec)
    except ComposeError as error:
        hint = "Correct what 'docker compose config' reports there"
        return None, [error.problem(WHERE, hint, code="compose.invalid")], bool(references.outside)
    except SwitchyardError as error:
        hint = "Install the Compose plugin of Docker on this machine, which reads the files"
        return None, [Problem(WHERE, error.message.rstrip("."), hint, "new.compose_plugin")], False
    if not files.content.get("services"):
        problem = Problem(
            WHERE, f"{', '.join(compose)} in {folder} has no service that runs", "Name another file", CODE
        )
        return None, [problem], False
    texts = list(sources.values())
    has_profiles = any("profiles" in text for text in texts)
    every = source_files.profiles_of_services(context, spec) if has_profiles else {}
    required = [name for one in files.mistakes if one.section == VARIABLE for name in one.name.split()]
    mounts = plan_mounts(files.content, _tree(folder, references), compose, folder)
    application = Application(
        folder=folder,
        compose=compose,
        normalised=files.content,
        written=mounts.data,
        unset=tuple(dict.fromkeys([*required, *files.unset])),
        image_texts=tuple(dict.fromkeys(one for text in texts for one in _IMAGE.findall(text) if "$" in one)),
        shared=frozenset(one.lower() for text in texts for one in _SHARED.findall(text)),
        env_names=tuple(references.values),
        file_secrets=tuple(references.secrets),
        outside_files=outside,
        inactive={one: tuple(names) for one, names in every.items() if one not in files.content["services"]},
        unread=tuple(unread_files(folder, compose, references.values)),
        mistakes=tuple(messages([one for one in files.mistakes if one.section != VARIABLE], reported=False)),
    )
    return application, [], bool(references.outside) or f'"{source_files.OUTSIDE}' in _paths(files.content)


def _tree(folder: Path, references: References) -> SourceTree:
    """Return the kinds of the mounted paths; what a folder contains, and the content of files, are not needed."""
    kinds = {name: folder / name for name in references.mounted if name}
    return SourceTree(
        {name: FOLDER if path.is_dir() else FILE_ENTRY for name, path in kinds.items() if os.path.lexists(path)}
    )


def _paths(content: t.Mapping[str, t.Any]) -> str:
    """Return the paths that mounts, configs and builds name, each in quotation marks."""
    services = content["services"].values()
    mounts = [mount.get("source") for one in services for mount in one.get("volumes") or ()]
    builds = [(one.get("build") or {}).get("context") for one in services]
    configs = [one.get("file") for one in (content.get("configs") or {}).values()]
    return " ".join(f'"{path}"' for path in (*mounts, *builds, *configs))
