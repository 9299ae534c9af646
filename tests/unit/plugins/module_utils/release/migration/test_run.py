from __future__ import annotations

import typing as t

import pytest
from fakes_migration import NAME, Scene
from fakes_postgres import add_backup, backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    create,
    request,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    run,
    state,
)


def test_an_expanding_migration_is_backed_up_and_runs_under_its_own_login(scene: Scene) -> None:
    done = scene.carry_out(scene.release())
    assert scene.happened == ["backup restore", "hold", "1 (migrate)", "health"]
    assert (done.backup, done.attempts, [one.command for one in done.jobs]) == (NAME, 1, ["migrate"])
    assert scene.reported == [("migrate", 3)]
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
    assert scene.reported == [("migrate", None)]


def test_without_a_good_backup_nothing_is_migrated(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def backup(*dummy: t.Any) -> t.NoReturn:
        raise SwitchyardError("No space left on device")

    guarded = scene.release()
    monkeypatch.setattr(create, "create_backup", backup)
    with pytest.raises(SwitchyardError, match=r"nothing was migrated. No space left"):
        scene.carry_out(guarded)
    assert scene.happened == []


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


def test_a_run_that_was_overtaken_leaves_the_next_ones_file_alone(scene: Scene) -> None:
    guarded = scene.release()
    own = state.MigrationState(3, "expand", "shop_prod", "begun")

    def overtake() -> None:
        scene.ctx.lock.take("bob@desk", "prepare", lambda: None, stale_token=scene.token)
        state.save_state(scene.ctx, own)

    with pytest.raises(SwitchyardError, match="lost its lock"):
        run.run_guarded(guarded, state.MigrationResult(), overtake)
    assert (state.load_state(scene.ctx) or own).release in (2, 3)
