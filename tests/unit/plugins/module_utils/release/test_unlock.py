from __future__ import annotations

import os
import re
import typing as t

import pytest
from fakes import Machine, container
from fakes_lock import KILLED, running_process, worked_at_by

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import unlock
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import ControllerProcess

JOB = "https://git.example.org/jobs/7"
HOLDER = f"ann (runner@ci-3, process 12), {JOB}"
PROCESS = ControllerProcess("runner", "ci-3", 12, "ann", JOB)


def held(machine: Machine, *, works: bool = False, step: str = "migrate") -> int:
    """Leave a lock of a CI job, between two steps or in one; return its token."""
    token = machine.ctx.lock.take(HOLDER, "prepare", lambda: None, process=PROCESS).token
    machine.ctx.lock.renew(token, step, 100)
    if works:
        worked_at_by(machine.ctx.lock, running_process())
    return token


def only(machine: Machine, state: str = "unknown", later: float = 90.0) -> unlock.FoundLock:
    lock = machine.ctx.lock.state()
    assert lock
    controllers: dict[str, t.Any] = {"shop": {"token": lock.token, "state": state}}
    [found] = unlock.find_locks(machine.host, [], controllers, lock.since + later)
    return found


def test_it_names_holder_host_job_step_and_age(machine: Machine) -> None:
    held(machine)
    found = only(machine)
    assert (found.stack, found.environment, found.age, found.job) == ("shop", "prod", 90.0, JOB)
    assert re.fullmatch(
        r"shop \(prod\) is being released by ann \(runner@ci-3, process 12\), https://git\.example\.org/jobs/7"
        r" since .* UTC \(for 90 s, step: migrate\); expires in (69|70) s",
        found.lines[0],
    )
    assert found.lines[1] == "  still runs: nothing that is known here"


def test_a_holder_on_another_machine_is_not_known_to_have_ended(machine: Machine) -> None:
    held(machine)
    found = only(machine)
    refusal = r"whether process 12 of runner@ci-3 still runs is not known here; the lock expires in (69|70) s"
    assert re.fullmatch(refusal, found.refusal or "")
    with pytest.raises(SwitchyardError, match=r"(?s)^Nothing was changed\..*ci-3 still runs is not .*-e force=true"):
        unlock.require_unlockable([found])


def test_what_the_holder_runs_is_named(machine: Machine) -> None:
    held(machine, works=True)
    machine.engine.start(container("po-shop-jobs-prod-1", labels={"role": "job"}))
    machine.engine.start(container("po-shop-jobs-prod-2", labels={"role": "job"}, state="exited"))
    found = only(machine, "runs")
    here, there = f"process {os.getppid()} of this server", "process 12 of runner@ci-3"
    assert found.lines[1] == f"  still runs: {here}, {there}, container po-shop-jobs-prod-1"
    assert found.refusal == f"{here} and {there} still run"


@pytest.mark.parametrize(("state", "later"), [("ended", 1.0), ("unknown", 200.0)])
def test_nothing_prevents_it_when_the_holder_ended_or_its_lock_expired(
    machine: Machine, state: str, later: float
) -> None:
    held(machine)
    found = only(machine, state, later)
    assert found.refusal is None
    unlock.require_unlockable([found])


def test_nothing_prevents_it_when_its_process_was_killed_here(machine: Machine) -> None:
    held(machine)
    worked_at_by(machine.ctx.lock, KILLED)
    found = only(machine, later=1.0)
    assert (found.processes, found.refusal) == ((), None)
    assert found.lines[0].endswith("; the next run takes it over")


def test_what_is_known_of_an_earlier_lock_says_nothing_of_this_one(machine: Machine) -> None:
    token = held(machine)
    lock = machine.ctx.lock.state()
    assert lock
    stale: dict[str, t.Any] = {"shop": {"token": token - 1, "state": "ended"}}
    [found] = unlock.find_locks(machine.host, ["shop"], stale, lock.since)
    assert found.controller == "unknown"


def test_a_stack_that_is_free_has_no_lock(machine: Machine) -> None:
    assert unlock.find_locks(machine.host, [], {}, 0.0) == []
    assert unlock.find_locks(machine.host, ["shop", "never-released"], {}, 0.0) == []
