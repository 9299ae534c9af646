from __future__ import annotations

import time

import pytest
from fakes import HOST, Machine
from fakes_log import request_line

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import access_log
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import watch_comparison
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates.watch_comparison import NewestRequests
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates.watch_verdict import Figures


def newest(*changes: dict[str, object], times: int = 10) -> NewestRequests:
    found = NewestRequests()
    for _ in range(times):
        for change in changes:
            line = access_log.parse(request_line(color="green", **change))
            assert line
            found.add(line)
    return found


def test_the_old_color_answers_the_same_requests(machine: Machine) -> None:
    machine.proxy.answer = lambda color, path: (500 if path == "/a" else 404, color)
    found = newest({"path": "/a"}, {"path": "/b"}, {"path": "/c"}).ask(machine.proxy, "blue")
    assert found
    assert (found.requests, found.failed) == (30, 10)
    assert machine.proxy.asked[:3] == [(HOST, "/c", "blue"), (HOST, "/b", "blue"), (HOST, "/a", "blue")]


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"method": "HEAD"},
        {"path": "-"},
        {"path": "/caf\u00e9"},
        {"path": "/a b"},
        {"path": "/a\nb"},
        {"status": 101},
        # A stream that does not end.
        {"ms": 6000},
    ],
)
def test_what_cannot_be_sent_again_is_left_out(machine: Machine, change: dict[str, object]) -> None:
    assert newest(change).ask(machine.proxy, "blue") is None
    assert machine.proxy.asked == []


def test_a_request_that_failed_slowly_is_sent_again(machine: Machine) -> None:
    assert newest({"status": 504, "ms": 30000, "upstream_ms": -1, "termination": "sH"}).ask(machine.proxy, "blue")


def test_two_hundred_requests_are_enough(machine: Machine) -> None:
    found = newest({}, times=500).ask(machine.proxy, "blue")
    assert found
    assert found.requests == len(machine.proxy.asked) == 200


def test_few_answers_say_nothing(machine: Machine) -> None:
    assert newest({}, times=9).ask(machine.proxy, "blue") is None


def test_the_answers_of_another_color_say_nothing(machine: Machine) -> None:
    machine.proxy.ignores_the_wish = True
    machine.make_live("green")
    assert newest({}).ask(machine.proxy, "blue") is None


def test_a_color_that_does_not_answer_fails(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: object) -> None:
        raise OSError("refused")

    monkeypatch.setattr(machine.proxy, "request", refuse)
    found = newest({}).ask(machine.proxy, "blue")
    assert found
    assert (found.requests, found.failed) == (10, 10)


def test_requests_that_take_long_wait_at_the_same_time(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_comparison, "NEXT", 0.01)
    monkeypatch.setattr(watch_comparison, "PATIENCE", 1.0)

    def hang(_color: str, path: str) -> tuple[int, str]:
        time.sleep(9 if path == "/never" else 0.1)
        return 200, "late"

    machine.proxy.answer = hang
    begin = time.monotonic()
    found = newest({"path": "/never"}, {"path": "/late"}).ask(machine.proxy, "blue")
    assert time.monotonic() - begin < 8
    assert found == Figures(20, 10, 1000)
