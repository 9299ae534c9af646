# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that name a database and its PostgreSQL server."""

    DOCUMENTATION = r"""
options:
  database:
    description:
      - Name of the database. If unset, the one that the role C(switchyard.stacks.postgres) creates for the stack, or
        the first one of O(accessory).
    type: str
  accessory:
    description:
      - Service of the stack whose container has PostgreSQL; V(*) is the only one. It replaces all other options that
        name a server, because its image's own environment has its administrator.
      - The administrator dumps and loads, and the owners of all objects are kept.
    type: str
  container:
    description:
      - Container on this host in which PostgreSQL runs. Without it and without O(host), the shared server
        V(<project>-postgres).
      - It is reached through its socket if the socket's folder is mounted from this host, else through its network.
    type: str
  host:
    description:
      - Name or address of a server that is not a container on this host.
    type: str
  port:
    description:
      - Port of the server.
    type: int
    default: 5432
  user:
    description:
      - An administrator of the server. It creates databases and temporary roles, and neither dumps nor loads.
    type: str
    default: postgres
  password:
    description:
      - Password of O(user). The shared server needs none, nor does any other that trusts the socket of its own host.
      - It is not in an argument, environment variable or file of the server, only in the memory of a container.
    type: str
  maintenance_database:
    description:
      - A database to which O(user) can always connect, other than the one to back up or restore.
    type: str
    default: postgres
  tls:
    description:
      - Encryption of the connection to O(host), as libpq's C(sslmode).
    type: str
    choices: [disable, prefer, require, verify-ca, verify-full]
    default: prefer
  tls_ca:
    description:
      - File on this host with the CA certificates that are trusted for O(host). Required for O(tls=verify-ca) and
        O(tls=verify-full).
    type: path
  image:
    description:
      - Image with PostgreSQL's client programs, of the server's major version or a newer one. Required with O(host).
      - For a container on this host, its own image is used.
    type: str
  network:
    description:
      - Docker network from which O(host) is reached.
    type: str
    default: host
requirements:
  - PostgreSQL 14 or later
notes:
  - Code that a tenant stored in its database never runs with more than the tenant's rights. Each run creates a
    temporary role that is a member of the database's owner and of nothing else, and drops it again.
  - The C(pg_hba.conf) of the shared server admits temporary roles.
"""
