# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use the shared servers of a machine: databases, logins, users, and what has to change for them.

A server never gets a password, only what proves it: a SCRAM verifier for PostgreSQL, a SHA-256 for Redis.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import names
from ..config.stack_services import Stacks, Tenant, sha256_hex, stacks_using
from ..errors import Problem
from . import roles as postgres_roles
from .roles import DatabaseRoles
from .scram import verifier
from .sql import ident, literal

# What a stack may say about its logins, besides the password of the application's one
POSTGRES_MORE = ("ro_password", "backup_password", "connections", "timeouts")

# The logins whose passwords are made on the server where nobody gives one; the migrator's always is.
KEYED = ("migrator", "backup", "ro")

# What of PostgreSQL's connections is not for the tenants, and how many there are where nothing else is set
RESERVED, MAX_CONNECTIONS = 3, 100

# A login of a single run, as a backup makes one: it has the tenant's place.
GUEST = "__guest_"


def postgres_tenants(stacks: Stacks, environment: str) -> list[Tenant]:
    """Return the database, login and password of each stack that has a ``postgres`` key, and what it says of them."""
    tenants = []
    for stack, settings in stacks_using(stacks, "postgres"):
        name = names.database(stack, environment)
        more = {key: settings[key] for key in POSTGRES_MORE if settings.get(key)}
        tenants.append({"database": name, "user": name, "password": settings["password"], **more})
    return tenants


def password_fingerprint(verified: str) -> str:
    """Return what a login's comment says of its password: it tells whether both still belong together."""
    return f"password {sha256_hex(verified)[:32]}"


