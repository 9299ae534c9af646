# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores a backup: loads a new database, verifies it, and swaps it with the live one.

The old database is retained under a dated name and accepts no connections. Changes after the backup are discarded
only if a lockout was active since the backup, or if the user allowed that many.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass, field, replace
from functools import partial

from .. import atomic_file, progress, state_file
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
from .manifest import BackupSummary, Manifest
from .request import BACKUP_MOUNT, BackupRequest, raise_for
from .restore_journal import RestoreJournal
from .restore_plan import RestoreFacts, RestorePlan, RestoreRequest, plan_restore, restore_diff
from .store import BackupStore
from .swap import block_connections, final_change_count, swap_databases, undo_failed_swap


@dataclass(frozen=True)
class _Connection:
    """The connected server, the administrator's session, and the stack's backup store."""

    server: PostgresServer
    admin_session: PsqlSession
    store: BackupStore


@dataclass(frozen=True)
class RestoreResult:
    """A restore that was done, or in check mode would be done, which has no ``seconds``.

    ``retained`` is the database that has the previous content; ``discarded_changes`` are its changes of rows that the
    new one lacks, None where they cannot be counted.
    """

    changed: bool
    diff: t.Mapping[str, str]
    backup: BackupSummary
    database: str
    retained: str | None
    discarded_changes: int | None
    locked_out: bool
    anonymised: bool
    grants_restored: bool
    recovery_action: str | None
    seconds: t.Mapping[str, float] | None = field(default=None, metadata=state_file.when_set())


def restore_backup(
    engine: Engine,
    store: BackupStore,
    request: BackupRequest,
    restore_request: RestoreRequest,
    check_mode: bool = False,
    source: BackupStore | None = None,
) -> RestoreResult:
    """Restore a backup; ``source`` is the store of another environment, if any.

    Raises SwitchyardError with all problems before anything changes. After a later failure, the old database has its
    name and accepts connections, and its logins are enabled; or the new one does, and the result says so.
    """
    raise_for(request.problems(), request)
    if check_mode:
        return _restore(engine, store, request, restore_request, source or store, check_mode=True)
    with contextlib.ExitStack() as locks:
        locks.enter_context(store.locked())
        if source:
            # Read before it is locked: the lock would create the folders of an environment that does not exist.
            source.get(restore_request.backup)
            locks.enter_context(source.locked())
        request.remove_leftover_containers(engine)
        store.remove_partials()
        return _restore(engine, store, request, restore_request, source or store, check_mode=False)


def _restore(
    engine: Engine,
    store: BackupStore,
    request: BackupRequest,
    restore_request: RestoreRequest,
    source: BackupStore,
    check_mode: bool,
) -> RestoreResult:
    manifest = source.get(restore_request.backup)
    folder = source.folder / manifest.name
    # A changed file is never passed to a program.
    checksums.check_files(folder, manifest, None if check_mode else store.folder)
    container = request.container("restore", "check" if check_mode else str(manifest.number))
    with contextlib.ExitStack() as stack:
        mounts = [Mount(str(folder), BACKUP_MOUNT)]
        server = stack.enter_context(postgres_server.connect(engine, request.target, container, request.labels, mounts))
        connection = _Connection(server, stack.enter_context(server.session()), store)
        recovery_action = None
        if not check_mode:
            recovery_action = restore_journal.finish_interrupted(connection.admin_session, store.folder)
        facts = _gather_facts(engine, connection, request, restore_request, manifest)
        plan, problems = plan_restore(request, restore_request, manifest, facts, time.time())
        if check_mode and restore_journal.load_journal(store.folder):
            # An interrupted restore may have closed the database. Its changes are counted after that was finished.
            problems = [problem for problem in problems if problem.where != "max_discarded_changes"]
        raise_for(problems, request)
        planned = RestoreResult(
            changed=not plan.up_to_date or recovery_action is not None,
            diff=restore_diff(plan, manifest),
            backup=manifest.summary(),
            database=plan.database,
            retained=None if plan.up_to_date else plan.retained_database,
            discarded_changes=plan.discarded_changes,
            locked_out=plan.locked_out,
            anonymised=bool(restore_request.anonymise),
            grants_restored=plan.restore_grants,
            recovery_action=recovery_action,
        )
        if check_mode or plan.up_to_date:
            return planned
        return _load_and_swap(connection, manifest, plan, restore_request, facts, planned)


