# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which PostgreSQL server to connect to, and how."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ..errors import Problem

TLS_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Target:
    """A server as it was named: a container of this server, or a host."""

    container: str | None = None
    host: str | None = None
    port: int = 5432
    user: str = "postgres"
    password: str | None = field(default=None, repr=False)
    maintenance: str = "postgres"
    tls: str = "prefer"
    tls_ca: str | None = None
    image: str | None = None
    network: str = "host"

    def problems(self) -> list[Problem]:
        """Return what is wrong with how the server was named."""
        found = []
        if bool(self.container) == bool(self.host):
            found.append(
                Problem(
                    "container, host", "exactly one of them says where the server is", "Give one", "postgres.target"
                )
            )
        if self.host and not self.image:
            found.append(
                Problem(
                    "image",
                    "a server that is no container of ours needs an image with PostgreSQL's programs",
                    "Give one of the server's major version or a newer one, as docker.io/library/postgres:17",
                    "postgres.target",
                )
            )
        if not 0 < self.port < 65536:
            found.append(Problem("port", f"{self.port} is no port", "Give a number from 1 to 65535", "postgres.port"))
        if self.tls not in TLS_MODES:
            found.append(
                Problem("tls", f"{self.tls} is unknown", f"Write one of {', '.join(TLS_MODES)}", "postgres.tls")
            )
        if self.tls_ca and not os.path.isfile(self.tls_ca):
            found.append(
                Problem(
                    "tls_ca",
                    f"there is no file {self.tls_ca}",
                    "Give the CA's certificates in PEM form",
                    "postgres.tls",
                )
            )
        if self.tls.startswith("verify") and self.host and not self.tls_ca:
            found.append(
                Problem("tls_ca", f"tls is {self.tls} and no CA is named", "Give the CA's certificates", "postgres.tls")
            )
        if self.password and any(sign in self.password for sign in "\n\r\0"):
            found.append(Problem("password", "it has a line end in it", "Give it without", "postgres.password"))
        return found

    @property
    def where(self) -> str:
        """The server in a message."""
        return f"the container {self.container}" if self.container else f"{self.host}:{self.port}"


def passfile_line(host: str, port: int, user: str, password: str) -> str:
    """Return a line of a password file (PostgreSQL manual, 34.16)."""
    fields = (host, str(port), "*", user, password)
    escaped = (one if one == "*" else one.replace("\\", "\\\\").replace(":", "\\:") for one in fields)
    return ":".join(escaped) + "\n"
