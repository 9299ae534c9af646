from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HOST, FakeEngine, checked, colored
from fakes_nginx import KEY, SHOP, STATE, FakeNginx, load_state

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import sockets
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import (
    config,
    driver,
    preview_keys,
    route_options,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack

FILE, RULES = f"50-{KEY}-green.map", f"50-{KEY}-green.json"


def on_disk(proxy: driver.Nginx) -> set[str]:
    return {path.name for path in (proxy.folder / "flags").iterdir()}


def switch(color: str | None) -> t.Callable[[ProxyState], ProxyPlan]:
    return lambda state: Proxy.plan_switch(state, KEY, color)


def test_volumes_are_those_of_the_container(proxy: driver.Nginx, engine: FakeEngine, running: FakeNginx) -> None:
    assert proxy.serves_files
    assert proxy.volumes() == ()
    engine.start(replace(colored("green", 1), name="po-proxy", volumes=("po-shop-static-prod",)))
    assert proxy.volumes() == ("po-shop-static-prod",)
    settings = {"unit": "po-proxy.service", "address": "127.0.0.1", "port": 80}
    assert not driver.Nginx(running.folder, settings, engine).serves_files  # type: ignore[arg-type]


def test_read_asks_the_running_process_and_not_the_files(proxy: driver.Nginx, running: FakeNginx) -> None:
    assert proxy.read() == STATE
    for name, text in config.full_config({}, {}, "key")[0].items():
        (proxy.folder / "conf.d" / name).write_text(text)
    assert proxy.read() == replace(STATE, in_sync=False)
    running.load()
    assert proxy.read().routes == {}
    running.blind = True
    assert proxy.read().live == {}


def test_a_proxy_that_does_not_answer_is_reported(tmp_path: Path, engine: FakeEngine) -> None:
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80}
    proxy = driver.Nginx(tmp_path, settings, engine)  # type: ignore[arg-type]
    with pytest.raises(SwitchyardError, match=r"answer on .*admin\.sock.*'docker logs po-proxy', then run setup\.yml"):
        proxy.read()


