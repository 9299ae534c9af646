from __future__ import annotations

import contextlib
import json
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from fakes import COMPOSE, Machine, checked, container, normalised
from fakes_postgres import SERVER, FakeServer, FakeSession, add_backup, backup_store, database

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    create,
    request,
    restore_plan,
    scratch_server,
    verify,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore as backup_restore
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import StoreBusy
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import SmokeCheck
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_render
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    catalog,
    client_container,
    psql_session,
    temporary_role,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server as postgres_server
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.lockout import LockoutFile
from ansible_collections.switchyard.stacks.plugins.module_utils.release import one_off_jobs
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import health
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    command,
    connection,
    pending,
    projects,
    run,
    state,
    undo,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record

MIGRATE = {"service": "web", "command": ["migrate"], "kind": "expand"}
NAME = "20260101T000000Z-0001"


@dataclass
class Scene:
    """A release with a migration, the server it is for, and what happened in which order."""

    machine: Machine
    happened: list[str] = field(default_factory=list)
    # What a person is told of each command.
    told: list[tuple[str, int | None]] = field(default_factory=list)
    admin: FakeSession = field(default_factory=FakeSession)
    tenant: FakeSession = field(default_factory=FakeSession)
    # How the command ends, each time it runs: an exit code, and its log.
    ends: list[tuple[int | None, str]] = field(default_factory=list)
    record: Record = field(init=False)
    token: int = 0

    @property
    def ctx(self) -> t.Any:
        return self.machine.ctx

    def release(self, key: bool = True, **migrate: t.Any) -> state.MigrationRun:
        """Leave a release that runs and one that is prepared; return the migration of that one."""
        stack = checked(postgres={"password": "p"}, migrate={**MIGRATE, **migrate}, drain=0)
        self.machine.released("blue", stack)
        self.record = self.machine.released("green", stack, state="prepared")
        self.machine.make_live("blue")
        self.token = self.machine.lock()
        folder = self.ctx.records.path(2)
        (folder / "secrets").mkdir()
        (folder / "secrets" / "postgres_password").write_text("p")
        if key:
            path = state.migrator_password_path(self.ctx)
            path.parent.mkdir(parents=True)
            path.write_text("migrator's word\n")
            for part in ("migrate", "rehearse"):
                atomic_file.write_json(folder / f"{part}.yml", {"services": {"web": {}}, "networks": {}})
        return t.cast(
            state.MigrationRun, pending.pending_migration(self.ctx, self.record, self.token, state.MigrationResult())
        )

    def carry_out(self, guarded: state.MigrationRun) -> state.MigrationResult:
        done = state.MigrationResult()
        run.run_guarded(guarded, done, lambda: self.happened.append("hold"))
        return done


