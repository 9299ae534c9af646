# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the modules for PostgreSQL share, and what they mean."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .. import names
from ..engine import Engine
from ..errors import SwitchyardError
from . import connecting, manifest, verifying
from .connecting import Target
from .dumping import GIGABYTE, Wanted, raise_for
from .retaining import Rule
from .shelf import Shelf

SERVER: dict[str, t.Any] = {
    "container": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int", "default": 5432},
    "user": {"type": "str", "default": "postgres"},
    "password": {"type": "str", "no_log": True},
    "maintenance_database": {"type": "str", "default": "postgres"},
    "tls": {"type": "str", "choices": list(connecting.TLS_MODES), "default": "prefer"},
    "tls_ca": {"type": "path"},
    "image": {"type": "str"},
    "network": {"type": "str", "default": "host"},
    "database": {"type": "str"},
}

BACKUP: dict[str, t.Any] = {
    "backup": {"type": "str"},
    "verify": {"type": "str", "choices": ["restore", "read", "none"], "default": "restore"},
    "scratch": {"type": "str", "choices": ["auto", "memory", "disk"], "default": "auto"},
    "compare": {"type": "str", "choices": ["content", "rows"], "default": "content"},
    "version_query": {"type": "str"},
    "format": {"type": "str", "choices": ["auto", *manifest.FORMATS], "default": "auto"},
    "parallel_from": {"type": "int", "default": 10},
    "jobs": {"type": "int"},
    "compression": {"type": "str", "default": "auto"},
    "release": {"type": "int"},
    "keep": {"type": "int"},
    "keep_days": {"type": "int"},
    "keep_backups": {"type": "list", "elements": "str", "default": []},
}


def shelf(params: t.Mapping[str, t.Any]) -> Shelf:
    """Return where the backups of the stack lie that a module's options name."""
    return Shelf(Path(params["root"]), params["project"], params["environment"], params["stack"])


def wanted(params: t.Mapping[str, t.Any]) -> Wanted:
    """Return what a module's options ask for; the server is our shared one where none is named."""
    named = params["container"] or params["host"]
    target = Target(
        container=params["container"] if named else names.shared(params["project"], "postgres"),
        host=params["host"],
        port=params["port"],
        user=params["user"],
        password=params["password"],
        maintenance=params["maintenance_database"],
        tls=params["tls"],
        tls_ca=params["tls_ca"],
        image=params["image"],
        network=params["network"],
    )
    more: dict[str, t.Any] = {}
    if "verify" in params:
        more = {key: params[key] for key in ("release", "format", "jobs", "compression", "verify", "scratch")}
        more["parallel_from"] = params["parallel_from"] * GIGABYTE
        more["content"] = params["compare"] == "content"
        more["query"] = params["version_query"]
        more["rule"] = Rule(params["keep"], params["keep_days"])
        more["named"] = tuple(params["keep_backups"])
    return Wanted(
        project=params["project"],
        environment=params["environment"],
        stack=params["stack"],
        target=target,
        database=params["database"] or names.database(params["stack"], params["environment"]),
        **more,
    )


def prove(engine: Engine, where: Shelf, asked: Wanted, name: str, check: bool = False) -> dict[str, t.Any]:
    """Prove a backup that stands already; return the module's result.

    It is tried each time: what was proved may have been damaged since. ``changed`` says that it is proved better now.
    """
    raise_for(asked.problems(), asked)
    if asked.verify == "none":
        raise SwitchyardError("verify: none proves nothing. Write restore or read beside backup.")
    found = where.need(name)
    state = {"restore": "restored", "read": "read"}[asked.verify]
    after = max(found.state, state, key=manifest.STATES.index)
    result = {
        "changed": after != found.state,
        "name": found.name,
        "backup": found.summary(),
        "removed": [],
        "recovered": None,
        "diff": {"before": f"{found.name}: {found.state}\n", "after": f"{found.name}: {after}\n"},
    }
    if check:
        return result
    with where.locked():
        connecting.sweep(engine, asked.project, asked.environment, asked.stack)
        where.sweep()
        result["backup"] = verifying.verify(engine, where, found, asked, asked.verify).summary()
    return result
