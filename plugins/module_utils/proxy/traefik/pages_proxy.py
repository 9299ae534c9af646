# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HAProxy that serves Traefik's pages, and lets the requests of held stacks wait."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ... import atomic_file
from ...errors import SwitchyardError
from .. import unix_socket
from ..layout import CONFIG_ROOT
from ..map_file import map_text, parse_map


class PagesProxy:
    """The server of the pages, with its map of availability."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that the role ``proxy`` made."""
        self.folder = folder

    def set_availability(self, availability: t.Mapping[str, str]) -> None:
        """Write the map, on disk and in the running process. Raises SwitchyardError when that does not answer.

        Without a held stack no answer is needed: the process reads the file when it starts.
        """
        path, text = self.folder / "maps" / "availability.map", map_text(availability)
        if atomic_file.read(path) == text:
            return
        atomic_file.write(path, text)
        name = f"{CONFIG_ROOT}/maps/availability.map"
        try:
            current = parse_map(self._ask(f"show map {name}"))
            for key in sorted({*current, *availability}):
                verb = ("set" if key in current else "add") if key in availability else "del"
                self._ask(f"{verb} map {name} {key} {availability.get(key, '')}")
        except OSError as error:
            if "held" in availability.values():
                message = f"The server of the pages does not answer ({error})."
                raise SwitchyardError(message, hint="Run setup.yml.") from error

    def _ask(self, command: str) -> str:
        """Return the answer to a command (management guide, 9.3). Raises OSError."""
        return unix_socket.exchange(self.folder / "run" / "pages.sock", f"{command}\n")
