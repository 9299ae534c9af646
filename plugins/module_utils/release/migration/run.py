# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration that cannot lose data.

``expand``: a verified backup, then the migration while the old version serves, then a look whether it still does.
``breaking`` and ``contract``: nobody can write from before the backup until the new version has the public; what fails
until then is undone by restoring that backup.

How far a migration came stands in ``migration.json`` before it is done. A run that was killed is brought to an end by
the next one, from that file and from what proxy and server say.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import time
import typing as t
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ... import atomic_file, names
from ...backup import create
from ...backup import manifest as backup_manifest
from ...backup import restore as backup_restore
from ...backup import verify as backup_verify
from ...backup.retention import Rule
from ...backup.store import Busy, Shelf
from ...config.validate import STOPS
from ...engine import compose_cli, compose_render
from ...errors import SwitchyardError
from ...postgres import catalog, migration_sessions, passwords
from ...postgres import server as postgres_server
from ...postgres.lockout import Fences, unshut
from ...postgres.roles import ident, literal
from ...postgres.server import ConnectionLost, Server, Session, Target
from .. import one_off_jobs
from ..context import Place
from ..gates import health
from ..record import Record

# Compose projects of the migration: under its own login, and on the restored copy.
PART, REHEARSAL = "migrate", "rehearse"

# Our containers have a role of their own: a release does not wait for them.
ROLE = "migrate"

# So long a backup that somebody else makes is waited for.
PATIENCE = 900.0

LOCK_TIMEOUT = re.compile(r"lock timeout|\b55P03\b|LockNotAvailable", re.IGNORECASE)

T = t.TypeVar("T")


@dataclass(frozen=True)
class Going:
    """A migration that is under way.

    ``step`` is ``closed`` while nothing has changed in the database, ``begun`` from the migration on. ``login`` is
    the one that migrates, None where it is the application's own.
    """

    release: int
    kind: str
    database: str
    step: str = "closed"
    login: str | None = None
    backup: str | None = None


@dataclass(frozen=True)
class Guarded:
    """The migration of one release, and what guards it."""

    place: Place
    record: Record
    token: int
    going: Going

    @property
    def given(self) -> dict[str, t.Any]:
        """What the inventory says of the migration."""
        return t.cast("dict[str, t.Any]", self.record.stack["migrate"])

    @property
    def stops(self) -> bool:
        """Whether the old version has to stop, because it would not work on the new schema."""
        return self.given["kind"] in STOPS

    @property
    def part(self) -> str:
        """The Compose project of the migration: under a login of its own where there is one."""
        return PART if self.going.login else "jobs"

    def wanted(self, **more: t.Any) -> create.Wanted:
        """Return what is asked of a backup or a restore."""
        return wanted(self.place, self.going.database, **more)


@dataclass
class Done:
    """What was done, for the module's result."""

    jobs: list[dict[str, t.Any]] = field(default_factory=list)
    pending: bool = False
    backup: str | None = None
    ended: list[str] = field(default_factory=list)
    attempts: int = 0
    rehearsed: float | None = None


# --- what is where ---------------------------------------------------------------------------------------------


def path(place: Place) -> Path:
    """Return the file that says how far a migration came."""
    return place.folder / "migration.json"


def begun(place: Place) -> Going | None:
    """Return the migration that is under way or was killed, or None."""
    content = atomic_file.read_json(path(place))
    return Going(**content) if content else None


def note(place: Place, going: Going) -> None:
    """Write down what is going to be done, before it is."""
    atomic_file.write_json(path(place), asdict(going), 0o600)


def shelf_of(place: Place) -> Shelf:
    """Return where the backups of a stack lie."""
    return Shelf(place.server.root, place.project, place.environment, place.stack)


def key_path(place: Place) -> Path:
    """Return the file with the password of the stack's migrator, which the role ``postgres`` makes."""
    return passwords.path(place.server.root / "postgres", names.login(place.stack, place.environment, "migrator"))


def database_of(place: Place, stack: t.Mapping[str, t.Any]) -> str:
    """Return the database that a stack's migration is about."""
    return str(stack["migrate"]["database"] or names.database(place.stack, place.environment))


def wanted(place: Place, database: str, **more: t.Any) -> create.Wanted:
    """Return what is asked of a backup or a restore on the shared server."""
    target = Target(container=names.shared(place.project, "postgres"))
    return create.Wanted(place.project, place.environment, place.stack, target, database, **more)


