# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The named volumes of a normalised Compose file, and their names on the server."""

from __future__ import annotations

from .. import names
from .anonymous_volumes import MADE_FOR
from .models import Mapping


def server_names(normalised: Mapping, project: str, stack: str, environment: str) -> dict[str, str]:
    """Return the volumes of the file with their names on the server."""
    return {
        name: str(given.get("name", name))
        if (given or {}).get("external")
        else names.volume(project, stack, name, environment)
        for name, given in normalised.get("volumes", {}).items()
    }


def created(normalised: Mapping, project: str, stack: str, environment: str) -> dict[str, Mapping]:
    """Return the volumes that a release creates where they are missing, by their name on the server.

    ``made_for`` has the service and the path of a volume that the files do not name.
    """
    given = normalised.get("volumes", {})
    return {
        server: {
            "driver": given[name].get("driver", "local"),
            "driver_opts": given[name].get("driver_opts", {}),
            "made_for": given[name].get(MADE_FOR, {}),
        }
        for name, server in server_names(normalised, project, stack, environment).items()
        if not given[name].get("external")
    }
