# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL tenants: databases, logins and passwords, and the changes that a server needs for them.

A server never receives a password, only its SCRAM verifier.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .. import names
from ..config.stack_services import Stacks, Tenant, sha256_hex, stacks_using
from ..errors import Problem
from . import roles as postgres_roles
from .roles import DatabaseRoles
from .scram import verifier
from .sql import ident, literal

# Keys of a stack's ``postgres`` other than the application's password
OPTIONAL_KEYS = ("ro_password", "backup_password", "connections", "timeouts")

# Logins whose passwords are generated on the server unless the inventory sets one; the migrator's always is
GENERATED = ("migrator", "backup", "ro")

# PostgreSQL's defaults of superuser_reserved_connections and max_connections (manual, "Connection Settings")
RESERVED, MAX_CONNECTIONS = 3, 100


def postgres_tenants(stacks: Stacks, environment: str) -> list[Tenant]:
    """Return a tenant per stack with a ``postgres`` key: database, login, stack, password, and the optional keys.

    A stack whose PostgreSQL is an accessory is left out.
    """
    tenants = []
    shared = [stack for stack in stacks if not _has_accessory(stack.get("postgres"))]
    for stack, settings in stacks_using(shared, "postgres"):
        name = names.database(stack, environment)
        optional = {key: settings[key] for key in OPTIONAL_KEYS if settings.get(key)}
        own = {"database": name, "user": name, "stack": stack, "password": settings["password"]}
        tenants.append({**own, **optional})
    return tenants


def _has_accessory(settings: t.Any) -> bool:
    return isinstance(settings, t.Mapping) and bool(settings.get("accessory"))


def password_fingerprint(verified: str) -> str:
    """Return a login's comment, by which a run sees that the generated password is still the current one."""
    return f"password {sha256_hex(verified)[:32]}"


@dataclass(frozen=True)
class DatabaseRights:
    """The statements that grant the rights of one database."""

    database: str
    statements: list[str]


@dataclass(frozen=True)
class PostgresPlan:
    """The changes that a PostgreSQL server needs for its tenants.

    ``problems`` have to be solved first; when there are any, the rest is empty but ``pairs``, the logins that may
    connect to each database. ``roles``, ``passwords`` and ``rights`` are statements, the last per database;
    ``passwords`` are secret. ``generate_passwords`` are the logins that need one, ``databases`` are to be created or
    get another owner, and ``open`` are those from which the privileges of PUBLIC are to be revoked.
    """

    problems: list[Problem]
    pairs: list[dict[str, str]]
    generate_passwords: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    databases: list[dict[str, str]] = field(default_factory=list)
    rights: list[DatabaseRights] = field(default_factory=list)
    open: list[str] = field(default_factory=list)


def postgres_plan(
    tenants: t.Iterable[Tenant],
    state: t.Mapping[str, t.Any],
    verifiers: t.Mapping[str, str] | None = None,
    connections: t.Mapping[str, t.Any] | None = None,
    timeouts: t.Mapping[str, t.Any] | None = None,
    settings: t.Mapping[str, t.Any] | None = None,
) -> PostgresPlan:
    """Return the changes that a PostgreSQL server needs for its tenants.

    ``state`` is the result of the role's ``state.sql``, or empty when no server answers yet. ``verifiers`` are those
    of the generated passwords. ``connections`` and ``timeouts`` are the defaults of all tenants. ``settings`` are the
    server's own when we start it, None for an external server.
    """
    specs = [tenant_spec(tenant, connections or {}, timeouts or {}) for tenant in tenants]
    problems = [problem for spec in specs for problem in spec.problems]
    problems += _check_role_conflicts(specs, state)
    if not problems:
        problems += _check_connection_budget(specs, state, settings)
    plan = PostgresPlan(
        problems,
        [
            {"database": spec.roles.database, "user": name, "stack": spec.stack}
            for spec in specs
            for kind, name in spec.roles.all.items()
            if kind != "owner"
        ],
    )
    if problems:
        return plan
    databases = state.get("databases", {})
    changed = [spec for spec in specs if databases.get(spec.roles.database, {}).get("owner") != spec.roles["owner"]]
    passwords = [_passwords(spec, state, verifiers or {}) for spec in specs]
    return replace(
        plan,
        roles=[
            statement
            for spec in specs
            for statement in postgres_roles.role_statements(spec.roles, spec.connections, spec.timeouts, state)
        ],
        generate_passwords=[login for missing, dummy in passwords for login in missing],
        passwords=[statement for dummy, statements in passwords for statement in statements],
        databases=[{"database": spec.roles.database, "owner": spec.roles["owner"]} for spec in changed],
        rights=[
            DatabaseRights(spec.roles.database, postgres_roles.rights_statements(spec.roles))
            for spec in specs
            if not postgres_roles.role_matches(spec.roles, databases.get(spec.roles.database))
        ],
        open=_databases_open_to_public({spec.roles.database for spec in specs}, state, settings is not None),
    )


@dataclass(frozen=True)
class TenantSpec:
    """A tenant with the defaults applied, the verifiers of its passwords, and the problems found.

    ``stack`` is empty for a tenant without a stack.
    """

    roles: DatabaseRoles
    passwords: dict[str, str]
    connections: dict[str, t.Any]
    timeouts: dict[str, t.Any]
    problems: list[Problem]
    stack: str = ""