def test_in_flight_is_what_is_open_to_the_containers_of_the_color(
    proxy: driver.Nginx, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (proxy.folder / "conf.d" / FILE).write_text(config.servers(SHOP, "green"))
    engine.start(colored("green", 2, pid=7), colored("blue", 1, pid=8), colored("green", 2, service="side", pid=9))
    open_now = {(7, 8000): 3, (8, 8000): 40, (9, 8000): 500}
    monkeypatch.setattr(sockets, "open_to", lambda pid, port: open_now[pid, port])
    assert proxy.in_flight(KEY, "green") == 3
    assert proxy.stats(KEY, "green") == {"po-shop-web-prod-green": {"status": "running", "in_flight": 3}}
    assert proxy.in_flight("po.blog.prod", "green") == 0
    engine.start(colored("green", 2, state="exited"))
    assert proxy.in_flight(KEY, "green") == 0


def test_a_color_that_is_published_is_a_group_of_ports(
    proxy: driver.Nginx, running: FakeNginx, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.ports = (20000, 24999)
    twice = routes_of_stack(checked(), "po", "prod", {"web": 2}, {"web": [20000, 20001]})
    proxy.apply(lambda state: proxy.plan_routes(state, twice, "green"))
    group, folder = f"{KEY}_web_green", running.folder / "conf.d"
    assert (folder / FILE).read_text().splitlines()[1:] == [f'"{KEY}:green:web" {group}; # 8000']
    assert (folder / f"50-{KEY}-green.upstream").read_text().splitlines()[1:] == [
        f"upstream {group} {{",
        "    server 127.0.0.1:20000 max_fails=0;",
        "    server 127.0.0.1:20001 max_fails=0;",
        "}",
    ]
    assert not proxy.apply(lambda state: proxy.plan_routes(state, twice, "green")).changed
    # What is in flight is counted in the container, at the port that it has there.
    engine.start(colored("green", 2, pid=7))
    monkeypatch.setattr(sockets, "open_to", lambda pid, port: {(7, 8000): 3}[pid, port])
    assert proxy.in_flight(KEY, "green") == 3


def test_before_its_first_release_a_color_is_published_nowhere(proxy: driver.Nginx) -> None:
    proxy.ports = (20000, 24999)
    assert not any(KEY in text for text in proxy.plan_routes(STATE, SHOP, "green").files.values())


def test_routes_that_are_known_need_nothing(proxy: driver.Nginx) -> None:
    assert proxy.plan_routes(STATE, SHOP, "green").changed
    (proxy.folder / "conf.d" / FILE).write_text(config.servers(SHOP, "green"))
    (proxy.folder / "conf.d" / RULES).write_text(route_options.options_to_json(SHOP))
    assert not proxy.plan_routes(STATE, SHOP, "green").changed
    ways = [{"service": "web", "port": 8000, "hosts": [HOST], "response_timeout": 5}]
    assert proxy.plan_routes(STATE, routes_of_stack(checked(routes=ways), "po", "prod", {}), "green").changed
    assert proxy.plan_routes(replace(STATE, routes={}), SHOP, "green").changed
    moved = routes_of_stack(checked(routes=[{"service": "web", "port": 9, "hosts": [HOST]}]), "po", "prod", {})
    assert proxy.plan_routes(STATE, moved, "green").changed
    # Where nginx runs another configuration than the one on disk, the file says nothing.
    assert proxy.plan_routes(replace(STATE, in_sync=False), SHOP, "green").files_before == {}


def test_a_switch_needs_no_reload(proxy: driver.Nginx, running: FakeNginx) -> None:
    assert proxy.apply(switch("green")).changed
    assert proxy.read() == STATE.with_live(KEY, "green")
    assert not proxy.apply(switch("green")).changed
    proxy.apply(lambda state: Proxy.plan_weight(state, KEY, 25))
    proxy.apply(lambda state: Proxy.plan_availability(state, [KEY], "maintenance"))
    proxy.apply(switch(None))
    assert proxy.read() == STATE.with_live(KEY, None).with_availability([KEY], "maintenance")
    assert running.log == []


def test_what_was_left_over_is_gone_after_the_next_change(proxy: driver.Nginx) -> None:
    for name in (driver.CLOSING, f"{KEY}.to-blue.3"):
        (proxy.folder / "flags" / name).touch()
    assert proxy.apply(switch("blue")).changed
    assert proxy.read() == STATE


def test_a_switch_that_nginx_does_not_see_is_put_back(proxy: driver.Nginx, running: FakeNginx) -> None:
    before = on_disk(proxy)
    running.blind = True
    with pytest.raises(SwitchyardError, match="does not see the flags"):
        proxy.apply(lambda state: ProxyPlan(STATE, STATE.with_live(KEY, "green")))
    running.blind = False
    assert on_disk(proxy) == before


def test_new_routes_are_checked_reloaded_and_verified(proxy: driver.Nginx, running: FakeNginx) -> None:
    (proxy.folder / "staged" / "50-retired.map").write_text("gone\n")
    (proxy.folder / "conf.d" / ".half.tmp").write_text("half\n")
    closing: list[bool] = []
    running.before_reload = lambda: closing.append((proxy.folder / "flags" / driver.CLOSING).exists())
    load_state(running, ProxyState(STATE.live))
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert proxy.read() == ProxyState(STATE.live, {(KEY, "green", f"{HOST}/"): "web"})
    assert (proxy.folder / "conf.d" / FILE).read_text() == config.servers(SHOP, "green")
    assert {path.name for path in (proxy.folder / "staged").iterdir()} == {
        *(
            proxy.own_file,
            preview_keys.KEYS,
            preview_keys.KEY,
            config.ROUTES,
            config.LOOKUP,
            config.OPTIONS,
            FILE,
            RULES,
        )
    }
    own = "/etc/switchyard/{}/00-proxy.conf"
    assert running.log == [f"-t -c {own.format('staged')}", f"-s reload -c {own.format('conf.d')}"]
    assert closing == [True]
    assert driver.CLOSING not in on_disk(proxy)


def test_connections_get_time_to_end_only_where_something_is_live(
    proxy: driver.Nginx, running: FakeNginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(driver.time, "sleep", slept.append)
    proxy.reload_delay = 2.5
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert slept[0] == 2.5
    slept.clear()
    load_state(running, ProxyState())
    for path in (proxy.folder / "flags").iterdir():
        path.unlink()
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "blue"))
    assert 2.5 not in slept


def test_the_same_routes_again_need_no_reload(proxy: driver.Nginx, running: FakeNginx) -> None:
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    running.log.clear()
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    proxy.apply(lambda state: proxy.plan_routes(replace(state, in_sync=False), SHOP, "green"))
    assert running.log == []


def test_a_configuration_that_the_check_refuses_is_not_put_in_place(proxy: driver.Nginx, running: FakeNginx) -> None:
    before = proxy.config_contents()
    running.refusal = (
        "2026/11/21 07:53:40 [warn] 7#7: something\n"
        '2026/11/21 07:53:40 [emerg] 7#7: unexpected "}" in /etc/switchyard/staged/50-po.blog.prod-blue.map:3\n'
        "nginx: configuration file /etc/switchyard/staged/00-proxy.conf test failed"
    )
    with pytest.raises(SwitchyardError) as caught:
        proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    place = proxy.folder / "conf.d" / "50-po.blog.prod-blue.map"
    assert str(caught.value).endswith(f'the old one stays: 7#7: unexpected "}}" in {place}:3')
    assert proxy.config_contents() == before
    assert not any("reload" in line for line in running.log)


def test_a_reload_that_does_not_happen_restores_the_files_and_says_why(
    proxy: driver.Nginx, running: FakeNginx, engine: FakeEngine
) -> None:
    before = proxy.config_contents()
    engine.written["po-proxy"] = ["2026/11/20 01:00:00 [emerg] 1#1: of yesterday"]
    running.emergency = "2026/11/21 07:53:40 [emerg] 1#1: bind() to 0.0.0.0:8080 failed (98: Address already in use)"
    running.before_reload = lambda: engine.written["po-proxy"].append(running.emergency)
    with pytest.raises(SwitchyardError) as caught:
        proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert "old configuration is back: 1#1: bind() to 0.0.0.0:8080 failed" in str(caught.value)
    assert "yesterday" not in str(caught.value)
    assert proxy.config_contents() == before
    assert proxy.read() == STATE
    assert driver.CLOSING not in on_disk(proxy)


def test_a_reload_without_an_answer_ends_at_its_limit(proxy: driver.Nginx, running: FakeNginx) -> None:
    running.emergency = "none in the log"
    with pytest.raises(SwitchyardError, match=r"it still runs the one before, 0\.2 s after the reload"):
        proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))


