"""The connections that the logins of PostgreSQL may open."""

from __future__ import annotations

import json
import typing as t

from fakes import Machine, checked, given, shared_container

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import connection_budget
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import HostCheckContext


def stack(**connections: str) -> Stack:
    return checked(postgres={"password": "hunter2", "connections": connections})


def state(most: int, **limits: int) -> dict[str, t.Any]:
    return {"max": most, "reserved": 3, "limits": limits}


def test_logins_that_fit() -> None:
    # 40, 3, 6 and 3 of the stack, 45 of another one, 3 reserved
    assert connection_budget.problems([stack()], "prod", state(100, blog_prod=45)) == []


def test_logins_that_are_too_many() -> None:
    (problem,) = connection_budget.problems([stack()], "prod", state(100, blog_prod=46))
    assert (problem.code, problem.severity) == ("postgres.connection_budget", "warning")
    assert problem.message == (
        "the logins of PostgreSQL may open 98 connections, 52 of them those of this environment, and the server has 97 "
        "(max_connections 100, 3 reserved)"
    )


def test_the_limits_of_the_inventory_replace_those_of_the_server() -> None:
    limits = {"shop_prod": 200, "other": -1, "shop_prod__temp_1": 90}
    assert connection_budget.problems([stack(app="30")], "prod", state(50, **limits)) == []
    assert len(connection_budget.problems([stack()], "prod", state(50, **limits))) == 1


def test_the_running_server_is_asked_by_a_thorough_run(machine: Machine) -> None:
    spec = given(postgres={"password": "hunter2"})

    def codes(thorough: bool = True) -> list[str]:
        context = HostCheckContext(machine.host, specs=[spec], thorough=thorough)
        return [problem.code for problem in connection_budget.check(context)]

    assert codes() == []
    machine.engine.start(shared_container("postgres"))
    machine.engine.inside = lambda command: (0, json.dumps(state(50)))
    assert (codes(), codes(thorough=False)) == (["postgres.connection_budget"], [])
    machine.engine.inside = lambda command: (2, "psql: error: the database system is starting up")
    assert codes() == []
