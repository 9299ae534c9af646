# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many rows of a database changed since a point in time."""

from __future__ import annotations

import typing as t

from .psql_session import PsqlSession
from .sql import literal

# When the counters began: PostgreSQL throws them all away after a crash, and anybody may reset those of a database.
_CHANGES = """
SELECT tup_inserted + tup_updated + tup_deleted AS changes,
    concat(stats_reset, ' ', (SELECT stats_reset FROM pg_stat_bgwriter)) AS began
FROM pg_stat_database WHERE datname = {database}
"""

# ANALYZE writes too, into these tables and where their long values are kept, without anybody having changed a row.
_STATISTICS = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int8 AS changes
FROM pg_stat_sys_tables s JOIN pg_class c ON s.relid IN (c.oid, c.reltoastrelid)
WHERE c.oid IN ('pg_catalog.pg_statistic'::regclass, 'pg_catalog.pg_statistic_ext_data'::regclass)
"""


def count_changes(inside: PsqlSession, name: str) -> dict[str, t.Any]:
    """Return how many rows were ever changed in a database, and since when that is counted.

    ``inside`` is a session in it. What ANALYZE writes is taken off, and read first, so that the number errs upwards.
    """
    own = int(inside.one(_STATISTICS)["changes"])
    seen = inside.one(_CHANGES.format(database=literal(name)))
    return {"changes": int(seen["changes"]) - own, "began": seen["began"], "own": own}


def count_changes_from_outside(admin: PsqlSession, name: str, own: int) -> dict[str, t.Any]:
    """Return the same of a database that nobody can enter, with what ANALYZE had written when it was seen last."""
    seen = admin.one(_CHANGES.format(database=literal(name)))
    return {"changes": int(seen["changes"]) - own, "began": seen["began"], "own": own}


def changes_since(before: t.Mapping[str, t.Any], now: t.Mapping[str, t.Any]) -> int | None:
    """Return how many rows changed between two answers of ``changes``; None where nobody can know."""
    if before["began"] != now["began"] or now["changes"] < before["changes"]:
        return None
    return int(now["changes"] - before["changes"])
