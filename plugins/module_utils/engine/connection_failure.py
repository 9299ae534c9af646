# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why no container engine answers, and the variable or the playbook that changes it."""

from __future__ import annotations

import os
import pwd

from ..errors import EngineError

BECOME = "Set ansible_become: true for this server."


def connection_failure(error: Exception) -> EngineError:
    """Return the error for one of the Docker SDK, which has the cause in its text only."""
    text = str(error)
    if "PermissionError" in text or "Permission denied" in text:
        return EngineError(f"The container engine refuses the user {user_name()} ({text}).", hint=BECOME)
    if "FileNotFoundError" in text or "No such file" in text:
        return EngineError(
            f"No container engine runs on this server ({text}).", hint="Run setup.yml, which installs it."
        )
    if "ConnectionRefused" in text or "Connection refused" in text:
        return EngineError(f"The container engine does not run ({text}).", hint="Run setup.yml, which starts it.")
    return EngineError(f"No container engine answers on this server ({text}).", hint="Run setup.yml.")


def user_name() -> str:
    """Return the name of the user of this process, or its number where it has none."""
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
