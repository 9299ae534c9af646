from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HOST, checked
from fakes_haproxy import FILE, SHOP, STATE, Check, FakeMaster, load_state, loaded_state, made, switch

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import config, driver
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import maps as haproxy_maps
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack


def on_disk(proxy: driver.HAProxy) -> ProxyState:
    maps = {
        name: dict(line.split(" ") for line in (proxy.folder / "maps" / f"{name}.map").read_text().splitlines())
        for name in haproxy_maps.MAPS
    }
    return haproxy_maps.state_of(maps)


def test_only_root_reads_users(proxy: driver.HAProxy, check: Check) -> None:
    (proxy.folder / "users").mkdir()
    (proxy.folder / "users" / "prod.staff.htpasswd").write_text("anna:$6$a$b\nbert:$6$c$d\n")
    there = made(proxy.folder, check, uid=os.getuid(), users=["prod.staff"])
    found = there.own_files("global\n")
    assert found["00-proxy.cfg"] == "global\n"
    assert found["05-users.cfg"].endswith(
        "\nuserlist prod.staff\n    user anna password $6$a$b\n    user bert password $6$c$d\n"
    )
    there.apply(lambda state: ProxyPlan(state, state, found))
    for folder in ("conf.d", "staged"):
        modes = {name: (proxy.folder / folder / name).stat().st_mode & 0o777 for name in found}
        assert modes == {"00-proxy.cfg": 0o644, "05-users.cfg": 0o600}


def test_requests_that_were_held_go_on_when_the_color_is_live(proxy: driver.HAProxy, master: FakeMaster) -> None:
    load_state(master, STATE.with_availability(["po.shop.prod"], "held"))
    proxy.apply(switch("green"))
    commits = [line.split("/")[-1] for line in master.log if " commit map " in line]
    assert commits == ["live.map", "availability.map"]


def test_routes_that_a_stack_no_longer_has_are_forgotten_and_no_others(proxy: driver.HAProxy) -> None:
    others = {
        ("po.blog.prod", "green", "blog.org/"): "site",
        ("po.shop.qual", "green", "y.org/"): "web",
        ("po.shop.prod", "blue", "old.org/"): "web",
    }
    mine = {("po.shop.prod", "green", "old.org/"): "web", ("po.shop.prod", "green", f"{HOST}/"): "old"}
    plan = proxy.plan_routes(ProxyState({}, {**others, **mine}), SHOP, "green")
    assert plan.after.routes == {**others, ("po.shop.prod", "green", f"{HOST}/"): "web"}
    assert plan.after.stack_of_route("old.org/") == "po.shop.prod"
    assert plan.after.stack_of_route("nobody.org/") is None
    assert plan.after.routes_of("po.shop.prod", "green") == {f"{HOST}/": "web"}


def test_routes_that_are_known_need_nothing(proxy: driver.HAProxy) -> None:
    assert proxy.plan_routes(STATE, SHOP, "green").changed
    (proxy.folder / "conf.d" / FILE).write_text(config.configuration(SHOP, "green"))
    assert not proxy.plan_routes(STATE, SHOP, "green").changed
    assert proxy.plan_routes(ProxyState(STATE.live, {}), SHOP, "green").changed
    several = routes_of_stack(checked(), "po", "prod", {"web": 2})
    assert proxy.plan_routes(STATE, several, "green").changed
    assert proxy.plan_routes(replace(STATE, in_sync=False), SHOP, "green").changed


