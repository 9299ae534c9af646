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
from ..postgres.sql import shorten_name
from . import role_definitions
from .manifest import Manifest
from .request import BackupRequest

# The value of ``max_discarded_changes`` that allows any number of changes, also an unknown one
UNKNOWN = "unknown"

# The code of the problem
DISCARDED = "restore.discarded_changes"


@dataclass(frozen=True)
class RestoreRequest:
    """The options of a restore; ``max_discarded_changes`` is a number of row changes, or ``unknown``.

    ``block_writes`` closes the database before the load, so that no write is accepted and then discarded.
    ``anonymise`` is SQL that runs in the new database before it gets its name.
    """

    backup: str
    owner: str | None = None
    logins: tuple[str, ...] | None = None
    max_discarded_changes: str | None = None
    block_writes: bool = False
    anonymise: str | None = field(default=None, repr=False)

    @property
    def anonymise_digest(self) -> str | None:
        """The SHA-256 of the SQL, by which a later run knows which one ran."""
        return hashlib.sha256(self.anonymise.encode()).hexdigest() if self.anonymise else None


@dataclass(frozen=True)
class RestoreFacts:
    """The server's state before a restore.

    ``baseline`` are the change counters of the backup or the last restore, ``counters`` the present ones, ``changes``
    the difference; each is None if unknown. ``already_restored``: the database is this backup, perhaps changed.
    """

    server: dict[str, t.Any]
    database: dict[str, t.Any] | None
    owner: dict[str, t.Any] | None
    roles: frozenset[str]
    missing_extensions: tuple[Problem, ...]
    locked_out: bool
    baseline: dict[str, t.Any] | None
    counters: dict[str, t.Any] | None
    changes: int | None
    already_restored: bool
    free_bytes: int | None


@dataclass(frozen=True)
class RestorePlan:
    """The restore that will be done; ``up_to_date`` if the database is this backup without changes: nothing is done."""

    database: str
    owner: str
    new_database: str
    retained_database: str | None
    logins: list[str]
    restore_grants: bool
    properties: dict[str, t.Any]
    locked_out: bool
    discarded_changes: int | None
    up_to_date: bool
    tenant_roles: DatabaseRoles | None = None
    create_roles: tuple[str, ...] = ()


def plan_restore(
    request: BackupRequest, restore_request: RestoreRequest, manifest: Manifest, facts: RestoreFacts, now: float
) -> tuple[RestorePlan, list[Problem]]:
    """Return the plan, and every problem that prevents the restore."""
    live = facts.database
    owner = restore_request.owner or (live["owner"] if live else manifest.owner)
    logins = restore_request.logins
    if logins is None:
        logins = live["logins"] if live else ()
    retained = None
    if live:
        # The names of the new and the retained database come from the live one's; the suffix is never cut.
        retained = shorten_name(request.database, time.strftime("__before_%Y%m%d_%H%M%S", time.gmtime(now)))
    plan = RestorePlan(
        database=request.database,
        owner=owner,
        new_database=shorten_name(request.database, f"__restore_{manifest.number}"),
        retained_database=retained,
        logins=sorted(logins),
        # With another owner, as in another environment, the backup's grants would admit the wrong logins.
        restore_grants=owner == manifest.owner,
        properties=live["properties"] if live else (manifest.properties if owner == manifest.owner else {}),
        locked_out=facts.locked_out,
        discarded_changes=facts.changes,
        up_to_date=facts.already_restored and facts.changes == 0,
        tenant_roles=tenant_roles(request, owner, facts.roles),
        create_roles=_missing_roles(request, manifest, owner, facts),
    )
    if plan.up_to_date:
        return plan, []
    problems = _problems(request, manifest, facts, plan)
    if live and not facts.locked_out:
        problems += check_discarded_changes(restore_request.max_discarded_changes, facts.changes, manifest)
    return plan, problems