@contextlib.contextmanager
def reached(place: Place, database: str) -> t.Iterator[tuple[Server, Session]]:
    """Give the shared server, and a session of its administrator. Only one run has the stack's lock, and so this."""
    asked = wanted(place, database)
    labels = names.labels(project=place.project, environment=place.environment, stack=place.stack, role=ROLE)
    left = place.containers(role=ROLE)
    postgres_server.remove(*(one.name for one in left))
    name = asked.container("migrate", str(os.getpid()))
    with postgres_server.reach(place.engine, asked.target, name, labels) as server, server.session() as admin:
        yield server, admin


def patiently(work: t.Callable[[], T], limit: float = PATIENCE) -> T:
    """Do what needs the backups; a backup that somebody else makes, or a killed run still does, is waited for."""
    deadline = time.monotonic() + limit
    while True:
        try:
            return work()
        except Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


# --- before: what a release brings along ------------------------------------------------------------------------


def projects(
    place: Place, stack: dict[str, t.Any], folder: Path, release: compose_render.Release
) -> dict[str, compose_render.Mapping]:
    """Return the Compose projects of a migration under its own login: for the real database, and for a copy."""
    if not stack["migrate"] or not stack["postgres"] or not key_path(place).exists():
        return {}
    given = {"SWITCHYARD_POSTGRES_DATABASE": database_of(place, stack)}
    given["SWITCHYARD_POSTGRES_USER"] = names.login(place.stack, place.environment, "migrator")
    made = {PART: given}
    if stack["migrate"]["kind"] in STOPS:
        made[REHEARSAL] = {**given, "SWITCHYARD_POSTGRES_HOST": "127.0.0.1"}
    found = {}
    for part, other in made.items():
        values = compose_cli.variables(stack, place.project, place.environment, **other)
        normalised = compose_cli.normalise(folder / "source", stack["compose"], values)
        rendered = compose_render.render(normalised, stack, release).jobs
        found[part] = compose_render.with_password(rendered, str(folder / "secrets" / "migrator"))
    return found


# --- during -----------------------------------------------------------------------------------------------------


def is_pending(place: Place, record: Record, token: int, part: str) -> bool:
    """Return whether there is anything to migrate; the application says so, and without a word of it there is."""
    migrate = record.stack["migrate"]
    if not migrate["check"]:
        return True
    check = {**migrate, "command": migrate["check"]}
    with key_in_reach(place, record.number, part):
        return not one_off_jobs.one(
            place, record.number, token, one_off_jobs.from_inventory(check, "check", part=part)
        ).good


def pending(place: Place, record: Record, token: int, done: Done) -> Guarded | None:
    """Return the migration of a release where one is pending that has to be guarded. Nothing has changed yet.

    A command that has no database on the shared server is run here. Raises SwitchyardError where a migration is
    pending and nobody has said of which kind it is.
    """
    stack = record.stack
    if not stack["migrate"]:
        return None
    own = (place.records.path(record.number) / f"{PART}.yml").exists()
    done.pending = is_pending(place, record, token, PART if own else "jobs")
    if not done.pending:
        return None
    if not stack["postgres"]:
        done.jobs += one_off_jobs.run(
            place, record.number, token, [one_off_jobs.from_inventory(stack["migrate"], "1", step="migrate")]
        )
        return None
    kind = stack["migrate"]["kind"]
    if not kind:
        raise SwitchyardError(
            f"A migration of {place.stack} is pending, and nobody has said of which kind it is. Nothing was changed."
            " Write migrate.kind: expand where the version that runs now also works on the new schema; contract where"
            " what is taken away is used by no version that runs any more; breaking for everything else."
        )
    login = names.login(place.stack, place.environment, "migrator") if own else None
    if kind in STOPS and not login:
        raise SwitchyardError(
            f"A migration of the kind {kind} needs a login of its own, because the application's is kept out meanwhile."
            f" {key_path(place)} is missing: run setup.yml. Nothing was changed."
        )
    return Guarded(place, record, token, Going(record.number, kind, database_of(place, stack), login=login))


@contextlib.contextmanager
def key_in_reach(place: Place, number: int, part: str) -> t.Iterator[None]:
    """Let the one-off container read the migrator's password, for as long as it runs."""
    folder = place.records.path(number) / "secrets"
    if part == "jobs" or not folder.is_dir():
        yield
        return
    own = folder / "postgres_password"
    owner = own.stat().st_uid if own.exists() else None
    word = key_path(place).read_text(encoding="utf-8").strip()
    atomic_file.write(folder / "migrator", word, 0o400, owner)
    try:
        yield
    finally:
        (folder / "migrator").unlink()


