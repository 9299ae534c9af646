from __future__ import annotations

import json
import os
import time
import typing as t
from pathlib import Path

import pytest
from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils import paths
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import LockLost, SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import detached_work
from ansible_collections.switchyard.stacks.plugins.module_utils.release.step_log import FAILPOINTS, StepLog


def plant(machine: Machine, mode: int = 0o600, **wish: t.Any) -> Path:
    path = paths.failpoint(machine.root)
    path.write_text(json.dumps(wish))
    path.chmod(mode)
    return path


def test_the_steps_of_a_release_are_in_its_record_with_their_times(machine: Machine) -> None:
    log, begin = StepLog(machine.ctx), time.time()
    assert log.run("lock", lambda: 7) == 7
    machine.released("blue", state="prepared")
    log.begin_record(1, None)
    log.run("prepare", lambda: time.sleep(0.02))

    def fail() -> t.NoReturn:
        raise SwitchyardError("no")

    with pytest.raises(SwitchyardError, match="no"):
        log.run("start", fail)
    steps = machine.ctx.records.require(1).steps
    assert [(step.name, step.result) for step in steps] == [("lock", "done"), ("prepare", "done"), ("start", "failed")]
    assert begin - 0.01 <= steps[0].started <= steps[0].ended <= steps[1].started
    assert 0.01 < log.seconds("prepare") < 10
    assert log.seconds("switch") == 0
    assert [log.has_done(name) for name in ("prepare", "start", "switch")] == [True, False, False]


def test_a_release_that_lost_its_lock_leaves_the_record_alone(machine: Machine) -> None:
    machine.released("blue", state="prepared")
    log = StepLog(machine.ctx)
    log.begin_record(1, None)

    def lose() -> t.NoReturn:
        raise LockLost("lost")

    with pytest.raises(LockLost):
        log.run("start", lose)
    assert machine.ctx.records.require(1).steps == ()


def test_there_is_a_point_before_and_after_each_step() -> None:
    assert {"before lock", "after switch", "before finish"} <= set(FAILPOINTS)
    assert len(FAILPOINTS) == len(set(FAILPOINTS))


@pytest.mark.parametrize("point", ["before start", "after start"])
def test_a_release_fails_where_a_file_says_it_once(machine: Machine, point: str) -> None:
    path = plant(machine, point=point, action="error")
    ran: list[int] = []
    with pytest.raises(SwitchyardError, match=f"failed at the point '{point}'"):
        StepLog(machine.ctx).run("start", lambda: ran.append(1))
    assert ran == ([] if point == "before start" else [1])
    assert not path.exists()
    StepLog(machine.ctx).run("start", lambda: None)


def test_a_release_can_be_killed_or_hang(machine: Machine) -> None:
    plant(machine, point="before switch", action="kill")
    outcome = detached_work.run_detached(lambda: StepLog(machine.ctx).run("switch", lambda: {"switched": True}))
    assert "signal 9" in outcome["msg"]
    plant(machine, point="before switch", action="hang", seconds=0.05)
    begin = time.monotonic()
    StepLog(machine.ctx).run("switch", lambda: None)
    assert time.monotonic() - begin >= 0.05


def test_other_points_and_files_that_others_may_write_do_nothing(machine: Machine) -> None:
    path = plant(machine, point="before switch", action="error")
    StepLog(machine.ctx).run("start", lambda: None)
    for mode in (0o620, 0o602):
        path.chmod(mode)
        StepLog(machine.ctx).run("switch", lambda: None)
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, 65534, -1)
        StepLog(machine.ctx).run("switch", lambda: None)
        os.chown(path, 0, -1)
    path.write_text("not JSON")
    StepLog(machine.ctx).run("switch", lambda: None)
    assert path.exists()
