# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Compose files of a stack, normalised on the server before a release has a folder for them."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t
from dataclasses import replace
from itertools import chain
from pathlib import Path

from .. import names
from ..config.allowances import FILE, is_address
from ..engine import compose_cli
from ..engine.compose_variables import read_env_file
from ..errors import ComposeError
from .context import StackContext
from .hidden_values import hidden_values, hide
from .stack_input import StackInput

# Compose writes absolute paths. Until a release has its folder, paths of the stack's own files begin with this one.
PLACEHOLDER = "/.switchyard-source"

# The start of a path that leads out of the folder of the stack's files, and a folder there for each further ``..``.
OUTSIDE = "/.outside-switchyard-source"
_UP = "/.up"
DEPTH = 8

# The variable that Compose reads for the active profiles
PROFILES = "COMPOSE_PROFILES"

Normalised = dict[str, t.Any]


def read(ctx: StackContext, spec: StackInput, **variables: str) -> compose_cli.NormalisedFiles:
    """Return what ``docker compose config`` makes of a stack's files.

    Paths of the stack's own files begin with PLACEHOLDER, those that lead out of ``source.path`` with OUTSIDE.
    ``variables`` replace those of the stack; secrets of ``secrets_as_env`` are variables too. Raises ComposeError when
    Compose rejects the files, EngineError when Compose does not answer.
    """
    return _read(ctx, spec, variables)


def _read(
    ctx: StackContext, spec: StackInput, variables: t.Mapping[str, str], consistent: bool = True
) -> compose_cli.NormalisedFiles:
    """Return what ``read`` does, with ``consistent`` as ``read_files`` has it."""
    secrets = {name: spec.secrets[name] for name in spec.stack.secrets_as_env if name in spec.secrets}
    values = {**compose_cli.variables(spec.stack, ctx.project, ctx.environment), **secrets, **variables}
    with tempfile.TemporaryDirectory(prefix="switchyard-") as top:
        # Deep enough for every ../ that a path of a project has.
        folder = Path(top, *["up"] * DEPTH, "source")
        folder.mkdir(parents=True)
        compose_cli.write_sources(spec.sources, folder)
        try:
            allowed = list(chain.from_iterable(spec.stack.allow.values()))
            fetches = any(map(is_address, allowed))
            # Compose needs these for Git and its logins, and for a file that it reads in the home folder.
            needs_home = fetches or any(one.startswith(f"{FILE} ~/") for one in allowed)
            inherit = [*(["PATH"] if fetches else []), *(["HOME"] if needs_home else [])]
            name = names.of_stack(ctx.project, spec.stack.name, ctx.environment)
            # The check of the inventory reports invalid parts of the name.
            name = name if names.NAME_PART.match(name) else "stack"
            files = compose_cli.read_files(
                folder,
                spec.stack.compose,
                values,
                name=name,
                fetches=fetches,
                inherit=inherit,
                scratch=Path(top),
                consistent=consistent,
            )
        except ComposeError as error:
            # Compose repeats the line of a file that it cannot read.
            raise ComposeError(hide(error.message, hidden_values(spec)), hint=error.hint, **error.details) from None
    content = rebase_paths(files.content, str(folder), PLACEHOLDER)
    for level, parent in enumerate(list(folder.parents)[: DEPTH + 1]):
        content = rebase_paths(content, str(parent), OUTSIDE + _UP * level)
    return replace(files, content=content)


def profiles_of_services(ctx: StackContext, spec: StackInput) -> dict[str, list[str]]:
    """Return the profiles of each service, those of inactive profiles among them; empty where Compose fails."""
    try:
        # Profiles that exclude each other may have the same names of containers.
        services = _read(ctx, spec, {PROFILES: "*"}, consistent=False).content.get("services", {})
    except ComposeError:
        # A service without the files that an active one needs.
        return {}
    return {name: service.get("profiles") or [] for name, service in services.items()}


def active_profiles(spec: StackInput) -> list[str]:
    """Return the profiles that the variables of a stack activate, or those of ``.env`` next to its first file."""
    folder = os.path.dirname(spec.stack.compose[0]) if spec.stack.compose else ""
    environment = read_env_file(spec.sources.get(os.path.join(folder, ".env"), ""))
    text = spec.stack.variables.get(PROFILES, environment.get(PROFILES, ""))
    return [name.strip() for name in text.split(",") if name.strip()]


def read_in_place(spec: StackInput) -> compose_cli.NormalisedFiles:
    """Return what ``docker compose config`` makes of files that are used in their own folder on this server.

    Raises ComposeError when Compose rejects the files, EngineError when Compose does not answer.
    """
    return compose_cli.read_files(Path(spec.stack.source.path or "."), spec.stack.compose, spec.stack.variables)


def rebase_paths(normalised: Normalised, old: str, new: str) -> Normalised:
    """Return the normalised files with one folder in place of another."""
    text = json.dumps(normalised).replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1])
    return t.cast(Normalised, json.loads(text))


def is_own(path: str) -> bool:
    """Return whether a path of the normalised files is one of the stack's own files, or would be one of its folder.

    The check of the mounts reports a path that leads out of ``source.path``.
    """
    inside = any(path == folder or path.startswith(f"{folder}/") for folder in (PLACEHOLDER, OUTSIDE))
    # The engine would resolve .. after the prefix was compared.
    return inside and ".." not in path.split("/")


def outside_name(path: str) -> str | None:
    """Return a path of the normalised files that leads out of the stack's files as they have it, or None."""
    if path != OUTSIDE and not path.startswith(f"{OUTSIDE}/"):
        return None
    parts = path[len(OUTSIDE) :].split("/")[1:]
    return "/".join(["..", *(".." if f"/{part}" == _UP else part for part in parts)])


def exists(path: str, spec: StackInput) -> bool:
    """Return whether a path of the normalised files exists: among the stack's own files, or on this server."""
    if path != PLACEHOLDER and not path.startswith(f"{PLACEHOLDER}/"):
        return Path(path).exists()
    return spec.tree.exists(path[len(PLACEHOLDER) + 1 :])
