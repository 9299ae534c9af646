# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases and users of an environment in the shared PostgreSQL and Redis: which are its own, and their removal.

The statements run in the server's container, where root is the administrator.
"""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

from .. import atomic_file
from ..engine.docker_client import Engine
from ..engine.models import Container
from ..errors import SwitchyardError
from ..postgres.roles import DatabaseRoles
from ..postgres.sql import ident

# What PostgreSQL itself has
SYSTEM = ("postgres", "template0", "template1")

_PAIR = re.compile(r'^host "([^"]+)" ', re.MULTILINE)

# The folder of the configuration in the container of Redis
REDIS_CONF = "/etc/switchyard"


def psql(sql: str) -> list[str]:
    """Return the command that runs statements as the administrator."""
    return ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres", "-c", sql]


def databases_of(root: Path) -> dict[str, set[str]]:
    """Return the databases of each environment, as its file for logins has them."""
    files = sorted((root / "postgres/conf/tenants").glob("*.conf"))
    return {path.stem: set(_PAIR.findall(path.read_text(encoding="utf-8"))) for path in files}


def is_used(path: Path) -> bool:
    """Return whether the file of an environment in a shared server names a tenant."""
    text = path.read_text(encoding="utf-8")
    return bool(_PAIR.search(text)) if path.suffix == ".conf" else text.strip() not in ("", "{}")


def databases(engine: Engine, container: Container) -> list[str] | None:
    """Return the names of all databases of the server; None where it does not answer."""
    if not container.running:
        return None
    try:
        code, output = engine.exec(container.name, psql("SELECT datname FROM pg_database ORDER BY 1"))
    except (SwitchyardError, OSError):
        return None
    return [line for line in output.splitlines() if line not in SYSTEM] if code == 0 else None


def own_databases(found: t.Iterable[str], known: t.Mapping[str, set[str]], environment: str) -> list[str]:
    """Return the databases of an environment, with those that its restores have kept and its retired stacks left."""
    others = {name for other, names in known.items() if other != environment for name in names}
    ending = "_" + environment.replace("-", "_")
    own = known.get(environment, set())
    return [
        name
        for name in found
        for base in [name.partition("__")[0]]
        if base not in others and (base in own or base.endswith(ending))
    ]


def foreign_databases(
    found: t.Iterable[str], known: t.Mapping[str, set[str]], others: t.Iterable[str], environment: str
) -> list[str]:
    """Return the databases that belong to no environment that is known."""
    claimed = {name for other in {*known, *others, environment} for name in own_databases(found, known, other)}
    return [name for name in found if name not in claimed]


def redis_numbers(root: Path, environment: str) -> tuple[int, ...]:
    """Return the numbers of the databases that an environment has in the shared Redis."""
    try:
        users = json.loads(atomic_file.read(root / f"redis/conf/allotted/{environment}.json") or "{}")
    except ValueError:
        return ()
    return tuple(sorted({int(number) for numbers in users.values() for number in numbers}))


def drop_databases(engine: Engine, container: Container, databases: t.Sequence[str], root: Path, env: str) -> None:
    """Drop databases with their logins, and the file that lets them connect. Raises SwitchyardError."""
    statements = [f"DROP DATABASE IF EXISTS {ident(name)} WITH (FORCE)" for name in databases]
    bases = dict.fromkeys(name.partition("__")[0] for name in databases)
    statements += [
        f"DROP ROLE IF EXISTS {ident(role)}" for base in bases for role in DatabaseRoles(base, base).all.values()
    ]
    for statement in statements:
        _run(engine, container, psql(statement), f"PostgreSQL refuses {statement!r}")
    atomic_file.write_or_remove(root / f"postgres/conf/tenants/{env}.conf", None)
    _run(engine, container, psql("SELECT pg_reload_conf()"), "PostgreSQL does not read its configuration again")


def empty_redis(engine: Engine, container: Container, numbers: t.Iterable[int], root: Path, environment: str) -> None:
    """Empty the databases of an environment in Redis, and remove its users. Raises SwitchyardError."""
    conf = root / "redis/conf"
    for name in (f"users/{environment}.acl", f"allotted/{environment}.json"):
        atomic_file.write_or_remove(conf / name, None)
    users = sorted((conf / "users").glob("*.acl"))
    atomic_file.write(conf / "users.acl", "".join(path.read_text(encoding="utf-8") for path in users))
    admin = f"REDISCLI_AUTH=$(cat {REDIS_CONF}/admin_password); export REDISCLI_AUTH; redis-cli -e --user _admin"
    for number in numbers:
        command = ["sh", "-c", f'{admin} -n "$1" FLUSHDB', "sh", str(number)]
        _run(engine, container, command, f"Redis does not empty its database {number}")
    _run(engine, container, ["sh", "-c", f"{admin} ACL LOAD"], "Redis does not load its users")


def _run(engine: Engine, container: Container, args: list[str], failure: str) -> None:
    code, output = engine.exec(container.name, args)
    if code != 0:
        raise SwitchyardError(f"{failure}: {output}")
