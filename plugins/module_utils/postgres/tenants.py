# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use the shared servers of a machine: databases, logins, users, and what has to change for them.

A server never gets a password, only what proves it: a SCRAM verifier for PostgreSQL, a SHA-256 for Redis.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import typing as t
from dataclasses import dataclass

from .. import names
from ..errors import Problem
from . import roles as postgres_roles
from .roles import Logins, ident, literal

# What PostgreSQL itself uses (scram_iterations): each more costs every new connection time.
SCRAM_ITERATIONS = 4096

# What a stack may say about its logins, besides the password of the application's one
POSTGRES_MORE = ("ro_password", "backup_password", "connections", "timeouts")

# The logins whose passwords are made on the server where nobody gives one; the migrator's always is.
KEYED = ("migrator", "backup", "ro")

# What of PostgreSQL's connections is not for the tenants, and how many there are where nothing else is set
RESERVED, MAX_CONNECTIONS = 3, 100

# A login of a single run, as a backup makes one: it has the tenant's place.
GUEST = "__guest_"

# The roles' administrator. No stack's user is called like it: names begin with a letter or a digit.
REDIS_ADMIN = "_admin"

Tenant = dict[str, t.Any]
Stacks = t.Iterable[t.Mapping[str, t.Any]]


def postgres(stacks: Stacks, environment: str) -> list[Tenant]:
    """Return the database, login and password of each stack that has a ``postgres`` key, and what it says of them."""
    tenants = []
    for stack, settings in _using(stacks, "postgres"):
        name = names.database(stack, environment)
        more = {key: settings[key] for key in POSTGRES_MORE if settings.get(key)}
        tenants.append({"database": name, "user": name, "password": settings["password"], **more})
    return tenants


def redis(stacks: Stacks, environment: str) -> list[Tenant]:
    """Return the user, password and database numbers of each stack that has a ``redis`` key."""
    tenants = []
    for stack, settings in _using(stacks, "redis"):
        given = settings.get("databases")
        databases = given if isinstance(given, list) else [given]
        if not databases or not all(isinstance(number, int) and number >= 0 for number in databases):
            raise ValueError(f"switchyard_stacks[{stack}].redis.databases is not a number or a list of numbers")
        tenants.append(
            {
                "user": names.redis_user(stack, environment),
                "password": settings["password"],
                "databases": databases,
            }
        )
    return tenants


def _using(stacks: Stacks, server: str) -> t.Iterator[tuple[str, t.Mapping[str, t.Any]]]:
    for stack in stacks:
        settings = stack.get(server)
        if settings is None:
            continue
        if not isinstance(settings, t.Mapping) or not settings.get("password"):
            raise ValueError(f"switchyard_stacks[{stack['name']}].{server}.password is missing")
        yield stack["name"], settings


# --- PostgreSQL ------------------------------------------------------------------------------------------------


def verifier(password: str, user: str) -> str:
    """Return what proves the password of a login.

    The salt comes from the user's name, not from chance: the same password gives the same verifier, so that a
    second run can see that nothing changed. Characters outside ASCII would need SASLprep (RFC 4013): refused.
    """
    if not password.isascii() or not password.isprintable() or not password:
        raise ValueError(f"the password of {user} must be printable ASCII characters, at least one")
    return scram_sha_256(password, hashlib.sha256(f"switchyard {user}".encode()).digest()[:16])


def scram_sha_256(password: str, salt: bytes) -> str:
    """Return the SCRAM verifier of a password in the form of ``pg_authid.rolpassword`` (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.new(salted, b"Client Key", hashlib.sha256).digest()).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{salt64}${stored64}:{server64}"


def proof(verified: str) -> str:
    """Return what a login's comment says of its password: it tells whether both still belong together."""
    return f"password {_sha256(verified)[:32]}"


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
    wanted = [_wanted(tenant, connections or {}, timeouts or {}) for tenant in tenants]
    problems = [problem for one in wanted for problem in one.problems]
    problems += _clashes(wanted, state)
    if not problems:
        problems += _too_many(wanted, state, settings)
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
        if not postgres_roles.stands(one.logins, databases.get(name)):
            plan["rights"].append({"database": name, "statements": postgres_roles.rights_statements(one.logins)})
    plan["open"] = _open({one.logins.database for one in wanted}, state, settings is not None)
    return plan


