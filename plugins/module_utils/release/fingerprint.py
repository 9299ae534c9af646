# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of everything a release would run."""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t

from .. import atomic_file, paths
from ..engine import compose_render
from . import secret_files
from .context import StackContext
from .stack_input import StackInput


def fingerprint_of(ctx: StackContext, normalised: dict[str, t.Any], given: StackInput, images: dict[str, str]) -> str:
    """Return the digest of everything a release would run, with secrets under this server's own key.

    ``normalised`` has the paths of the server, which contain the digests of mounted files.
    """
    return render_plan(ctx, normalised, given, images).fingerprint()


def render_plan(
    ctx: StackContext, normalised: dict[str, t.Any], given: StackInput, images: dict[str, str]
) -> compose_render.Rendered:
    """Return the projects of a release that has no number yet."""
    key = (atomic_file.read(paths.server_preview_key(ctx.host.root)) or "").encode()
    # A release for a proxy in a container publishes no ports.
    published = ["published"] if ctx.proxy.ports else []
    content = json.dumps([given.secrets, *published], sort_keys=True).encode()
    sealed = hmac.new(key, content, hashlib.sha256).hexdigest()
    secrets = secret_files.paths_of(ctx, given)
    release = compose_render.Release(ctx.project, ctx.environment, secrets=secrets, images=images, fingerprint=sealed)
    return compose_render.render(normalised, given.stack, release)
