from __future__ import annotations

import typing as t

import pytest
from fakes import written
from fakes_config import only, problems, second

from ansible_collections.switchyard.stacks.plugins.module_utils.config import validate
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import (
    PostgresSpec,
    RateLimit,
    RedisSpec,
    WatchSpec,
)

MIGRATE = {"service": "web", "command": ["migrate"]}
POSTGRES = {"password": "p"}


def test_a_good_stack_gets_every_default() -> None:
    stacks, found = validate.check([written()], "po", "prod")
    assert found == []
    stack = stacks[0].stack
    assert stack.compose == ("docker-compose.yml",)
    assert stack.routes[0].path == "/"
    assert stack.routes[0].health.successes == 3
    assert stack.keep_previous is True


@pytest.mark.parametrize("value", [True, {}, {"seconds": 60}])
def test_a_switch_has_the_defaults_of_its_mapping(value: t.Any) -> None:
    stacks, found = validate.check([written(watch=value)], "po", "prod")
    assert (found, stacks[0].stack.watch) == ([], WatchSpec())


@pytest.mark.parametrize("value", [False, None])
def test_a_switch_may_be_off(value: t.Any) -> None:
    stacks, found = validate.check([written(watch=value)], "po", "prod")
    assert (found, stacks[0].stack.watch) == ([], None)


def test_no_other_mapping_is_a_switch() -> None:
    _stacks, found = validate.check([written(migrate=False)], "po", "prod")
    assert [str(problem).split(". ")[0] for problem in found] == ["switchyard_stacks[shop].migrate: is not a mapping"]


def test_values_get_the_type_that_the_rest_relies_on() -> None:
    stack = written(drain="15", variables={"DEBUG": False, "WORKERS": 4}, redis={"password": "p", "databases": "3"})
    stack["routes"][0]["port"] = "8000"
    checked = validate.check([stack], "po", "prod")[0][0].stack
    assert checked.drain == 15.0
    assert checked.variables == {"DEBUG": "false", "WORKERS": "4"}
    assert checked.redis
    assert checked.redis.databases == (3,)
    assert checked.routes[0].port == 8000


def test_an_empty_value_means_the_default() -> None:
    assert validate.check([written(drain=None)], "po", "prod")[0][0].stack.drain == 30


def test_problems_of_every_kind_and_stack_come_together() -> None:
    wrong = {"name": "shop", "rotes": [], "drain": "long", "keep_previous": "perhaps"}
    found = problems(wrong, second(routes=[]), project="Po")
    expected = [
        "switchyard_project: 'Po' is not a valid name",
        "switchyard_stacks[shop].rotes: unknown key. Did you mean 'routes'?",
        "switchyard_stacks[shop].source: is missing. Write source: <mapping>",
        "switchyard_stacks[shop].drain: a str is not a number",
        "switchyard_stacks[shop].keep_previous: a str is not true or false",
        "switchyard_stacks[blog].routes: blue_green needs at least one",
    ]
    assert len(found) == len(expected)
    assert all(any(line.startswith(start) for line in found) for start in expected), found


def test_an_unknown_key_that_resembles_nothing_lists_the_keys() -> None:
    assert "Known keys are name, source, compose" in only(written(zzz=1))


def test_a_stack_without_a_name_is_known_by_its_place() -> None:
    stack = written()
    del stack["name"]
    assert only(stack).startswith("switchyard_stacks[0].name: is missing")


