# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore: a new database is loaded beside the old one, proved, and given its name.

Nothing is lost for good: the old database stays under a dated name, closed to everybody. Nothing that was written
after the backup is set aside unless a fence stood since then, or a person named how much.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
import typing as t
from dataclasses import dataclass, field, replace
from functools import partial

from .. import atomic_file, progress
from ..engine.docker_client import Engine
from ..errors import Problem, SwitchyardError, report
from ..postgres import catalog, lockout
from ..postgres import roles as postgres_roles
from ..postgres import server as postgres_server
from ..postgres.lockout import Fences
from ..postgres.roles import Logins, ident, literal
from ..postgres.server import ConnectionLost, Mount, Server, Session
from . import copy_progress, load, restore_journal, verify
from .create import Wanted, raise_for
from .dump_process import timed
from .manifest import Manifest
from .restore_journal import Journal
from .store import Shelf

INSIDE = "/backup"

# PostgreSQL cuts names after 63 bytes.
LONGEST = 63

# So long a server that died inside the swap is waited for.
RECOVERY = 120.0

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Asked:
    """What a person asks of a restore; ``set_aside`` is a number of row changes, or ``unknown``.

    ``closed`` keeps everybody out from before the loading on, so that no write is accepted that will be set aside.
    ``anonymise`` is SQL that runs in the new database before it has the name.
    """

    backup: str
    owner: str | None = None
    logins: tuple[str, ...] | None = None
    set_aside: str | None = None
    closed: bool = False
    anonymise: str | None = field(default=None, repr=False)

    @property
    def hidden(self) -> str | None:
        """What stands for the SQL where it is remembered which one ran."""
        return hashlib.sha256(self.anonymise.encode()).hexdigest() if self.anonymise else None


@dataclass(frozen=True)
class Seen:
    """What was seen before anything is done. ``changes`` counts those since the backup; None where nobody can know."""

    server: dict[str, t.Any]
    database: dict[str, t.Any] | None
    owner: dict[str, t.Any] | None
    roles: frozenset[str]
    missing: tuple[Problem, ...]
    fenced: bool
    baseline: dict[str, t.Any] | None
    now: dict[str, t.Any] | None
    changes: int | None
    restored: bool
    free: int | None


@dataclass(frozen=True)
class Plan:
    """The restore that will be done; ``nothing`` where the database is just that backup already."""

    database: str
    owner: str
    new: str
    kept: str | None
    logins: list[str]
    grants: bool
    properties: dict[str, t.Any]
    fenced: bool
    changes: int | None
    nothing: bool
    tenant: Logins | None = None


def plan(wanted: Wanted, asked: Asked, manifest: Manifest, seen: Seen, now: float) -> tuple[Plan, list[Problem]]:
    """Return what to do, and everything that is in its way."""
    live = seen.database
    owner = asked.owner or (live["owner"] if live else manifest.owner)
    made = Plan(
        database=wanted.database,
        owner=owner,
        new=beside(wanted.database, f"__restore_{manifest.number}"),
        kept=beside(wanted.database, time.strftime("__before_%Y%m%d_%H%M%S", time.gmtime(now))) if live else None,
        logins=sorted(asked.logins if asked.logins is not None else (live["logins"] if live else [])),
        # In another environment the grants of the first one would let the wrong people in.
        grants=owner == manifest.owner,
        properties=live["properties"] if live else (manifest.properties if owner == manifest.owner else {}),
        fenced=seen.fenced,
        changes=seen.changes,
        nothing=seen.restored and seen.changes == 0,
        tenant=tenant(wanted, owner, seen.roles),
    )
    if made.nothing:
        return made, []
    found = []
    server = int(seen.server["number"]) // 10000
    if server < manifest.major:
        what = f"the server is PostgreSQL {seen.server['version']}, and the backup is of {manifest.server['version']}"
        found.append(Problem("container, host", what, "Restore into a server that is as new or newer"))
    if not seen.server["may"]:
        what = f"{wanted.target.user} may not make roles and databases"
        found.append(Problem("user", what, "Give an administrator, with CREATEROLE and CREATEDB"))
    if seen.owner is None:
        found.append(Problem("owner", f"there is no role {owner} on the server", "Run setup.yml"))
    elif seen.owner["super"]:
        what = f"{owner} is a superuser: what is planted in the backup would run as one"
        found.append(Problem("owner", what, "Name a role of the tenant"))
    if made.grants:
        for role in sorted(set(manifest.roles) - seen.roles - {owner}):
            what = f"the backup speaks of the role {role}, which the server does not have"
            found.append(Problem("roles", what, "Make it, or run setup.yml"))
    found += seen.missing
    if seen.free is not None and seen.free < manifest.database_bytes * 1.2:
        what = f"the new database takes {manifest.database_bytes >> 20} MiB beside the old one"
        found.append(Problem("disk", f"{what}, and the server has {seen.free >> 20} MiB left", "Make room"))
    if live and not seen.fenced:
        found += aside(asked.set_aside, seen.changes, manifest)
    return made, found


