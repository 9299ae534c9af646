# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: no canary of the stack waits for an operator."""

from __future__ import annotations

from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine", "proxy")


def check(context: StackCheckContext) -> list[Problem]:
    """Return a problem when a canary is paused: the operator decides before the next release."""
    canary = context.state.canary
    if not canary or canary.state != "paused":
        return []
    message = f"release {canary.number} waits at {context.state.weight} % of the clients"
    hint = "Go on with promote.yml, or take it back with rollback.yml"
    return [Problem(context.where, message, hint, "release.canary_paused")]