@pytest.mark.parametrize("stacks", [None, [], {}, "shop"])
def test_no_stack_at_all(stacks: t.Any) -> None:
    found = validate.check(stacks, "po", "prod")[1]
    assert [problem.message for problem in found] == ["has no stack"]


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"source": "shop"}, "source", "is not a mapping"),
        ({"routes": {"service": "web"}}, "routes", "is not a list"),
        ({"workers": "celery"}, "workers", "a str is not a list of texts"),
        ({"migrate": {"service": "web", "command": "migrate now"}}, "migrate.command", "is not a command as a list"),
        ({"keep_releases": 1}, "keep_releases", "1 is too small. Write 2 or more"),
        ({"keep_releases": 2.5}, "keep_releases", "float 2.5 is not a whole number"),
        ({"drain": True}, "drain", "bool True is not a number"),
        (
            {"strategy": "red_black"},
            "strategy",
            "'red_black' is not known. Write one of blue_green, canary, recreate, in_place",
        ),
        ({"name": "My Shop"}, "name", "'My Shop' is not a valid name"),
        ({"name": "s" * 50}, "name", "is too long: with the environment"),
        (
            {"smoke": [{"host": "other.org"}]},
            "smoke[0].host",
            "other.org has no route in this stack. Write one of",
        ),
        ({"workers": ["web"]}, "workers", "web also has a route"),
        ({"workers": ["db"], "accessories": ["db"]}, "accessories", "db also has a route or is a worker"),
        ({"accessories": ["db"], "inner": ["db"]}, "inner", "db also has a route, or is a worker or an accessory"),
        ({"inner": ["web"]}, "inner", "web also has a route, or is a worker or an accessory"),
    ],
)
def test_a_wrong_value(changes: dict[str, t.Any], where: str, what: str) -> None:
    stack = written(**changes)
    message = only(stack)
    assert message.startswith(f"switchyard_stacks[{stack['name']}].{where}: ")
    assert what in message


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"port": None}, "routes[0].port: is missing"),
        ({"port": "http"}, "routes[0].port: a str is not a whole number"),
        ({"path": "api"}, "routes[0].path: 'api' does not begin with /. Write /api"),
        ({"hosts": ["Shop.example.org"]}, "is not a valid host name"),
        ({"hosts": ["https://shop.example.org"]}, "is not a valid host name"),
        ({"hosts": ["shop.example.org:80"]}, "is not a valid host name"),
        ({"health": {"pth": "/"}}, "routes[0].health.pth: unknown key. Did you mean 'path'?"),
        ({"https": "always"}, "routes[0].https: 'always' is not known. Write one of optional, redirect"),
        ({"hsts": -1}, "routes[0].hsts: -1 is too small"),
        ({"allow_ips": ["10.0.0.0/33"]}, "routes[0].allow_ips: a list is not a list of addresses or networks"),
        ({"allow_ips": "10.0.0.1"}, "routes[0].allow_ips: a str is not a list of addresses or networks"),
        ({"basic_auth": "Staff Only"}, "routes[0].basic_auth: 'Staff Only' is not a valid name. Write the name"),
        ({"rate_limit": {"seconds": 1}}, "routes[0].rate_limit.requests: is missing"),
        ({"max_body_size": "20 MB"}, "routes[0].max_body_size: a str is not a size in bytes, or with k, m or g"),
        ({"response_timeout": 0}, "routes[0].response_timeout: 0.0 is too small"),
        ({"headers": {"X-A": "one\ntwo"}}, "routes[0].headers: a dict is not a mapping of header names, each"),
        ({"headers": {"X A": "one"}}, "routes[0].headers: a dict is not a mapping of header names, each"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "routes[0].headers: a dict is not a mapping of header names, each"),
        ({"headers": {"Location": "/"}}, "routes[0].headers: Location is set by the proxy itself"),
        ({"headers": {"X-Switchyard-Color": "red"}}, "X-Switchyard-Color is set by the proxy itself"),
    ],
)
def test_a_wrong_route(changes: dict[str, t.Any], what: str) -> None:
    route = {"service": "web", "port": 8000, "hosts": ["shop.example.org"], **changes}
    assert what in only(written(routes=[route]))


def test_the_rules_of_a_route_come_in_one_form() -> None:
    rules = {
        "allow_ips": ["10.1.2.3/8", "192.0.2.7"],
        "max_body_size": "20M",
        "buffer_requests": True,
        "rate_limit": {"requests": "5"},
        "headers": {"X-A": 1},
    }
    route = {"service": "web", "port": 8000, "hosts": ["shop.example.org"], **rules}
    checked = validate.check([written(routes=[route])], "po", "prod")[0][0].stack.routes[0]
    assert checked.allow_ips == ("10.0.0.0/8", "192.0.2.7/32")
    assert checked.max_body_size == 20 * 2**20
    assert checked.buffer_requests is True
    assert checked.rate_limit == RateLimit(requests=5.0, seconds=1, burst=0)
    assert checked.headers == {"X-A": "1"}
    assert (checked.https, checked.hsts, checked.response_timeout) == ("optional", 0, None)


@pytest.mark.parametrize("environment", ["Prod", "", "prod/eu", "prod_eu"])
def test_an_environment_that_can_be_no_name(environment: str) -> None:
    assert only(written(), environment=environment).startswith("switchyard_environment: ")


def test_no_message_shows_a_secret() -> None:
    wrong = [
        written(name="a", secrets="hunter2"),
        written(name="b", secrets=["hunter2"]),
        written(name="c", postgres="hunter2"),
        written(name="d", postgres={"pasword": "hunter2"}),
        written(name="e", postgres={"password": ["hunter2"]}),
        written(name="f", redis={"password": {"a": "hunter2"}, "databases": "hunter2"}),
    ]
    found = problems(*wrong)
    assert {line.split("]")[0][-1] for line in found} == set("abcdef")
    assert "hunter2" not in str(found)


def test_a_stack_names_its_secrets_and_holds_no_value() -> None:
    spec = written(secrets={"django": "s1"}, postgres={"password": "s2"}, redis={"password": "s3", "databases": [4]})
    parsed = validate.check([spec], "po", "prod")[0][0]
    assert parsed.secrets == {"django": "s1", "postgres_password": "s2", "redis_password": "s3"}
    assert parsed.stack.secrets == ("django",)
    assert parsed.stack.postgres == PostgresSpec()
    assert parsed.stack.redis == RedisSpec((4,))
    assert not any(value in str(parsed) for value in parsed.secrets.values())


def test_a_migration_of_the_shared_server_has_its_guards_by_default() -> None:
    stack = written(postgres=POSTGRES, migrate={**MIGRATE, "kind": "expand"})
    migrate = validate.check([stack], "po", "prod")[0][0].stack.migrate
    assert migrate
    assert (migrate.verify_backup, migrate.lock_timeout, migrate.retries) == ("restore", 5, 5)
    assert (migrate.check, migrate.schema_check, migrate.database) == (None, None, None)


def test_a_placeholder_among_choices_hides_no_other_problem() -> None:
    kind = "<fill in: expand or breaking>"
    stack = written(postgres=POSTGRES, migrate={**MIGRATE, "kind": kind}, workers=["a"], accessories=["a"])
    stacks, found = validate.check([stack], "po", "prod")
    assert {problem.code for problem in found} == {"inventory.placeholder", "stack.service_twice"}
    # The files of the stack and its server are checked in the same run.
    assert [item.stack.name for item in stacks] == ["shop"]