def tenant(wanted: Wanted, owner: str, roles: t.Collection[str]) -> Logins | None:
    """Return the logins that work with what the owner has, where they are those that the role postgres makes.

    A dump has their rights only where it was made of the same roles: neither one of another environment has, nor one
    from before they were there.
    """
    found = Logins(wanted.database, wanted.database)
    return found if found["owner"] == owner and set(found.all.values()) <= set(roles) else None


def aside(given: str | None, changes: int | None, manifest: Manifest) -> list[Problem]:
    """Return why the changes since the backup may not be set aside, if they may not."""
    if given == UNKNOWN or (changes == 0 and given is None):
        return []
    if given is not None and not given.isdigit():
        return [Problem("set_aside", f"{given!r} is neither a number nor {UNKNOWN}", "Write how many changes")]
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(manifest.started))
    if changes is None:
        what = f"nobody can know how much was changed since the backup {manifest.name} of {moment}"
        return [Problem("set_aside", what, f"Write set_aside: {UNKNOWN} where that may be set aside")]
    if given is not None and int(given) >= changes:
        return []
    what = f"{changes} row changes since the backup {manifest.name} of {moment} would be set aside"
    return [Problem("set_aside", what, f"Write set_aside: {changes} where they may be, or stop writes and look again")]


def beside(database: str, tail: str) -> str:
    """Return a name for a database that is not the real one; a long name is cut, its tail never."""
    return database.encode()[: LONGEST - len(tail)].decode("utf-8", "ignore") + tail