def _load_and_swap(
    connection: _Connection,
    manifest: Manifest,
    plan: RestorePlan,
    restore_request: RestoreRequest,
    facts: RestoreFacts,
    planned: RestoreResult,
) -> RestoreResult:
    """Do what was planned; return the result with what is known afterwards."""
    admin_session, folder = connection.admin_session, connection.store.folder
    seconds: dict[str, float] = {}
    result = planned
    old_oid = facts.database["oid"] if facts.database else None
    journal = RestoreJournal(manifest.name, plan.database, plan.new_database, plan.retained_database, old_oid)
    restore_journal.save_journal(folder, journal)
    begin = time.monotonic()
    try:
        if restore_request.block_writes and facts.database:
            block_connections(admin_session, plan.database)
            final_change_count(admin_session, restore_request, manifest, plan, facts)
        journal = _load(connection, manifest, plan, restore_request, journal, seconds)
        discarded = swap_databases(admin_session, restore_request, manifest, plan, facts, journal, seconds)
        result = replace(result, discarded_changes=discarded)
        restore_journal.complete(folder, journal)
    except SwitchyardError as error:
        outcome = undo_failed_swap(connection.server, connection.store)
        if outcome != "finished":
            state = f"The database {plan.database} is as it was before."
            if outcome is None:
                state = "Start the restore again when the server answers: it will finish or undo this one."
            raise SwitchyardError(f"{error} {state}", **error.details) from error
        result = replace(result, recovery_action=outcome)
    if restore_request.block_writes:
        seconds["outage"] = round(time.monotonic() - begin, 3)
    return replace(result, seconds=seconds)


def _gather_facts(
    engine: Engine, connection: _Connection, request: BackupRequest, restore_request: RestoreRequest, manifest: Manifest
) -> RestoreFacts:
    admin_session, folder = connection.admin_session, connection.store.folder
    live = catalog.database_facts(admin_session, request.database)
    active = LockoutFile(folder).read()
    same_lockout = bool(manifest.lockout and active and active.id == manifest.lockout)
    origin = atomic_file.read_json(restore_journal.origin_path(folder)) or {}
    expected = {
        "backup": manifest.name,
        "environment": manifest.environment,
        "anonymised": restore_request.anonymise_digest,
    }
    already_restored = bool(live and origin.get("oid") == live["oid"] and expected.items() <= origin.items())
    baseline = counters = None
    empty = False
    if already_restored:
        baseline = origin["changes"]
    elif live and live["oid"] == manifest.server["oid"]:
        baseline = manifest.changes
    if live and live["open"]:
        with connection.server.session(request.database) as session:
            counters = change_counters.count_changes(session, request.database)
            empty = content_snapshot.has_no_tables(session)
    changes = 0 if empty or not live else None
    if live and baseline and counters:
        changes = change_counters.changes_since(baseline, counters)
    owner = restore_request.owner or (live["owner"] if live else manifest.owner)
    rows = admin_session.rows("SELECT rolname, rolsuper AS super FROM pg_roles")
    roles = {row["rolname"]: row for row in rows}
    return RestoreFacts(
        server=catalog.server_facts(admin_session),
        database=live,
        owner=roles.get(owner),
        roles=frozenset(roles),
        missing_extensions=tuple(load.missing_extensions(admin_session, manifest)),
        locked_out=same_lockout and lockout.is_active(admin_session, active),
        baseline=baseline,
        counters=counters,
        changes=changes,
        already_restored=already_restored,
        free_bytes=data_free_bytes(engine, request.target.container),
    )


