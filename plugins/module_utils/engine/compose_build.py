# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the images of ``build`` in Compose files: which ones, under which names, and the Compose call that does it.

Compose has BuildKit in itself, so that the same call builds on a server and on a controller, with and without the
plugin buildx. An image is named by its source and its definition: the same name is the same image, which is built once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file, command, names
from ..errors import EngineError
from .models import Mapping, floating_tag_reason
from .registry_login import Logins, write_client_config

TIMEOUT = 3600
PROJECT = "switchyard-build"

# Keys of ``build`` that the name of the image, the server and the engine's cache replace.
LEFT_OUT = ("tags", "platforms", "cache_from", "cache_to")

# Letters of the commit, and of the digest of a build's definition, in an image's tag.
COMMIT_LETTERS = 12
DIGEST_LETTERS = 12

# A proxy for pulls and the engine's address may be in the environment; no other variable may become part of a build.
INHERITED = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CONFIG",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
)

# The first line of a step of BuildKit: its number, its service and place in brackets, and its instruction.
_STEP = re.compile(r"^#\d+ (\[.+)$", re.MULTILINE)
LONGEST_STEP = 80

# The end of the log that has the present step
TAIL = 1 << 16

# A tag that ``plan_builds`` makes
_TAG = re.compile(rf"([0-9a-f]{{{COMMIT_LETTERS}}}-)?[0-9a-f]{{{DIGEST_LETTERS}}}\Z")

# BuildKit's lines begin with the number of the step and, for the output of a command, its time.
_PROGRESS = re.compile(r"^#\d+ (DONE|CACHED|CANCELED|sha256:|transferring|extracting).*\n?", re.MULTILINE)


