# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in the proxy's configuration folder that this collection did not write."""

from __future__ import annotations

from pathlib import Path

from .. import paths
from ..errors import Problem
from .driver import Proxy
from .state import ProxyState


def check_foreign_files(root: Path, proxy: Proxy, state: ProxyState) -> list[Problem]:
    """Return the proxy's validation error for its folder, when foreign files are in it."""
    foreign = proxy.foreign_files(state)
    error = proxy.validate_config() if foreign else None
    if not error:
        return []
    message = f"the proxy would not load its folder: {error.strip().rstrip('.')}"
    hint = f"Ask their owner to fix these files, which this collection did not write: {', '.join(foreign)}"
    return [Problem(str(paths.proxy_folder(root) / "conf.d"), message, hint, "proxy.foreign_files")]
