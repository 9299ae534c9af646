# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: one user reads all secrets."""

from __future__ import annotations

from ...errors import Problem, SwitchyardError
from ..secret_files import owner_of_secrets, readers
from .context import StackCheckContext

NEEDS = ("compose", "engine")


def check(context: StackCheckContext) -> list[Problem]:
    """Return a problem when the services read their secrets as different users.

    The users of images that are not on the server yet are not known: the release checks them after its pull.
    """
    images = {service.get("image") or "" for service in readers(context.normalised)}
    if not context.spec.secrets or not images or not images <= set(context.images):
        return []
    try:
        owner_of_secrets(context.ctx, context.normalised, context.spec, context.images)
    except SwitchyardError as error:
        return [error.problem(f"{context.where}.secrets_owner", "Write secrets_owner", code="stack.secrets_owner")]
    return []
