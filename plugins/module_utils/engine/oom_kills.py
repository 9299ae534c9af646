# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many processes of a container the kernel killed because they reached its memory limit.

The engine only reports this of a container's first process; a web server starts another process and continues.
"""

from __future__ import annotations

import contextlib
from pathlib import Path


def oom_kills(pid: int, proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the count of the control group of a process; 0 where it cannot be read, as of a container that ended.

    The kernel's Documentation/admin-guide/cgroup-v2.rst (memory.events) and cgroup-v1/memory.rst (memory.oom_control).
    """
    with contextlib.suppress(OSError, ValueError):
        for line in (proc / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines():
            _number, controllers, path = line.split(":", 2)
            file = None
            if "memory" in controllers.split(","):
                file = cgroups / "memory" / path.lstrip("/") / "memory.oom_control"
            elif not controllers:
                file = cgroups / path.lstrip("/") / "memory.events"
            if file and file.exists():
                counts = dict(row.split(" ", 1) for row in file.read_text(encoding="utf-8").splitlines())
                return int(counts.get("oom_kill", 0))
    return 0
