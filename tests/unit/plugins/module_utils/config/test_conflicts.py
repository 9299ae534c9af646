from __future__ import annotations

from fakes import written
from fakes_config import only, problems, second


def test_files_of_a_volume_and_a_route_share_no_address() -> None:
    static = {"volume": "static", "hosts": ["shop.example.org"], "path": "/static/"}
    assert problems(written(static=[static])) == []
    assert "static[0].path: 'static/' does not begin with /" in only(written(static=[{**static, "path": "static/"}]))
    assert "route shop.example.org/ belongs to" in only(written(static=[{**static, "path": "/"}]))


def test_a_route_belongs_to_one_stack() -> None:
    rival = second(routes=[{"service": "site", "port": 80, "hosts": ["blog.example.org", "shop.example.org"]}])
    message = only(written(), rival)
    assert "route shop.example.org/ belongs to switchyard_stacks[shop].routes[0].hosts already" in message


def test_a_host_may_have_several_paths_but_each_once() -> None:
    routes = [{"service": "web", "port": 8000, "hosts": ["a.org"], "path": path} for path in ("/", "/api")]
    assert problems(written(routes=routes)) == []
    assert "route a.org/api belongs to" in only(written(routes=[*routes, routes[1]]))


def test_two_services_would_get_one_container_name() -> None:
    assert problems(written(workers=["celery"]), second(workers=["celery"])) == []
    message = only(written(workers=["eu-celery"]), second(name="shop-eu", workers=["celery"]))
    assert "switchyard_stacks[shop-eu], service celery: container po-shop-eu-celery-prod belongs to" in message
    assert "Rename a service or a stack" in message


def test_the_main_stack_of_a_project_leaves_its_name_out() -> None:
    message = only(written(name="po", workers=["blog-celery"]), second(workers=["celery"]))
    assert "container po-blog-celery-prod belongs to switchyard_stacks[po], service blog-celery already" in message


def test_two_stacks_of_one_name() -> None:
    assert "stack shop belongs to switchyard_stacks[0] already" in only(written(), second(name="shop"))


def test_a_redis_database_belongs_to_one_stack() -> None:
    mine, other = {"password": "a", "databases": [1, 2]}, {"password": "b", "databases": 2}
    assert "Redis database 2 belongs to" in only(written(redis=mine), second(redis=other))


def test_two_names_that_are_one_in_a_database() -> None:
    names = [stack["name"] for stack in (written(name="my-shop"), second(name="my_shop"))]
    postgres = {"password": "p"}
    message = only(written(name=names[0], postgres=postgres), second(name=names[1], postgres=postgres))
    assert "database my_shop_prod belongs to switchyard_stacks[my-shop].postgres already" in message
