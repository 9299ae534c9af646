# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles of a dedicated server, as a backup holds them: pg_dump does not, and objects and grants name them.

On the shared server the role ``postgres`` creates them from the inventory. Here the application has, or its image.
"""

from __future__ import annotations

import typing as t

from ..postgres.psql_session import PsqlSession
from ..postgres.sql import ident, literal
from .load import setting_statement

# Columns of pg_authid (manual, "System Catalogs") and the attribute of CREATE ROLE that each one is
ATTRIBUTES = {
    "rolsuper": "SUPERUSER",
    "rolinherit": "INHERIT",
    "rolcreaterole": "CREATEROLE",
    "rolcreatedb": "CREATEDB",
    "rolcanlogin": "LOGIN",
    "rolreplication": "REPLICATION",
    "rolbypassrls": "BYPASSRLS",
}

# Roles of PostgreSQL itself begin with pg_. Temporary roles of a run end with it.
_ROLES = f"""
SELECT r.rolname AS name, r.rolconnlimit AS connections, r.rolpassword AS verifier, r.rolvaliduntil::text AS until,
    jsonb_build_object({", ".join(f"'{column}', r.{column}" for column in ATTRIBUTES)}) AS attributes,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('role', pg_get_userbyid(m.roleid), 'admin', m.admin_option)
        ORDER BY m.roleid), '[]') FROM pg_auth_members m WHERE m.member = r.oid) AS member_of,
    (SELECT coalesce(jsonb_agg(setting), '[]') FROM pg_db_role_setting s, unnest(s.setconfig) AS setting
        WHERE s.setrole = r.oid AND s.setdatabase = 0) AS settings
FROM pg_authid r WHERE r.rolname !~ '^pg_' ORDER BY r.oid
"""


def read(admin_session: PsqlSession) -> list[dict[str, t.Any]]:
    """Return the definitions of all roles of a server; ``verifier`` is the hash of a password."""
    return admin_session.rows(_ROLES)


def create_statements(
    definitions: t.Iterable[t.Mapping[str, t.Any]], existing: t.Container[str], passwords: bool = True
) -> list[str]:
    """Return the statements that create the roles that do not exist, with their settings and memberships.

    Without ``passwords``, no role gets one.
    """
    missing = [role for role in definitions if role["name"] not in existing]
    statements = []
    for role in missing:
        attributes = (name if role["attributes"][column] else f"NO{name}" for column, name in ATTRIBUTES.items())
        options = [*attributes, f"CONNECTION LIMIT {int(role['connections'])}"]
        options += [f"PASSWORD {literal(role['verifier'])}"] if passwords and role["verifier"] else []
        options += [f"VALID UNTIL {literal(role['until'])}"] if role["until"] else []
        statements.append(f"CREATE ROLE {ident(role['name'])} {' '.join(options)}")
        statements += [setting_statement(f"ALTER ROLE {ident(role['name'])}", one) for one in role["settings"]]
    known = {role["name"] for role in missing}
    for role in missing:
        for group in role["member_of"]:
            if group["role"] in known or group["role"] in existing or group["role"].startswith("pg_"):
                option = " WITH ADMIN OPTION" if group["admin"] else ""
                statements.append(f"GRANT {ident(group['role'])} TO {ident(role['name'])}{option}")
    return statements
