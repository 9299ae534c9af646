from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HOST, FakeEngine, colored, container
from fakes_traefik import (
    ADDRESS,
    FILE,
    FULL,
    INVALID,
    KEY,
    SERVERS,
    SHOP,
    STATE,
    FakeTraefik,
    close,
    marks,
    routes,
    switch,
)

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import sockets
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
    Route,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    api,
    driver,
    dynamic_config,
)


def test_a_release_from_nothing_to_a_switch_and_back(proxy: driver.Traefik) -> None:
    routes(proxy, "blue")
    assert proxy.read() == ProxyState({}, {(KEY, "blue", f"{HOST}/"): "web"})
    switch(proxy, "blue")
    routes(proxy, "green")
    assert proxy.read() == STATE
    switch(proxy, "green")
    assert proxy.read().live == {KEY: "green"}
    switch(proxy, "blue")
    assert proxy.read() == STATE


def test_what_exists_already_is_not_a_change(shop: driver.Traefik) -> None:
    assert not shop.plan_routes(shop.read(), SHOP, "green").changed
    assert not switch(shop, "blue").changed


def test_a_release_takes_its_routes_away(shop: driver.Traefik) -> None:
    routes(shop, "green", replace(SHOP, routes=()))
    assert shop.read().routes_of(KEY, "green") == {}
    switch(shop, None)
    routes(shop, "blue", replace(SHOP, routes=()))
    assert shop.read() == ProxyState()


def test_another_port_is_a_change(shop: driver.Traefik, running: FakeTraefik) -> None:
    routes(shop, "green", replace(SHOP, routes=(Route("web", 9000, HOST, "/"),)))
    assert api.servers_of(running.raw) == {**SERVERS, f"{KEY}:green:web": "http://po-shop-web-prod-green:9000"}


def test_only_the_proxy_reads_a_file_with_the_key(shop: driver.Traefik, folder: Path) -> None:
    for name in ("conf.d", "staged"):
        assert (folder / name / FILE).stat().st_mode & 0o777 == 0o600


def test_a_foreign_change_is_not_in_sync(shop: driver.Traefik, running: FakeTraefik) -> None:
    running.frozen = True
    running.raw["routers"][f"{KEY}:public:{HOST}/@file"]["rule"] = "Host(`evil.org`)"
    assert not shop.read().in_sync
    assert shop.plan_switch(shop.read(), KEY, "blue").changed


