# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which PostgreSQL server to connect to, and how."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ..errors import Problem

# libpq's sslmode (PostgreSQL manual, 34.1.2), without "allow", which encrypts only when the server insists.
TLS_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Target:
    """A PostgreSQL server: a container of this host, or a host name with a port.

    A ``dedicated`` server belongs to one stack, as an accessory does. Its administrator dumps and loads, because the
    application's own login is often that administrator: there is no other tenant from whom to keep its rights.
    """

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
    dedicated: bool = False

    def problems(self) -> list[Problem]:
        """Return the invalid or contradictory options."""
        problems = []

        def add(where: str, message: str, hint: str, code: str) -> None:
            problems.append(Problem(where, message, hint, code))

        if bool(self.container) == bool(self.host):
            add("container, host", "exactly one of them names the server", "Set one of them", code="postgres.target")
        if self.host and not self.image:
            hint = "Use one of the server's major version or a newer one, as docker.io/library/postgres:17"
            add(
                "image",
                "a server outside Docker needs an image with PostgreSQL's client programs",
                hint,
                code="postgres.target",
            )
        if not 0 < self.port < 65536:
            add("port", f"{self.port} is not a port", "Use a number from 1 to 65535", code="postgres.port")
        if self.tls not in TLS_MODES:
            add("tls", f"{self.tls} is not a TLS mode", f"Use one of {', '.join(TLS_MODES)}", code="postgres.tls")
        if self.tls_ca and not os.path.isfile(self.tls_ca):
            add(
                "tls_ca", f"{self.tls_ca} does not exist", "Name a file with CA certificates (PEM)", code="postgres.tls"
            )
        if self.tls.startswith("verify") and self.host and not self.tls_ca:
            add(
                "tls_ca",
                f"tls is {self.tls} and tls_ca is not set",
                "Name a file with CA certificates (PEM)",
                code="postgres.tls",
            )
        if self.password and any(character in self.password for character in "\n\r\0"):
            add("password", "it contains a line break or a NUL", "Remove it", code="postgres.password")
        return problems

    @property
    def where(self) -> str:
        """The server's name in messages."""
        return f"the container {self.container}" if self.container else f"{self.host}:{self.port}"


def passfile_line(host: str, port: int, user: str, password: str) -> str:
    """Return a line of a password file, ``host:port:database:user:password`` (PostgreSQL manual, 34.16)."""
    fields = (host, str(port), "*", user, password)
    escaped = (text if text == "*" else text.replace("\\", "\\\\").replace(":", "\\:") for text in fields)
    return ":".join(escaped) + "\n"
