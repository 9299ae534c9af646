# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of everything a team owns on a server.

This is the only place that makes such names. Each function takes plain strings and returns one string.
"""

from __future__ import annotations

import re
import typing as t

COLORS = ("blue", "green")
LABEL = "io.switchyard."

# Containers that all environments of a project share; ``pages`` serves those of Traefik. A second one of the proxy runs
# next to it while it is replaced.
SHARED_CONTAINERS = ("postgres", "redis", "proxy", "pages")
REPLACEMENT_SUFFIX = "-next"

# What an environment has for itself: the network of tenants without a stack, and the container and the volume of
# its own Redis.
OF_ENVIRONMENT = ("back", "own-redis")

# The longest label of a DNS name (RFC 1035, 2.3.4): containers reach each other by their names.
LONGEST_LABEL = 63

# What a name part may look like: it ends up in container names (Docker: [a-zA-Z0-9][a-zA-Z0-9_.-]*), in DNS
# labels (RFC 1123: no underscore, 63 octets) and in Compose project names (lower case).
NAME_PART = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?\Z")


def other(color: str) -> str:
    """Return the color that is not ``color``.

    Raises ValueError for anything but the two colors.
    """
    if color not in COLORS:
        raise ValueError(f"{color!r} is not a color")
    return COLORS[1 - COLORS.index(color)]


def of_stack(project: str, stack: str, *parts: str) -> str:
    """Return the name of what belongs to a stack: ``<project>-<stack>-<parts>``.

    A stack with the name of its project is the project's main stack: its names leave the stack out.
    """
    return "-".join((project, *([] if stack == project else [stack]), *parts))


def container(project: str, stack: str, service: str, environment: str, color: str | None = None) -> str:
    """Return the container's name of a service; one that exists once per color ends in the color."""
    return of_stack(project, stack, service, environment, *([color] if color else []))


def volume(project: str, stack: str, name: str, environment: str) -> str:
    """Return the name on the server of a volume of a stack."""
    return of_stack(project, stack, name, environment)


def network(project: str, stack: str, name: str, environment: str) -> str:
    """Return the name on the server of a network of a stack."""
    return of_stack(project, stack, name, environment)


def front(project: str, stack: str, environment: str) -> str:
    """Return the name of the network between the proxy and the routed services of a stack.

    It ends in what no environment has in its name, so that no network of a Compose file can have it.
    """
    return of_stack(project, stack, environment) + ".front"


def back(project: str, stack: str, environment: str) -> str:
    """Return the name of the network between a stack and the shared servers; ``stack`` is empty for other tenants."""
    return of_stack(project, stack, environment) + ".back" if stack else of_environment(project, "back", environment)


def of_environment(project: str, name: str, environment: str) -> str:
    """Return the name on the server of one of OF_ENVIRONMENT."""
    return f"{project}-{name}-{environment}"


def compose_project(project: str, stack: str, environment: str, part: str) -> str:
    """Return the Compose project of a part of a stack: a color, ``workers`` or ``accessories``.

    Only the stack's name may have an underscore, so that two stacks or environments never have the same project.
    """
    return f"{project}_{stack}_{environment}_{part}"


def shared(project: str, service: str) -> str:
    """Return the name of a container that all environments of a server share."""
    return f"{project}-{service}"


def shared_hosts(project: str) -> frozenset[str]:
    """Return the host names of the containers that all environments of a server share."""
    proxy = shared(project, "proxy") + REPLACEMENT_SUFFIX
    return frozenset({proxy, *(shared(project, service) for service in SHARED_CONTAINERS)})


def reserved(project: str, environment: str) -> frozenset[str]:
    """Return the names on the server that no stack can have."""
    return shared_hosts(project) | {of_environment(project, name, environment) for name in OF_ENVIRONMENT}


def domain(service: str, environment: str, base: str) -> str:
    """Return the host name of a service: ``<service>-<env>.<domain>``, and without ``-<env>`` in prod."""
    return f"{service}.{base}" if environment == "prod" else f"{service}-{environment}.{base}"


def stack_key(project: str, stack: str, environment: str) -> str:
    """Return the key of a stack in the proxy, which may serve several environments.

    No part of it has a dot, so that two stacks or environments never have the same key.
    """
    return f"{project}.{stack}.{environment}"


def parse_stack_key(key: str) -> tuple[str, str, str]:
    """Return the project, the stack and the environment of a stack's key. Raises ValueError for any other text."""
    project, stack, environment = key.split(".")
    return project, stack, environment


def stack_of_key(key: str, project: str, environment: str) -> str | None:
    """Return the stack of a key in the proxy; None for a key of another project or environment."""
    parts = key.split(".")
    is_own = len(parts) == 3 and (parts[0], parts[2]) == (project, environment)
    return parts[1] if is_own else None


def database(stack: str, environment: str) -> str:
    """Return the name of a stack's PostgreSQL database and application login; it needs no quotes in SQL.

    PostgreSQL limits identifiers to 63 bytes (manual, 4.1.1): the inventory check rejects longer ones.
    """
    return f"{stack}_{environment}".replace("-", "_")


def login(stack: str, environment: str, kind: str) -> str:
    """Return the name of a role of a stack's database: ``owner``, ``migrator``, ``backup`` or ``ro``."""
    return login_of(database(stack, environment), kind)


def login_of(database_name: str, kind: str) -> str:
    """Return the name of a role from the name of its database."""
    return f"{database_name}_{kind}"


def redis_user(stack: str, environment: str) -> str:
    """Return the name of a stack's Redis user."""
    return f"{stack}-{environment}"


def image(project: str, stack: str, service: str) -> str:
    """Return the repository of the image that is built for a service: all environments of a server share it.

    A repository has lower-case letters, digits, and single separators (distribution/reference).
    """
    parts = [project, service] if stack == project else [project, stack, service]
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def owner(labels_of_resource: t.Mapping[str, str]) -> tuple[str, str, str] | None:
    """Return the project, the stack and the environment in the labels of a resource; None without a project."""
    found = [labels_of_resource.get(LABEL + key, "") for key in ("project", "stack", "environment")]
    return (found[0], found[1], found[2]) if found[0] else None


def labels(**values: t.Any) -> dict[str, str]:
    """Return Docker labels of this collection from keyword arguments, without empty values."""
    return {LABEL + key: str(value) for key, value in values.items() if value not in (None, "")}
