# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller does for images that are built: packs their source, or builds and packs them. For the controller.

One file travels to the server over Ansible's own connection; no registry is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file, command, progress
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_build
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_build import ImageBuild
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.registry_login import Logins
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_files import PLACEHOLDER, rebase_paths

from . import build_contexts, image_archive

TIMEOUT = 3600


@dataclass(frozen=True)
class BuildRequest:
    """The images that a server needs, and the folder of their source on the controller."""

    folder: Path
    images: tuple[ImageBuild, ...]
    platform: str = ""
    secrets: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    logins: Logins = field(default=(), repr=False)

    @classmethod
    def from_result(cls, given: t.Mapping[str, t.Any], secrets: t.Mapping[str, str], logins: Logins) -> BuildRequest:
        """Return the request from what preflight returned of one stack."""
        images = tuple(ImageBuild(**{**item, "contexts": tuple(item["contexts"])}) for item in given["images"])
        return cls(Path(given["folder"]), images, given["platform"], secrets, logins)

    @property
    def dockerfiles(self) -> list[str]:
        """The Dockerfiles of the builds, relative to their contexts."""
        found = [image.definition.get("dockerfile") for image in self.images]
        return sorted({str(name) for name in found if name})


def pack_source(request: BuildRequest, archive: Path) -> int:
    """Write the contexts of the builds into an archive; return its size in bytes."""
    contexts = dict.fromkeys(path for image in request.images for path in image.contexts)
    return build_contexts.pack(request.folder, contexts, request.dockerfiles, archive)


def build_here(request: BuildRequest, labels: t.Mapping[str, str], top: Path, log: Path) -> list[ImageBuild]:
    """Build the images that this machine does not have; return those that it built. Raises EngineError, CommandError.

    The build writes into ``log``. Two servers of one play need the same images: the second waits for the first.
    """
    names_of_all = ",".join(image.image for image in request.images)
    lock = top / f"build-{hashlib.sha256(names_of_all.encode()).hexdigest()[:16]}.lock"
    with atomic_file.locked(lock):
        missing = [image for image in request.images if not _exists(image.image)]
        if missing:
            folder = str(request.folder)
            moved = [replace(one, definition=rebase_paths(one.definition, PLACEHOLDER, folder)) for one in missing]
            compose_build.build(moved, labels, request.secrets, log, request.logins, request.platform)
    return missing


# A context in which the progress of a step is shown, from the step and the function that returns its amount
Shown = t.Callable[[str, t.Callable[[], progress.Amount]], t.ContextManager[None]]


def not_shown(_step: str, _amount: t.Callable[[], progress.Amount]) -> t.ContextManager[None]:
    """Return a context that shows nothing."""
    return contextlib.nullcontext()


def pack_images(
    request: BuildRequest, known: t.Collection[image_archive.Chain], archive: Path, shown: Shown = not_shown
) -> int:
    """Write the images into an archive without the layers that the server has; return its size in bytes."""
    images = [image.image for image in request.images]
    total = _bytes_of(images)
    with tempfile.TemporaryFile(dir=archive.parent) as whole:
        with shown("save", lambda: (os.fstat(whole.fileno()).st_size, total)):
            _save(images, whole)
        whole.seek(0)
        with shown("pack", lambda: progress.read_so_far(whole)):
            return image_archive.copy_without_layers(whole, archive, known)


def _save(images: t.Sequence[str], file: t.IO[bytes]) -> None:
    # With --output, the client would write another file first, whose size says how far it is.
    process = command.Process(["docker", "save", "--", *images], name="docker save", stdout=file, stderr=command.PIPE)
    errors = process.communicate(None, TIMEOUT)[1].decode("utf-8", "replace")
    code = process.poll()
    if code:
        raise command.failure(process.name, code, errors)


def _bytes_of(images: t.Sequence[str]) -> int:
    """Return about how many bytes an archive of images has: layers that two of them share are counted twice."""
    args = ["docker", "image", "inspect", "--format", "{{.Id}} {{.Size}}", "--", *images]
    lines = set(command.run(args, name="docker image inspect", timeout=TIMEOUT).stdout.splitlines())
    return sum(int(line.split()[1]) for line in lines)


def _exists(image: str) -> bool:
    args = ["docker", "image", "inspect", "--format", "{{.Id}}", "--", image]
    return command.run(args, name="docker image inspect", timeout=TIMEOUT, check=False).code == 0
