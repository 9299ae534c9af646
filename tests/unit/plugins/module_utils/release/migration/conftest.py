"""The fixture of the migrations: a release whose commands, backups and sessions are noted, not run."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterator

import pytest
from fakes import Machine
from fakes_migration import NAME, Scene
from fakes_postgres import SERVER, FakeServer, add_backup, database, restored

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    create,
    request,
    restore_plan,
    scratch_server,
    verify,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore as backup_restore
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    catalog,
    client_container,
    temporary_role,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server as postgres_server
from ansible_collections.switchyard.stacks.plugins.module_utils.release import one_off_jobs
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import health
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    command,
)


@pytest.fixture
def scene(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Scene:
    here = Scene(machine)
    here.admin.answers = {
        "rolcanlogin AND rolname IN": [{"rolname": "shop_prod"}],
        "has_database_privilege": [{"name": "shop_prod"}, {"name": "shop_prod_migrator"}],
    }
    here.tenant.answers = {"relkind = 'r'": [{"name": "public.a", "columns": None}]}
    server = here.server = FakeServer(postgres=here.admin, shop_prod=here.tenant)
    server.session = lambda name=None, login=None: here.tenant if name else here.admin  # type: ignore[method-assign]

    @contextlib.contextmanager
    def reach(*dummy: t.Any, **more: t.Any) -> Iterator[FakeServer]:
        yield server

    @contextlib.contextmanager
    def temporary(*dummy: t.Any) -> Iterator[str]:
        yield "temporary"

    @contextlib.contextmanager
    def throwaway(*dummy: t.Any) -> Iterator[FakeServer]:
        here.happened.append("copy")
        yield server

    def backup(engine: t.Any, where: t.Any, wanted: request.BackupRequest) -> create.BackupResult:
        here.happened.append(f"backup {wanted.verify}")
        add_backup(where, NAME, release=wanted.release)
        return create.BackupResult(True, NAME, {}, [], None)

    def restore(
        engine: t.Any, where: t.Any, wanted: t.Any, asked: restore_plan.RestoreRequest
    ) -> backup_restore.RestoreResult:
        here.happened.append(f"restore {asked.backup}")
        return restored("shop_prod__before")

    def one(ctx: t.Any, number: int, token: int, job: one_off_jobs.OneOffJob) -> one_off_jobs.JobResult:
        ctx.lock.renew(token, job.command_line)
        code, said = here.ends.pop(0) if here.ends else (0, "")
        log = ctx.records.path(number) / "log"
        log.write_text(said)
        here.happened.append(f"{job.name} ({job.part})")
        here.reported.append((job.step, job.rows))
        job.on_poll()
        return one_off_jobs.JobResult(job, code, 0.1, log, "c")

    monkeypatch.setattr(postgres_server, "connect", reach)
    monkeypatch.setattr(
        client_container, "remove", lambda *names: here.happened.extend(f"removed {one}" for one in names)
    )
    monkeypatch.setattr(temporary_role, "temporary_role", temporary)
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
