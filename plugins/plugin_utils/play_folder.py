# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of the running play on the controller. For the controller only."""

from __future__ import annotations

from pathlib import Path

from ansible import constants


def play_folder() -> Path:
    """Return the folder that all processes of this play share; Ansible removes it when the play ends."""
    return Path(constants.DEFAULT_LOCAL_TMP)  # type: ignore[attr-defined]  # made from Ansible's configuration
