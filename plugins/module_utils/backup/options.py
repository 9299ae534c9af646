# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the modules for PostgreSQL share, and what they mean."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from .. import names
from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from ..postgres import server
from ..postgres.server import Target
from ..release.record import Records
from . import manifest, verify
from . import restore as backup_restore
from .create import GIGABYTE, Wanted, raise_for
from .offsite_restic import Copies, folder_of
from .retention import Rule
from .run import Job
from .store import Shelf

SERVER: dict[str, t.Any] = {
    "container": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int", "default": 5432},
    "user": {"type": "str", "default": "postgres"},
    "password": {"type": "str", "no_log": True},
    "maintenance_database": {"type": "str", "default": "postgres"},
    "tls": {"type": "str", "choices": list(server.TLS_MODES), "default": "prefer"},
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

# What goes on around a backup
AROUND: dict[str, t.Any] = {
    "pre": {"type": "list", "elements": "list", "default": []},
    "post": {"type": "list", "elements": "list", "default": []},
    "hook_seconds": {"type": "int", "default": 600},
    "copy": {"type": "bool", "default": False},
}


def shelf(params: t.Mapping[str, t.Any]) -> Shelf:
    """Return where the backups of the stack lie that a module's options name."""
    return Shelf(Path(params["root"]), params["project"], params["environment"], params["stack"])


def source(params: t.Mapping[str, t.Any]) -> Shelf | None:
    """Return where the backups of the environment lie that the options name besides; None for the stack's own."""
    other = params["from_environment"]
    if not other or other == params["environment"]:
        return None
    return Shelf(Path(params["root"]), params["project"], other, params["stack"])


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
        more["named"] = (*params["keep_backups"], *of_releases(params))
    return Wanted(
        project=params["project"],
        environment=params["environment"],
        stack=params["stack"],
        target=target,
        database=params["database"] or names.database(params["stack"], params["environment"]),
        **more,
    )


def of_releases(params: t.Mapping[str, t.Any]) -> list[str]:
    """Return the backups that were made for a release whose record is still kept."""
    folder = names.stack_folder(Path(params["root"]), params["project"], params["environment"], params["stack"])
    kept = {record.number for record in Records(folder).all()}
    return [one.name for one in shelf(params).whole() if one.release in kept]


def copies(params: t.Mapping[str, t.Any], environment: str | None = None) -> Copies:
    """Return the copies of an environment's backups, of the options' own where none is named."""
    environment = environment or params["environment"]
    folder = folder_of(Path(params["root"]), params["project"], environment)
    return Copies(folder, f"{params['project']}-{environment}")


def job(params: t.Mapping[str, t.Any], by: str = "ansible") -> Job:
    """Return what a module's options ask for around a backup."""
    hooks = {kind: tuple(tuple(map(str, words)) for words in params[kind]) for kind in ("pre", "post")}
    if not all(words for commands in hooks.values() for words in commands):
        raise SwitchyardError("pre, post: a command is empty. Write it as a list of words, as [systemctl, stop, cron].")
    return Job(hooks["pre"], hooks["post"], params["hook_seconds"], copies(params) if params["copy"] else None, by)


def restore(engine: Engine, params: t.Mapping[str, t.Any], check: bool = False) -> dict[str, t.Any]:
    """Restore as a module's options ask for, from a copy where they say so; return the module's result."""
    logins = None if params["logins"] is None else tuple(params["logins"])
    asked = backup_restore.Asked(
        params["backup"], params["owner"], logins, params["set_aside"], params["closed"], params["anonymise"]
    )
    own, other, given = shelf(params), source(params), wanted(params)
    if params["fetch"]:
        where = other or own
        whose = params["from_environment"] or params["environment"]
        raise_for(given.problems(), given)
        if check and params["backup"] not in where.names():
            name = copies(params, whose).named(params["backup"], params["stack"])
            before, after = f"{given.database}: as it is now\n", f"{given.database}: the backup {name}, from its copy\n"
            return {"changed": True, "backup": None, "diff": {"before": before, "after": after}}
        with where.locked():
            where.sweep()
            found = copies(params, whose).fetch(where, params["backup"], params["stack"])
        asked = dataclasses.replace(asked, backup=found.name)
    return backup_restore.restore(engine, own, given, asked, check, other)


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
        server.sweep(engine, asked.project, asked.environment, asked.stack)
        where.sweep()
        result["backup"] = verify.verify(engine, where, found, asked, asked.verify).summary()
    return result
