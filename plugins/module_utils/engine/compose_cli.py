# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Compose: writes a stack's Compose files, normalises them, and starts the projects made from them."""

from __future__ import annotations

import json
import os
import re
import shutil
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import command, names
from ..config.stack import Stack
from ..errors import ComposeError, EngineError
from .compose_mistakes import (
    ANY_VALUE,
    ENV_FILE,
    VARIABLE,
    ComposeMistake,
    messages,
    overlay,
    parse_mistake,
    typed_values,
    without_overlay,
)
from .models import Mapping

TIMEOUT = 60

# Compose's warning for ``${NAME}`` without a value and without a default; its log escapes the quotation marks.
UNSET = re.compile(r'The \\?"([^"\\]+)\\?" variable is not set')

# The other lines of its log, such as one about the key ``version``, do not belong to a message.
LOG_LINE = re.compile(r"time=\S+ level=(?!error)\w+ ")

# Compose would fetch a file that another one includes from a Git repository or a registry, and run what it finds there.
NO_REMOTE_FILES = {"COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false", "COMPOSE_EXPERIMENTAL_OCI_REMOTE": "false"}

# Keys of a service whose value is a size, where -1 is no limit.
SIZES = ("mem_limit", "mem_reservation", "memswap_limit", "shm_size")

# The flags that start each part of a release, which has pulled its images before. Containers that the project does not
# define any more are removed.
UP = ("up", "--detach", "--remove-orphans", "--pull", "never", "--no-build")
UP_TIMEOUT = 600


