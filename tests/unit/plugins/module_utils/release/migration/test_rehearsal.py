from __future__ import annotations

import json

import pytest
from fakes_migration import NAME, Scene
from fakes_postgres import backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import accessory, hba_lockout
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.accessory import PostgresAccessory
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.lockout import LockoutFile
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    state,
    undo,
)


def test_a_breaking_migration_is_rehearsed_in_a_lockout(scene: Scene) -> None:
    done = scene.carry_out(scene.release(kind="breaking"))
    assert scene.happened == ["hold", "backup none", "copy", "compared", "rehearsal (rehearse)", "1 (migrate)"]
    assert scene.reported == [("rehearse", 3), ("migrate", 3)]
    assert done.rehearsal_seconds is not None
    project = json.loads((scene.ctx.records.path(2) / "rehearse.yml").read_text())
    assert project["services"]["web"]["network_mode"] == "container:po_shop_prod_backup-1"
    assert backup_store(scene.machine.root).get(NAME).state == "restored"
    going = state.load_state(scene.ctx)
    assert going
    assert (going.step, going.backup, going.login) == ("begun", NAME, "shop_prod_migrator")
    # The new version may connect; the lockout is kept until users have it.
    closed, opened = (scene.admin.statements.index(f'ALTER ROLE "shop_prod" {word}') for word in ("NOLOGIN", "LOGIN"))
    assert closed < opened
    assert 'ALTER ROLE "shop_prod_migrator" NOLOGIN' not in scene.admin.statements
    assert LockoutFile(backup_store(scene.machine.root).folder).read()


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the stack an accessory with PostgreSQL; return the databases that it closes to others."""
    found: list[str] = []
    monkeypatch.setattr(hba_lockout, "close", lambda admin, database: found.__setitem__(slice(None), [database]))
    monkeypatch.setattr(hba_lockout, "open_again", lambda admin, database: found.remove(database))
    monkeypatch.setattr(hba_lockout, "is_closed", lambda admin, database: database in found)
    own = PostgresAccessory("db", "po-shop-db-prod", "app", "shop_prod")
    monkeypatch.setattr(accessory, "require", lambda *names: own)
    return found


def test_a_migration_in_an_accessory_runs_in_its_network_behind_a_lockout(scene: Scene, closed: list[str]) -> None:
    guarded = scene.release(accessory="db", kind="breaking")
    request = guarded.backup_request()
    assert (request.target.dedicated, request.target.user, request.aliases) == (True, "app", ("po-shop-db-prod",))
    scene.carry_out(guarded)
    assert scene.happened == ["hold", "backup none", "copy", "compared", "rehearsal (rehearse)", "1 (migrate)"]
    folder = scene.ctx.records.path(2)
    rehearsed, real = (
        json.loads((folder / f"{part}.yml").read_text())["services"]["web"] for part in ("rehearse", "migrate")
    )
    assert (rehearsed["network_mode"], rehearsed["volumes"]) == (
        "container:po_shop_prod_backup-1",
        [{"read_only": True}],
    )
    # The real one may write into volumes, and connects from where the lockout lets it.
    assert (real["network_mode"], real["volumes"]) == ("container:po-shop-db-prod", [{}])
    # The new version may connect; the lockout is known until it is live, and no login was ever disabled.
    assert closed == []
    store = state.store_of(scene.ctx, guarded.state)
    assert store.folder.name == "db@shop_prod"
    assert LockoutFile(store.folder).read()
    assert not any("LOGIN" in one for one in scene.admin.statements)


def test_a_failed_migration_in_an_accessory_is_restored_behind_the_same_lockout(
    scene: Scene, closed: list[str]
) -> None:
    guarded = scene.release(accessory="db", kind="breaking")
    scene.ends = [(0, ""), (1, "no such column")]
    with pytest.raises(SwitchyardError, match="ended with exit code 1"):
        scene.carry_out(guarded)
    assert closed == ["shop_prod"]
    assert undo.undo(scene.ctx, scene.token) is not None
    assert f"restore {NAME}" in scene.happened
    assert closed == []


def test_a_rehearsal_that_fails_leaves_the_database_alone(scene: Scene) -> None:
    guarded = scene.release(kind="breaking")
    scene.ends = [(1, "no such column")]
    with pytest.raises(SwitchyardError, match="That was the rehearsal"):
        scene.carry_out(guarded)
    assert "1 (migrate)" not in scene.happened
    assert undo.undo(scene.ctx, scene.token) is not None
    assert not [one for one in scene.happened if one.startswith("restore")]
    assert LockoutFile(backup_store(scene.machine.root).folder).read() is None
