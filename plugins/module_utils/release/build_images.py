# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets the images of a release that are built from its source: built on this server, or sent by the controller."""

from __future__ import annotations

import shutil
import tempfile
import typing as t
from dataclasses import replace
from pathlib import Path

from .. import command, names, progress
from ..engine import compose_build
from ..engine.compose_build import ImageBuild
from ..errors import EngineError
from .context import STILL_LIVE, StackContext
from .source_files import PLACEHOLDER, rebase_paths
from .stack_input import StackInput

# The start of the name of the folder, below that of the stack, that the contexts are in while they are built.
FOLDER = ".build-"


def build_missing(ctx: StackContext, given: StackInput, builds: t.Sequence[ImageBuild], token: int) -> dict[str, str]:
    """Build images that are not on this server, or load those of the controller; return their pinned names by name.

    Raises EngineError when one cannot be built. An image that was built stays for the next try.
    """
    if not builds:
        return {}
    if not given.build_archive:
        listed = ", ".join(build.image for build in builds)
        raise EngineError(f"The source of {listed} was not sent: it changed since preflight.", hint="Deploy again.")
    archive = Path(given.build_archive)
    services = ", ".join(build.service for build in builds)
    if given.stack.build_on == "controller":
        ctx.lock.renew(token, f"load {services}", compose_build.TIMEOUT)
        with archive.open("rb") as file, _load_progress(ctx, file):
            ctx.engine.load_images(file)
    else:
        ctx.lock.renew(token, f"build {services}", compose_build.TIMEOUT)
        try:
            build_here(ctx, given, builds, archive)
        except EngineError as error:
            raise EngineError(error.message, hint=error.hint or STILL_LIVE) from error
    ctx.lock.renew(token, "prepare")
    found = {build.image: ctx.engine.image(build.image) for build in builds}
    missing = [name for name, image in found.items() if not image]
    if missing:
        raise EngineError(f"{', '.join(missing)} is not on this server after the build.")
    return {name: image.pinned for name, image in found.items() if image}


def _load_progress(ctx: StackContext, file: t.IO[bytes]) -> t.ContextManager[None]:
    return progress.report_progress(ctx.folder, "load", lambda: progress.read_so_far(file), "bytes")


def build_here(ctx: StackContext, given: StackInput, builds: t.Sequence[ImageBuild], archive: Path) -> None:
    """Build images on this server from an archive of their contexts, in a folder that only root can enter."""
    for remains in ctx.folder.glob(f"{FOLDER}*"):
        # Of a run that was killed: this one holds the lock.
        shutil.rmtree(remains)
    with tempfile.TemporaryDirectory(prefix=FOLDER, dir=ctx.folder) as folder:
        args = ["tar", "--extract", "--gzip", "--no-same-owner", "--file", str(archive), "--directory", folder]
        command.run(args, name="tar", timeout=compose_build.TIMEOUT)
        moved = [replace(build, definition=rebase_paths(build.definition, PLACEHOLDER, folder)) for build in builds]
        labels = names.labels(project=ctx.project, stack=ctx.stack)
        # Not in the folder of the contexts: it would become part of them.
        with tempfile.NamedTemporaryFile(prefix="switchyard-build-", suffix=".log") as file:
            log = Path(file.name)
            with progress.report_progress(ctx.folder, "build", detail=lambda: compose_build.step_of(log)):
                compose_build.build(moved, labels, given.secrets, log, ctx.host.logins)
