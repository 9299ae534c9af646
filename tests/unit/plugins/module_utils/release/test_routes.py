from __future__ import annotations

from fakes import checked

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack


def test_every_host_of_every_route_leads_to_its_service() -> None:
    routes = [
        {"service": "web", "port": 8000, "hosts": ["a.org", "b.org"]},
        {"service": "api", "port": 9000, "hosts": ["a.org"], "path": "/api"},
    ]
    routing = routes_of_stack(checked(routes=routes), "po", "prod", {"web": 2})
    assert [(route.host + route.path, route.service, route.port) for route in routing.routes] == [
        ("a.org/", "web", 8000),
        ("b.org/", "web", 8000),
        ("a.org/api", "api", 9000),
    ]
    assert routing.services() == {"web": 8000, "api": 9000}
    assert (routing.key, routing.server("api", "blue")) == ("po.shop.prod", "po-shop-api-prod-blue")


def test_the_rules_and_the_files_of_a_stack() -> None:
    routes = [{"service": "web", "port": 8000, "hosts": ["a.org"], "hsts": 60}]
    static = [{"volume": "static", "hosts": ["a.org", "b.org"], "path": "/static/"}]
    routing = routes_of_stack(checked(routes=routes, static=static), "po", "prod", {})
    assert [route.options for route in routing.routes] == [RouteOptions(hsts=60)]
    assert [(way.volume, way.host + way.path) for way in routing.static] == [
        ("po-shop-static-prod", "a.org/static/"),
        ("po-shop-static-prod", "b.org/static/"),
    ]