def postgres_plan(
    tenants: t.Iterable[Tenant],
    state: t.Mapping[str, t.Any],
    verifiers: t.Mapping[str, str] | None = None,
    connections: t.Mapping[str, t.Any] | None = None,
    timeouts: t.Mapping[str, t.Any] | None = None,
    settings: t.Mapping[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    """Return what a PostgreSQL server lacks for its tenants.

    ``state`` is the answer of the role's ``state.sql``, or empty where no server answers yet. ``verifiers`` belong to
    the passwords that were made on the server; ``keyed`` are the logins that lack one. ``connections`` and
    ``timeouts`` hold for tenants that say nothing else. ``settings`` are the server's own where we start it; without
    them it is somebody else's.

    ``problems`` are to be put right before anything is done. ``pairs`` say which login may come to which database.
    Then ``roles`` are statements, ``passwords`` statements that nobody is to see, ``databases`` are to be made or
    given to their owner, ``rights`` are statements within a database, and from ``open`` the rights of PUBLIC are to be
    taken.
    """
    wanted = [tenant_spec(tenant, connections or {}, timeouts or {}) for tenant in tenants]
    problems = [problem for one in wanted for problem in one.problems]
    problems += _check_role_conflicts(wanted, state)
    if not problems:
        problems += _check_connection_budget(wanted, state, settings)
    plan: dict[str, t.Any] = {
        "problems": [str(problem) for problem in problems],
        "pairs": [
            {"database": one.logins.database, "user": name}
            for one in wanted
            for kind, name in one.logins.all.items()
            if kind != "owner"
        ],
        "keyed": [],
        "roles": [],
        "passwords": [],
        "databases": [],
        "rights": [],
        "open": [],
    }
    if problems:
        return plan
    databases = state.get("databases", {})
    for one in wanted:
        plan["roles"] += postgres_roles.role_statements(one.logins, one.connections, one.timeouts, state)
        keys, passwords = _passwords(one, state, verifiers or {})
        plan["keyed"] += keys
        plan["passwords"] += passwords
        name = one.logins.database
        if databases.get(name, {}).get("owner") != one.logins["owner"]:
            plan["databases"].append({"database": name, "owner": one.logins["owner"]})
        if not postgres_roles.role_matches(one.logins, databases.get(name)):
            plan["rights"].append({"database": name, "statements": postgres_roles.rights_statements(one.logins)})
    plan["open"] = _databases_open_to_public({one.logins.database for one in wanted}, state, settings is not None)
    return plan


@dataclass(frozen=True)
class TenantSpec:
    """A tenant with everything that it did not say."""

    logins: DatabaseRoles
    passwords: dict[str, str]
    connections: dict[str, t.Any]
    timeouts: dict[str, t.Any]
    problems: list[Problem]


def tenant_spec(tenant: Tenant, connections: t.Mapping[str, t.Any], timeouts: t.Mapping[str, t.Any]) -> TenantSpec:
    given = DatabaseRoles(tenant["database"], tenant["user"])
    limits = {**postgres_roles.CONNECTIONS, **connections, **(tenant.get("connections") or {})}
    times = {**postgres_roles.TIMEOUTS, **timeouts, **(tenant.get("timeouts") or {})}
    problems = postgres_roles.option_problems(given, limits, times)
    passwords = {}
    for kind, key in (("app", "password"), ("backup", "backup_password"), ("ro", "ro_password")):
        if kind == "app" or tenant.get(key):
            try:
                passwords[given[kind]] = verifier(tenant[key], given[kind])
            except ValueError:
                message = f"{key} is not made of printable ASCII characters, at least one"
                problems.append(
                    Problem(f"postgres_tenants, {given.database}", message, "Give another one", "postgres.password")
                )
    return TenantSpec(given, passwords, limits, times, problems)


def _check_role_conflicts(wanted: list[TenantSpec], state: t.Mapping[str, t.Any]) -> list[Problem]:
    """Return the names that two tenants claim; names are put together, so two can give the same."""
    claimed: dict[str, str] = {}
    found = []
    for one in wanted:
        for name in one.logins.all.values():
            if claimed.setdefault(name, one.logins.database) != one.logins.database:
                message = f"{one.logins.database} and {claimed[name]} would both have the login {name}"
                found.append(Problem("postgres_tenants", message, "Rename a stack", "postgres.role_conflict"))
    mine = {one.logins.database for one in wanted}
    theirs = [name for name in state.get("databases", {}) if name not in mine]
    others = {
        name: other for other in theirs for kind, name in DatabaseRoles(other, other).all.items() if kind != "app"
    }
    for one in wanted:
        for kind, name in one.logins.all.items():
            if name in others and name in state.get("roles", {}):
                message = f"the login {name} belongs to the database {others[name]} already"
                found.append(Problem("postgres_tenants", message, "Rename a stack", "postgres.role_conflict"))
            elif kind != "app" and name in state.get("databases", {}):
                message = f"{name}, the {kind} of {one.logins.database}, is another database's own login"
                found.append(Problem("postgres_tenants", message, "Rename a stack", "postgres.role_conflict"))
    return list(dict.fromkeys(found))


def _check_connection_budget(
    wanted: list[TenantSpec], state: t.Mapping[str, t.Any], settings: t.Mapping[str, t.Any] | None
) -> list[Problem]:
    """Return whether the logins of the server may have more sessions than it gives."""
    server = state.get("connections") or {"max": MAX_CONNECTIONS, "reserved": RESERVED}
    most, reserved = int(server["max"]), int(server["reserved"])
    if settings is not None:
        given = str(settings.get("max_connections", MAX_CONNECTIONS))
        if not given.isdigit():
            return []  # the server itself says what is wrong with it
        most = int(given)
        keys = ("superuser_reserved_connections", "reserved_connections")
        told = [str(settings.get(key, default)) for key, default in zip(keys, (RESERVED, 0))]
        reserved = sum(int(one) for one in told if one.isdigit())
    mine = {name for one in wanted for name in one.logins.all.values()}
    own = {one.logins.database: sum(int(value) for value in one.connections.values()) for one in wanted}
    # -1 is no limit, as logins of an older version of this collection have until they are run again.
    others = sum(
        max(0, role["limit"])
        for name, role in state.get("roles", {}).items()
        if name not in mine and role["login"] and not role["more"] and GUEST not in name
    )
    total = sum(own.values()) + others
    if total <= most - reserved:
        return []
    parts = ", ".join(f"{name} {number}" for name, number in own.items())
    message = (
        f"the logins may have {total} sessions at once ({parts}, all others {others}), and the server gives them"
        f" {most - reserved} (max_connections {most}, {reserved} of them reserved)"
    )
    hint = "Raise max_connections in postgres_settings" if settings is not None else "Raise max_connections there"
    return [
        Problem(
            "connections", message, f"{hint}, or write smaller connections for a stack", "postgres.connection_budget"
        )
    ]


def _passwords(
    one: TenantSpec, state: t.Mapping[str, t.Any], verifiers: t.Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return the logins whose passwords are to be made on the server, and the statements that set passwords."""
    roles, there = state.get("roles", {}), state.get("keys") or []
    readable = state.get("readable", True)
    keys, done = [], []
    for name, given in one.passwords.items():
        if (roles.get(name) or {}).get("password") != given:
            done.append(f"ALTER ROLE {ident(name)} PASSWORD {literal(given)}")
    for name in (one.logins[kind] for kind in KEYED):
        role = roles.get(name) or {}
        # Where nobody may read it, the comment alone tells.
        wanted = verifiers.get(name) or role.get("password")
        if name in one.passwords or (
            wanted
            and (name in there or name in verifiers)
            and (role.get("password") == wanted or not readable)
            and role.get("comment") == password_fingerprint(wanted)
        ):
            continue
        keys.append(name)
        if name in verifiers:
            # The comment is set with the password or not at all: a run that is killed in between does both again.
            done.append(f"ALTER ROLE {ident(name)} PASSWORD {literal(verifiers[name])}")
            done.append(f"COMMENT ON ROLE {ident(name)} IS {literal(password_fingerprint(verifiers[name]))}")
    return keys, done


def _databases_open_to_public(mine: set[str], state: t.Mapping[str, t.Any], ours: bool) -> list[str]:
    """Return the databases that PUBLIC may enter; on a server of ours all of them, also what restores left behind."""
    databases = state.get("databases", {})
    ours_too = {"postgres", "template1", *databases} if ours else set()
    return sorted(name for name in mine | ours_too if databases.get(name, {"open": True})["open"])
