# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy map files as text, and back; the HAProxy that shows Traefik's pages reads them as well."""

from __future__ import annotations

import typing as t

from ..errors import SwitchyardError


def map_text(entries: t.Mapping[str, str]) -> str:
    """Return the content of a map file (configuration manual, 7.3.1, converter ``map``): a key and a value a line."""
    return "".join(f"{key} {value}\n" for key, value in sorted(entries.items()))


def parse_map(answer: str) -> dict[str, str]:
    """Return the entries of ``show map``: an address, the key and the value a line.

    Raises SwitchyardError for any other answer: as a map, it would overwrite the routes of every stack.
    """
    rows = [line.split(None, 2) for line in answer.splitlines() if line.strip()]
    if any(len(row) != 3 or not row[0].startswith("0x") for row in rows):
        hint = "Read its log, then run setup.yml."
        raise SwitchyardError(f"The proxy did not show its map: {answer.strip()}.", hint=hint)
    return {key: value.strip() for _address, key, value in rows}
