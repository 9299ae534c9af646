from __future__ import annotations

from pathlib import Path

from fakes import checked
from fakes_haproxy import FILE, SHOP, STATE, Check, FakeMaster, load_state, made

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import config, driver, route_options
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    Route,
    StackRoutes,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack


def test_a_color_has_a_backend_per_service_with_its_number_of_servers() -> None:
    routes = (Route("web", 8000, "a.org", "/"), Route("web", 8000, "b.org", "/"), Route("my_api", 90, "a.org", "/api"))
    text = config.configuration(StackRoutes("po", "prod", "shop", routes, {"web": 2}), "green")
    assert driver.backends_in({"": text}) == {"po.shop.prod_web_green", "po.shop.prod_my_api_green"}
    assert "    server-template web 2 po-shop-web-prod-green:8000" in text
    assert "    server-template my_api 1 po-shop-my_api-prod-green:90" in text


def test_a_color_with_rates_has_tables_that_are_not_its_backends() -> None:
    route = Route("web", 8000, "a.org", "/", RouteOptions(rate_limit=Rate(1, 1, 0)))
    text = config.configuration(StackRoutes("po", "prod", "shop", (route,)), "green")
    assert driver.backends_in({"": text}) == {"po.shop.prod_web_green", "po.shop.prod_web_green_rate1"}
    assert "    acl options1 var(txn.options) -m int 1\n" in text


def test_a_color_that_is_published_is_found_at_its_ports(master: FakeMaster, tmp_path: Path, check: Check) -> None:
    load_state(master, STATE)
    proxy = made(tmp_path / "proxy", check, ports=[20000, 24999])
    twice = routes_of_stack(checked(), "po", "prod", {"web": 2}, {"web": [20000, 20001]})
    assert proxy.plan_routes(STATE, twice, "green").files[FILE].splitlines()[2:] == [
        "backend po.shop.prod_web_green",
        f"    {route_options.body_rule()}",
        "    server web1 127.0.0.1:20000",
        "    server web2 127.0.0.1:20001",
    ]
    # Before its first release it is published nowhere.
    assert "    server" not in proxy.plan_routes(STATE, SHOP, "green").files[FILE].partition("backend")[2]
