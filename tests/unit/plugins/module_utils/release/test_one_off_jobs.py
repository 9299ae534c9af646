from __future__ import annotations

import json
import time
import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, checked, container

from ansible_collections.switchyard.stacks.plugins.module_utils import progress
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import JobSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import one_off_jobs

Docker = Callable[[str], Callable[[], list[str]]]


def prepared(machine: Machine) -> tuple[int, int]:
    """Leave a release, and return its number and token."""
    return machine.released("blue", checked(), state="prepared").number, machine.lock()


def job(*command: str, name: str = "1", **changes: t.Any) -> one_off_jobs.OneOffJob:
    return one_off_jobs.job_of(JobSpec("web", command, 60), name, **changes)


def test_jobs_run_once_each_in_their_order(machine: Machine, docker: Docker) -> None:
    notes = docker("echo done")
    number, token = prepared(machine)
    done = one_off_jobs.run_all(
        machine.ctx, number, token, [job("migrate", "--noinput"), job("collectstatic", name="2")]
    )
    assert [one["command"] for one in done] == ["migrate --noinput", "collectstatic"]
    folder = machine.ctx.records.path(number)
    start = f"compose -p po_shop_prod_jobs -f {folder}/jobs.yml run --rm --no-deps --no-TTY --name po_shop_prod_jobs-1"
    assert notes() == [f"{start}-1 web migrate --noinput", f"{start}-2 web collectstatic"]


def test_a_job_runs_in_the_project_that_it_names_with_its_environment(machine: Machine, docker: Docker) -> None:
    notes = docker()
    number, token = prepared(machine)
    one_off_jobs.run_one(machine.ctx, number, token, job("migrate", part="migrate", env={"PGAPPNAME": "x"}))
    assert "/migrate.yml run " in notes()[0]
    assert notes()[0].endswith("--env PGAPPNAME=x web migrate")


def test_a_job_has_a_log_that_nobody_else_reads(machine: Machine, docker: Docker) -> None:
    docker("echo out; echo err >&2")
    number, token = prepared(machine)
    ended = one_off_jobs.run_one(machine.ctx, number, token, job("migrate"))
    assert (ended.succeeded, ended.lines(1), ended.log.name) == (True, ["err"], "job-1.log")
    assert ended.log.read_text() == "out\nerr\n"
    assert ended.log.stat().st_mode & 0o777 == 0o600


def test_the_first_that_fails_ends_the_row(machine: Machine, docker: Docker) -> None:
    notes = docker("echo 'no such table'; exit 3")
    number, token = prepared(machine)
    with pytest.raises(SwitchyardError) as failed:
        one_off_jobs.run_all(machine.ctx, number, token, [job("migrate"), job("collectstatic", name="2")])
    assert "'migrate' in the new image ended with exit code 3. Its whole log: " in str(failed.value)
    assert failed.value.details["logs"] == {"po_shop_prod_jobs-1-1": ["no such table"]}
    assert len(notes()) == 1


def test_a_job_that_takes_too_long_is_ended(machine: Machine, docker: Docker) -> None:
    docker("echo locked; exec sleep 120")
    number, token = prepared(machine)
    machine.engine.start(container(f"po_shop_prod_jobs-{number}-1"))
    begun = time.monotonic()
    slow = one_off_jobs.job_of(JobSpec("web", ("migrate",), 1), "1")
    with pytest.raises(SwitchyardError, match="was not done after 1 s and was stopped"):
        one_off_jobs.run_all(machine.ctx, number, token, [slow])
    assert time.monotonic() - begun < 60
    assert machine.engine.removed == [f"po_shop_prod_jobs-{number}-1"]


def test_somebody_looks_while_a_job_runs_and_a_job_never_outlives_who_waits_for_it(
    machine: Machine, docker: Docker
) -> None:
    docker("exec sleep 120")
    number, token = prepared(machine)
    machine.engine.start(container(f"po_shop_prod_jobs-{number}-1"))

    def look() -> None:
        raise SwitchyardError("seen")

    with pytest.raises(SwitchyardError, match="seen"):
        one_off_jobs.run_one(machine.ctx, number, token, job("migrate", on_poll=look))
    assert machine.engine.removed == [f"po_shop_prod_jobs-{number}-1"]


def test_the_lock_is_held_for_the_longest_a_job_may_take(machine: Machine, docker: Docker) -> None:
    docker("")
    number, token = prepared(machine)
    long = one_off_jobs.job_of(JobSpec("web", ("migrate",), 900), "1")
    one_off_jobs.run_all(machine.ctx, number, token, [long])
    held = machine.ctx.lock.state()
    assert held
    assert held.step == "migrate"
    assert held.until > time.time() + 900


def test_a_person_is_told_of_a_job_while_it_runs(
    machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    number, token = prepared(machine)
    path, seen = machine.ctx.folder / progress.NAME, machine.root / "seen"
    docker(f"until cp {path} {seen} 2>/dev/null; do sleep 0.05; done")
    one_off_jobs.run_one(machine.ctx, number, token, job("migrate", step="migrate", rows=1200))
    told = json.loads(seen.read_text())
    assert (told["step"], told["done"], told["of"]) == ("migrate", None, 1200)
    assert not path.exists()


def test_a_release_that_lost_its_lock_runs_no_job(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    number, token = prepared(machine)
    with pytest.raises(SwitchyardError, match="lost its lock"):
        one_off_jobs.run_all(machine.ctx, number, token + 1, [job("migrate")])
    assert notes() == []


def test_what_follows_a_migration_is_numbered_after_it() -> None:
    stack = checked(after_migrate=[{"service": "web", "command": ["a"]}, {"service": "web", "command": ["b", "c"]}])
    assert [(one.name, one.command_line) for one in one_off_jobs.after_migrate(stack)] == [("2", "a"), ("3", "b c")]


def test_a_script_is_shown_by_its_beginning_on_one_line() -> None:
    words = job("python3", "-c", "import os\n" + "x = 1\n" * 100).command_line
    assert words.startswith("python3 -c import os x = 1 x")
    assert words.endswith("...")
    assert len(words) == one_off_jobs.CHARACTERS_SHOWN
