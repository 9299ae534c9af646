# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a restore does before anything changes."""

from __future__ import annotations

import hashlib
import time
import typing as t
from dataclasses import dataclass, field

from ..errors import Problem
from ..postgres.roles import DatabaseRoles
from .manifest import Manifest
from .request import BackupRequest

# PostgreSQL cuts names after 63 bytes.
LONGEST = 63
UNKNOWN = "unknown"


@dataclass(frozen=True)
class RestoreRequest:
    """What a person asks of a restore; ``set_aside`` is a number of row changes, or ``unknown``.

    ``closed`` keeps everybody out from before the loading on, so that no write is accepted that will be set aside.
    ``anonymise`` is SQL that runs in the new database before it has the name.
    """

    backup: str
    owner: str | None = None
    logins: tuple[str, ...] | None = None
    set_aside: str | None = None
    closed: bool = False
    anonymise: str | None = field(default=None, repr=False)

    @property
    def hidden(self) -> str | None:
        """What stands for the SQL where it is remembered which one ran."""
        return hashlib.sha256(self.anonymise.encode()).hexdigest() if self.anonymise else None


@dataclass(frozen=True)
class RestoreFacts:
    """What was seen before anything is done. ``changes`` counts those since the backup; None where nobody can know."""

    server: dict[str, t.Any]
    database: dict[str, t.Any] | None
    owner: dict[str, t.Any] | None
    roles: frozenset[str]
    missing: tuple[Problem, ...]
    fenced: bool
    baseline: dict[str, t.Any] | None
    now: dict[str, t.Any] | None
    changes: int | None
    restored: bool
    free: int | None


@dataclass(frozen=True)
class RestorePlan:
    """The restore that will be done; ``nothing`` where the database is just that backup already."""

    database: str
    owner: str
    new: str
    kept: str | None
    logins: list[str]
    grants: bool
    properties: dict[str, t.Any]
    fenced: bool
    changes: int | None
    nothing: bool
    tenant: DatabaseRoles | None = None


def plan(
    wanted: BackupRequest, asked: RestoreRequest, manifest: Manifest, seen: RestoreFacts, now: float
) -> tuple[RestorePlan, list[Problem]]:
    """Return what to do, and everything that is in its way."""
    live = seen.database
    owner = asked.owner or (live["owner"] if live else manifest.owner)
    made = RestorePlan(
        database=wanted.database,
        owner=owner,
        new=sibling_name(wanted.database, f"__restore_{manifest.number}"),
        kept=sibling_name(wanted.database, time.strftime("__before_%Y%m%d_%H%M%S", time.gmtime(now))) if live else None,
        logins=sorted(asked.logins if asked.logins is not None else (live["logins"] if live else [])),
        # In another environment the grants of the first one would let the wrong people in.
        grants=owner == manifest.owner,
        properties=live["properties"] if live else (manifest.properties if owner == manifest.owner else {}),
        fenced=seen.fenced,
        changes=seen.changes,
        nothing=seen.restored and seen.changes == 0,
        tenant=tenant_roles(wanted, owner, seen.roles),
    )
    if made.nothing:
        return made, []
    found = []
    server = int(seen.server["number"]) // 10000
    if server < manifest.major:
        message = (
            f"the server is PostgreSQL {seen.server['version']}, and the backup is of {manifest.server['version']}"
        )
        found.append(
            Problem(
                "container, host", message, "Restore into a server that is as new or newer", "postgres.server_too_old"
            )
        )
    if not seen.server["may"]:
        message = f"{wanted.target.user} may not make roles and databases"
        found.append(
            Problem(
                "user",
                message,
                "Give an administrator, with CREATEROLE and CREATEDB",
                "postgres.user_not_administrator",
            )
        )
    if seen.owner is None:
        found.append(
            Problem("owner", f"there is no role {owner} on the server", "Run setup.yml", "postgres.role_missing")
        )
    elif seen.owner["super"]:
        message = f"{owner} is a superuser: what is planted in the backup would run as one"
        found.append(Problem("owner", message, "Name a role of the tenant", "postgres.superuser_owns_database"))
    if made.grants:
        for role in sorted(set(manifest.roles) - seen.roles - {owner}):
            message = f"the backup speaks of the role {role}, which the server does not have"
            found.append(Problem("roles", message, "Make it, or run setup.yml", "postgres.role_missing"))
    found += seen.missing
    if seen.free is not None and seen.free < manifest.database_bytes * 1.2:
        message = f"the new database takes {manifest.database_bytes >> 20} MiB beside the old one"
        found.append(
            Problem(
                "disk", f"{message}, and the server has {seen.free >> 20} MiB left", "Make room", "restore.disk_space"
            )
        )
    if live and not seen.fenced:
        found += check_discarded_changes(asked.set_aside, seen.changes, manifest)
    return made, found


def tenant_roles(wanted: BackupRequest, owner: str, roles: t.Collection[str]) -> DatabaseRoles | None:
    """Return the logins that work with what the owner has, where they are those that the role postgres makes.

    A dump has their rights only where it was made of the same roles: neither one of another environment has, nor one
    from before they were there.
    """
    found = DatabaseRoles(wanted.database, wanted.database)
    return found if found["owner"] == owner and set(found.all.values()) <= set(roles) else None


def check_discarded_changes(given: str | None, changes: int | None, manifest: Manifest) -> list[Problem]:
    """Return why the changes since the backup may not be set aside, if they may not."""
    if given == UNKNOWN or (changes == 0 and given is None):
        return []
    if given is not None and not given.isdigit():
        return [
            Problem(
                "set_aside",
                f"{given!r} is neither a number nor {UNKNOWN}",
                "Write how many changes",
                "restore.discarded_changes",
            )
        ]
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(manifest.started))
    if changes is None:
        message = f"nobody can know how much was changed since the backup {manifest.name} of {moment}"
        return [
            Problem(
                "set_aside",
                message,
                f"Write set_aside: {UNKNOWN} where that may be set aside",
                "restore.discarded_changes",
            )
        ]
    if given is not None and int(given) >= changes:
        return []
    message = f"{changes} row changes since the backup {manifest.name} of {moment} would be set aside"
    return [
        Problem(
            "set_aside",
            message,
            f"Write set_aside: {changes} where they may be, or stop writes and look again",
            "restore.discarded_changes",
        )
    ]


def sibling_name(database: str, tail: str) -> str:
    """Return a name for a database that is not the real one; a long name is cut, its tail never."""
    return database.encode()[: LONGEST - len(tail)].decode("utf-8", "ignore") + tail


def restore_diff(made: RestorePlan, manifest: Manifest) -> dict[str, str]:
    """Return the plan as a diff."""
    before = f"{made.database}: as it is now\n" if made.kept else ""
    if made.nothing:
        return {"before": before, "after": before}
    kept = f"{made.kept}: as {made.database} is now\n" if made.kept else ""
    return {"before": before, "after": f"{made.database}: the backup {manifest.name}\n{kept}"}