def write_sources(files: t.Mapping[str, str], folder: Path) -> None:
    """Write the files of a stack below a folder; names are relative paths without ``..``.

    Raises SwitchyardError for a name that leads out of the folder.
    """
    for name, content in files.items():
        path = folder / name
        if os.path.isabs(name) or ".." in Path(name).parts:
            raise ComposeError(f"{name}: leads out of the stack's folder.", hint="Name files relative to source.path.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def variables(stack: Stack, project: str, environment: str, **other: str) -> dict[str, str]:
    """Return the variables for ``${...}`` in Compose files: those of the inventory and those of this collection.

    ``other`` replace variables of this collection, such as the login of a migration. Passwords are not among them,
    because ``docker inspect`` shows variables: they reach a container as secret files.
    """
    values = {
        "SWITCHYARD_PROJECT": project,
        "SWITCHYARD_ENVIRONMENT": environment,
        "SWITCHYARD_STACK": stack.name,
    }
    if stack.shared_database:
        database = names.database(stack.name, environment)
        values["SWITCHYARD_POSTGRES_HOST"] = names.shared(project, "postgres")
        values["SWITCHYARD_POSTGRES_DATABASE"] = values["SWITCHYARD_POSTGRES_USER"] = database
    if stack.redis:
        values["SWITCHYARD_REDIS_HOST"] = names.shared(project, "redis")
        values["SWITCHYARD_REDIS_USER"] = names.redis_user(stack.name, environment)
        for index, number in enumerate(stack.redis.databases):
            values[f"SWITCHYARD_REDIS_DATABASE{index or ''}"] = str(number)
    return {**values, **other, **stack.variables}


@dataclass(frozen=True)
class NormalisedFiles:
    """What ``docker compose config`` makes of files, and the variables that the files use and that have no value.

    ``mistakes`` are those for which Compose rejects the files; the content is that of the files without them.
    """

    content: dict[str, t.Any]
    unset: tuple[str, ...] = ()
    mistakes: tuple[ComposeMistake, ...] = ()


def read_files(
    folder: Path,
    files: t.Sequence[str],
    values: t.Mapping[str, str],
    *,
    name: str = "stack",
    fetches: bool = False,
    inherit: t.Collection[str] = (),
    scratch: Path | None = None,
    consistent: bool = True,
) -> NormalisedFiles:
    """Return the files as one mapping, with values for variables and with absolute paths.

    Relative paths, ``.env`` and ``env_file`` are searched in the folder of the first file, as Compose does it. Where
    Compose names a mistake that can be made up for, it is asked again: with an overlay, with a value for a variable
    that has none, or with an empty ``env_file`` below ``scratch``, a folder that ends with this call. Raises
    ComposeError with Compose's message when it rejects the files for another reason; its detail ``unset`` has the
    variables without a value. Raises EngineError when Compose does not answer.

    ``name`` is the value of ``${COMPOSE_PROJECT_NAME}``; that of ``${PWD}`` is the folder of the first file. With
    ``fetches``, Compose fetches files that others include from a Git repository or a registry. ``inherit`` are
    variables of this process that the files may use too. Without ``consistent``, Compose does not compare services with
    each other.
    """
    # Without a file, Compose searches for one by its default names.
    project = (folder / files[0] if files else folder / "-").parent
    args = ["docker", "compose", "--project-name", name, "--project-directory", str(project)]
    for file in files:
        args += ["--file", str(folder / file)]
    values = {"PWD": str(project), **values, **({} if fetches else NO_REMOTE_FILES)}
    asked = _Asked()
    while True:
        result = _config(args, {**values, **asked.values}, overlay(asked.mistakes), inherit, consistent)
        asked.unset.update(dict.fromkeys(UNSET.findall(result.stderr)))
        if not result.code:
            content = _readable(json.loads(_with_home(result.stdout, folder)))
            if asked.mistakes:
                content = without_overlay(content, asked.mistakes)
            return NormalisedFiles(content, tuple(asked.unset), tuple(asked.mistakes))
        error = _error_of(result.stderr, folder)
        if not asked.add_missing(error, folder, files, scratch):
            # What a value for a variable did not change is in the last answer as well.
            text = "\n".join([*messages(one for one in asked.mistakes if one.name), error])
            raise ComposeError(f"Compose rejects {', '.join(files)}: {text}", unset=list(asked.unset))


@dataclass
class _Asked:
    """What Compose has answered so far: its mistakes, the variables without a value, and the values for them."""

    mistakes: list[ComposeMistake] = field(default_factory=list)
    unset: dict[str, None] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def add_missing(self, error: str, folder: Path, files: t.Sequence[str], scratch: Path | None) -> bool:
        """Note the mistake of an answer; return whether Compose would read on with what is added for it."""
        mistake = parse_mistake(error)
        known = {(one.section, one.name) for one in self.mistakes}
        if mistake and (mistake.section, mistake.name) not in known:
            if mistake.section == ENV_FILE and not _created(folder / mistake.name, scratch):
                return False
            if mistake.section == VARIABLE:
                self.values[mistake.name] = ANY_VALUE
            # Such a name is the value of a variable that has none.
            follows = mistake.name in self.values.values()
            self.mistakes.append(replace(mistake, reported=mistake.reported or follows))
            return True
        missing = {name: ANY_VALUE for name in self.unset if name not in self.values}
        if not missing:
            paths = [folder / file for file in files if (folder / file).is_file()]
            texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
            found = typed_values(error, texts, self.unset)
            missing = {name: value for name, value in found.items() if self.values[name] != value}
        self.values.update(missing)
        if missing:
            self.mistakes.append(ComposeMistake(error, VARIABLE, "", reported=True))
        return bool(missing)


def _error_of(answer: str, folder: Path) -> str:
    """Return what Compose says of files in a folder, without the warnings of its log."""
    lines = [line for line in answer.strip().splitlines() if not LOG_LINE.match(line)]
    return "\n".join(lines).replace(f"{folder}/", "")


def _created(path: Path, scratch: Path | None) -> bool:
    """Return whether an empty file has the path now, which has to be below a folder that ends with this process."""
    if not scratch or scratch not in path.parents or ".." in path.parts:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return True


def _with_home(text: str, folder: Path) -> str:
    """Return Compose's answer with the home folder for ``~/``, which Compose without HOME takes for a folder."""
    start = re.escape(json.dumps(str(folder))[:-1])
    return re.sub(rf"{start}(?:/[^\"]*)?/~/", lambda _match: json.dumps(os.path.expanduser("~"))[:-1] + "/", text)


def _readable(content: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return Compose's answer in the form in which Compose reads it again.

    Its JSON leaves out limits of 0 and the content of an empty config, and has sizes without a limit as texts.
    """
    for config in content.get("configs", {}).values():
        if not {"file", "environment", "content", "external"}.intersection(config):
            config["content"] = ""
    for service in content.get("services", {}).values():
        for limits in (service.get("ulimits"), (service.get("build") or {}).get("ulimits")):
            for limit in (limits or {}).values():
                if isinstance(limit, dict):
                    limit.update({key: limit.get(key, 0) for key in ("soft", "hard")})
        service.update({key: -1 for key in SIZES if service.get(key) == "-1"})
    return content


def _config(
    args: t.Sequence[str], values: t.Mapping[str, str], added: Mapping, inherit: t.Collection[str], consistent: bool
) -> command.Result:
    """Return the answer of Compose to files and an overlay. Raises EngineError when Compose does not answer."""
    program = shutil.which(args[0])
    args = [program or args[0], *args[1:], *(["--file", "-"] if added else []), "config", "--format", "json"]
    args += [] if consistent else ["--no-consistency"]
    # No other variable of this server's environment may become part of a release, HOME and PATH included.
    result = command.run(
        args,
        name="docker compose config",
        timeout=TIMEOUT,
        stdin=json.dumps(added) if added else None,
        env=values,
        inherit=inherit if program else ("PATH",),
        check=False,
    )
    # Without the plugin, the Docker client itself rejects the first word or the first option.
    if "is not a docker command" in result.stderr or "unknown flag: --project-name" in result.stderr:
        raise EngineError("The Compose plugin does not answer on this server.", hint="Run setup.yml.")
    return result


def normalise(folder: Path, files: t.Sequence[str], values: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return the content of ``read_files`` for files without mistakes. Raises ComposeError, EngineError."""
    found = read_files(folder, files, values)
    if found.mistakes:
        texts = "\n".join(messages(found.mistakes))
        raise ComposeError(f"Compose rejects {', '.join(files)}: {texts}")
    return found.content


def version() -> str:
    """Return the version of the Compose plugin. Raises CommandError where there is none."""
    return command.run(
        ["docker", "compose", "version", "--short"], name="docker compose", timeout=TIMEOUT
    ).stdout.strip()


def up(project: str, file: Path, timeout: float = UP_TIMEOUT) -> None:
    """Start a Compose project, or update it to its file; ``timeout`` is seconds. Raises CommandError."""
    args = ["docker", "compose", "-p", project, "-f", str(file), *UP]
    command.run(args, name="docker compose up", timeout=timeout)
