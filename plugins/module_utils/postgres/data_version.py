# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an image of PostgreSQL can start with the data in a volume.

A server starts with the data of its own major version only (manual, 18.6), and the official image creates an empty
cluster where it finds none: from version 18 on it searches a folder of its own for each major version.
"""

from __future__ import annotations

import posixpath
import re

from ..errors import Problem

WAY_TO_GO = (
    "A new major version needs the databases to be restored into it: see 'A new major version' in the README of the "
    "role postgres"
)


def data_problems(image: str, path: str, of_image: str, of_volume: str) -> list[Problem]:
    """Return why ``image`` cannot start with the data of a volume that is mounted at ``path``; nothing where it can.

    ``of_image`` is the output of ``postgres --version`` and the value of ``PGDATA``, on two lines. ``of_volume`` has a
    line for each cluster: its major version and its folder in the volume, ``.`` for the volume itself.
    """
    version, dummy, pgdata = of_image.strip().partition("\n")
    # Such as: postgres (PostgreSQL) 17.5 (Debian 17.5-1)
    match = re.search(r"\) (\d+)", version)
    clusters = {folder: major for major, folder in (line.split(maxsplit=1) for line in of_volume.splitlines())}
    if not clusters:
        return []
    if not match:
        message = f"{image} does not say its version of PostgreSQL: {version!r}"
        return [Problem("postgres_image", message, "Write an image like the official one", "postgres.image_unknown")]
    major, expected = match[1], posixpath.relpath(pgdata, path)
    if clusters.get(expected) == major:
        return []
    kept = sorted(set(clusters.values()), key=int)
    if major in kept:
        folder = next(folder for folder, of_cluster in clusters.items() if of_cluster == major)
        message = f"the volume has its data in {folder}, and {image} would create an empty server in {expected}"
        hint = "Write the postgres_data_path that it had when the data was created"
        return [Problem("postgres_data_path", message, hint, "postgres.data_path")]
    older = all(int(major) < int(other) for other in kept)
    can = "an older version cannot read it" if older else "it cannot start with that"
    message = f"{image} is PostgreSQL {major}, and the data of this server is of PostgreSQL {' and '.join(kept)}: {can}"
    hint = f"Write an image of PostgreSQL {kept[-1]}" + ("" if older else f". {WAY_TO_GO}")
    return [Problem("postgres_image", message, hint, "postgres.major_differs")]
