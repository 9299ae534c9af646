from __future__ import annotations

import re

from fakes_nginx import KEY, ROUTES, SHOP

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import (
    config,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import flags as nginx_flags
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
    Route,
    StackRoutes,
    StaticFiles,
)


def test_a_color_says_where_its_services_are() -> None:
    routes = (Route("web", 8000, "a.org", "/"), Route("web", 8000, "b.org", "/"), Route("my_api", 90, "a.org", "/api"))
    text = config.servers(StackRoutes("po", "prod", "shop", routes, {"web": 2}), "green")
    assert '"po.shop.prod:green:web" po-shop-web-prod-green:8000;\n' in text
    assert '"po.shop.prod:green:my_api" po-shop-my_api-prod-green:90;\n' in text
    assert config.ports_in(text) == {"web": 8000, "my_api": 90}
    assert config.ports_in(config.servers(StackRoutes("po", "prod", "shop", ()), "green")) == {}


def test_a_file_is_a_way_like_any_other() -> None:
    routing = StackRoutes(
        "po", "prod", "shop", SHOP.routes, static=(StaticFiles("po-shop-static-prod", "a.org", "/static/"),)
    )
    state = ProxyState().with_routes(routing, "green")
    text = config.full_config({}, state.routes, "key")[0][config.ROUTES]
    assert '"volume:po-shop-static-prod";' in text
    reported = "\n".join(re.findall(r"\${sy_state}(.*)\\n\"", text))
    assert nginx_flags.parse_state(reported)[1] == state.routes


def test_the_running_process_answers_with_its_mark_and_routes() -> None:
    strange = {(KEY, "blue", "a.org/x y$z"): "web"}
    whole, mark = config.full_config({}, strange, "key")
    assert nginx_flags.mark_in(whole[config.ROUTES]) == mark
    assert "$z" not in whole[config.ROUTES]
    reported = "\n".join(re.findall(r"\${sy_state}(.*)\\n\"", whole[config.ROUTES]))
    assert nginx_flags.parse_state(reported) == (mark, strange)


def test_a_mark_is_of_everything_that_nginx_loads() -> None:
    marks = [
        config.full_config({}, ROUTES, "key")[1],
        config.full_config({"50-a.map": ""}, ROUTES, "key")[1],
        config.full_config({}, {}, "key")[1],
        config.full_config({}, ROUTES, "other")[1],
    ]
    assert len(set(marks)) == len(marks)
    whole, mark = config.full_config({"50-a.map": ""}, ROUTES, "key")
    assert config.full_config(whole, ROUTES, "key") == (whole, mark)
