# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret files of a release, readable only for the user of the containers that mount them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .. import atomic_file, paths
from ..errors import SwitchyardError
from .context import StackContext
from .source_files import Normalised
from .stack_input import StackInput


def write(ctx: StackContext, folder: Path, normalised: Normalised, spec: StackInput, images: dict[str, str]) -> None:
    """Write the secrets into the folder of a release, with mode 0400: a bind mount keeps the file's own owner."""
    if not spec.secrets:
        return
    owner = owner_of_secrets(ctx, normalised, spec, images)
    (folder / paths.SECRETS).mkdir(mode=0o700)
    for name, value in spec.secrets.items():
        atomic_file.write(folder / paths.SECRETS / name, value, 0o400, owner)


def readers(normalised: Normalised) -> list[dict[str, t.Any]]:
    """Return the services of normalised Compose files that use secrets."""
    return [service for service in normalised.get("services", {}).values() if service.get("secrets")]


def owner_of_secrets(ctx: StackContext, normalised: Normalised, spec: StackInput, images: dict[str, str]) -> int:
    """Return the numeric id of the user that reads the secrets in the containers; ``images`` are pinned names by name.

    Raises SwitchyardError when the services have different users, or a user without a number.
    """
    if spec.stack.secrets_owner is not None:
        return spec.stack.secrets_owner
    users = set()
    for service in readers(normalised):
        image = ctx.engine.image(images[service["image"]])
        name = str(service.get("user") or (image.user if image else None)).split(":", maxsplit=1)[0]
        users.add(int(name) if name.isdigit() else None)
    if len(users) != 1 or None in users:
        raise SwitchyardError(
            f"The services of {ctx.stack} read their secrets as different users, or as a user without a number.",
            hint="Write secrets_owner: <the user's number>.",
        )
    return t.cast(int, users.pop())
