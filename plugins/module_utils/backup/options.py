# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module options of backups and restores, and the requests made from them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .. import names, paths
from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from ..postgres import accessory
from ..postgres import target as postgres_target
from ..postgres.target import Target
from . import manifest
from .offsite_restic import OffsiteRepository, repository_folder
from .request import GIGABYTE, BackupRequest
from .retention import RetentionPolicy
from .run import BackupRun
from .store import BackupStore
from .volume_backup import VolumeRequest
from .volume_store import VolumeStore

# As the option ``accessory``: the only accessory with PostgreSQL.
ANY_ACCESSORY = "*"

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
    "accessory": {"type": "str"},
}
BACKUP_OPTIONS: dict[str, t.Any] = {
    "backup": {"type": "str"},
    "verify": {"type": "str", "choices": ["restore", "read", "none"], "default": "restore"},
    "scratch": {"type": "str", "choices": ["auto", "memory", "disk"], "default": "auto"},
    "verify_content": {"type": "bool", "default": True},
    "version_query": {"type": "str"},
    "format": {"type": "str", "choices": ["auto", *manifest.FORMATS], "default": "auto"},
    "parallel_from": {"type": "int", "default": 10},
    "parallel_jobs": {"type": "int"},
    "compression": {"type": "str", "default": "auto"},
    "release": {"type": "int"},
    "keep": {"type": "int"},
    "keep_days": {"type": "int"},
    "keep_names": {"type": "list", "elements": "str", "default": []},
}

# A copy of a volume
VOLUME_OPTIONS: dict[str, t.Any] = {
    "volume": {"type": "str", "required": True},
    "service": {"type": "str"},
    "before": {"type": "list", "elements": "str", "default": []},
    "after": {"type": "list", "elements": "str", "default": []},
    "keep": {"type": "int"},
    "keep_days": {"type": "int"},
    "copy_offsite": {"type": "bool", "default": False},
}

# What surrounds a backup
RUN_OPTIONS: dict[str, t.Any] = {
    "pre_hooks": {"type": "list", "elements": "list", "default": []},
    "post_hooks": {"type": "list", "elements": "list", "default": []},
    "hook_timeout": {"type": "int", "default": 600},
    "copy_offsite": {"type": "bool", "default": False},
}

# Returns the names of backups that are kept in addition to ``keep_names``, from a module's options.
KeptBackups = t.Callable[[t.Mapping[str, t.Any]], t.Sequence[str]]

# Returns the options of each backup that one's options mean; the second argument connects to the engine.
Expand = t.Callable[[t.Mapping[str, t.Any], t.Callable[[], Engine]], t.Sequence[dict[str, t.Any]]]


def with_accessory(
    params: t.Mapping[str, t.Any], engine: t.Callable[[], Engine], environment: str | None = None
) -> dict[str, t.Any]:
    """Return a module's options with the server of its ``accessory`` as this machine knows it, if there is one.

    Raises SwitchyardError when the stack has no such accessory.
    """
    if not params.get("accessory"):
        return dict(params)
    service = params["accessory"] if params["accessory"] != ANY_ACCESSORY else None
    found = accessory.require(
        engine(), params["project"], environment or params["environment"], params["stack"], service
    )
    database = params["database"] or found.database
    return {**params, "accessory": found.service, "database": database, "target": found.target(database)}


def source_of(params: t.Mapping[str, t.Any]) -> tuple[str, str] | None:
    """Return the service of the accessory and its database; None for the shared server."""
    return (params["accessory"], params["database"]) if params.get("accessory") else None


def store_of(params: t.Mapping[str, t.Any]) -> BackupStore:
    """Return the backup store of a module's database."""
    return BackupStore(
        Path(params["root"]), params["project"], params["environment"], params["stack"], source_of(params)
    )


def volume_store(params: t.Mapping[str, t.Any]) -> VolumeStore:
    """Return the backup store of a module's volume."""
    return VolumeStore(Path(params["root"]), *(params[key] for key in ("project", "environment", "stack", "volume")))


def volume_request(params: t.Mapping[str, t.Any]) -> VolumeRequest:
    """Return the request for a copy of a module's volume."""
    policy = RetentionPolicy(params.get("keep"), params.get("keep_days"))
    before, after = (tuple(params.get(key) or ()) for key in ("before", "after"))
    return VolumeRequest(
        params["project"],
        params["environment"],
        params["stack"],
        params["volume"],
        params.get("service"),
        before,
        after,
        policy,
    )


def unit_of(params: t.Mapping[str, t.Any]) -> str:
    """Return the stack and the source as off-site copies have them."""
    source = source_of(params)
    return f"{params['stack']}/{paths.source_name(source)}" if source else str(params["stack"])


def source_store(params: t.Mapping[str, t.Any]) -> BackupStore | None:
    """Return the backup store of ``from_environment``; None if that is the stack's own."""
    other = params["from_environment"]
    if not other or other == params["environment"]:
        return None
    return BackupStore(Path(params["root"]), params["project"], other, params["stack"], source_of(params))


def backup_request(params: t.Mapping[str, t.Any], kept_backups: t.Sequence[str] = ()) -> BackupRequest:
    """Return the request of a module's options; without ``container`` and ``host``, for the shared server.

    ``kept_backups`` are kept in addition to ``keep_names``. The options are those of ``with_accessory``.
    """
    named = params["container"] or params["host"]
    target = params.get("target") or Target(
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
    options: dict[str, t.Any] = {}
    if "verify" in params:
        same = ("release", "format", "parallel_jobs", "compression", "verify", "scratch", "verify_content")
        options = {key: params[key] for key in (*same, "version_query")}
        options["parallel_from"] = params["parallel_from"] * GIGABYTE
        options["retention"] = RetentionPolicy(params["keep"], params["keep_days"])
        options["keep_names"] = (*params["keep_names"], *kept_backups)
    return BackupRequest(
        project=params["project"],
        environment=params["environment"],
        stack=params["stack"],
        target=target,
        database=params["database"] or names.database(params["stack"], params["environment"]),
        accessory=params.get("accessory"),
        **options,
    )


def offsite_repository(params: t.Mapping[str, t.Any], environment: str | None = None) -> OffsiteRepository:
    """Return the off-site repository of an environment, by default of the module's own."""
    environment = environment or params["environment"]
    folder = repository_folder(Path(params["root"]), params["project"], environment)
    return OffsiteRepository(folder, f"{params['project']}-{environment}")


def backup_run(params: t.Mapping[str, t.Any], started_by: str = "ansible") -> BackupRun:
    """Return the hooks and the off-site copy of a module's options. Raises SwitchyardError for an empty command."""
    pre_hooks, post_hooks = (
        tuple(tuple(map(str, command)) for command in params[key]) for key in ("pre_hooks", "post_hooks")
    )
    if not all((*pre_hooks, *post_hooks)):
        raise SwitchyardError(
            "pre_hooks, post_hooks: a command is empty. Write it as a list of words, as [systemctl, stop, cron]."
        )
    offsite = offsite_repository(params) if params["copy_offsite"] else None
    return BackupRun(pre_hooks, post_hooks, params["hook_timeout"], offsite, started_by)
