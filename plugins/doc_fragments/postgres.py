# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say which database of which PostgreSQL server is meant."""

    DOCUMENTATION = r"""
options:
  database:
    description:
      - Name of the database. Without it, the one that the role C(switchyard.stacks.postgres) makes for the stack.
    type: str
  container:
    description:
      - Container of this server in which PostgreSQL runs. Without it and without O(host), the shared server
        V(<project>-postgres).
      - It is reached through the folder of its socket where that is mounted, else through its own network.
    type: str
  host:
    description:
      - Name or address of a server that is no container of this one.
    type: str
  port:
    description:
      - Port of the server.
    type: int
    default: 5432
  user:
    description:
      - An administrator of the server. It makes databases and the logins of single runs, and neither dumps nor loads.
    type: str
    default: postgres
  password:
    description:
      - Password of O(user). The shared server needs none, nor does any other that lets its own host's socket in.
      - It is in no argument, environment or file of the server, only in the memory of a container.
    type: str
  maintenance_database:
    description:
      - A database that O(user) can always reach. It is not the one that is backed up or restored.
    type: str
    default: postgres
  tls:
    description:
      - How the connection to O(host) is secured, as libpq's C(sslmode).
    type: str
    choices: [disable, prefer, require, verify-ca, verify-full]
    default: prefer
  tls_ca:
    description:
      - File on this server with the certificates of the CAs that are trusted for O(host). Needed with
        O(tls=verify-ca) and O(tls=verify-full).
    type: path
  image:
    description:
      - Image with PostgreSQL's programs, of the server's major version or a newer one. Needed with O(host).
      - A container of this server is served by its own image.
    type: str
  network:
    description:
      - Docker network from which O(host) is reached.
    type: str
    default: host
requirements:
  - PostgreSQL 14 or later
notes:
  - What a tenant planted in its database never runs with more than the tenant's rights. Each run makes a login of its
    own that is a member of the database's owner and nothing else, and removes it again.
  - The shared server lets such a login in since this collection's C(setup.yml) wrote its C(pg_hba.conf).
"""
