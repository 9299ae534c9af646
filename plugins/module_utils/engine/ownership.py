# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a container, network or volume of the server is, by its labels. A name alone says nothing about its owner."""

from __future__ import annotations

import typing as t

from .. import names

RENAME = {
    "container": "Rename the service or the stack",
    "network": "Rename the network, or declare it external to share it",
    "volume": "Rename the volume, or declare it external to share it",
}


NOT_OURS = "Ask its owner to rename or remove it, or set another switchyard_project."

Owner = t.Optional[tuple[str, str, str]]


def conflict(kind: str, name: str, present: t.Mapping[str, str], desired: Owner) -> str | None:
    """Return why a resource that exists cannot be used for an owner, or None where it is the owner's.

    ``present`` are its labels, ``desired`` is project, stack and environment, empty where all of a project share it.
    """
    owner = names.owner(present)
    return None if owner == desired else f"the {kind} {name} exists and belongs to {shown(owner)}"


def shown(owner: Owner) -> str:
    """Return who owns a resource, in words."""
    if not owner:
        return "no stack"
    project, stack, environment = owner
    return f"{f'the stack {stack}' if stack else 'the shared servers'} (project {project}, {environment or 'shared'})"
