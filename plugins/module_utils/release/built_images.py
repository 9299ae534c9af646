# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The removal of images that were built for a stack and that nothing on the server needs any more.

All environments of a project share the images of a stack (``names.image``), so that one of them looks at all.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from .. import atomic_file, paths
from ..engine import compose_build
from ..errors import SwitchyardError
from .context import StackContext
from .lock import ReleaseLock


def prune(ctx: StackContext) -> list[str]:
    """Remove the images that were built for a stack, and that no release on record and no container uses.

    Returns their names. It never fails, because the release is live: an image that is not removed stays for the next
    time.
    """
    try:
        names = _removable(ctx)
        return [name for name in names if ctx.engine.remove_image(name)]
    except (SwitchyardError, OSError):
        return []


def _removable(ctx: StackContext) -> list[str]:
    """Return the names that a build of this stack made, of images that nothing needs."""
    whose = (ctx.project, ctx.stack)
    built = [
        (image, [name for name in image.names if compose_build.is_name_of_build(name, whose, image.label("service"))])
        for image in ctx.engine.images_of(project=ctx.project, stack=ctx.stack)
    ]
    # An image of a user that was built from a built one has its labels, and a name of its own.
    built = [(image, own) for image, own in built if own]
    if not built or _is_being_released(ctx):
        return []
    needed = ctx.engine.images_in_use() | images_on_record(ctx.host.root)
    return [name for image, own in built if not needed & {image.id, *image.names} for name in own]


def _is_being_released(ctx: StackContext) -> bool:
    """Return whether a release of this stack runs in another environment: it may need an image that no record has."""
    locks = paths.locks_of_stack(ctx.host.root, ctx.project, ctx.stack)
    return any(ReleaseLock(path.parent, ctx.stack).state() for path in locks if path.parent != ctx.folder)


def images_on_record(root: Path) -> set[str]:
    """Return the names and pinned names of the images of all releases on this server.

    Raises SwitchyardError for a record that cannot be read.
    """
    found: set[str] = set()
    for path in paths.all_records(root):
        record: dict[str, t.Any] | None = atomic_file.read_json(path)
        if record is None:
            raise SwitchyardError(f"{path} cannot be read.")
        images: dict[str, str] = record.get("images", {})
        found.update(images, images.values())
    return found