@pytest.fixture
def scene(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Scene:
    here = Scene(machine)
    here.admin.answers = {
        "rolcanlogin AND rolname IN": [{"rolname": "shop_prod"}],
        "has_database_privilege": [{"name": "shop_prod"}, {"name": "shop_prod_migrator"}],
    }
    here.tenant.answers = {"relkind = 'r'": [{"name": "public.a", "columns": None}]}
    server = FakeServer(postgres=here.admin, shop_prod=here.tenant)
    server.session = lambda name=None, login=None: here.tenant if name else here.admin  # type: ignore[method-assign]

    @contextlib.contextmanager
    def reach(*dummy: t.Any, **more: t.Any) -> Iterator[FakeServer]:
        yield server

    @contextlib.contextmanager
    def guest(*dummy: t.Any) -> Iterator[str]:
        yield "guest"

    @contextlib.contextmanager
    def throwaway(*dummy: t.Any) -> Iterator[FakeServer]:
        here.happened.append("copy")
        yield server

    def backup(engine: t.Any, where: t.Any, wanted: request.BackupRequest) -> dict[str, t.Any]:
        here.happened.append(f"backup {wanted.verify}")
        add_backup(where, NAME, release=wanted.release)
        return {"name": NAME}

    def restore(engine: t.Any, where: t.Any, wanted: t.Any, asked: restore_plan.RestoreRequest) -> dict[str, t.Any]:
        here.happened.append(f"restore {asked.backup}")
        return {"retained": "shop_prod__before"}

    def one(ctx: t.Any, number: int, token: int, job: one_off_jobs.OneOffJob) -> one_off_jobs.JobResult:
        ctx.lock.renew(token, job.command_line)
        code, said = here.ends.pop(0) if here.ends else (0, "")
        log = ctx.records.path(number) / "log"
        log.write_text(said)
        here.happened.append(f"{job.name} ({job.part})")
        here.told.append((job.step, job.rows))
        job.on_poll()
        return one_off_jobs.JobResult(job, code, 0.1, log, "c")

    monkeypatch.setattr(postgres_server, "connect", reach)
    monkeypatch.setattr(
        client_container, "remove", lambda *names: here.happened.extend(f"removed {one}" for one in names)
    )
    monkeypatch.setattr(temporary_role, "temporary_role", guest)
    monkeypatch.setattr(catalog, "database_facts", lambda admin, name: database(owner="shop_prod_owner"))
    monkeypatch.setattr(catalog, "server_facts", lambda admin: SERVER)
    monkeypatch.setattr(create, "create_backup", backup)
    monkeypatch.setattr(backup_restore, "restore_backup", restore)
    monkeypatch.setattr(scratch_server, "scratch_server", throwaway)
    monkeypatch.setattr(verify, "compare_restored", lambda server, manifest, store: here.happened.append("compared"))
    monkeypatch.setattr(one_off_jobs, "run_one", one)
    # It asks a container at its address; test_gates.py has what it does then.
    monkeypatch.setattr(health, "wait_until_healthy", lambda *dummy: here.happened.append("health"))
    monkeypatch.setattr(command.random, "uniform", lambda low, high: 0.0)
    return here


# --- whether there is anything to do ---


def test_nothing_pending_costs_one_question(scene: Scene) -> None:
    done = state.MigrationResult()
    scene.release(check=["migrate", "--check"])
    assert pending.pending_migration(scene.ctx, scene.record, scene.token, done) is None
    assert (done.pending, set(scene.happened), scene.admin.statements) == (False, {"check (migrate)"}, [])


def test_the_migrator_reads_its_password_only_while_it_runs(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.release()
    path = scene.ctx.records.path(2) / "secrets" / "migrator"
    with projects.readable_password(scene.ctx, 2, "migrate"):
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("migrator's word", 0o400)
    assert not path.exists()
    with projects.readable_password(scene.ctx, 2, "jobs"):
        assert not path.exists()


def test_a_migration_of_no_kind_is_asked_for_before_anything_changes(scene: Scene) -> None:
    scene.ends = [(1, "")]
    with pytest.raises(SwitchyardError, match=r"migrate\.kind is not set") as failed:
        scene.release(kind=None, check=["migrate", "--check"])
    assert all(word in str(failed.value) for word in ("expand", "contract", "breaking"))
    assert scene.admin.statements == []


def test_a_migration_that_keeps_the_application_out_needs_a_login_of_its_own(scene: Scene) -> None:
    with pytest.raises(SwitchyardError, match="needs a login of its own"):
        scene.release(key=False, kind="breaking")


def test_a_stack_without_a_database_of_the_shared_server_migrates_without_guards(scene: Scene) -> None:
    stack = checked(migrate={"service": "web", "command": ["migrate"]})
    record = scene.machine.released("green", stack, state="prepared")
    done = state.MigrationResult()
    assert pending.pending_migration(scene.ctx, record, scene.machine.lock(), done) is None
    assert ([one["command"] for one in done.jobs], scene.happened) == (["migrate"], ["1 (jobs)"])
    assert scene.told == [("migrate", None)]


def test_a_stack_without_a_migration_has_nothing_to_do(scene: Scene) -> None:
    record = scene.machine.released("green", checked(), state="prepared")
    assert pending.pending_migration(scene.ctx, record, scene.machine.lock(), state.MigrationResult()) is None


# --- expand ---


def test_an_expanding_migration_is_backed_up_and_runs_under_its_own_login(scene: Scene) -> None:
    done = scene.carry_out(scene.release())
    assert scene.happened == ["backup restore", "hold", "1 (migrate)", "health"]
    assert (done.backup, done.attempts, [one["command"] for one in done.jobs]) == (NAME, 1, ["migrate"])
    assert scene.told == [("migrate", 3)]
    assert scene.ctx.records.require(2).backup == NAME
    assert state.load_state(scene.ctx) is None
    assert 'ALTER ROLE "shop_prod_migrator" IN DATABASE "shop_prod" SET lock_timeout TO 5000' in scene.admin.statements
    # The live color was asked after it.
    assert ("shop.example.org", "/", "blue") in scene.machine.proxy.asked


def test_without_a_login_of_its_own_the_applications_is_taken(scene: Scene) -> None:
    scene.carry_out(scene.release(key=False))
    assert scene.happened == ["backup restore", "hold", "1 (jobs)", "health"]


def test_a_database_without_a_table_needs_no_backup(scene: Scene) -> None:
    scene.tenant.answers = {}
    scene.carry_out(scene.release(kind="breaking"))
    assert scene.happened == ["hold", "1 (migrate)"]


def test_a_backup_that_is_not_wanted_is_not_made(scene: Scene) -> None:
    scene.carry_out(scene.release(verify_backup="none"))
    assert scene.happened == ["hold", "1 (migrate)", "health"]
    assert scene.told == [("migrate", None)]


def test_without_a_good_backup_nothing_is_migrated(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def backup(*dummy: t.Any) -> t.NoReturn:
        raise SwitchyardError("No space left on device")

    guarded = scene.release()
    monkeypatch.setattr(create, "create_backup", backup)
    with pytest.raises(SwitchyardError, match=r"nothing was migrated. No space left"):
        scene.carry_out(guarded)
    assert scene.happened == []


def test_a_migration_that_waited_for_a_lock_is_tried_again(scene: Scene) -> None:
    scene.ends = [(1, "ERROR: canceling statement due to lock timeout"), (0, "")]
    assert scene.carry_out(scene.release()).attempts == 2


def test_who_held_the_lock_is_named_when_it_is_given_up(scene: Scene) -> None:
    row = {"pid": 7, "login": "report", "application": "", "state": "idle", "client": "c", "seconds": 9}
    guarded = scene.release(retries=1)
    scene.admin.answers["pg_blocking_pids"] = [row]
    scene.ends = [(1, "55P03"), (1, "55P03")]
    with pytest.raises(SwitchyardError, match=r"5 s for a lock, 2 times.*report \(pid 7"):
        scene.carry_out(guarded)


def test_a_migration_that_fails_is_not_tried_again_and_says_what_stays(scene: Scene) -> None:
    guarded = scene.release()
    scene.ends = [(1, "division by zero")]
    with pytest.raises(SwitchyardError, match=f"stays in shop_prod.*The backup from before it is {NAME}") as failed:
        scene.carry_out(guarded)
    assert failed.value.details["logs"] == {"c": ["division by zero"]}
    assert state.load_state(scene.ctx) is None


def test_a_migration_that_takes_too_long_leaves_no_session(scene: Scene) -> None:
    guarded = scene.release()
    row = {"usename": "shop_prod_migrator", "application_name": ""}

    def sessions() -> list[dict[str, str]]:
        ended = any("pg_terminate_backend" in one for one in scene.admin.statements)
        return [row] if "1 (migrate)" in scene.happened and not ended else []

    scene.admin.answers["SELECT DISTINCT usename"] = sessions
    scene.ends = [(None, "")]
    with pytest.raises(SwitchyardError, match="was not done after"):
        scene.carry_out(guarded)
    assert any("pg_terminate_backend" in one for one in scene.admin.statements)


def test_an_old_version_that_breaks_on_the_new_schema_stops_the_release(scene: Scene) -> None:
    guarded = scene.release()

    def answer(color: str, path: str) -> tuple[int, str]:
        return (500, "no such column") if "1 (migrate)" in scene.happened else (200, "fine")

    scene.machine.proxy.answer = answer
    stack = replace(guarded.record.stack, smoke=(SmokeCheck(request_timeout=1),))
    for record in (scene.ctx.records.require(1), guarded.record):
        scene.ctx.records.save(record.updated(stack=stack))
    with pytest.raises(SwitchyardError, match=r"does not pass its checks on the new schema.*no such column"):
        scene.carry_out(guarded)


def test_an_old_version_that_was_broken_before_does_not_stop_what_may_repair_it(scene: Scene) -> None:
    scene.machine.proxy.answer = lambda color, path: (500, "broken")
    assert scene.carry_out(scene.release()).attempts == 1


def test_backups_of_releases_that_are_gone_go(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[request.BackupRequest] = []
    where = backup_store(scene.machine.root)
    for number, release in ((2, 99), (3, 1), (4, None)):
        add_backup(where, f"20260101T000000Z-000{number}", release=release)
    guarded = scene.release()
    make = create.create_backup
    monkeypatch.setattr(create, "create_backup", lambda *words: asked.append(words[2]) or make(*words))
    scene.carry_out(guarded)
    assert (asked[0].retention.count, sorted(asked[0].keep_names)) == (
        1,
        ["20260101T000000Z-0003", "20260101T000000Z-0004"],
    )


# --- breaking ---


def test_a_breaking_migration_is_rehearsed_behind_a_fence(scene: Scene) -> None:
    done = scene.carry_out(scene.release(kind="breaking"))
    assert scene.happened == ["hold", "backup none", "copy", "compared", "rehearsal (rehearse)", "1 (migrate)"]
    assert scene.told == [("rehearse", 3), ("migrate", 3)]
    assert done.rehearsal_seconds is not None
    project = json.loads((scene.ctx.records.path(2) / "rehearse.yml").read_text())
    assert project["services"]["web"]["network_mode"] == "container:po_shop_prod_backup-1"
    assert backup_store(scene.machine.root).get(NAME).state == "restored"
    going = state.load_state(scene.ctx)
    assert going
    assert (going.step, going.backup, going.login) == ("begun", NAME, "shop_prod_migrator")
    # The new version may come in; the fence is known until the public has it.
    closed, opened = (scene.admin.statements.index(f'ALTER ROLE "shop_prod" {word}') for word in ("NOLOGIN", "LOGIN"))
    assert closed < opened
    assert 'ALTER ROLE "shop_prod_migrator" NOLOGIN' not in scene.admin.statements
    assert LockoutFile(backup_store(scene.machine.root).folder).read()


def test_a_rehearsal_that_fails_leaves_the_database_alone(scene: Scene) -> None:
    guarded = scene.release(kind="breaking")
    scene.ends = [(1, "no such column")]
    with pytest.raises(SwitchyardError, match="That was the rehearsal"):
        scene.carry_out(guarded)
    assert "1 (migrate)" not in scene.happened
    assert undo.undo(scene.ctx, scene.token) is not None
    assert not [one for one in scene.happened if one.startswith("restore")]
    assert LockoutFile(backup_store(scene.machine.root).folder).read() is None


def test_a_breaking_migration_that_fails_is_undone(scene: Scene) -> None:
    guarded = scene.release(kind="contract", verify_backup="read")
    scene.ends = [(1, "half way")]
    with pytest.raises(SwitchyardError, match="exit code 1"):
        scene.carry_out(guarded)
    assert scene.happened == ["hold", "backup read", "1 (migrate)"]
    told = undo.undo(scene.ctx, scene.token)
    assert (told or "").startswith(f"shop_prod was restored from the backup {NAME}, from before the migration")
    assert scene.happened[-1] == f"restore {NAME}"
    assert state.load_state(scene.ctx) is None
    assert LockoutFile(backup_store(scene.machine.root).folder).read() is None


@pytest.mark.parametrize(("cause", "tried"), [(psql_session.ConnectionLost("gone"), 2), (None, 1)])
def test_a_server_that_dies_while_it_is_undone_is_given_a_second_chance(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, cause: Exception | None, tried: int
) -> None:
    scene.carry_out(scene.release(kind="breaking"))
    attempts: list[str] = []

    def restore(engine: t.Any, where: t.Any, wanted: t.Any, asked: restore_plan.RestoreRequest) -> dict[str, t.Any]:
        attempts.append(asked.backup)
        if len(attempts) == 1:
            raise SwitchyardError("it is as it was before") from cause
        return {"retained": None}

    monkeypatch.setattr(backup_restore, "restore_backup", restore)
    with contextlib.nullcontext() if cause else pytest.raises(SwitchyardError, match="as it was before"):
        undo.undo(scene.ctx, scene.token)
    assert attempts == [NAME] * tried
    # Where it could not be undone, the next run begins with it.
    assert (state.load_state(scene.ctx) is None) is bool(cause)


def test_a_release_that_has_the_public_is_not_undone(scene: Scene) -> None:
    scene.carry_out(scene.release(kind="breaking"))
    assert not undo.past_point_of_no_return(scene.ctx, scene.record)
    scene.machine.make_live("green")
    assert undo.past_point_of_no_return(scene.ctx, scene.record)
    assert "was live already" in (undo.undo(scene.ctx, scene.token) or "")
    assert not [one for one in scene.happened if one.startswith("restore")]
    assert state.load_state(scene.ctx) is None


def test_the_end_of_a_release_lets_everybody_in(scene: Scene) -> None:
    scene.carry_out(scene.release(kind="breaking"))
    undo.finish_migration(scene.ctx, 1)
    assert state.load_state(scene.ctx)
    undo.finish_migration(scene.ctx, 2)
    assert state.load_state(scene.ctx) is None
    assert LockoutFile(backup_store(scene.machine.root).folder).read() is None


# --- what a killed run leaves ---


def test_an_expanding_migration_that_was_killed_has_its_sessions_ended(scene: Scene) -> None:
    scene.release()
    state.save_state(scene.ctx, state.MigrationState(2, "expand", "shop_prod", "begun", "shop_prod_migrator"))
    scene.machine.engine.start(container("old", labels={"role": "migrate"}))
    assert "was interrupted" in (undo.undo(scene.ctx, scene.token) or "")
    assert (state.load_state(scene.ctx), scene.happened) == (None, ["removed old"])


def test_where_nothing_was_killed_there_is_nothing_to_undo(scene: Scene) -> None:
    scene.release()
    assert undo.undo(scene.ctx, scene.token) is None


def test_a_run_that_was_overtaken_leaves_the_next_ones_file_alone(scene: Scene) -> None:
    guarded = scene.release()
    own = state.MigrationState(3, "expand", "shop_prod", "begun")

    def overtake() -> None:
        scene.ctx.lock.take("bob@desk", "prepare", lambda: None, stale_token=scene.token)
        state.save_state(scene.ctx, own)

    with pytest.raises(SwitchyardError, match="lost its lock"):
        run.run_guarded(guarded, state.MigrationResult(), overtake)
    assert (state.load_state(scene.ctx) or own).release in (2, 3)


def test_somebody_elses_backup_is_waited_for(scene: Scene) -> None:
    busy = [StoreBusy("b"), StoreBusy("b")]

    def work() -> str:
        if busy:
            raise busy.pop()
        return "done"

    assert connection.retry_while_busy(work) == "done"
    busy = [StoreBusy("b")]
    with pytest.raises(StoreBusy):
        connection.retry_while_busy(work, limit=-1)


# --- what a release brings along ---


def test_a_migration_has_projects_of_its_own(scene: Scene, docker: Callable[[str], Callable[[], list[str]]]) -> None:
    docker(COMPOSE)
    guarded = scene.release(kind="breaking")
    folder = scene.ctx.records.path(2)
    (folder / "source").mkdir()
    content = normalised(web={"secrets": [{"source": "postgres_password"}]})
    (folder / "source" / "docker-compose.yml").write_text(json.dumps(content))
    release = compose_render.Release("po", "prod", 2, str(folder))
    found = projects.migration_projects(scene.ctx, guarded.record.stack, folder, release)
    assert list(found) == ["migrate", "rehearse"]
    assert found["migrate"]["secrets"] == {"postgres_password": {"file": f"{folder}/secrets/migrator"}}
    expanding = replace(guarded.record.stack, migrate=replace(guarded.spec, kind="expand"))
    assert list(projects.migration_projects(scene.ctx, expanding, folder, release)) == ["migrate"]
    state.migrator_password_path(scene.ctx).unlink()
    assert projects.migration_projects(scene.ctx, expanding, folder, release) == {}
