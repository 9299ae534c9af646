# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the modules for PostgreSQL share, and what they mean."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .. import names, paths
from ..errors import SwitchyardError
from ..postgres import target as postgres_target
from ..postgres.target import Target
from ..release.record import Records
from . import manifest
from .offsite_restic import OffsiteRepository, folder_of
from .request import GIGABYTE, BackupRequest
from .retention import RetentionPolicy
from .run import BackupRun
from .store import BackupStore

SERVER_OPTIONS: dict[str, t.Any] = {
    "container": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int", "default": 5432},
    "user": {"type": "str", "default": "postgres"},
    "password": {"type": "str", "no_log": True},
    "maintenance_database": {"type": "str", "default": "postgres"},
    "tls": {"type": "str", "choices": list(postgres_target.TLS_MODES), "default": "prefer"},
    "tls_ca": {"type": "path"},
    "image": {"type": "str"},
    "network": {"type": "str", "default": "host"},
    "database": {"type": "str"},
}
BACKUP_OPTIONS: dict[str, t.Any] = {
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
HOOK_OPTIONS: dict[str, t.Any] = {
    "pre": {"type": "list", "elements": "list", "default": []},
    "post": {"type": "list", "elements": "list", "default": []},
    "hook_seconds": {"type": "int", "default": 600},
    "copy": {"type": "bool", "default": False},
}


def store_of(params: t.Mapping[str, t.Any]) -> BackupStore:
    """Return where the backups of the stack lie that a module's options name."""
    return BackupStore(Path(params["root"]), params["project"], params["environment"], params["stack"])


def source_store(params: t.Mapping[str, t.Any]) -> BackupStore | None:
    """Return where the backups of the environment lie that the options name besides; None for the stack's own."""
    other = params["from_environment"]
    if not other or other == params["environment"]:
        return None
    return BackupStore(Path(params["root"]), params["project"], other, params["stack"])


def backup_request(params: t.Mapping[str, t.Any]) -> BackupRequest:
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
        more["rule"] = RetentionPolicy(params["keep"], params["keep_days"])
        more["named"] = (*params["keep_backups"], *kept_release_backups(params))
    return BackupRequest(
        project=params["project"],
        environment=params["environment"],
        stack=params["stack"],
        target=target,
        database=params["database"] or names.database(params["stack"], params["environment"]),
        **more,
    )


def kept_release_backups(params: t.Mapping[str, t.Any]) -> list[str]:
    """Return the backups that were made for a release whose record is still kept."""
    folder = paths.stack_folder(Path(params["root"]), params["project"], params["environment"], params["stack"])
    kept = {record.number for record in Records(folder).all()}
    return [one.name for one in store_of(params).whole() if one.release in kept]


def offsite_repository(params: t.Mapping[str, t.Any], environment: str | None = None) -> OffsiteRepository:
    """Return the copies of an environment's backups, of the options' own where none is named."""
    environment = environment or params["environment"]
    folder = folder_of(Path(params["root"]), params["project"], environment)
    return OffsiteRepository(folder, f"{params['project']}-{environment}")


def backup_run(params: t.Mapping[str, t.Any], by: str = "ansible") -> BackupRun:
    """Return what a module's options ask for around a backup."""
    hooks = {kind: tuple(tuple(map(str, words)) for words in params[kind]) for kind in ("pre", "post")}
    if not all(words for commands in hooks.values() for words in commands):
        raise SwitchyardError("pre, post: a command is empty. Write it as a list of words, as [systemctl, stop, cron].")
    return BackupRun(
        hooks["pre"], hooks["post"], params["hook_seconds"], offsite_repository(params) if params["copy"] else None, by
    )