def restore(
    engine: Engine, shelf: Shelf, wanted: Wanted, asked: Asked, check: bool = False, source: Shelf | None = None
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
        postgres_server.sweep(engine, wanted.project, wanted.environment, wanted.stack)
        shelf.sweep()
        return _restore(engine, shelf, wanted, asked, source or shelf, check=False)


def _restore(
    engine: Engine, shelf: Shelf, wanted: Wanted, asked: Asked, source: Shelf, check: bool
) -> dict[str, t.Any]:
    manifest = source.need(asked.backup)
    folder = source.folder / manifest.name
    # What was changed is never given to a program.
    verify.same_files(folder, manifest, None if check else shelf.folder)
    container = wanted.container("restore", "check" if check else str(manifest.number))
    with contextlib.ExitStack() as stack:
        mounts = [Mount(str(folder), INSIDE)]
        server = stack.enter_context(postgres_server.reach(engine, wanted.target, container, wanted.labels, mounts))
        admin = stack.enter_context(server.session())
        recovered = None if check else restore_journal.recover(admin, shelf.folder)
        seen = look(engine, server, admin, shelf, wanted, asked, manifest)
        made, problems = plan(wanted, asked, manifest, seen, time.time())
        if check and restore_journal.begun(shelf.folder):
            # The database may be closed still, and cannot be asked: that is looked at when the last one was ended.
            problems = [one for one in problems if one.where != "set_aside"]
        raise_for(problems, wanted)
        result = {
            "changed": not made.nothing or recovered is not None,
            "diff": diff(made, manifest),
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
        journal = Journal(manifest.name, made.database, made.new, made.kept, old["oid"] if old else None)
        restore_journal.note(shelf.folder, journal)
        begun = time.monotonic()
        try:
            if asked.closed and old:
                shut(admin, made.database)
                final(admin, asked, manifest, made, seen)
            journal = _prepare(server, admin, shelf, manifest, made, asked, journal, timing)
            result["set_aside"] = swap(admin, asked, manifest, made, seen, journal, timing)
            restore_journal.done(shelf.folder, journal)
        except SwitchyardError as error:
            outcome = _after_failure(server, shelf)
            if outcome != "finished":
                after = f"The database {made.database} is as it was before."
                if outcome is None:
                    after = "Start the same again when the server answers: it brings this to an end."
                raise SwitchyardError(f"{error} {after}", **error.details) from error
            result["recovered"] = outcome
        if asked.closed:
            timing["outage"] = round(time.monotonic() - begun, 3)
        return {**result, "seconds": timing}


def look(
    engine: Engine, server: Server, admin: Session, shelf: Shelf, wanted: Wanted, asked: Asked, manifest: Manifest
) -> Seen:
    """Return what stands, and what would be set aside."""
    live = catalog.database(admin, wanted.database)
    fence = Fences(shelf.folder).read()
    fenced = bool(manifest.fence and fence and fence.id == manifest.fence and lockout.standing(admin, fence))
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
            now = catalog.changes(inside, wanted.database)
            nothing = catalog.empty(inside)
    changes = catalog.since(baseline, now) if baseline and now else (0 if nothing else None)
    owner = asked.owner or (live["owner"] if live else manifest.owner)
    roles = {row["rolname"]: row for row in admin.rows("SELECT rolname, rolsuper AS super FROM pg_roles")}
    return Seen(
        server=catalog.server(admin),
        database=live,
        owner=roles.get(owner),
        roles=frozenset(roles),
        missing=tuple(load.missing_extensions(admin, manifest)),
        fenced=fenced,
        baseline=baseline,
        now=now,
        changes=changes if live else 0,
        restored=restored,
        free=room(engine, wanted.target.container),
    )


def room(engine: Engine, container: str | None) -> int | None:
    """Return how many bytes are free where a server of ours has its data; None of one that is not ours."""
    if not container:
        return None
    code, said = engine.run_inside(container, ["sh", "-c", 'df -Pk -- "${PGDATA:-/var/lib/postgresql}" | tail -n 1'])
    words = said.split()
    return int(words[3]) * 1024 if code == 0 and len(words) > 3 and words[3].isdigit() else None


def diff(made: Plan, manifest: Manifest) -> dict[str, str]:
    """Return the plan as a diff."""
    before = f"{made.database}: as it is now\n" if made.kept else ""
    if made.nothing:
        return {"before": before, "after": before}
    kept = f"{made.kept}: as {made.database} is now\n" if made.kept else ""
    return {"before": before, "after": f"{made.database}: the backup {manifest.name}\n{kept}"}


def _prepare(
    server: Server,
    admin: Session,
    shelf: Shelf,
    manifest: Manifest,
    made: Plan,
    asked: Asked,
    journal: Journal,
    timing: dict[str, float],
) -> Journal:
    """Load the new database, prove it, and give it all that the old one has; return the journal of the swap."""
    locale, tablespace = manifest.locale, made.properties.get("tablespace")
    with timed(timing, "load"):
        admin.run(load.database_statement(made.new, made.owner, locale, tablespace), limit=None)
        # Before anything is in it: a new database is open to everybody.
        admin.run(f"REVOKE ALL ON DATABASE {ident(made.new)} FROM PUBLIC")
        with server.session(made.new) as inside:
            schemas = load.extensions(inside, manifest, made.owner)
        with postgres_server.guest(server, admin, made.owner, f"r{manifest.number}") as login:
            copied = copy_progress.Copied(manifest.tables, manifest.rows)
            followed = partial(copy_progress.following, shelf.folder, "restore", server, copied)
            load.load(server, made.new, login, f"{INSIDE}/dump", schemas, grants=made.grants, followed=followed)
            if made.tenant:
                with server.session(made.new, login) as inside:
                    for statement in postgres_roles.grants(made.tenant):
                        inside.run(statement)
            with server.session(made.new, login) as inside:
                wrong = verify.differences(manifest, verify.look(inside, manifest, shelf))
                if wrong:
                    raise verify.Unproved(verify.report_of(manifest, wrong))
            # Nobody but this run has ever seen it: pg_hba.conf knows no line for its name, PUBLIC may not connect.
            if asked.anonymise:
                with progress.telling(shelf.folder, "change"):
                    load.change(server, made.new, login, asked.anonymise)
            with server.session(made.new, login) as inside:
                catalog.analyze(inside)
            with server.session(made.new, login) as inside:
                changes = catalog.changes(inside, made.new)
    for statement in load.property_statements(made.new, made.owner, made.properties):
        admin.run(statement)
    numbers = {name: number for number, name in catalog.names_by_number(admin).items()}
    origin = {
        "backup": manifest.name,
        "environment": manifest.environment,
        "anonymised": asked.hidden,
        "oid": numbers[made.new],
        "changes": changes,
    }
    journal = replace(journal, new_oid=numbers[made.new], logins=lockout.open_logins(admin, made.logins), origin=origin)
    restore_journal.note(shelf.folder, journal)
    return journal


def swap(
    admin: Session, asked: Asked, manifest: Manifest, made: Plan, seen: Seen, journal: Journal, timing: dict[str, float]
) -> int | None:
    """Give the new database the name, behind a fence; return how many changes were set aside.

    Raises SwitchyardError where more would be set aside than was named. Then, as after a kill, the journal tells what
    is to be put back.
    """
    changes = made.changes
    with timed(timing, "outage"):
        lockout.shut(admin, journal.logins)
        if seen.database:
            shut(admin, made.database)
            changes = final(admin, asked, manifest, made, seen)
        # Both or neither, whatever happens to this process or to the server.
        admin.run("BEGIN")
        if made.kept:
            admin.run(f"ALTER DATABASE {ident(made.database)} RENAME TO {ident(made.kept)}")
        admin.run(f"ALTER DATABASE {ident(made.new)} RENAME TO {ident(made.database)}")
        admin.run("COMMIT")
        lockout.unshut(admin, journal.logins)
    return changes


def shut(admin: Session, database: str) -> None:
    """Let nobody at all into a database any more, also no login that nobody named, and end the sessions in it."""
    admin.run(f"ALTER DATABASE {ident(database)} ALLOW_CONNECTIONS false")
    lockout.end(admin, f"datname = {literal(database)}")


def final(admin: Session, asked: Asked, manifest: Manifest, made: Plan, seen: Seen) -> int | None:
    """Return the changes that will be set aside, when nobody can make more. Raises SwitchyardError at too many."""
    if made.fenced or not seen.baseline or not seen.now:
        return made.changes
    last = catalog.changes_from_outside(admin, made.database, int(seen.now["own"]))
    changes = catalog.since(seen.baseline, last)
    found = aside(asked.set_aside, changes, manifest)
    if found:
        raise SwitchyardError(report(found, "More was written meanwhile"))
    return changes


def _after_failure(server: Server, shelf: Shelf) -> str | None:
    """Bring a failed restore to an end, where the server is there again in time; return how, as ``recover`` does."""
    deadline = time.monotonic() + RECOVERY
    while True:
        try:
            with server.session() as admin:
                return restore_journal.recover(admin, shelf.folder)
        except ConnectionLost:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.5)
