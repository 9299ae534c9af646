from __future__ import annotations

import time
import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, checked, container

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import jobs

Docker = Callable[[str], Callable[[], list[str]]]


def prepared(machine: Machine, *commands: list[str], timeout: float = 60) -> t.Any:
    """Leave a release with these jobs, and return its number and token."""
    first, *rest = [{"service": "web", "command": command, "timeout": timeout} for command in commands]
    stack = checked(migrate=first, after_migrate=rest)
    return machine.released("blue", stack, state="prepared").number, machine.lock()


def test_jobs_run_once_each_in_their_order(machine: Machine, docker: Docker) -> None:
    notes = docker("echo done")
    number, token = prepared(machine, ["migrate", "--noinput"], ["collectstatic"])
    done = jobs.run(machine.place, number, token)
    assert [job["command"] for job in done] == ["migrate --noinput", "collectstatic"]
    folder = machine.place.records.path(number)
    start = f"compose -p po_shop_prod_jobs -f {folder}/jobs.yml run --rm --no-deps --no-TTY --name po_shop_prod_jobs-1"
    assert notes() == [f"{start}-1 web migrate --noinput", f"{start}-2 web collectstatic"]


def test_a_job_has_a_log_that_nobody_else_reads(machine: Machine, docker: Docker) -> None:
    docker("echo out; echo err >&2")
    number, token = prepared(machine, ["migrate"])
    jobs.run(machine.place, number, token)
    log = machine.place.records.path(number) / "job-1.log"
    assert log.read_text() == "out\nerr\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_first_that_fails_ends_the_row(machine: Machine, docker: Docker) -> None:
    notes = docker("echo 'no such table'; exit 3")
    number, token = prepared(machine, ["migrate"], ["collectstatic"])
    with pytest.raises(SwitchyardError) as failed:
        jobs.run(machine.place, number, token)
    assert "'migrate' in the new image ended with exit code 3. Its whole log: " in str(failed.value)
    assert failed.value.details["logs"] == {"po_shop_prod_jobs-1-1": ["no such table"]}
    assert len(notes()) == 1


def test_a_job_that_takes_too_long_is_ended(machine: Machine, docker: Docker) -> None:
    docker("echo locked; exec sleep 120")
    number, token = prepared(machine, ["migrate"], timeout=1)
    machine.engine.start(container(f"po_shop_prod_jobs-{number}-1"))
    begun = time.monotonic()
    with pytest.raises(SwitchyardError, match="was not done after 1 s and was ended"):
        jobs.run(machine.place, number, token)
    assert time.monotonic() - begun < 60
    assert machine.engine.removed == [f"po_shop_prod_jobs-{number}-1"]


def test_the_lock_is_held_for_the_longest_a_job_may_take(machine: Machine, docker: Docker) -> None:
    docker("")
    number, token = prepared(machine, ["migrate"], timeout=900)
    jobs.run(machine.place, number, token)
    held = machine.place.lock.holder()
    assert held
    assert held.step == "migrate"
    assert held.until > time.time() + 900


def test_a_release_that_lost_its_lock_runs_no_job(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    number, token = prepared(machine, ["migrate"])
    with pytest.raises(SwitchyardError, match="lost its lock"):
        jobs.run(machine.place, number, token + 1)
    assert notes() == []