@dataclass(frozen=True)
class _Wanted:
    """A tenant with everything that it did not say."""

    logins: Logins
    passwords: dict[str, str]
    connections: dict[str, t.Any]
    timeouts: dict[str, t.Any]
    problems: list[Problem]


def _wanted(tenant: Tenant, connections: t.Mapping[str, t.Any], timeouts: t.Mapping[str, t.Any]) -> _Wanted:
    given = Logins(tenant["database"], tenant["user"])
    limits = {**postgres_roles.CONNECTIONS, **connections, **(tenant.get("connections") or {})}
    times = {**postgres_roles.TIMEOUTS, **timeouts, **(tenant.get("timeouts") or {})}
    problems = postgres_roles.problems(given, limits, times)
    passwords = {}
    for kind, key in (("app", "password"), ("backup", "backup_password"), ("ro", "ro_password")):
        if kind == "app" or tenant.get(key):
            try:
                passwords[given[kind]] = verifier(tenant[key], given[kind])
            except ValueError:
                what = f"{key} is not made of printable ASCII characters, at least one"
                problems.append(Problem(f"postgres_tenants, {given.database}", what, "Give another one"))
    return _Wanted(given, passwords, limits, times, problems)


def _clashes(wanted: list[_Wanted], state: t.Mapping[str, t.Any]) -> list[Problem]:
    """Return the names that two tenants claim; names are put together, so two can give the same."""
    claimed: dict[str, str] = {}
    found = []
    for one in wanted:
        for name in one.logins.all.values():
            if claimed.setdefault(name, one.logins.database) != one.logins.database:
                what = f"{one.logins.database} and {claimed[name]} would both have the login {name}"
                found.append(Problem("postgres_tenants", what, "Rename a stack"))
    mine = {one.logins.database for one in wanted}
    theirs = [name for name in state.get("databases", {}) if name not in mine]
    others = {name: other for other in theirs for kind, name in Logins(other, other).all.items() if kind != "app"}
    for one in wanted:
        for kind, name in one.logins.all.items():
            if name in others and name in state.get("roles", {}):
                what = f"the login {name} belongs to the database {others[name]} already"
                found.append(Problem("postgres_tenants", what, "Rename a stack"))
            elif kind != "app" and name in state.get("databases", {}):
                what = f"{name}, the {kind} of {one.logins.database}, is another database's own login"
                found.append(Problem("postgres_tenants", what, "Rename a stack"))
    return list(dict.fromkeys(found))


