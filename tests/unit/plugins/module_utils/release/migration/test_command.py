from __future__ import annotations

import pytest
from fakes_migration import NAME, Scene

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    state,
)


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
