from __future__ import annotations

import pytest
from fakes import checked
from fakes_migration import Scene

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    pending,
    state,
)


def test_nothing_pending_costs_one_question(scene: Scene) -> None:
    done = state.MigrationResult()
    scene.release(check=["migrate", "--check"])
    assert pending.pending_migration(scene.ctx, scene.record, scene.token, done) is None
    assert (done.pending, set(scene.happened), scene.admin.statements) == (False, {"check (migrate)"}, [])


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
    assert ([one.command for one in done.jobs], scene.happened) == (["migrate"], ["1 (jobs)"])
    assert scene.reported == [("migrate", None)]


def test_a_stack_without_a_migration_has_nothing_to_do(scene: Scene) -> None:
    record = scene.machine.released("green", checked(), state="prepared")
    assert pending.pending_migration(scene.ctx, record, scene.machine.lock(), state.MigrationResult()) is None
