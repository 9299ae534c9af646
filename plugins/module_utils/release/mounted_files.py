# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release does with the mounted files of its stack: it creates what it needs, and removes what nothing uses."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from . import secret_files
from .context import StackContext
from .file_store import FileStore
from .mount_plan import MountPlan
from .stack_input import StackInput

# The folders in files/ and secrets/ have names of this form.
_DIGEST = re.compile(r"/([0-9a-f]{16})/")


def create(ctx: StackContext, plan: MountPlan, given: StackInput, images: t.Mapping[str, str]) -> None:
    """Create what a release mounts; ``images`` are pinned names by name. Raises SwitchyardError."""
    store = FileStore(ctx.folder)
    if given.archive:
        store.receive(Path(given.archive))
    writers = {service for services in plan.data.values() for service in services}
    users = {name: _user_of(ctx, plan.normalised["services"][name], images) for name in writers}
    store.create(plan, given.tree, {name: user for name, user in users.items() if user is not None})


def prune(ctx: StackContext) -> None:
    """Remove the mounted files and secrets that no release on record and no container of the stack uses."""
    digests = used_digests(ctx)
    FileStore(ctx.folder).prune(digests.__contains__)
    secret_files.prune(ctx, digests)


def used_digests(ctx: StackContext) -> set[str]:
    """Return the digests in the paths of all releases that did not fail, and in those that containers mount."""
    kept = [record for record in ctx.records.all() if record.state != "failed"]
    files = [path for record in kept for path in ctx.records.path(record.number).glob("*.yml")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    texts += [f"{source}/" for container in ctx.containers() for source in container.mounts.values()]
    return {digest for text in texts for digest in _DIGEST.findall(text)}


def _user_of(ctx: StackContext, service: t.Mapping[str, t.Any], images: t.Mapping[str, str]) -> int | None:
    """Return the numeric user of a service, or None where it is a name."""
    name = str(service.get("user") or "").split(":", maxsplit=1)[0]
    if name:
        return int(name) if name.isdigit() else None
    image = ctx.engine.image(images.get(service.get("image", ""), service.get("image", "")))
    return image.user if image else None
