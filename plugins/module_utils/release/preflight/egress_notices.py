# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices: services without a way out of the networks of their stack. A notice does not stop a release."""

from __future__ import annotations

from ...config.stack import Stack
from ...engine.compose_networks import Networks
from ...engine.compose_roles import roles_of
from ...engine.models import Mapping
from .file_changes import Notice


def egress_notices(normalised: Mapping, stack: Stack, where: str) -> list[Notice]:
    """Return a line with the data stores that have no way out because the inventory does not choose one."""
    roles = roles_of(normalised, stack)
    networks = Networks(normalised, stack, "", "", roles)
    closed = [
        name
        for name in roles
        if name not in stack.egress and not networks.has_egress(name) and not networks.other_ways_out(name)
    ]
    if not closed:
        return []
    choice = ", ".join(f"{name}: true" for name in closed)
    text = f"{', '.join(closed)} reach nothing outside of the stack, as data stores. egress: {{{choice}}} lets them out"
    return [Notice(f"{where}.egress", text)]
