# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key that an inventory may set for a stack: its type, default, limits and choices."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from . import canary_steps

# PostgreSQL cuts identifiers at 63 bytes (manual, 4.1.1), and so does DNS with a label (RFC 1035, 2.3.4).
LONGEST_NAME = 63
REQUIRED = object()


@dataclass(frozen=True)
class Field:
    """One key of a mapping: its type in words, its default (or REQUIRED), and what is inside."""

    type: str
    default: t.Any = None
    keys: dict[str, Field] = field(default_factory=dict)
    least: float | None = None
    choices: tuple[t.Any, ...] = ()


HEALTH = {
    "path": Field("text", "/"),
    "status": Field("integer", 200),
    "successes": Field("integer", 3, least=1),
    "interval": Field("number", 0.1, least=0.01),
    "request_timeout": Field("number", 5, least=0.1),
    "timeout": Field("number", 60, least=1),
}
JOB = {
    "service": Field("text", REQUIRED),
    "command": Field("command", REQUIRED),
    "timeout": Field("number", 900, least=1),
}

# What guards a migration, besides the command itself.
MIGRATE = {
    **JOB,
    "kind": Field("text", None, choices=("expand", "contract", "breaking")),
    "check": Field("command", None),
    "database": Field("text", None),
    "backup": Field("text", "restore", choices=("restore", "read", "none")),
    "lock_timeout": Field("number", 5, least=0.1),
    "retries": Field("integer", 5, least=0),
    "verify": Field("mapping", None, {"query": Field("text", REQUIRED), "answer": Field("text", REQUIRED)}),
}

# The kinds for which the old version is stopped: it would not work on the new schema.
STOPPING_KINDS = ("contract", "breaking")

# The keys that mean nothing without a database on the shared server.
DATABASE_KEYS = ("kind", "database", "verify")
RATE_LIMIT = {
    "requests": Field("number", REQUIRED, least=0.001),
    "seconds": Field("number", 1, least=0.001),
    "burst": Field("integer", 0, least=0),
}

# The options of a route (proxy/route_options.py).
ROUTE_OPTIONS = {
    "https": Field("text", "optional", choices=("optional", "redirect")),
    "hsts": Field("integer", 0, least=0),
    "allow_ips": Field("addresses", []),
    "basic_auth": Field("text", None),
    "rate_limit": Field("mapping", None, RATE_LIMIT),
    "max_body_size": Field("size", None, least=1),
    "response_timeout": Field("number", None, least=0.1),
    "headers": Field("headers", {}),
}
STATIC = {
    "volume": Field("text", REQUIRED),
    "hosts": Field("texts", REQUIRED),
    "path": Field("text", REQUIRED),
}
STACK: dict[str, Field] = {
    "name": Field("text", REQUIRED),
    "source": Field("mapping", REQUIRED, {"path": Field("text", REQUIRED)}),
    "compose": Field("texts", ["docker-compose.yml"]),
    "files": Field("texts", []),
    "variables": Field("variables", {}),
    "strategy": Field("text", "blue_green", choices=("blue_green", "canary", "recreate", "in_place")),
    "canary": Field("steps", canary_steps.DEFAULT),
    "routes": Field(
        "mappings",
        [],
        {
            "service": Field("text", REQUIRED),
            "port": Field("integer", REQUIRED, least=1),
            "hosts": Field("texts", REQUIRED),
            "path": Field("text", "/"),
            "health": Field("mapping", {}, HEALTH),
            **ROUTE_OPTIONS,
        },
    ),
    "static": Field("mappings", [], STATIC),
    "workers": Field("texts", []),
    "accessories": Field("texts", []),
    "migrate": Field("mapping", None, MIGRATE),
    "after_migrate": Field("mappings", [], JOB),
    "smoke": Field(
        "mappings",
        [],
        {
            "path": Field("text", "/"),
            "status": Field("integer", 200),
            "contains": Field("text", None),
            "host": Field("text", None),
            "request_timeout": Field("number", 10, least=0.1),
        },
    ),
    "drain": Field("number", 30, least=0),
    "drain_long_lived": Field("number", 0, least=0),
    "keep_previous": Field("boolean", True),
    "keep_releases": Field("integer", 5, least=2),
    "settle": Field("number", 2, least=0),
    "secrets": Field("variables", {}),
    "secrets_owner": Field("integer", None, least=0),
    "postgres": Field(
        "mapping",
        None,
        {
            "password": Field("text", REQUIRED),
            "ro_password": Field("text", None),
            "backup_password": Field("text", None),
            "connections": Field("variables", {}),
            "timeouts": Field("variables", {}),
        },
    ),
    "redis": Field("mapping", None, {"password": Field("text", REQUIRED), "databases": Field("numbers", REQUIRED)}),
}
