from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
    Route,
    StackRoutes,
)

SHOP, BLOG = "po.shop.prod", "po.blog.prod"
STATE = ProxyState(
    {SHOP: "blue", BLOG: "green"},
    {(SHOP, "blue", "shop.org/"): "web", (SHOP, "green", "shop.org/"): "web", (BLOG, "green", "blog.org/"): "site"},
)


def test_a_color_gets_exactly_its_routes_and_no_other_loses_one() -> None:
    routing = StackRoutes("po", "prod", "shop", (Route("api", 8000, "shop.org", "/api"),))
    after = STATE.with_routes(routing, "green")
    assert after.routes_of(SHOP, "green") == {"shop.org/api": "api"}
    assert after.routes_of(SHOP, "blue") == {"shop.org/": "web"}
    assert after.routes_of(BLOG, "green") == {"blog.org/": "site"}
    assert STATE.with_routes(StackRoutes("po", "prod", "shop", ()), "green").routes_of(SHOP, "green") == {}


def test_who_has_an_address() -> None:
    assert STATE.stack_of_route("shop.org/") == SHOP
    assert STATE.stack_of_route("shop.org/api") is None


def test_a_switch_changes_its_own_stack_only() -> None:
    plan = Proxy.plan_switch(STATE, SHOP, "green")
    assert plan.changed
    assert plan.after == ProxyState({SHOP: "green", BLOG: "green"}, STATE.routes)
    assert not Proxy.plan_switch(STATE, SHOP, "blue").changed
    assert Proxy.plan_switch(STATE, SHOP, None).after.live == {BLOG: "green"}


def test_a_canary_ends_with_the_switch() -> None:
    canary = Proxy.plan_weight(STATE, SHOP, 25).after
    assert canary.weights == {SHOP: 25}
    assert Proxy.plan_weight(canary, SHOP, 0).after == STATE
    assert Proxy.plan_switch(canary, SHOP, "green").after.weights == {}


def test_stacks_are_closed_and_opened_together() -> None:
    closed = Proxy.plan_availability(STATE, [SHOP, BLOG], "maintenance").after
    assert closed.availability == {SHOP: "maintenance", BLOG: "maintenance"}
    assert Proxy.plan_availability(closed, [BLOG], None).after.availability == {SHOP: "maintenance"}
    assert not Proxy.plan_availability(closed, [SHOP], "maintenance").changed


def test_a_switch_lets_held_requests_go_on_and_leaves_a_maintenance_page_up() -> None:
    held = Proxy.plan_availability(STATE, [SHOP], "held").after
    assert Proxy.plan_switch(held, SHOP, "green").after.availability == {}
    shown = Proxy.plan_availability(STATE, [SHOP], "maintenance").after
    assert Proxy.plan_switch(shown, SHOP, "green").after.availability == {SHOP: "maintenance"}


def test_a_routing_knows_its_services_and_their_names_on_a_color() -> None:
    routing = StackRoutes("po", "prod", "shop", (Route("web", 8000, "a.org", "/"), Route("web", 8000, "b.org", "/")))
    assert (routing.key, routing.services()) == (SHOP, {"web": 8000})
    assert routing.server("web", "blue") == "po-shop-web-prod-blue"


def test_a_plan_changes_something_when_state_or_files_differ() -> None:
    assert not ProxyPlan(STATE, STATE).changed
    assert ProxyPlan(STATE, STATE.with_weight(SHOP, 5)).changed
    assert ProxyPlan(STATE, STATE, {"a": "new"}, {"a": "old"}).changed
    assert not ProxyPlan(STATE, STATE, {"a": "same"}, {"a": "same"}).changed
