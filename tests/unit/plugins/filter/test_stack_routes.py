from __future__ import annotations

from fakes import HOST, written

from ansible_collections.switchyard.stacks.plugins.filter.stack_routes import FilterModule

stack_routes = FilterModule().filters()["stack_routes"]


def test_a_stack_with_its_routes_and_nothing_that_could_be_a_secret() -> None:
    route = {"service": "web", "port": 8000, "hosts": [HOST], "path": "/shop/", "users": {"ann": "secret"}}
    stacks = [written(routes=[route], secrets={"key": "secret"})]
    expected = {"service": "web", "port": 8000, "hosts": [HOST], "path": "/shop/"}
    assert stack_routes(stacks) == [{"name": "shop", "routes": [expected]}]


def test_static_files_are_kept_where_they_are_asked_for() -> None:
    static = [{"volume": "static", "hosts": [HOST], "path": "/static/"}]
    assert stack_routes([written(static=static)], static=True)[0]["static"] == static
    assert set(stack_routes([written(static=static)])[0]) == {"name", "routes"}
    assert set(stack_routes([written()], static=True)[0]) == {"name", "routes"}


def test_what_runs_behind_no_proxy_is_left_out() -> None:
    assert stack_routes([written(strategy="in_place"), {"name": "worker"}]) == []
