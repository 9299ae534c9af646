from __future__ import annotations

import pytest
from fakes import Machine, container, worker
from fakes_log import request_line

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import live_containers


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400)])
def test_a_duration(text: str, seconds: int) -> None:
    assert live_containers.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["10", "m", "10 minutes", "-1m", "1.5h", ""])
def test_a_text_that_is_not_a_duration(text: str) -> None:
    with pytest.raises(SwitchyardError, match="Write a number with s, m, h or d"):
        live_containers.parse_duration(text)


def test_the_logs_are_those_of_the_live_color_and_the_workers(two_releases: Machine) -> None:
    two_releases.engine.start(worker(1))
    two_releases.engine.start(container("po-shop-jobs-prod-1", labels={"role": "job", "service": "web"}))
    two_releases.engine.written = {"po-shop-web-prod-blue": ["one", "two", "three"]}
    logs = live_containers.read_logs(two_releases.ctx, None, None, 0.0, 2)
    assert [log.name for log in logs] == ["po-shop-celery-prod", "po-shop-web-prod-blue", "requests of po.shop.prod"]
    assert logs[1].lines == ("two", "three")


def test_the_requests_of_the_stack_are_shown_with_their_release(two_releases: Machine) -> None:
    two_releases.proxy.process.written = [request_line(path=f"/{number}") for number in range(3)]
    logs = live_containers.read_logs(two_releases.ctx, None, None, 0.0, 2)
    release = two_releases.ctx.release_on("blue")
    assert [line.split()[3] for line in logs[-1].lines] == ["shop.example.org/1", "shop.example.org/2"]
    assert all(f" blue release {release} web " in line for line in logs[-1].lines)


def test_the_idle_color_is_shown_when_it_is_asked_for(two_releases: Machine) -> None:
    logs = live_containers.read_logs(two_releases.ctx, "web", "green", 0.0, 2)
    assert [log.name for log in logs] == ["po-shop-web-prod-green", "requests of po.shop.prod"]


def test_an_unknown_service_names_the_known_ones(two_releases: Machine) -> None:
    two_releases.engine.start(worker(1))
    with pytest.raises(SwitchyardError, match=r"'wbe'\. Did you mean 'web'\?"):
        live_containers.read_logs(two_releases.ctx, "wbe", None, 0.0, 2)
    with pytest.raises(SwitchyardError, match="Its services are: celery, web"):
        live_containers.read_logs(two_releases.ctx, "mailer", None, 0.0, 2)


def test_a_stack_without_containers(machine: Machine) -> None:
    with pytest.raises(SwitchyardError, match=r"has no containers on this server\. Deploy it"):
        live_containers.read_logs(machine.ctx, None, None, 0.0, 2)


def test_a_command_runs_in_the_live_color_without_a_shell(two_releases: Machine) -> None:
    asked = []

    def inside(command: list[str]) -> tuple[int, str]:
        asked.append(command)
        return 0, "one\ntwo"

    two_releases.engine.inside = inside
    done = live_containers.run_command(two_releases.ctx, "web", "echo 'a b' $HOME")
    assert asked == [["echo", "a b", "$HOME"]]
    assert (done.container, done.rc, done.lines) == ("po-shop-web-prod-blue", 0, ("one", "two"))


def test_without_a_command_the_line_for_a_shell_is_returned(two_releases: Machine) -> None:
    done = live_containers.run_command(two_releases.ctx, "web", "")
    assert (done.rc, done.interactive) == (None, "docker exec -it po-shop-web-prod-blue sh")


def test_a_command_that_fails_fails_with_its_exit_code_and_its_output(two_releases: Machine) -> None:
    two_releases.engine.inside = lambda command: (3, "no such table")
    with pytest.raises(SwitchyardError, match="'check' in po-shop-web-prod-blue ended with exit code 3") as caught:
        live_containers.run_command(two_releases.ctx, "web", "check")
    assert (caught.value.details["rc"], caught.value.details["lines"]) == (3, ["no such table"])


def test_a_command_whose_quotes_are_open_is_refused(two_releases: Machine) -> None:
    with pytest.raises(SwitchyardError, match=r"No closing quotation\. Close each quote"):
        live_containers.run_command(two_releases.ctx, "web", "echo 'a")


def test_a_service_that_does_not_run_takes_no_command(machine: Machine) -> None:
    machine.released("blue")
    machine.make_live("blue")
    machine.engine.by_name["po-shop-web-prod-blue"] = container(
        "po-shop-web-prod-blue", labels={"color": "blue", "service": "web", "role": "routed"}, state="exited"
    )
    with pytest.raises(SwitchyardError, match="No container of 'web' runs: po-shop-web-prod-blue is exited"):
        live_containers.run_command(machine.ctx, "web", "ls")
