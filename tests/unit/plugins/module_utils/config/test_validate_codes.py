"""The code of each mistake of an inventory, one mistake at a time."""

from __future__ import annotations

import typing as t

import pytest
from fakes import HOST, written

from ansible_collections.switchyard.stacks.plugins.module_utils.config import validate

ROUTE = {"service": "web", "port": 8000, "hosts": [HOST]}
MIGRATE = {"service": "web", "command": ["true"]}
POSTGRES = {"postgres": {"password": "hunter2"}}
BLOG = {"name": "blog", "source": {"path": "blog"}, "routes": [{**ROUTE, "hosts": ["blog.org"]}]}
REDIS = {"redis": {"password": "hunter2", "databases": [3]}}

MISTAKES: list[tuple[str, str, list[dict[str, t.Any]]]] = [
    ("inventory.key_unknown", "[shop].rotes", [written(rotes=[])]),
    ("inventory.key_missing", "[shop].source", [{"name": "shop", "routes": [ROUTE]}]),
    ("inventory.type", "[shop].routes[0].port", [written(routes=[{**ROUTE, "port": "high"}])]),
    ("inventory.choice", "[shop].strategy", [written(strategy="purple")]),
    ("inventory.placeholder", "[shop].routes[0].hosts", [written(routes=[{**ROUTE, "hosts": ["<fill in: a host>"]}])]),
    ("inventory.placeholder", "[shop].routes[0].port", [written(routes=[{**ROUTE, "port": "<fill in: a port>"}])]),
    ("inventory.placeholder", "[shop].strategy", [written(strategy="<fill in: a strategy>")]),
    ("inventory.placeholder", "[shop].variables.TAG", [written(variables={"TAG": "1-<fill in: a tag>"})]),
    ("inventory.placeholder", "[shop].secrets.key", [written(secrets={"key": "<fill in: a key>"})]),
    ("inventory.too_small", "[shop].keep_releases", [written(keep_releases=1)]),
    ("stack.no_routes", "[shop].routes", [written(routes=[])]),
    ("stack.smoke_host", "[shop].smoke[0].host", [written(smoke=[{"host": "other.org"}])]),
    ("stack.service_twice", "[shop].accessories", [written(workers=["twice"], accessories=["twice"])]),
    (
        "stack.secret_reserved",
        "[shop].secrets.postgres_password",
        [written(secrets={"postgres_password": "x"}, **POSTGRES)],
    ),
    ("migration.kind_missing", "[shop].migrate.kind", [written(migrate=MIGRATE, **POSTGRES)]),
    ("route.host", "[shop].routes[0].hosts", [written(routes=[{**ROUTE, "hosts": ["*.*.example.org"]}])]),
    ("route.path", "[shop].routes[0].path", [written(routes=[{**ROUTE, "path": "/a/../b"}])]),
    ("route.duplicate", "[shop].routes[0].hosts", [{**BLOG, "routes": [ROUTE]}, written()]),
    ("redis.database_duplicate", "[shop].redis.databases", [{**BLOG, **REDIS}, written(**REDIS)]),
]


@pytest.mark.parametrize(("code", "where", "stacks"), MISTAKES)
def test_a_mistake_has_its_code_and_its_place(code: str, where: str, stacks: list[dict[str, t.Any]]) -> None:
    _stacks, problems = validate.check(stacks, "po", "prod")
    assert [(problem.code, problem.where) for problem in problems] == [(code, f"switchyard_stacks{where}")]
    assert all(problem.severity == "error" for problem in problems)
