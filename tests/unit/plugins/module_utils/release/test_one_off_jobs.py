from __future__ import annotations

import json
import time
import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, checked, container

from ansible_collections.switchyard.stacks.plugins.module_utils import progress
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import JobSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_one_shots import OneShot
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
    assert [one.command for one in done] == ["migrate --noinput", "collectstatic"]
    folder = machine.ctx.records.path(number)
    start = f"compose -p po_shop_prod_jobs -f {folder}/jobs.yml run --rm --no-deps --no-TTY --name po_shop_prod_jobs-1"
    assert notes() == [f"{start}-1 web migrate --noinput", f"{start}-2 web collectstatic"]


def test_a_job_runs_in_the_project_that_it_names_with_its_environment(machine: Machine, docker: Docker) -> None:
    notes = docker()
    number, token = prepared(machine)
    one_off_jobs.run_one(machine.ctx, number, token, job("migrate", part="migrate", env={"PGAPPNAME": "x"}))
    assert "/migrate.yml run " in notes()[0]
    assert notes()[0].endswith("--env PGAPPNAME=x web migrate")


def test_a_job_has_a_log_that_only_root_reads(machine: Machine, docker: Docker) -> None:
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


def test_a_job_calls_back_while_it_runs_and_never_outlives_its_release(machine: Machine, docker: Docker) -> None:
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


def test_the_progress_of_a_job_is_reported_while_it_runs(
    machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    number, token = prepared(machine)
    path, seen = machine.ctx.folder / progress.NAME, machine.root / "seen"
    docker(f"until cp {path} {seen} 2>/dev/null; do sleep 0.05; done")
    one_off_jobs.run_one(machine.ctx, number, token, job("migrate", step="migrate", rows=1200))
    reported = json.loads(seen.read_text())
    assert (reported["step"], reported["done"], reported["of"]) == ("migrate", None, 1200)
    assert not path.exists()


def test_a_release_that_lost_its_lock_runs_no_job(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    number, token = prepared(machine)
    with pytest.raises(SwitchyardError, match="lost its lock"):
        one_off_jobs.run_all(machine.ctx, number, token + 1, [job("migrate")])
    assert notes() == []


def test_what_follows_a_migration_is_numbered_after_it(machine: Machine) -> None:
    stack = checked(after_migrate=[{"service": "web", "command": ["a"]}, {"service": "web", "command": ["b", "c"]}])
    before, after = one_off_jobs.sequence(machine.released("blue", stack))
    assert (before, [(one.name, one.command_line) for one in after]) == ([], [("2", "a"), ("3", "b c")])


def test_one_shots_run_where_the_plan_of_the_release_has_them(machine: Machine) -> None:
    stack = checked(after_migrate=[{"service": "web", "command": [word]} for word in "ab"])
    plan = (OneShot("keys", "migrate"), OneShot("data", "after_migrate[1]", required=False), OneShot("seed"))
    before, after = one_off_jobs.sequence(machine.released("blue", stack, one_shots=plan))
    assert [one.name for one in before] == ["one-shot-keys"]
    assert [one.name for one in after] == ["2", "one-shot-data", "3", "one-shot-seed"]
    assert [one.required for one in after] == [True, False, True, True]


def test_a_one_shot_runs_its_services_own_command(machine: Machine, docker: Docker) -> None:
    notes = docker("echo 'no bucket'; exit 3")
    number, token = prepared(machine)
    seed, optional = one_off_jobs.OneOffJob("one-shot-seed", "seed", (), 60), OneShot("data", required=False)
    with pytest.raises(SwitchyardError) as failed:
        one_off_jobs.run_all(machine.ctx, number, token, [seed])
    assert str(failed.value).startswith("The one-shot seed ended with exit code 3. Its whole log: ")
    assert failed.value.details["logs"] == {f"po_shop_prod_jobs-{number}-one-shot-seed": ["no bucket"]}
    assert notes()[0].endswith(f"--name po_shop_prod_jobs-{number}-one-shot-seed seed")
    machine.ctx.records.save(machine.ctx.records.require(number).updated(one_shots=(optional,)))
    _before, after = one_off_jobs.sequence(machine.ctx.records.require(number))
    (result,) = one_off_jobs.run_all(machine.ctx, number, token, after)
    assert (result.command, result.exit_code) == ("one-shot data", 3)


def test_a_one_shot_that_does_not_end_says_what_a_one_shot_is(machine: Machine, docker: Docker) -> None:
    docker("exec sleep 120")
    number, token = prepared(machine)
    with pytest.raises(SwitchyardError) as failed:
        one_off_jobs.run_all(machine.ctx, number, token, [one_off_jobs.OneOffJob("x", "seed", (), 1)])
    assert str(failed.value).startswith(
        "The one-shot seed was not done after 1 s and was stopped. A one-shot ends by itself, and exit code 0 is "
        "success."
    )


def test_a_script_is_shown_by_its_beginning_on_one_line() -> None:
    words = job("python3", "-c", "import os\n" + "x = 1\n" * 100).command_line
    assert words.startswith("python3 -c import os x = 1 x")
    assert words.endswith("...")
    assert len(words) == one_off_jobs.CHARACTERS_SHOWN


def test_the_log_of_a_job_that_writes_much_has_a_limit(
    machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_off_jobs.job_log, "LONGEST", 2000)
    monkeypatch.setattr(one_off_jobs.job_log.shorten, "__defaults__", (2000, 1000))
    docker("seq 1 5000; echo last words")
    number, token = prepared(machine)
    ended = one_off_jobs.run_one(machine.ctx, number, token, job("migrate"))
    assert ended.lines(1) == ["last words"]
    assert ended.log.stat().st_size <= 2000
