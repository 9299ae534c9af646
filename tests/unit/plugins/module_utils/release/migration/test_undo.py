from __future__ import annotations

import contextlib
import typing as t

import pytest
from fakes import container
from fakes_migration import NAME, Scene
from fakes_postgres import backup_store, restored

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore as backup_restore
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    restore_plan,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    psql_session,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.lockout import LockoutFile
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    state,
    undo,
)


def test_a_breaking_migration_that_fails_is_undone(scene: Scene) -> None:
    guarded = scene.release(kind="contract", verify_backup="read")
    scene.ends = [(1, "half way")]
    with pytest.raises(SwitchyardError, match="exit code 1"):
        scene.carry_out(guarded)
    assert scene.happened == ["hold", "backup read", "1 (migrate)"]
    reported = undo.undo(scene.ctx, scene.token)
    assert (reported or "").startswith(f"shop_prod was restored from the backup {NAME}, from before the migration")
    assert scene.happened[-1] == f"restore {NAME}"
    assert state.load_state(scene.ctx) is None
    assert LockoutFile(backup_store(scene.machine.root).folder).read() is None


@pytest.mark.parametrize(("cause", "tried"), [(psql_session.ConnectionLost("gone"), 2), (None, 1)])
def test_a_server_that_dies_while_it_is_undone_is_given_a_second_chance(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, cause: Exception | None, tried: int
) -> None:
    scene.carry_out(scene.release(kind="breaking"))
    attempts: list[str] = []

    def restore(
        engine: t.Any, where: t.Any, wanted: t.Any, asked: restore_plan.RestoreRequest
    ) -> backup_restore.RestoreResult:
        attempts.append(asked.backup)
        if len(attempts) == 1:
            raise SwitchyardError("it is as it was before") from cause
        return restored()

    monkeypatch.setattr(backup_restore, "restore_backup", restore)
    with contextlib.nullcontext() if cause else pytest.raises(SwitchyardError, match="as it was before"):
        undo.undo(scene.ctx, scene.token)
    assert attempts == [NAME] * tried
    # Where it could not be undone, the next run begins with it.
    assert (state.load_state(scene.ctx) is None) is bool(cause)


def test_a_release_that_serves_users_is_not_undone(scene: Scene) -> None:
    scene.carry_out(scene.release(kind="breaking"))
    assert not undo.past_point_of_no_return(scene.ctx, scene.record)
    scene.machine.make_live("green")
    assert undo.past_point_of_no_return(scene.ctx, scene.record)
    assert "was live already" in (undo.undo(scene.ctx, scene.token) or "")
    assert not [one for one in scene.happened if one.startswith("restore")]
    assert state.load_state(scene.ctx) is None


def test_the_end_of_a_release_enables_all_logins(scene: Scene) -> None:
    scene.carry_out(scene.release(kind="breaking"))
    undo.finish_migration(scene.ctx, 1)
    assert state.load_state(scene.ctx)
    undo.finish_migration(scene.ctx, 2)
    assert state.load_state(scene.ctx) is None
    assert LockoutFile(backup_store(scene.machine.root).folder).read() is None


def test_an_expanding_migration_that_was_killed_has_its_sessions_ended(scene: Scene) -> None:
    scene.release()
    state.save_state(scene.ctx, state.MigrationState(2, "expand", "shop_prod", "begun", "shop_prod_migrator"))
    scene.machine.engine.start(container("old", labels={"role": "migrate"}))
    assert "was interrupted" in (undo.undo(scene.ctx, scene.token) or "")
    assert (state.load_state(scene.ctx), scene.happened) == (None, ["removed old"])


def test_where_nothing_was_killed_there_is_nothing_to_undo(scene: Scene) -> None:
    scene.release()
    assert undo.undo(scene.ctx, scene.token) is None
