# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret files of a stack, by a digest of their content under this server's own key.

    <stack>/secrets/<digest>/<name>

A secret that does not change keeps its path, so that it recreates no container; an accessory mounts it for as long as
it runs. Only root can enter the folder. In a container, the user of the secret is that of ``secrets_owner``, or every
user: programs read their secrets as other users than the image's.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import typing as t
from pathlib import Path

from .. import atomic_file, paths
from .context import StackContext
from .stack_input import StackInput


def paths_of(ctx: StackContext, spec: StackInput) -> dict[str, str]:
    """Return the path on the server of each secret of a stack."""
    key = (atomic_file.read(paths.server_preview_key(ctx.host.root)) or "").encode()
    found = {}
    for name, value in spec.secrets.items():
        content = json.dumps([name, value, spec.stack.secrets_owner]).encode()
        digest = hmac.new(key, content, hashlib.sha256).hexdigest()[:16]
        found[name] = str(paths.secret_file(ctx.folder, digest, name))
    return found


def write(ctx: StackContext, spec: StackInput) -> None:
    """Write the secrets of a stack that the server does not have."""
    owner = spec.stack.secrets_owner
    for name, path in paths_of(ctx, spec).items():
        file = Path(path)
        if not file.exists():
            paths.secrets_folder(ctx.folder).mkdir(mode=0o700, exist_ok=True)
            file.parent.mkdir(mode=0o700, exist_ok=True)
            atomic_file.write(file, spec.secrets[name], 0o444 if owner is None else 0o400, owner)


def prune(ctx: StackContext, used: t.Container[str]) -> None:
    """Remove the secrets whose digest is not among the used ones."""
    folder = paths.secrets_folder(ctx.folder)
    for path in list(folder.iterdir()) if folder.exists() else []:
        if path.name not in used:
            shutil.rmtree(path)
