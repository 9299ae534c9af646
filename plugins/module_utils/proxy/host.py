# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this package needs to know of a server; ``release.context.HostContext`` provides it."""

from __future__ import annotations

import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from ..engine.docker_client import Engine
    from .driver import Proxy


class ProxyHost(t.Protocol):
    """A server of a project: its folder, its engine and its proxy."""

    @property
    def root(self) -> Path:
        """The folder of everything that this collection keeps on the server."""

    @property
    def project(self) -> str:
        """The project that owns the proxy."""

    @property
    def engine(self) -> Engine:
        """The container engine of the server."""

    @property
    def proxy(self) -> Proxy:
        """The proxy of the server. Raises SwitchyardError where there is none."""
