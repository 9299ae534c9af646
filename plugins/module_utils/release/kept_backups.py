# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups that a retention policy must keep because a release whose record is kept refers to them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .. import paths
from ..backup import options
from .record import Records


def kept_backups(params: t.Mapping[str, t.Any]) -> list[str]:
    """Return the names of the backups of kept releases, for a module's options."""
    folder = paths.stack_folder(Path(params["root"]), params["project"], params["environment"], params["stack"])
    releases = {record.number for record in Records(folder).all()}
    return [backup.name for backup in options.store_of(params).usable() if backup.release in releases]