def carry_out(guarded: Guarded, done: Done, hold: t.Callable[[], None]) -> None:
    """Back up, migrate and look at what came of it; ``hold`` stops the old version, where that has to be.

    Raises SwitchyardError; what has to be undone then, ``take_back`` undoes.
    """
    place, going = guarded.place, guarded.going
    old = _serving(guarded)
    with reached(place, going.database) as (server, admin):
        done.ended = migration_sessions.end(admin, going.database, going.login)
        database = catalog.database(admin, going.database)
        if not database:
            raise SwitchyardError(f"There is no database {going.database}. Run setup.yml.")
        owner = str(database["owner"])
        with inside(server, admin, owner, going.database) as asked:
            empty = migration_sessions.is_empty(asked)
        version = int(catalog.server(admin)["number"])
        if going.login:
            migration_sessions.limit(admin, going.database, going.login, guarded.given["lock_timeout"])
        if guarded.stops and not empty:
            note(place, going)
            hold()
            _behind_a_fence(guarded, server, admin, done, version, owner)
            # The new version has to come in. Its requests still wait, so that nothing of the public's is written.
            unshut(admin, [names.database(place.stack, place.environment)])
            return
        if not empty and guarded.given["backup"] != "none":
            going = replace(going, backup=_backup(guarded, done, guarded.given["backup"]))
        hold()
        going = replace(going, step="begun")
        note(place, going)
        try:
            _migrate(replace(guarded, going=going), server, admin, done, version, owner)
        except SwitchyardError as error:
            raise SwitchyardError(f"{error} {_left_as_it_is(going)}", **error.details) from error
        finally:
            # A run that was overtaken leaves the file to the one that goes on.
            with contextlib.suppress(SwitchyardError):
                place.lock.renew(guarded.token, "migrated")
                atomic_file.put(path(place), None)
    if old and not empty:
        _still_serves(guarded, going, old)


def _behind_a_fence(guarded: Guarded, server: Server, admin: Session, done: Done, version: int, owner: str) -> None:
    """Keep everybody out, back up, try it on the copy, and migrate."""
    place, going = guarded.place, guarded.going
    shelf = shelf_of(place)
    keep_out = [one for one in migration_sessions.logins(admin, going.database) if one != going.login]

    def fence() -> None:
        with shelf.locked():
            Fences(shelf.folder).up(admin, going.database, keep_out)

    patiently(fence)
    rehearses = guarded.given["backup"] == "restore"
    going = replace(going, backup=_backup(guarded, done, "none" if rehearses else guarded.given["backup"]))
    note(place, going)
    guarded = replace(guarded, going=going)
    if rehearses:
        done.rehearsed = patiently(lambda: _rehearse(guarded, version))
    place.lock.renew(guarded.token, "migrate")
    going = replace(going, step="begun")
    note(place, going)
    _migrate(replace(guarded, going=going), server, admin, done, version, owner)


def _backup(guarded: Guarded, done: Done, verify: str) -> str:
    """Make a backup, and note its name in the release's record; those of releases that are gone go with them."""
    place = guarded.place
    shelf = shelf_of(place)
    kept = {record.number for record in place.records.all()}
    named = {one.name for one in shelf.whole() if one.release is None or one.release in kept}
    asked = guarded.wanted(verify=verify, release=guarded.record.number, rule=Rule(count=1), named=tuple(named))
    try:
        with place.lock.kept(guarded.token, "backup"):
            done.backup = str(patiently(lambda: create.backup(place.engine, shelf, asked))["name"])
    except (SwitchyardError, OSError) as error:
        details = error.details if isinstance(error, SwitchyardError) else {}
        raise SwitchyardError(f"There is no good backup, so nothing was migrated. {error}", **details) from error
    place.records.save(place.records.need(guarded.record.number).now(backup=done.backup))
    return done.backup


