from __future__ import annotations

import json

import pytest
from fakes_migration import NAME, Scene
from fakes_postgres import backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.lockout import LockoutFile
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    state,
    undo,
)


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
