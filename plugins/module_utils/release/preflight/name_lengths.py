# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the names of the stack fit into DNS, and into a file name."""

from __future__ import annotations

from ...errors import Problem
from ...names import LONGEST_LABEL
from .context import StackCheckContext
from .reserved_names import host_names

NEEDS = ("compose",)

# A volume is a folder, and the longest file name on Linux has 255 bytes (NAME_MAX).
LONGEST_FILE = 255


def check(context: StackCheckContext) -> list[Problem]:
    """Return the names on the server, and the host names in the Compose files, that are too long."""
    problems = []
    for kind, name in context.resources:
        length, limit = (_longest(name), LONGEST_LABEL) if kind == "container" else (len(name), LONGEST_FILE)
        if length > limit:
            renamed = "service" if kind == "container" else kind
            message = f"the name of the {kind} {name} has {length} characters; at most {limit} are possible"
            hint = f"Shorten the name of the {renamed} or the stack by {length - limit}"
            problems.append(Problem(context.where, message, hint, "name.too_long"))
    for service, definition in context.services.items():
        for key, name in host_names(service, definition):
            length = _longest(name)
            if key and length > LONGEST_LABEL:
                where = f"{context.where}.compose.services.{service}.{key}"
                message = f"{name} has {length} characters; a host name has at most {LONGEST_LABEL} between two dots"
                hint = f"Shorten it by {length - LONGEST_LABEL}"
                problems.append(Problem(where, message, hint, "name.too_long"))
    return problems


def _longest(name: str) -> int:
    """Return the length of the longest label of a host name."""
    return max(map(len, name.split(".")))