def tenant_spec(tenant: Tenant, connections: t.Mapping[str, t.Any], timeouts: t.Mapping[str, t.Any]) -> TenantSpec:
    """Return a tenant's specification; ``connections`` and ``timeouts`` are the defaults of all tenants."""
    roles = DatabaseRoles(tenant["database"], tenant["user"])
    limits = {**postgres_roles.CONNECTIONS, **connections, **(tenant.get("connections") or {})}
    times = {**postgres_roles.TIMEOUTS, **timeouts, **(tenant.get("timeouts") or {})}
    problems = postgres_roles.option_problems(roles, limits, times)
    passwords = {}
    for kind, key in (("app", "password"), ("backup", "backup_password"), ("ro", "ro_password")):
        if kind == "app" or tenant.get(key):
            try:
                passwords[roles[kind]] = verifier(tenant[key], roles[kind])
            except ValueError:
                message = f"{key} is empty, or not made of printable ASCII characters"
                problems.append(
                    Problem(f"postgres_tenants, {roles.database}", message, "Set another one", "postgres.password")
                )
    return TenantSpec(roles, passwords, limits, times, problems, str(tenant.get("stack") or ""))


def _check_role_conflicts(specs: list[TenantSpec], state: t.Mapping[str, t.Any]) -> list[Problem]:
    """Return the role names that two tenants claim: names are composed, so two tenants can have the same."""
    claimed: dict[str, str] = {}
    problems = []
    for spec in specs:
        for name in spec.roles.all.values():
            if claimed.setdefault(name, spec.roles.database) != spec.roles.database:
                message = f"{spec.roles.database} and {claimed[name]} would both have the login {name}"
                problems.append(Problem("postgres_tenants", message, "Rename a stack", "postgres.role_conflict"))
    own = {spec.roles.database for spec in specs}
    others = [name for name in state.get("databases", {}) if name not in own]
    owners = {
        name: other for other in others for kind, name in DatabaseRoles(other, other).all.items() if kind != "app"
    }
    for spec in specs:
        for kind, name in spec.roles.all.items():
            if name in owners and name in state.get("roles", {}):
                message = f"the login {name} belongs to the database {owners[name]} already"
                problems.append(Problem("postgres_tenants", message, "Rename a stack", "postgres.role_conflict"))
            elif kind != "app" and name in state.get("databases", {}):
                message = f"{name}, the {kind} of {spec.roles.database}, is another database's own login"
                problems.append(Problem("postgres_tenants", message, "Rename a stack", "postgres.role_conflict"))
    return list(dict.fromkeys(problems))


def _check_connection_budget(
    specs: list[TenantSpec], state: t.Mapping[str, t.Any], settings: t.Mapping[str, t.Any] | None
) -> list[Problem]:
    """Return a problem when the connection limits of all logins exceed the server's."""
    server = state.get("connections") or {"max": MAX_CONNECTIONS, "reserved": RESERVED}
    most, reserved = int(server["max"]), int(server["reserved"])
    if settings is not None:
        max_connections = str(settings.get("max_connections", MAX_CONNECTIONS))
        if not max_connections.isdigit():
            return []  # the server itself reports the invalid value
        most = int(max_connections)
        keys = ("superuser_reserved_connections", "reserved_connections")
        values = [str(settings.get(key, default)) for key, default in zip(keys, (RESERVED, 0))]
        reserved = sum(int(value) for value in values if value.isdigit())
    own_names = {name for spec in specs for name in spec.roles.all.values()}
    own = {spec.roles.database: sum(int(value) for value in spec.connections.values()) for spec in specs}
    # -1 is no limit: such a role does not come from this role, or from an older version of it.
    others = sum(
        max(0, role["limit"])
        for name, role in state.get("roles", {}).items()
        if name not in own_names
        and role["login"]
        and not role["privileged"]
        and postgres_roles.TEMPORARY_ROLE_MARK not in name
    )
    total = sum(own.values()) + others
    if total <= most - reserved:
        return []
    parts = ", ".join(f"{name} {number}" for name, number in own.items())
    message = (
        f"the logins may have {total} sessions at once ({parts}, all others {others}), and the server has"
        f" {most - reserved} (max_connections {most}, {reserved} of them reserved)"
    )
    hint = "Raise max_connections in postgres_settings" if settings is not None else "Raise max_connections there"
    hint = f"{hint}, or set smaller connections for a stack"
    return [Problem("connections", message, hint, "postgres.connection_budget")]


def _passwords(
    spec: TenantSpec, state: t.Mapping[str, t.Any], verifiers: t.Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return the logins that need a generated password, and the statements that set passwords."""
    roles, files = state.get("roles", {}), state.get("password_files") or []
    readable = state.get("readable", True)
    missing, statements = [], []
    for name, desired in spec.passwords.items():
        if (roles.get(name) or {}).get("password") != desired:
            statements.append(f"ALTER ROLE {ident(name)} PASSWORD {literal(desired)}")
    for name in (spec.roles[kind] for kind in GENERATED):
        role = roles.get(name) or {}
        # When the administrator cannot read pg_authid, only the comment can be compared.
        current = verifiers.get(name) or role.get("password")
        if name in spec.passwords or (
            current
            and (name in files or name in verifiers)
            and (role.get("password") == current or not readable)
            and role.get("comment") == password_fingerprint(current)
        ):
            continue
        missing.append(name)
        if name in verifiers:
            # Both or none: after a kill in between, the comment is missing and the next run sets both again.
            statements.append(f"ALTER ROLE {ident(name)} PASSWORD {literal(verifiers[name])}")
            statements.append(f"COMMENT ON ROLE {ident(name)} IS {literal(password_fingerprint(verifiers[name]))}")
    return missing, statements


def _databases_open_to_public(own: set[str], state: t.Mapping[str, t.Any], our_server: bool) -> list[str]:
    """Return the databases that PUBLIC may connect to; on our own server also those that a restore kept."""
    databases = state.get("databases", {})
    candidates = own | ({"postgres", "template1", *databases} if our_server else set())
    return sorted(name for name in candidates if databases.get(name, {"open": True})["open"])
