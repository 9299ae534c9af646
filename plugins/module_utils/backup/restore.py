# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore: a new database is loaded beside the old one, proved, and given its name.

Nothing is lost for good: the old database stays under a dated name, closed to everybody. Nothing that was written
after the backup is set aside unless a fence stood since then, or a person named how much.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import replace
from functools import partial

from .. import atomic_file, progress
from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from ..postgres import catalog, change_counters, content_snapshot, lockout, temporary_role
from ..postgres import roles as postgres_roles
from ..postgres import server as postgres_server
from ..postgres.client_container import Mount
from ..postgres.lockout import LockoutFile
from ..postgres.psql_session import PsqlSession
from ..postgres.server import PostgresServer
from ..postgres.sql import ident
from . import checksums, copy_progress, load, restore_journal, verify
from .checksums import VerificationFailed, verification_report
from .dump_process import timed
from .manifest import Manifest
from .request import BackupRequest, raise_for
from .restore_journal import RestoreJournal
from .restore_plan import RestoreFacts, RestorePlan, RestoreRequest, plan, restore_diff
from .store import BackupStore
from .swap import block_connections, final_change_count, swap_databases, undo_failed_swap

INSIDE = "/backup"


def restore_backup(
    engine: Engine,
    shelf: BackupStore,
    wanted: BackupRequest,
    asked: RestoreRequest,
    check: bool = False,
    source: BackupStore | None = None,
) -> dict[str, t.Any]:
    """Restore a backup by a swap; return the module's result. ``source`` has it where it is another environment's.

    Raises SwitchyardError with all problems before anything is done. Whatever fails later, the old database has its
    name then, can be entered, and its logins can log in; or the new one has it, and the result says so.
    """
    raise_for(wanted.problems(), wanted)
    if check:
        return _restore(engine, shelf, wanted, asked, source or shelf, check=True)
    with contextlib.ExitStack() as held:
        held.enter_context(shelf.locked())
        if source:
            # Before its lock, which would make the folders of an environment that there is not.
            source.need(asked.backup)
            held.enter_context(source.locked())
        postgres_server.remove_leftover_containers(engine, wanted.project, wanted.environment, wanted.stack)
        shelf.sweep()
        return _restore(engine, shelf, wanted, asked, source or shelf, check=False)


def _restore(
    engine: Engine, shelf: BackupStore, wanted: BackupRequest, asked: RestoreRequest, source: BackupStore, check: bool
) -> dict[str, t.Any]:
    manifest = source.need(asked.backup)
    folder = source.folder / manifest.name
    # What was changed is never given to a program.
    checksums.check_files(folder, manifest, None if check else shelf.folder)
    container = wanted.container("restore", "check" if check else str(manifest.number))
    with contextlib.ExitStack() as stack:
        mounts = [Mount(str(folder), INSIDE)]
        server = stack.enter_context(postgres_server.connect(engine, wanted.target, container, wanted.labels, mounts))
        admin = stack.enter_context(server.session())
        recovered = None if check else restore_journal.finish_interrupted(admin, shelf.folder)
        seen = gather_facts(engine, server, admin, shelf, wanted, asked, manifest)
        made, problems = plan(wanted, asked, manifest, seen, time.time())
        if check and restore_journal.load_journal(shelf.folder):
            # The database may be closed still, and cannot be asked: that is looked at when the last one was ended.
            problems = [one for one in problems if one.where != "set_aside"]
        raise_for(problems, wanted)
        result = {
            "changed": not made.nothing or recovered is not None,
            "diff": restore_diff(made, manifest),
            "backup": manifest.summary(),
            "database": made.database,
            "kept": None if made.nothing else made.kept,
            "set_aside": made.changes,
            "fenced": made.fenced,
            "anonymised": bool(asked.anonymise),
            "grants": made.grants,
            "recovered": recovered,
        }
        if check or made.nothing:
            return result
        timing: dict[str, float] = {}
        old = seen.database
        journal = RestoreJournal(manifest.name, made.database, made.new, made.kept, old["oid"] if old else None)
        restore_journal.save_journal(shelf.folder, journal)
        begun = time.monotonic()
        try:
            if asked.closed and old:
                block_connections(admin, made.database)
                final_change_count(admin, asked, manifest, made, seen)
            journal = _prepare(server, admin, shelf, manifest, made, asked, journal, timing)
            result["set_aside"] = swap_databases(admin, asked, manifest, made, seen, journal, timing)
            restore_journal.complete(shelf.folder, journal)
        except SwitchyardError as error:
            outcome = undo_failed_swap(server, shelf)
            if outcome != "finished":
                after = f"The database {made.database} is as it was before."
                if outcome is None:
                    after = "Start the same again when the server answers: it brings this to an end."
                raise SwitchyardError(f"{error} {after}", **error.details) from error
            result["recovered"] = outcome
        if asked.closed:
            timing["outage"] = round(time.monotonic() - begun, 3)
        return {**result, "seconds": timing}