def _problems(request: BackupRequest, manifest: Manifest, facts: RestoreFacts, plan: RestorePlan) -> list[Problem]:
    problems = []

    def add(where: str, message: str, hint: str, code: str) -> None:
        problems.append(Problem(where, message, hint, code))

    if int(facts.server["number"]) // 10000 < manifest.major:
        message = (
            f"the server is PostgreSQL {facts.server['version']}, and the backup is of {manifest.server['version']}"
        )
        hint = "Restore into a server of the same or a newer version"
        add("container, host", message, hint, code="postgres.server_too_old")
    if not facts.server["can_administer"]:
        message = f"{request.target.user} may not create roles and databases"
        hint = "Use an administrator, with CREATEROLE and CREATEDB"
        add("user", message, hint, code="postgres.user_not_administrator")
    creates = _names(manifest) if plan.create_roles else set()
    if facts.owner is None and plan.owner not in creates:
        message = f"there is no role {plan.owner} on the server"
        add("owner", message, "Run setup.yml", code="postgres.role_missing")
    elif facts.owner and facts.owner["super"] and not request.target.dedicated:
        message = f"{plan.owner} is a superuser: code stored in the backup would run with all privileges"
        add("owner", message, "Use a role of the tenant", code="postgres.superuser_owns_database")
    if plan.restore_grants:
        for role in sorted(set(manifest.roles) - facts.roles - {plan.owner} - creates):
            message = f"the backup references the role {role}, which the server does not have"
            add("roles", message, "Create it, or run setup.yml", code="postgres.role_missing")
    problems += facts.missing_extensions
    if facts.free_bytes is not None and facts.free_bytes < manifest.database_bytes * 1.2:
        message = (
            f"the new database needs {manifest.database_bytes >> 20} MiB in addition to the old one, and"
            f" {facts.free_bytes >> 20} MiB are free on the server"
        )
        add("disk", message, "Free some disk space", code="restore.disk_space")
    return problems


def _names(manifest: Manifest) -> set[str]:
    return {str(role["name"]) for role in manifest.role_definitions}


def _missing_roles(request: BackupRequest, manifest: Manifest, owner: str, facts: RestoreFacts) -> tuple[str, ...]:
    """Return the statements that create the roles of a dedicated server's backup that the server does not have."""
    if not request.target.dedicated or owner != manifest.owner:
        return ()
    return tuple(role_definitions.create_statements(manifest.role_definitions, facts.roles))


def tenant_roles(request: BackupRequest, owner: str, roles: t.Collection[str]) -> DatabaseRoles | None:
    """Return the tenant's roles if they are those that the role ``postgres`` creates, else None.

    A dump has their grants only if it was made with the same roles, which one of another environment or an older one
    was not.
    """
    expected = DatabaseRoles(request.database, request.database)
    return expected if expected["owner"] == owner and set(expected.all.values()) <= set(roles) else None


def check_discarded_changes(allowed: str | None, changes: int | None, manifest: Manifest) -> list[Problem]:
    """Return a problem if the changes since the backup may not be discarded; ``changes`` is None if unknown."""
    if allowed == UNKNOWN or (changes == 0 and allowed is None):
        return []
    where = "max_discarded_changes"
    if allowed is not None and not allowed.isdigit():
        return [
            Problem(where, f"{allowed!r} is neither a number nor {UNKNOWN}", "Set the number of changes", DISCARDED)
        ]
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(manifest.started))
    if changes is None:
        message = f"the number of changes since the backup {manifest.name} of {moment} is unknown"
        return [
            Problem(
                where,
                message,
                f"To discard them, set {where}: {UNKNOWN}, for restore.yml -e max_discarded={UNKNOWN}",
                DISCARDED,
            )
        ]
    if allowed is not None and int(allowed) >= changes:
        return []
    message = f"{changes} row changes since the backup {manifest.name} of {moment} would be discarded"
    hint = f"To discard them, set {where}: {changes}, for restore.yml -e max_discarded={changes}"
    return [Problem(where, message, hint, DISCARDED)]


def restore_diff(plan: RestorePlan, manifest: Manifest) -> dict[str, str]:
    """Return the plan as a diff."""
    before = f"{plan.database}: as it is now\n" if plan.retained_database else ""
    if plan.up_to_date:
        return {"before": before, "after": before}
    retained = f"{plan.retained_database}: as {plan.database} is now\n" if plan.retained_database else ""
    return {"before": before, "after": f"{plan.database}: the backup {manifest.name}\n{retained}"}
