from __future__ import annotations

import typing as t
from collections.abc import Iterator

import pytest
from fakes import HOST, Machine, application, checked, worker

from ansible_collections.switchyard.stacks.plugins.module_utils.release import status

HEALTH = {"successes": 2, "interval": 0.01, "timeout": 1}


@pytest.fixture
def stack() -> Iterator[dict[str, t.Any]]:
    """Give a stack whose service answers, on a port of this machine."""
    with application(lambda path, headers: (200, {}, "ok")) as port:
        route = {"service": "web", "port": port, "hosts": [HOST], "health": HEALTH}
        yield checked(routes=[route], smoke=[{"contains": "hello"}])


@pytest.fixture
def two(machine: Machine, stack: dict[str, t.Any]) -> Machine:
    """Give a server with release 1 live on blue and release 2 idle on green."""
    machine.released("blue", stack)
    machine.released("green", stack, previous=1)
    machine.make_live("blue")
    return machine


def test_what_stands_now(two: Machine) -> None:
    two.engine.start(worker(1))
    two.proxy.busy = {"blue": [4]}
    two.lock("bob@desk")
    seen = status.stack_status(two.ctx)
    assert (seen["live"], seen["routes"]) == ("blue", {f"{HOST}/": "web"})
    assert (seen["colors"]["blue"]["release"], seen["colors"]["green"]["release"]) == (1, 2)
    assert (seen["colors"]["blue"]["in_flight"], seen["colors"]["green"]["in_flight"]) == (4, 0)
    assert seen["colors"]["green"]["containers"] == {"po-web-prod-green": "running"}
    assert seen["workers"] == {"po-celery-prod": "running"}
    assert seen["lock"]["holder"] == "bob@desk"
