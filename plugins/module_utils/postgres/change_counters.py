# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many rows of a database changed since a point in time."""

from __future__ import annotations

import typing as t

from .psql_session import PsqlSession
from .sql import literal

# ``began`` is when the counters started: PostgreSQL resets them after a crash, and an administrator may reset them
# (manual, "The Cumulative Statistics System").
_CHANGES = """
SELECT tup_inserted + tup_updated + tup_deleted AS changes,
    concat(stats_reset, ' ', (SELECT stats_reset FROM pg_stat_bgwriter)) AS began
FROM pg_stat_database WHERE datname = {database}
"""

# ANALYZE also writes, into these tables and their TOAST tables, without a change of a tenant's rows.
_STATISTICS = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int8 AS changes
FROM pg_stat_sys_tables s JOIN pg_class c ON s.relid IN (c.oid, c.reltoastrelid)
WHERE c.oid IN ('pg_catalog.pg_statistic'::regclass, 'pg_catalog.pg_statistic_ext_data'::regclass)
"""


def count_changes(session: PsqlSession, name: str) -> dict[str, t.Any]:
    """Return the number of row changes in a database and since when they are counted.

    ``session`` is a session in that database. The changes by ANALYZE are subtracted; they are read first, so the
    number can only be too high.
    """
    own = int(session.one(_STATISTICS)["changes"])
    counters = session.one(_CHANGES.format(database=literal(name)))
    return {"changes": int(counters["changes"]) - own, "began": counters["began"], "own": own}


def count_changes_from_outside(admin_session: PsqlSession, name: str, own: int) -> dict[str, t.Any]:
    """Return the same for a database that accepts no connections; ``own`` are the last known changes by ANALYZE."""
    counters = admin_session.one(_CHANGES.format(database=literal(name)))
    return {"changes": int(counters["changes"]) - own, "began": counters["began"], "own": own}


def changes_since(before: t.Mapping[str, t.Any], now: t.Mapping[str, t.Any]) -> int | None:
    """Return the number of row changes between two results of ``count_changes``; None if the counters were reset."""
    if before["began"] != now["began"] or now["changes"] < before["changes"]:
        return None
    return int(now["changes"] - before["changes"])
