from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import Machine, checked

from ansible_collections.switchyard.stacks.plugins.modules import release_start

RunModule = Callable[..., dict[str, t.Any]]
Docker = Callable[[str], Callable[[], list[str]]]


def options(machine: Machine, on_server: dict[str, t.Any], **stack: t.Any) -> dict[str, t.Any]:
    machine.released("blue", checked(**stack), state="prepared")
    return {**on_server, "stack": "shop", "release": 1, "token": machine.lock()}


MIGRATE = {"migrate": {"service": "web", "command": ["migrate"]}}


def test_jobs_are_returned_with_their_seconds(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any], docker: Docker
) -> None:
    docker("")
    result = run_module(release_start.main, options(machine, on_server, **MIGRATE))
    assert result["changed"]
    assert [job["command"] for job in result["jobs"]] == ["migrate"]
    assert 0 <= result["jobs"][0]["seconds"] < 60


def test_on_the_way_back_only_the_color_starts(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any], docker: Docker
) -> None:
    notes = docker("")
    result = run_module(release_start.main, {**options(machine, on_server, **MIGRATE), "run_jobs": False})
    assert (result["changed"], result["jobs"], result["stopped"], result["dropped_requests"]) == (True, [], None, 0)
    assert [line.split()[2] for line in notes()] == ["po_shop_prod_blue"]


def test_a_job_that_fails_shows_its_last_lines(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any], docker: Docker
) -> None:
    docker("echo 'relation does not exist'; exit 1")
    result = run_module(release_start.main, options(machine, on_server, **MIGRATE))
    assert result["failed"]
    assert result["logs"] == {"po_shop_prod_jobs-1-1": ["relation does not exist"]}


def test_there_is_not_a_check_mode(run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]) -> None:
    assert run_module(release_start.main, options(machine, on_server, **MIGRATE), check=True)["skipped"]
