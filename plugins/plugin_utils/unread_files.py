# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files next to those of a stack, which ``docker compose`` would read and a release does not.

Source: Docker's manual, "docker compose" (default files, override files) and "Pre-defined environment variables".
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

# What ``docker compose`` reads without ``--file``, the first one that exists; and what it adds to that.
DEFAULTS = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = tuple(name.replace("compose.", "compose.override.") for name in DEFAULTS)


def unread_files(folder: Path, compose: t.Sequence[str], values: t.Mapping[str, str]) -> list[str]:
    """Return a sentence for each Compose file that ``docker compose`` reads in the folder and the stack does not name.

    ``values`` are those of ``.env`` and the variables of the stack.
    """
    if not compose:
        return []
    top, known = os.path.dirname(compose[0]), {os.path.normpath(name) for name in compose}
    separator = values.get("COMPOSE_PATH_SEPARATOR") or ":"
    named = [name for name in values.get("COMPOSE_FILE", "").split(separator) if name]
    sentences = []
    if named:
        paths = [os.path.normpath(os.path.join(top, name)) for name in named]
        missing = [path for path in paths if path not in known]
        what = f"COMPOSE_FILE also names {', '.join(missing)}"
        sentences += [what] if missing else []
    elif os.path.basename(compose[0]) in DEFAULTS:
        for name in OVERRIDES:
            path = os.path.normpath(os.path.join(top, name))
            if path not in known and (folder / path).is_file():
                sentences.append(f"{path} exists as well")
    return [
        f"{what}, and a release reads only the files in compose: add it there if servers need it" for what in sentences
    ]


def default_file(folder: Path) -> str | None:
    """Return the Compose file that ``docker compose`` finds in a folder, or None."""
    return next((name for name in DEFAULTS if (folder / name).is_file()), None)