@dataclass(frozen=True)
class ImageBuild:
    """One image to build: its name with a tag, the first service that runs it, and ``build`` of that service.

    ``contexts`` are the folders and files that it reads, relative to the source folder. In ``definition``, paths begin
    with the source folder.
    """

    image: str
    service: str
    definition: Mapping = field(repr=False)
    contexts: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that the build reads."""
        return tuple(str(secret["source"]) for secret in self.definition.get("secrets") or [])


def is_built(service: t.Mapping[str, t.Any]) -> bool:
    """Return whether the image of a service is built, and not pulled.

    A service with ``build`` and an ``image`` that has a fixed version pulls it, unless its ``pull_policy`` is
    ``build``.
    """
    if not service.get("build"):
        return False
    return service.get("pull_policy") == "build" or bool(floating_tag_reason(service.get("image") or ""))


def contexts_of(definition: t.Mapping[str, t.Any]) -> list[tuple[str, str]]:
    """Return what a build reads, each with its key: its contexts, and a Dockerfile outside of them.

    A folder or file has an absolute path; everything else is an address, an image or a service.
    """
    context = str(definition.get("context") or "")
    found = [("context", context)]
    found += [("additional_contexts", str(path)) for path in (definition.get("additional_contexts") or {}).values()]
    dockerfile = definition.get("dockerfile")
    if dockerfile and not definition.get("dockerfile_inline") and context.startswith("/"):
        path = os.path.normpath(os.path.join(context, dockerfile))
        if not path.startswith(f"{context}/"):
            found.append(("dockerfile", path))
    return found


def is_service(context: str) -> bool:
    """Return whether a context is the image of another service."""
    return context.startswith("service:")


def relative(path: str, source: str) -> str | None:
    """Return a path relative to the source folder, ``.`` for the folder itself; None for a path outside of it."""
    if path == source:
        return "."
    return path[len(source) + 1 :] if path.startswith(f"{source}/") else None


def plan_builds(
    normalised: Mapping, source: str, whose: tuple[str, str], commit: str | None, contexts: t.Mapping[str, str]
) -> dict[str, ImageBuild]:
    """Return the builds by service; services with the same definition share one.

    ``whose`` is the project and the stack. ``contexts`` has the digest of each folder and file that the controller
    sends, by its path relative to ``source``. A commit is the digest of all of them.
    """
    builds: dict[str, ImageBuild] = {}
    shared: dict[str, ImageBuild] = {}
    for name, service in normalised.get("services", {}).items():
        if not is_built(service):
            continue
        definition = service["build"]
        found = [relative(path or source, source) for _key, path in contexts_of(definition)]
        inside = tuple(dict.fromkeys(path for path in found if path is not None))
        read = [] if commit else [contexts.get(path) for path in inside]
        text = json.dumps([definition, read], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LETTERS]
        tag = f"{commit[:COMMIT_LETTERS]}-{digest}" if commit else digest
        image = f"{names.image(*whose, name)}:{tag}"
        builds[name] = shared.setdefault(tag, ImageBuild(image, name, definition, inside))
    return builds


def is_name_of_build(image: str, whose: tuple[str, str], service: str) -> bool:
    """Return whether an image has a name that ``plan_builds`` makes for a service."""
    repository, dummy, tag = image.rpartition(":")
    return repository == names.image(*whose, service) and bool(_TAG.match(tag))


def with_images(normalised: Mapping, builds: t.Mapping[str, ImageBuild]) -> Mapping:
    """Return the normalised files with the image of each build, also where another service only names it.

    A service that is built has the ``pull_policy`` that says so.
    """
    services = normalised.get("services", {})
    named = {services[name].get("image"): build.image for name, build in builds.items()}
    images = {name: named.get(service.get("image")) for name, service in services.items() if service.get("image")}
    images.update({name: build.image for name, build in builds.items()})
    changed = {
        name: {**service, "image": images[name]} if images.get(name) else service for name, service in services.items()
    }
    for name in builds:
        changed[name]["pull_policy"] = "build"
    return {**normalised, "services": changed} if builds else normalised


def build_project(builds: t.Iterable[ImageBuild], labels: t.Mapping[str, str], secrets: Path, platform: str) -> Mapping:
    """Return the Compose project that builds images; each of their secrets is a file in the folder ``secrets``."""
    services, used = {}, {}
    for build in builds:
        definition = {key: value for key, value in build.definition.items() if key not in LEFT_OUT}
        own = names.labels(service=build.service)
        definition["labels"] = {**(definition.get("labels") or {}), **labels, **own}
        services[build.service] = {"image": build.image, "build": definition}
        if platform:
            services[build.service]["platform"] = platform
        used.update({name: {"file": str(secrets / name)} for name in build.secrets})
    return {"services": services, **({"secrets": used} if used else {})}


def build(
    builds: t.Sequence[ImageBuild],
    labels: t.Mapping[str, str],
    secrets: t.Mapping[str, str],
    log: Path,
    logins: Logins = (),
    platform: str = "",
) -> None:
    """Build images on this machine, in one call. Raises EngineError with the end of what Compose wrote into ``log``.

    Secrets and logins are files in a folder that only this user can enter, for as long as the build runs.
    """
    with tempfile.TemporaryDirectory(prefix="switchyard-build-") as top:
        folder = Path(top)
        (folder / "secrets").mkdir(mode=0o700)
        for name in sorted({name for one in builds for name in one.secrets}):
            atomic_file.write(folder / "secrets" / name, secrets[name], 0o400)
        project = build_project(builds, labels, folder / "secrets", platform)
        atomic_file.write_json(folder / "build.json", project, 0o600)
        args = ["docker", "compose", "--project-name", PROJECT, "--file", str(folder / "build.json"), "build"]
        env = {"BUILDKIT_PROGRESS": "plain", "COMPOSE_BAKE": "false"}
        if logins:
            (folder / "client").mkdir(mode=0o700)
            write_client_config(folder / "client", logins)
            env["DOCKER_CONFIG"] = str(folder / "client")
        name, images = "docker compose build", ", ".join(one.image for one in builds)
        try:
            with log.open("wb") as output:
                result = command.run(
                    args, name=name, timeout=TIMEOUT, env=env, inherit=INHERITED, output=output, check=False
                )
            if result.code:
                written = _PROGRESS.sub("", log.read_text(encoding="utf-8", errors="replace"))
                raise command.failure(name, result.code, written)
        except command.CommandError as error:
            raise EngineError(f"{images} cannot be built: {error}") from error


def step_of(log: Path) -> str:
    """Return the step that a build is at, from what it has written so far; empty before the first one."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        written = file.read().decode("utf-8", "replace")
    steps = _STEP.findall(written)
    text = "".join(letter for letter in steps[-1] if letter.isprintable()) if steps else ""
    return text if len(text) <= LONGEST_STEP else f"{text[: LONGEST_STEP - 3]}..."