def test_read_asks_the_current_worker_and_not_the_files(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    master.maps["22"] = haproxy_maps.maps_of(ProxyState({"po.shop.prod": "green"}, {}))
    (proxy.folder / "maps" / "live.map").write_text("po.shop.prod blue\n")
    assert proxy.read() == ProxyState({"po.shop.prod": "green"}, {})


def test_a_proxy_that_does_not_answer_is_reported(tmp_path: Path, check: Check) -> None:
    with pytest.raises(SwitchyardError, match=r"answer on .*master\.sock.*'docker logs po-proxy', then run setup\.yml"):
        made(tmp_path, check).read()
    with pytest.raises(SwitchyardError, match=r"'journalctl --unit po-proxy\.service', then"):
        made(tmp_path, check, unit="po-proxy.service").read()


def test_a_switch_is_one_commit_and_no_reload(proxy: driver.HAProxy, master: FakeMaster) -> None:
    plan = proxy.apply(switch("green"))
    assert plan.changed
    assert loaded_state(master).live == {"po.shop.prod": "green", "po-blog-prod": "green"}
    assert loaded_state(master).routes == STATE.routes
    assert on_disk(proxy) == loaded_state(master)
    assert "reload" not in master.log
    commands = [line for line in master.log if " map " in line and " show " not in line]
    assert [line.split()[1] for line in commands] == ["prepare", "add", "commit"]
    assert all("live.map" in line for line in commands)


def test_routes_that_only_the_new_color_has_reach_users_with_the_switch(
    proxy: driver.HAProxy, master: FakeMaster
) -> None:
    more = {"service": "web", "port": 8000, "hosts": ["new.org"]}
    proxy.apply(
        lambda state: proxy.plan_routes(state, routes_of_stack(checked(routes=[more]), "po", "prod", {}), "green")
    )
    assert "new.org/" not in master.maps["12"]["live_routes"]
    proxy.apply(switch("green"))
    assert master.maps["12"]["live_routes"] == {"new.org/": "po.shop.prod", "blog.org/": "po-blog-prod"}
    assert haproxy_maps.state_of(master.maps["12"]).in_sync


def test_the_files_are_written_before_the_running_process_hears_of_it(
    proxy: driver.HAProxy, master: FakeMaster
) -> None:
    seen = []

    def look(line: str) -> None:
        if "prepare map" in line:
            seen.append(on_disk(proxy).live["po.shop.prod"])

    master.before_answer = look
    proxy.apply(switch("green"))
    assert seen == ["green"]


def test_nothing_to_do_asks_and_writes_nothing(proxy: driver.HAProxy, master: FakeMaster) -> None:
    assert not proxy.apply(switch("blue")).changed
    assert not any("prepare" in line or line == "reload" for line in master.log)
    assert list((proxy.folder / "maps").iterdir()) == []


@pytest.mark.parametrize("words", ["prepare map /etc/switchyard/maps/live", "add map @2 /etc/switchyard/maps/live"])
def test_a_refused_switch_puts_everything_back(proxy: driver.HAProxy, master: FakeMaster, words: str) -> None:
    master.refuse = {words: "Unknown map identifier. Please use #<id> or <file>."}
    with pytest.raises(SwitchyardError, match="Unknown map identifier"):
        proxy.apply(switch("green"))
    assert on_disk(proxy) == STATE
    assert loaded_state(master).live == STATE.live


def test_new_routes_are_checked_reloaded_and_loaded(proxy: driver.HAProxy, master: FakeMaster, check: Check) -> None:
    (proxy.folder / "conf.d" / "00-proxy.cfg").write_text("global\n")
    (proxy.folder / "staged" / "50-retired.cfg").write_text("backend gone\n")
    load_state(master, ProxyState({}, {}))
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert check.staged == [{"00-proxy.cfg": "global\n", FILE: config.configuration(SHOP, "green")}]
    assert (proxy.folder / "conf.d" / FILE).read_text() == config.configuration(SHOP, "green")
    assert master.log.count("reload") == 1
    assert loaded_state(master).routes == {("po.shop.prod", "green", f"{HOST}/"): "web"}


def test_a_configuration_that_the_check_refuses_is_not_put_in_place(
    proxy: driver.HAProxy, master: FakeMaster, check: Check
) -> None:
    check.validate_config = "parsing [50-po.shop.prod-green.cfg:3]: unknown keyword"
    with pytest.raises(SwitchyardError, match="old one stays: parsing"):
        proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert list((proxy.folder / "conf.d").iterdir()) == []
    assert list((proxy.folder / "maps").iterdir()) == []
    assert "reload" not in master.log


@pytest.mark.parametrize("before", [None, "backend po.shop.prod_old_green\n"])
def test_a_refused_reload_restores_the_files(proxy: driver.HAProxy, master: FakeMaster, before: str | None) -> None:
    file = proxy.folder / "conf.d" / FILE
    if before:
        file.write_text(before)
    master.reload_answer = "Success=0\n--\n[ALERT]    (1) : [haproxy.main()] Cannot bind\n"
    moved = routes_of_stack(
        checked(routes=[{"service": "web", "port": 8000, "hosts": ["new.example.org"]}]), "po", "prod", {}
    )
    with pytest.raises(SwitchyardError, match="refused the reload, the old configuration is back: Success=0"):
        proxy.apply(lambda state: proxy.plan_routes(state, moved, "green"))
    assert (file.read_text() if file.exists() else None) == before
    assert on_disk(proxy) == STATE
    assert loaded_state(master) == STATE


def test_servers_of_a_color_are_aimed_at_in_the_worker_that_takes_them(
    proxy: driver.HAProxy, master: FakeMaster
) -> None:
    master.workers = ["22", "12"]
    proxy.set_server_addresses(SHOP, "green", {"web": "172.18.0.5"})
    command = "set server po.shop.prod_web_green/web1 addr 172.18.0.5 port 8000"
    assert [line for line in master.log if "set server" in line] == [f"@!22 {command}"]


def test_several_containers_are_left_to_dns(proxy: driver.HAProxy, master: FakeMaster) -> None:
    proxy.set_server_addresses(routes_of_stack(checked(), "po", "prod", {"web": 2}), "green", {"web": "172.18.0.5"})
    assert not any("set server" in line for line in master.log)


def test_a_port_that_stays_gets_no_new_address(master: FakeMaster, tmp_path: Path, check: Check) -> None:
    proxy = made(tmp_path / "proxy", check, ports=[20000, 24999])
    proxy.set_server_addresses(SHOP, "green", {"web": "172.18.0.5"})
    assert master.log == []


def test_a_stack_is_forgotten_whole_and_the_others_are_not(
    proxy: driver.HAProxy, master: FakeMaster, check: Check
) -> None:
    for color in ("blue", "green"):
        proxy.apply(lambda state, color=color: proxy.plan_routes(state, SHOP, color))  # type: ignore[misc]
    assert FILE in proxy.files_of("po.shop.prod")
    done = proxy.apply(lambda state: proxy.plan_forget(state, "po.shop.prod"))
    assert done.after == STATE.without("po.shop.prod")
    assert loaded_state(master) == on_disk(proxy) == done.after
    assert done.after.known_stacks() == {"po-blog-prod"}
    assert list((proxy.folder / "conf.d").glob("50-po.shop.prod-*")) == []
    assert FILE not in check.staged[-1]
    assert not proxy.apply(lambda state: proxy.plan_forget(state, "po.shop.prod")).changed


def test_a_stack_that_the_proxy_does_not_forget_keeps_its_files(proxy: driver.HAProxy, master: FakeMaster) -> None:
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    master.reload_answer = "Success=0\n--\nno\n"
    with pytest.raises(SwitchyardError, match="refused the reload"):
        proxy.apply(lambda state: proxy.plan_forget(state, "po.shop.prod"))
    assert (proxy.folder / "conf.d" / FILE).exists()
    assert on_disk(proxy).known_stacks() == STATE.known_stacks()


def test_a_foreign_file_is_reported_in_haproxys_words(proxy: driver.HAProxy, check: Check) -> None:
    folder = proxy.folder / "conf.d"
    for name in (proxy.own_file, FILE, ".50-half.cfg.1.tmp"):
        (folder / name).write_text("ours")
    assert proxy.foreign_files(STATE) == []
    (folder / "99-theirs.cfg").write_text("fronted x")
    assert proxy.foreign_files(STATE) == ["99-theirs.cfg"]
    assert proxy.validate_config() is None
    check.validate_config = "parsing [/etc/switchyard/staged/99-theirs.cfg:1]"
    assert proxy.validate_config() == f"parsing [{folder}/99-theirs.cfg:1]"
    assert "99-theirs.cfg" in check.staged[-1]
