# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL servers among the accessories of a stack: how they are recognised, and the login of their administrator.

Its credentials are those of the service's own environment, from which the image creates its cluster: the official
image and those built on it (postgis, timescaledb, pgvector) read ``POSTGRES_*`` (its page, "Environment Variables"),
Bitnami's ``POSTGRESQL_*`` and ``POSTGRES_*``. Only a running container knows them, so no file has a copy.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..engine.docker_client import Engine
from ..engine.models import Container
from ..engine.stateful_services import data_store_of
from ..errors import SwitchyardError
from . import content_snapshot
from . import server as postgres_server
from .server import PostgresServer
from .target import Target

# Names of repositories, as ``data_store_of`` returns them, whose servers speak PostgreSQL's protocol and have pg_dump.
REPOSITORIES = ("pgvecto", "pgvector", "postgis", "postgres", "postgresql", "timescale", "timescaledb")

# Variables that an image built on the official one has under any name.
OF_IMAGE = ("PG_MAJOR", "PG_VERSION", "PGDATA")

# Databases with rows to keep: templates and those that a restore has retained accept no connections or have no rows.
_DATABASES = """
SELECT datname AS name FROM pg_database
WHERE datallowconn AND NOT datistemplate ORDER BY datname
"""
MAINTENANCE, OTHER_MAINTENANCE = "postgres", "template1"


@dataclass(frozen=True)
class PostgresAccessory:
    """An accessory with PostgreSQL: its service, its container, the login of its administrator, its first database."""

    service: str
    container: str
    user: str
    database: str
    port: int = 5432
    password: str | None = field(default=None, repr=False)

    def target(self, database: str | None = None) -> Target:
        """Return the server as a backup or a restore of a database connects to it."""
        # A database cannot be renamed by a session in it.
        maintenance = OTHER_MAINTENANCE if database == MAINTENANCE else MAINTENANCE
        return Target(
            container=self.container,
            port=self.port,
            user=self.user,
            password=self.password,
            maintenance=maintenance,
            dedicated=True,
        )


def is_postgres(image_names: t.Iterable[str], environment: t.Mapping[str, str]) -> bool:
    """Return whether a container runs PostgreSQL, by the names of its image and its environment."""
    stores = {str(data_store_of(name)).partition("-")[0].rstrip("0123456789") for name in image_names}
    return bool(stores & set(REPOSITORIES)) or sum(name in environment for name in OF_IMAGE) > 1


def credentials(environment: t.Mapping[str, str]) -> tuple[str, str, str | None, str | None]:
    """Return the administrator's login, the first database, the password, and the password's file in the container."""

    def value(*names: str) -> str | None:
        return next((environment[name] for name in names if environment.get(name)), None)

    user = value("POSTGRES_USER", "POSTGRESQL_USERNAME") or "postgres"
    database = value("POSTGRES_DB", "POSTGRESQL_DATABASE") or user
    admin_password = value("POSTGRESQL_POSTGRES_PASSWORD", "POSTGRES_POSTGRES_PASSWORD")
    admin_file = value("POSTGRESQL_POSTGRES_PASSWORD_FILE", "POSTGRES_POSTGRES_PASSWORD_FILE")
    if admin_password or admin_file:
        # Bitnami's image: its user cannot administer the server, ``postgres`` can.
        return "postgres", database, admin_password, admin_file
    password = value("POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD")
    return user, database, password, value("POSTGRES_PASSWORD_FILE", "POSTGRESQL_PASSWORD_FILE")


def find_accessories(engine: Engine, project: str, environment: str, stack: str) -> list[PostgresAccessory]:
    """Return the accessories of a stack that run PostgreSQL, running or not, by the name of their service."""
    containers = engine.containers(project=project, environment=environment, stack=stack, role="accessory")
    found = []
    for container in sorted(containers, key=lambda container: container.label("service")):
        variables = engine.environment(container.name)
        if is_postgres(engine.image_names(container.name), variables):
            found.append(_accessory(engine, container, variables))
    return found


def _accessory(engine: Engine, container: Container, variables: t.Mapping[str, str]) -> PostgresAccessory:
    user, database, password, file = credentials(variables)
    if not password and file and container.running:
        code, content = engine.exec(container.name, ["cat", "--", file])
        # The image takes the content without its last line break.
        password = content.rstrip("\r\n") if code == 0 else None
    port = variables.get("PGPORT") or variables.get("POSTGRESQL_PORT_NUMBER") or "5432"
    return PostgresAccessory(
        container.label("service"), container.name, user, database, int(port) if port.isdigit() else 5432, password
    )


def require(
    engine: Engine, project: str, environment: str, stack: str, service: str | None = None
) -> PostgresAccessory:
    """Return a stack's accessory with PostgreSQL: the one of a service, or the only one.

    Raises SwitchyardError when there is none, or when there are several and no service is named.
    """
    found = find_accessories(engine, project, environment, stack)
    named = [accessory for accessory in found if service in (None, accessory.service)]
    if len(named) == 1:
        return named[0]
    others = ", ".join(accessory.service for accessory in found) or "none"
    if not named:
        subject = f"accessory {service} with PostgreSQL" if service else "accessory with PostgreSQL"
        raise SwitchyardError(
            f"{stack} ({environment}) has no {subject} on this server; found: {others}. Check the name, or deploy it."
        )
    raise SwitchyardError(f"{stack} ({environment}) has several accessories with PostgreSQL: {others}. Name one.")


def list_databases(server: PostgresServer, first: str) -> list[str]:
    """Return the databases of an accessory that a backup holds: all but templates and an empty ``postgres``.

    ``first`` is the database that the image has created.
    """
    with server.session() as admin_session:
        found = [str(row["name"]) for row in admin_session.rows(_DATABASES)]
    if MAINTENANCE in found and first != MAINTENANCE:
        # Each cluster has it, for administrators; an application may still have put its tables there.
        with server.session(MAINTENANCE) as session:
            if content_snapshot.has_no_tables(session):
                found.remove(MAINTENANCE)
    return found


def databases_of(engine: Engine, accessory: PostgresAccessory, labels: dict[str, str], name: str) -> list[str]:
    """Return the databases of a running accessory; ``name`` is that of the client container."""
    with postgres_server.connect(engine, accessory.target(), name, labels) as server:
        return list_databases(server, accessory.database)