def test_the_first_start_finds_what_it_includes(proxy: driver.Nginx) -> None:
    assert set(proxy.first_files()) == {
        preview_keys.KEYS,
        preview_keys.KEY,
        config.ROUTES,
        config.LOOKUP,
        config.OPTIONS,
    }


def test_addresses_are_left_to_dns(proxy: driver.Nginx, running: FakeNginx) -> None:
    proxy.set_server_addresses(SHOP, "green", {"web": "172.18.0.5"})
    assert running.log == []


def test_a_stack_is_forgotten_with_every_flag_of_it(proxy: driver.Nginx) -> None:
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    proxy.apply(switch("green"))
    proxy.apply(switch(None))
    assert f"{KEY}.green" in on_disk(proxy)
    done = proxy.apply(lambda state: proxy.plan_forget(state, KEY))
    assert proxy.read() == done.after == STATE.without(KEY)
    assert not [name for name in on_disk(proxy) if name.startswith(f"{KEY}.")]
    assert not (proxy.folder / "conf.d" / FILE).exists()
    assert not proxy.apply(lambda state: proxy.plan_forget(state, KEY)).changed


def test_a_stack_that_nginx_does_not_forget_keeps_its_files(proxy: driver.Nginx, running: FakeNginx) -> None:
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    running.emergency = "[emerg] no"
    with pytest.raises(SwitchyardError, match="refused the reload"):
        proxy.apply(lambda state: proxy.plan_forget(state, KEY))
    assert (proxy.folder / "conf.d" / FILE).exists()


def test_a_foreign_file_is_reported_in_nginxs_words(proxy: driver.Nginx, running: FakeNginx) -> None:
    folder = proxy.folder / "conf.d"
    before = proxy.foreign_files(proxy.read())
    (folder / "99-theirs.http").write_text("sever {}")
    assert [name for name in proxy.foreign_files(proxy.read()) if name not in before] == ["99-theirs.http"]
    assert proxy.validate_config() is None
    running.refusal = 'nginx: [emerg] unknown directive "sever" in /etc/switchyard/staged/99-theirs.http:1'
    assert proxy.validate_config() == f'unknown directive "sever" in {folder}/99-theirs.http:1'
    assert not [line for line in running.log if "reload" in line]