def _too_many(
    wanted: list[_Wanted], state: t.Mapping[str, t.Any], settings: t.Mapping[str, t.Any] | None
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
    what = (
        f"the logins may have {total} sessions at once ({parts}, all others {others}), and the server gives them"
        f" {most - reserved} (max_connections {most}, {reserved} of them reserved)"
    )
    instead = "Raise max_connections in postgres_settings" if settings is not None else "Raise max_connections there"
    return [Problem("connections", what, f"{instead}, or write smaller connections for a stack")]


def _passwords(
    one: _Wanted, state: t.Mapping[str, t.Any], verifiers: t.Mapping[str, str]
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
            and role.get("comment") == proof(wanted)
        ):
            continue
        keys.append(name)
        if name in verifiers:
            # The comment is set with the password or not at all: a run that is killed in between does both again.
            done.append(f"ALTER ROLE {ident(name)} PASSWORD {literal(verifiers[name])}")
            done.append(f"COMMENT ON ROLE {ident(name)} IS {literal(proof(verifiers[name]))}")
    return keys, done


def _open(mine: set[str], state: t.Mapping[str, t.Any], ours: bool) -> list[str]:
    """Return the databases that PUBLIC may enter; on a server of ours all of them, also what restores left behind."""
    databases = state.get("databases", {})
    ours_too = {"postgres", "template1", *databases} if ours else set()
    return sorted(name for name in mine | ours_too if databases.get(name, {"open": True})["open"])


# --- Redis -----------------------------------------------------------------------------------------------------


def redis_plan(tenants: t.Iterable[Tenant], environment: str, rules: str, numbers: int, seen: str) -> dict[str, t.Any]:
    """Return what a Redis server lacks for the tenants of an environment.

    ``numbers`` is how many databases there are, ``seen`` the output of the role's ``state.sh``. ``problems`` are
    claims that cannot be met. ``files`` are the environment's files with their content, and ``differ`` names those
    that are to be written; ``load`` says that the running server does not use them yet, and ``loaded`` is the user
    that proves that it does; ``admin`` says that the running server has its administrator, in its
    files too.
    """
    tenants = list(tenants)
    state = _redis_state(seen)
    users = "".join(f"user {tenant['user']} on #{_sha256(tenant['password'])} {rules}\n" for tenant in tenants)
    # A user that can do nothing: its name tells which version of this environment's users the server has loaded.
    loaded = f"{environment}@{_sha256(users)[:16]}"
    allotted = {tenant["user"]: sorted(tenant["databases"]) for tenant in tenants}
    # What was allotted comes first: users without it would have numbers that the next environment takes for free.
    files = {
        f"allotted/{environment}.json": json.dumps(allotted, sort_keys=True) + "\n",
        f"users/{environment}.acl": f"{users}user {loaded} off\n",
    }
    differ = [name for name, content in files.items() if state["sums"].get(name) != _sha256(content)]
    others = {other: theirs for other, theirs in state["allotted"].items() if other != environment}
    return {
        "problems": _claims(tenants, numbers, others),
        "files": files,
        "differ": differ,
        "load": bool(differ) or not state["assembled"] or loaded not in state["users"],
        "loaded": loaded,
        "admin": REDIS_ADMIN in state["users"] and f"users/{REDIS_ADMIN}.acl" in state["sums"],
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _redis_state(seen: str) -> dict[str, t.Any]:
    """Return the lines of ``state.sh`` by their first word."""
    state: dict[str, t.Any] = {"sums": {}, "allotted": {}, "users": set(), "assembled": False}
    for line in seen.splitlines():
        kind, dummy, rest = line.partition(" ")
        if kind == "sum":
            digest, name = rest.split(maxsplit=1)
            state["sums"][name] = digest
        elif kind == "allotted":
            environment, content = rest.split(maxsplit=1)
            state["allotted"][environment] = json.loads(content)
        elif kind == "user":
            state["users"].add(rest)
        elif kind == "assembled":
            state["assembled"] = True
    return state


def _claims(tenants: list[Tenant], numbers: int, others: dict[str, dict[str, list[int]]]) -> list[str]:
    """Return what the tenants claim although there is no such thing or somebody else has it."""
    owners = {user: environment for environment, theirs in others.items() for user in theirs}
    holders = {
        number: f"{user} ({environment})"
        for environment, theirs in others.items()
        for user, databases in theirs.items()
        for number in databases
    }
    problems = []
    for tenant in tenants:
        user = tenant["user"]
        if user in owners:
            problems.append(f"the user {user} belongs to {owners[user]} already")
        owners[user] = "another tenant"
        for number in tenant["databases"]:
            if number >= numbers:
                problems.append(f"{user} asks for database {number}, but the last one is {numbers - 1}")
            if holders.setdefault(number, user) != user:
                problems.append(f"{user} asks for database {number}, but it belongs to {holders[number]}")
    return problems
