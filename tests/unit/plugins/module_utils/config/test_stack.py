from __future__ import annotations

import json

import pytest
from fakes import HOST, checked

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import MigrationSpec, Stack

JOB = {"service": "web", "command": ["migrate"]}


def test_a_stack_is_read_from_json_as_it_was() -> None:
    stack = checked(
        migrate={**JOB, "check": ["check"]},
        after_migrate=[JOB],
        static=[{"volume": "static", "hosts": [HOST], "path": "/static/"}],
        redis={"password": "p", "databases": [1, 2]},
        secrets={"key": "hunter2"},
    )
    text = json.dumps(state_file.as_json(stack))
    assert "hunter2" not in text
    assert state_file.from_json(Stack, json.loads(text)) == stack


def test_keys_of_a_later_version_survive_wherever_they_are() -> None:
    content = state_file.as_json(checked(smoke=[{"path": "/"}]))
    content["added"] = 1
    content["routes"][0]["health"]["added"] = 2
    content["smoke"][0]["added"] = 3
    stack = state_file.from_json(Stack, content)
    assert state_file.as_json(stack) == content


def test_what_an_older_version_did_not_write_has_its_default() -> None:
    content = state_file.as_json(checked())
    for key in ("static", "drain", "worker_min_ready"):
        del content[key]
    assert state_file.from_json(Stack, content) == checked()


def test_jobs_run_in_the_order_of_the_inventory() -> None:
    jobs = [{"service": "web", "command": [word]} for word in "abc"]
    stack = checked(migrate=jobs[0], after_migrate=jobs[1:])
    assert [job.command for job in stack.jobs] == [("a",), ("b",), ("c",)]
    assert checked().jobs == ()


@pytest.mark.parametrize(("kind", "stops"), [(None, False), ("expand", False), ("contract", True), ("breaking", True)])
def test_some_migrations_stop_the_old_version(kind: str | None, stops: bool) -> None:
    assert MigrationSpec("web", ("migrate",), kind=kind).stops_old_version is stops


def test_the_longer_of_two_limits_ends_a_color() -> None:
    assert checked(drain=30, drain_long_lived=600).drain_limit == 600
    assert checked(drain=30).drain_limit == 30


def test_endpoints_are_routes_and_static_paths() -> None:
    static = {"volume": "static", "hosts": ["a.org"], "path": "/static/"}
    endpoints = checked(static=[static]).endpoints
    assert [(kind, index, item.hosts) for kind, index, item in endpoints] == [
        ("routes", 0, (HOST,)),
        ("static", 0, ("a.org",)),
    ]