def gather_facts(
    engine: Engine,
    server: PostgresServer,
    admin: PsqlSession,
    shelf: BackupStore,
    wanted: BackupRequest,
    asked: RestoreRequest,
    manifest: Manifest,
) -> RestoreFacts:
    """Return what stands, and what would be set aside."""
    live = catalog.database_facts(admin, wanted.database)
    fence = LockoutFile(shelf.folder).read()
    fenced = bool(manifest.fence and fence and fence.id == manifest.fence and lockout.is_active(admin, fence))
    origin = atomic_file.read_json(restore_journal.origin_path(shelf.folder)) or {}
    same = {"backup": manifest.name, "environment": manifest.environment, "anonymised": asked.hidden}
    restored = bool(
        live
        and origin.get("oid") == live["oid"]
        and {"environment": wanted.environment, "anonymised": None, **origin}.items() >= same.items()
    )
    baseline = now = None
    nothing = False
    if restored:
        baseline = origin["changes"]
    elif live and live["oid"] == manifest.server["oid"]:
        baseline = manifest.changes
    if live and live["open"]:
        with server.session(wanted.database) as inside:
            now = change_counters.count_changes(inside, wanted.database)
            nothing = content_snapshot.has_no_tables(inside)
    changes = change_counters.changes_since(baseline, now) if baseline and now else (0 if nothing else None)
    owner = asked.owner or (live["owner"] if live else manifest.owner)
    roles = {row["rolname"]: row for row in admin.rows("SELECT rolname, rolsuper AS super FROM pg_roles")}
    return RestoreFacts(
        server=catalog.server_facts(admin),
        database=live,
        owner=roles.get(owner),
        roles=frozenset(roles),
        missing=tuple(load.missing_extensions(admin, manifest)),
        fenced=fenced,
        baseline=baseline,
        now=now,
        changes=changes if live else 0,
        restored=restored,
        free=check_free_space(engine, wanted.target.container),
    )


def check_free_space(engine: Engine, container: str | None) -> int | None:
    """Return how many bytes are free where a server of ours has its data; None of one that is not ours."""
    if not container:
        return None
    code, said = engine.exec(container, ["sh", "-c", 'df -Pk -- "${PGDATA:-/var/lib/postgresql}" | tail -n 1'])
    words = said.split()
    return int(words[3]) * 1024 if code == 0 and len(words) > 3 and words[3].isdigit() else None


def _prepare(
    server: PostgresServer,
    admin: PsqlSession,
    shelf: BackupStore,
    manifest: Manifest,
    made: RestorePlan,
    asked: RestoreRequest,
    journal: RestoreJournal,
    timing: dict[str, float],
) -> RestoreJournal:
    """Load the new database, prove it, and give it all that the old one has; return the journal of the swap."""
    locale, tablespace = manifest.locale, made.properties.get("tablespace")
    with timed(timing, "load"):
        admin.run(load.database_statement(made.new, made.owner, locale, tablespace), limit=None)
        # Before anything is in it: a new database is open to everybody.
        admin.run(f"REVOKE ALL ON DATABASE {ident(made.new)} FROM PUBLIC")
        with server.session(made.new) as inside:
            schemas = load.extensions(inside, manifest, made.owner)
        with temporary_role.temporary_role(server, admin, made.owner, f"r{manifest.number}") as login:
            copied = copy_progress.CopiedRows(manifest.tables, manifest.rows)
            followed = partial(copy_progress.follow_copy, shelf.folder, "restore", server, copied)
            load.load(server, made.new, login, f"{INSIDE}/dump", schemas, grants=made.grants, followed=followed)
            if made.tenant:
                with server.session(made.new, login) as inside:
                    for statement in postgres_roles.grants(made.tenant):
                        inside.run(statement)
            with server.session(made.new, login) as inside:
                wrong = verify.differences(manifest, verify.restored_facts(inside, manifest, shelf))
                if wrong:
                    raise VerificationFailed(verification_report(manifest, wrong))
            # Nobody but this run has ever seen it: pg_hba.conf knows no line for its name, PUBLIC may not connect.
            if asked.anonymise:
                with progress.report_progress(shelf.folder, "change"):
                    load.change(server, made.new, login, asked.anonymise)
            with server.session(made.new, login) as inside:
                catalog.analyze(inside)
            with server.session(made.new, login) as inside:
                changes = change_counters.count_changes(inside, made.new)
    for statement in load.property_statements(made.new, made.owner, made.properties):
        admin.run(statement)
    numbers = {name: number for number, name in catalog.databases_by_oid(admin).items()}
    origin = {
        "backup": manifest.name,
        "environment": manifest.environment,
        "anonymised": asked.hidden,
        "oid": numbers[made.new],
        "changes": changes,
    }
    journal = replace(
        journal, new_oid=numbers[made.new], logins=lockout.enabled_logins(admin, made.logins), origin=origin
    )
    restore_journal.save_journal(shelf.folder, journal)
    return journal