def data_free_bytes(engine: Engine, container: str | None) -> int | None:
    """Return the free bytes on the disk of a server container's data; None for an external server."""
    if not container:
        return None
    # POSIX df -P: the fourth field of the last line is the available space, with -k in KiB.
    code, output = engine.exec(container, ["sh", "-c", 'df -Pk -- "${PGDATA:-/var/lib/postgresql}" | tail -n 1'])
    fields = output.split()
    return int(fields[3]) * 1024 if code == 0 and len(fields) > 3 and fields[3].isdigit() else None


def _load(
    connection: _Connection,
    manifest: Manifest,
    plan: RestorePlan,
    restore_request: RestoreRequest,
    journal: RestoreJournal,
    seconds: dict[str, float],
) -> RestoreJournal:
    """Load and verify the new database and copy the old one's properties; return the journal of the swap."""
    server, admin_session, store = connection.server, connection.admin_session, connection.store
    with timed(seconds, "load"):
        tablespace = plan.properties.get("tablespace")
        statement = load.create_database_statement(plan.new_database, plan.owner, manifest.locale, tablespace)
        for role_statement in plan.create_roles:
            admin_session.run(role_statement)
        admin_session.run(statement, limit=None)
        # While the database is still empty: by default PUBLIC may connect to it.
        admin_session.run(f"REVOKE ALL ON DATABASE {ident(plan.new_database)} FROM PUBLIC")
        with server.session(plan.new_database) as session:
            schemas = load.create_extensions(session, manifest, plan.owner)
        with temporary_role.loader(server, admin_session, plan.owner, f"r{manifest.number}") as login:
            copied = copy_progress.CopiedRows(manifest.tables, manifest.rows)
            follow = partial(copy_progress.follow_copy, store.folder, "restore", server, copied)
            dump, grants = f"{BACKUP_MOUNT}/dump", plan.restore_grants
            owner = None if grants or not server.dedicated else plan.owner
            load.load(
                server, plan.new_database, login, dump, schemas, restore_grants=grants, owner=owner, follow=follow
            )
            if plan.tenant_roles:
                with server.session(plan.new_database, login) as session:
                    for statement in postgres_roles.grants(plan.tenant_roles):
                        session.run(statement)
        # Policies with FORCE apply to the owner: neither a comparison nor the user's SQL would reach all rows.
        with temporary_role.reader(server, admin_session, plan.owner, f"r{manifest.number}") as login:
            with server.session(plan.new_database, login) as session:
                differences = verify.differences(manifest, verify.restored_facts(session, manifest, store))
                if differences:
                    raise VerificationFailed(verification_report(manifest, differences))
            # No other login has seen the rows: pg_hba.conf has no line for this database, and PUBLIC may not connect.
            if restore_request.anonymise:
                with progress.report_progress(store.folder, "anonymise"):
                    load.run_sql(server, plan.new_database, login, restore_request.anonymise)
            with server.session(plan.new_database, login) as session:
                catalog.analyze(session)
            with server.session(plan.new_database, login) as session:
                changes = change_counters.count_changes(session, plan.new_database)
    for statement in load.property_statements(plan.new_database, plan.owner, plan.properties, server.dedicated):
        admin_session.run(statement)
    oids = {name: oid for oid, name in catalog.databases_by_oid(admin_session).items()}
    new_oid = oids[plan.new_database]
    origin = {
        "backup": manifest.name,
        "environment": manifest.environment,
        "anonymised": restore_request.anonymise_digest,
        "oid": new_oid,
        "changes": changes,
    }
    enabled = lockout.enabled_logins(admin_session, plan.logins)
    journal = replace(journal, new_oid=new_oid, logins=enabled, origin=origin)
    restore_journal.save_journal(store.folder, journal)
    return journal
