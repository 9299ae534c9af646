from __future__ import annotations

from fakes_haproxy import STATE

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import maps as haproxy_maps
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
)


def test_users_reach_the_routes_of_what_is_live_and_a_named_color_its_own() -> None:
    routes = {
        ("po.shop.prod", "blue", "shop.org/"): "web",
        ("po.shop.prod", "blue", "old.org/"): "web",
        ("po.shop.prod", "green", "shop.org/"): "web",
        ("po.shop.prod", "green", "shop.org/api"): "api",
        ("po.new.prod", "blue", "new.org/"): "site",
    }
    maps = haproxy_maps.maps_of(ProxyState({"po.shop.prod": "blue"}, routes))
    assert maps["live_routes"] == {"shop.org/": "po.shop.prod", "old.org/": "po.shop.prod", "new.org/": "po.new.prod"}
    assert maps["preview_routes"]["green:shop.org/api"] == "po.shop.prod"
    assert maps["routes"]["po.shop.prod:green:shop.org/api"] == "api"
    assert haproxy_maps.maps_of(ProxyState({"po.shop.prod": "green"}, routes))["live_routes"] == {
        "shop.org/": "po.shop.prod",
        "shop.org/api": "po.shop.prod",
        "new.org/": "po.new.prod",
    }


def test_a_state_is_settled_when_all_maps_say_the_same() -> None:
    maps = haproxy_maps.maps_of(STATE)
    assert haproxy_maps.state_of(maps) == STATE
    half = {**maps, "live_routes": {}}
    assert haproxy_maps.state_of(half) == ProxyState(STATE.live, STATE.routes, in_sync=False)
    strange = {**maps, "routes": {**maps["routes"], "shop.org/": "po-shop/web"}}
    assert haproxy_maps.state_of(strange) == ProxyState(STATE.live, STATE.routes, in_sync=False)


def test_weights_and_closed_stacks_are_maps_of_their_own() -> None:
    after = STATE.with_weight("po.shop.prod", 25).with_availability(["po-blog-prod"], "maintenance")
    assert haproxy_maps.maps_of(after)["weights"] == {"po.shop.prod": "25"}
    assert haproxy_maps.maps_of(after)["availability"] == {"po-blog-prod": "maintenance"}
    assert haproxy_maps.state_of(haproxy_maps.maps_of(after)) == after
