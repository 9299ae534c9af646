# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders that this collection keeps on a server."""

from __future__ import annotations

import shutil
from pathlib import Path

# Where everything lies on a server, unless the inventory says something else
ROOT = "/var/lib/switchyard"


def stack_folder(root: Path, project: str, environment: str, stack: str) -> Path:
    """Return the folder with the releases of a stack."""
    return root / f"{project}-{environment}" / stack


def backups_folder(root: Path, project: str, environment: str) -> Path:
    """Return the folder with the backups of an environment, and with what they need."""
    return root / "backups" / f"{project}-{environment}"


def backup_store_folder(root: Path, project: str, environment: str, stack: str) -> Path:
    """Return the folder with the backups of a stack."""
    return backups_folder(root, project, environment) / stack


def free_bytes(folder: Path) -> int:
    """Return how many bytes are free where a folder is, or will be."""
    return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
