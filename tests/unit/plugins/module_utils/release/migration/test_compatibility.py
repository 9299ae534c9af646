from __future__ import annotations

from dataclasses import replace

import pytest
from fakes_migration import Scene

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import SmokeCheck
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError


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