def _rehearse(guarded: Guarded, version: int) -> float:
    """Prove the backup by restoring it, and try the migration on the copy; return the seconds that took."""
    place, going, begin = guarded.place, guarded.going, time.monotonic()
    shelf = shelf_of(place)
    with place.lock.kept(guarded.token, "rehearsal"), shelf.locked():
        manifest = shelf.need(str(going.backup))
        with backup_verify.throwaway(place.engine, shelf, manifest, guarded.wanted()) as copy:
            backup_verify.restored(copy, manifest, shelf)
            backup_manifest.write(shelf.folder / manifest.name, manifest.reached("restored", time.time()))
            login = str(going.login)
            with copy.session() as admin:
                there = admin.rows(f"SELECT FROM pg_roles WHERE rolname = {literal(login)}")
                admin.run(f"{'ALTER' if there else 'CREATE'} ROLE {ident(login)} LOGIN")
                admin.run(f"GRANT {ident(manifest.owner)} TO {ident(login)}")
                admin.run(f"ALTER ROLE {ident(login)} SET role TO {literal(manifest.owner)}")
                folder = place.records.path(guarded.record.number)
                project = atomic_file.read_json(folder / f"{REHEARSAL}.yml")
                atomic_file.write_json(
                    folder / f"{REHEARSAL}.yml", compose_render.beside(project, copy.bench.name), 0o600
                )
                ended = _command(guarded, "rehearsal", REHEARSAL, version, lambda: None, "rehearse")
                if not ended.good:
                    raise ended.error("That was the rehearsal on a restored copy: the database was not touched. ")
            with copy.session(manifest.database, manifest.owner) as asked:
                migration_sessions.finished(asked, guarded.given["verify"])
    return round(time.monotonic() - begin, 3)


def _migrate(guarded: Guarded, server: Server, admin: Session, done: Done, version: int, owner: str) -> None:
    """Run the command, again where it waited too long for a lock, and look at what it left."""
    going, given = guarded.going, guarded.given
    seen: list[str] = []

    def look() -> None:
        # What cannot be seen now is no reason to end a migration.
        with contextlib.suppress(SwitchyardError):
            seen[:] = migration_sessions.blockers(admin, going.database, going.login) or seen

    while True:
        done.attempts += 1
        ended = _command(guarded, "1", guarded.part, version, look)
        if ended.good:
            break
        if ended.code is None:
            migration_sessions.end(admin, going.database, going.login)
        waited = LOCK_TIMEOUT.search("\n".join(ended.lines(400)))
        if not waited or done.attempts > given["retries"]:
            raise ended.error(_blocked(given, done.attempts, seen) if waited else "")
        # Not in step with whoever holds the lock.
        time.sleep(min(10.0, 0.5 * 2**done.attempts) * random.uniform(0.5, 1.0))
    done.jobs.append(ended.as_dict())
    with inside(server, admin, owner, going.database) as asked:
        migration_sessions.finished(asked, given["verify"])


def _command(
    guarded: Guarded, name: str, part: str, version: int, look: t.Callable[[], None], step: str = "migrate"
) -> one_off_jobs.Ended:
    """Run the migration's command once."""
    env = {
        "PGOPTIONS": migration_sessions.options(guarded.given["lock_timeout"], version),
        "PGAPPNAME": migration_sessions.APPLICATION,
    }
    job = one_off_jobs.from_inventory(
        guarded.given, name, part=part, env=env, look=look, step=step, rows=_rows(guarded.place, guarded.going)
    )
    with key_in_reach(guarded.place, guarded.record.number, part):
        return one_off_jobs.one(guarded.place, guarded.record.number, guarded.token, job)


def _rows(place: Place, going: Going) -> int | None:
    """Return how many rows the database had when it was backed up, where it was."""
    if not going.backup:
        return None
    try:
        return backup_manifest.read(shelf_of(place).folder / going.backup).rows
    except backup_manifest.ManifestError:
        return None


def _blocked(given: t.Mapping[str, t.Any], attempts: int, seen: t.Sequence[str]) -> str:
    who = f" The last one that held it: {'; '.join(seen)}." if seen else ""
    return f"It waited {given['lock_timeout']:g} s for a lock, {attempts} times.{who} "


@contextlib.contextmanager
def inside(server: Server, admin: Session, owner: str, database: str) -> t.Iterator[Session]:
    """Give a session in a tenant's database that can do no more than the tenant."""
    with postgres_server.guest(server, admin, owner, "m") as login, server.session(database, login) as session:
        yield session


def _left_as_it_is(going: Going) -> str:
    backup = f" The backup from before is {going.backup}." if going.backup else ""
    return (
        f"What the migration did before stays in {going.database}: it is of the kind expand, so the version that runs"
        f" works with it. Correct the migration and deploy again.{backup}"
    )


# --- the old version on the new schema --------------------------------------------------------------------------