def test_a_change_that_is_not_taken_over_is_taken_back(
    shop: driver.Traefik, running: FakeTraefik, folder: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LOAD_LIMIT", 0.2)
    before = (folder / "conf.d" / FILE).read_text()
    running.frozen = True
    engine.written["po-proxy"] = [json.dumps({"level": "info", "msg": ""}), INVALID]
    with pytest.raises(SwitchyardError, match=r"the old configuration is back: foreign\.yml: field not found"):
        switch(shop, "green")
    assert (folder / "conf.d" / FILE).read_text() == before


def test_the_first_file_of_a_stack_that_is_not_taken_over_is_removed(
    proxy: driver.Traefik, running: FakeTraefik, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LOAD_LIMIT", 0.2)
    running.frozen = True
    with pytest.raises(SwitchyardError, match="is missing"):
        routes(proxy, "blue")
    assert not (folder / "conf.d" / FILE).exists()


def test_the_proxys_own_file_is_confirmed_as_well(shop: driver.Traefik, running: FakeTraefik, folder: Path) -> None:
    own = {"http": {"middlewares": {"switchyard:public": {"headers": {}}}}}

    def plan(state: ProxyState) -> ProxyPlan:
        return ProxyPlan(state, state, {shop.own_file: "# by the role\n" + json.dumps(own)}, {})

    shop.apply(plan)
    assert "switchyard:public@file" in running.raw["middlewares"]


def test_a_release_brings_its_rules_and_the_switch_makes_them_hold(shop: driver.Traefik, running: FakeTraefik) -> None:
    routing = replace(SHOP, routes=(Route("web", 8000, HOST, "/", FULL),))
    assert routes(shop, "green", routing).changed
    assert not shop.plan_routes(shop.read(), routing, "green").changed
    assert api.options_in(running.raw) == {(KEY, "green", ADDRESS): FULL}
    assert shop.read().in_sync
    assert marks({"routers": _plain(running)}, f"public:{ADDRESS}") == []
    switch(shop, "green")
    assert "users-green" in marks({"routers": _plain(running)}, f"public:{ADDRESS}")
    assert shop.stats(KEY, "green").keys() == {f"{KEY}:green:web"}
    routes(shop, "green", SHOP)
    assert api.options_in(running.raw) == {}


def _plain(running: FakeTraefik) -> dynamic_config.Document:
    return {name.removesuffix("@file"): router for name, router in running.raw["routers"].items()}


def test_other_settings_reach_the_files_of_all_stacks(shop: driver.Traefik, running: FakeTraefik) -> None:
    close(shop, "maintenance")
    shop.bypass_ips = ("10.0.0.0/8",)
    assert not shop.read().in_sync
    shop.apply(lambda state: ProxyPlan(state, replace(state, in_sync=True)))
    assert f"{KEY}:bypass:{HOST}/@file" in running.raw["routers"]


def test_another_key_of_an_environment_reaches_the_files_of_all_stacks(
    shop: driver.Traefik, running: FakeTraefik, folder: Path
) -> None:
    (folder / "preview-keys.json").write_text('{"prod": {"header": "X-Preview", "value": "secret"}}')
    assert not shop.read().in_sync
    shop.apply(lambda state: ProxyPlan(state, replace(state, in_sync=True)))
    assert 'Header("X-Preview", "secret")' in running.raw["routers"][f"{KEY}:keyed:{HOST}/@file"]["rule"]


def test_open_connections_are_requests_in_flight(
    shop: driver.Traefik, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.start(colored("blue", 1, pid=71), colored("green", 2, pid=72), colored("blue", 1, service="celery", pid=73))
    monkeypatch.setattr(sockets, "open_to", lambda pid, port: {(71, 8000): 3, (73, 8000): 9}.get((pid, port), 0))
    assert (shop.in_flight(KEY, "blue"), shop.in_flight(KEY, "green")) == (3, 0)
    assert shop.stats(KEY, "blue") == {
        f"{KEY}:blue:web": {"status": "enabled", "address": "http://po-shop-web-prod-blue:8000", "in_flight": 3}
    }


def test_a_proxy_that_does_not_answer_is_reported(
    shop: driver.Traefik, running: FakeTraefik, engine: FakeEngine
) -> None:
    running.key = "another"
    with pytest.raises(SwitchyardError, match=r"API does not answer \(status 401\).*docker logs po-proxy.*setup\.yml"):
        shop.read()
    engine.remove([container("po-proxy")])
    with pytest.raises(SwitchyardError, match="the container po-proxy does not run"):
        shop.read()


def test_the_way_to_the_api_holds_no_key(proxy: driver.Traefik) -> None:
    (name, text), *rest = proxy.first_files().items()
    assert (name, rest) == ("01-api.yml", [])
    assert "the-key" not in text
    router = dynamic_config.parse(text)["http"]["routers"]["switchyard:api"]
    assert (router["service"], router["entryPoints"]) == ("api@internal", ["private"])
    assert router["middlewares"] == ["switchyard:api@file"]


def test_addresses_need_no_command(shop: driver.Traefik, folder: Path) -> None:
    before = atomic_file.read(folder / "conf.d" / FILE)
    shop.set_server_addresses(SHOP, "green", {"web": "172.18.0.4"})
    assert atomic_file.read(folder / "conf.d" / FILE) == before


def test_a_stack_is_forgotten_with_its_file(shop: driver.Traefik, trial: FakeTraefik, folder: Path) -> None:
    close(shop, "maintenance")
    done = shop.apply(lambda state: shop.plan_forget(state, KEY))
    assert shop.read() == done.after == ProxyState()
    assert not (folder / "conf.d" / dynamic_config.file_name(KEY)).exists()
    assert not shop.apply(lambda state: shop.plan_forget(state, KEY)).changed


def test_a_stack_that_traefik_does_not_forget_keeps_its_file(
    shop: driver.Traefik, running: FakeTraefik, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LOAD_LIMIT", 0.05)
    stale = running.raw
    monkeypatch.setattr(shop.api, "rawdata", lambda port=None: stale if port is None else {})
    with pytest.raises(SwitchyardError, match="still exists"):
        shop.apply(lambda state: shop.plan_forget(state, KEY))
    assert (folder / "conf.d" / dynamic_config.file_name(KEY)).exists()