def _serving(guarded: Guarded) -> Record | None:
    """Return the release that serves now and passes its own checks, if it is to serve on."""
    place = guarded.place
    if guarded.stops or guarded.record.stack["strategy"] == "recreate":
        return None
    old = place.records.get(place.release_on(place.live()))
    if not old:
        return None
    try:
        # One that is broken already must not stand in the way of what may repair it.
        _ask(place, old)
    except SwitchyardError:
        return None
    return old


def _ask(place: Place, old: Record) -> None:
    checks = [
        {**route["health"], "contains": None, "host": host}
        for route in old.stack["routes"]
        for host in route["hosts"][:1]
    ]
    health.smoke(place.engine, place.proxy, place.standing(old), [*checks, *old.stack["smoke"]])


def _still_serves(guarded: Guarded, going: Going, old: Record) -> None:
    """Ask the old version on the new schema. Raises SwitchyardError where it does not pass its own checks any more."""
    place = guarded.place
    place.lock.renew(guarded.token, "old version on the new schema", health.patience_of(old.stack))
    try:
        standing = place.standing(old)
        health.health(place.engine, place.proxy, standing, health.settings_of(old.stack))
        health.smoke(place.engine, place.proxy, standing, old.stack["smoke"])
    except SwitchyardError as error:
        backup = f" or restore the backup {going.backup}" if going.backup else ""
        raise SwitchyardError(
            f"The migration was declared expand, but release {old.number}, which the public is on, does not pass its"
            f" checks on the new schema: {error} {going.database} stays migrated. Deploy a version that works with it"
            f" (kind: breaking stops the old one first){backup}.",
            **error.details,
        ) from error


# --- the end, good or bad ---------------------------------------------------------------------------------------


def finish(place: Place, number: int) -> None:
    """Let everybody in again: the release has the public, and the migration is done."""
    going = begun(place)
    if not going or going.release != number:
        return
    _let_in(place, going)


def _let_in(place: Place, going: Going) -> None:
    shelf = shelf_of(place)
    if Fences(shelf.folder).read():
        with reached(place, going.database) as (_server, admin):
            Fences(shelf.folder).down(admin)
    atomic_file.put(path(place), None)


def is_beyond(place: Place, record: Record) -> bool:
    """Return whether a release has the public with a schema that the one before does not work on."""
    going = begun(place)
    return bool(going and going.release == record.number and going.kind in STOPS and place.live() == record.color)


def take_back(place: Place, token: int) -> str | None:
    """Undo the migration that is under way or was killed, where the public never got its version; return what was done.

    It is told by the proxy and the server how far it came. Raises SwitchyardError where that fails; then the fence
    stands, requests wait, and the next run begins here again.
    """
    going = begun(place)
    if not going:
        return None
    place.lock.renew(token, "take the migration back", PATIENCE)
    if going.kind not in STOPS:
        with reached(place, going.database) as (_server, admin):
            migration_sessions.end(admin, going.database, going.login)
        atomic_file.put(path(place), None)
        return f"the migration of release {going.release} was interrupted; its sessions were ended"
    record = place.records.get(going.release)
    if record and place.live() == record.color and place.release_on(record.color) == going.release:
        _let_in(place, going)
        return f"release {going.release} had the public already; everybody can come in again"
    told = f"the migration of release {going.release} had not begun; everybody can come in again"
    if going.step == "begun":
        told = _restore(place, going, token)
    _let_in(place, going)
    return told


def _restore(place: Place, going: Going, token: int) -> str:
    shelf = shelf_of(place)

    def fence() -> None:
        with shelf.locked():
            # The new version may be in: it goes before what it stands on.
            Fences(shelf.folder).up(admin, going.database, [])

    with place.lock.kept(token, "restore"):
        with reached(place, going.database) as (_server, admin):
            migration_sessions.end(admin, going.database, going.login)
            patiently(fence)
        asked = backup_restore.Asked(str(going.backup))
        done = _twice(lambda: backup_restore.restore(place.engine, shelf, wanted(place, going.database), asked))
    kept = f", the migrated one is kept as {done['kept']}" if done["kept"] else ""
    return f"{going.database} is as in the backup {going.backup} again, from before the migration{kept}"


def _twice(restore: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
    """Restore, and once more where the server died meanwhile: it is there again by now, and as it was before."""
    try:
        return patiently(restore)
    except SwitchyardError as error:
        if not isinstance(error.__cause__, ConnectionLost):
            raise
        return patiently(restore)
