from __future__ import annotations

import os
import socket
import threading
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HOST, FakeEngine, FakeMaster, application, checked

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import config, driver
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import maps as haproxy_maps
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
    Route,
    StackRoutes,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack

SHOP = routes_of_stack(checked(), "po", "prod", {"web": 1})
FILE = "50-po.shop.prod-green.cfg"
STATE = ProxyState(
    {"po.shop.prod": "blue", "po-blog-prod": "green"},
    {
        ("po.shop.prod", "blue", f"{HOST}/"): "web",
        ("po.shop.prod", "green", f"{HOST}/"): "web",
        ("po-blog-prod", "green", "blog.org/"): "site",
    },
)


class Check:
    """Stands for ``haproxy -c``: complains about what it is told to, and notes what it was shown."""

    def __init__(self) -> None:
        self.validate_config: str | None = None
        self.staged: list[dict[str, str]] = []
        self.folder = Path()

    def __call__(self, command: list[str]) -> tuple[int, str]:
        assert command == ["haproxy", "-c", "-f", f"{haproxy_maps.INSIDE}/staged"]
        self.staged.append({path.name: path.read_text() for path in self.folder.glob("*.cfg")})
        return (1, self.validate_config) if self.validate_config else (0, "Configuration file is valid")


@pytest.fixture
def check() -> Check:
    return Check()


@pytest.fixture
def proxy(master: FakeMaster, tmp_path: Path, check: Check) -> driver.HAProxy:
    check.folder = tmp_path / "proxy" / "staged"
    (tmp_path / "proxy" / "server-preview.key").write_text("key-of-this-server\n")
    tell(master, STATE)
    return made(tmp_path / "proxy", check)


def made(folder: Path, check: Check, **more: t.Any) -> driver.HAProxy:
    engine = FakeEngine()
    engine.inside = check
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80, **more}
    return driver.HAProxy(folder, settings, engine)  # type: ignore[arg-type]


def tell(master: FakeMaster, state: ProxyState) -> None:
    for worker in master.workers:
        master.maps[worker] = haproxy_maps.maps_of(state)


def told(master: FakeMaster, worker: str = "12") -> ProxyState:
    return haproxy_maps.state_of(master.maps[worker])


def on_disk(proxy: driver.HAProxy) -> ProxyState:
    maps = {
        name: dict(line.split(" ") for line in (proxy.folder / "maps" / f"{name}.map").read_text().splitlines())
        for name in haproxy_maps.MAPS
    }
    return haproxy_maps.state_of(maps)


def switch(color: str | None) -> t.Callable[[ProxyState], ProxyPlan]:
    return lambda state: Proxy.plan_switch(state, "po.shop.prod", color)


# --- texts ---


def test_a_map_is_sorted_lines_of_key_and_value() -> None:
    assert haproxy_maps.map_text({"b": "2", "a": "1"}) == "a 1\nb 2\n"
    assert haproxy_maps.map_text({}) == ""


def test_a_map_as_the_running_process_shows_it() -> None:
    answer = "0x7fd70c841280 po.shop.prod blue\n0x7fd70c8412c0 po-a-prod-x green\n\n"
    assert haproxy_maps.parse_map(answer) == {"po.shop.prod": "blue", "po-a-prod-x": "green"}
    assert haproxy_maps.parse_map("\n") == {}


@pytest.mark.parametrize(
    "answer", ["Unknown map identifier. Please use #<id> or <file>.", "Can't find the target PID matching '@!9'"]
)
def test_an_error_is_never_taken_for_a_map(answer: str) -> None:
    with pytest.raises(SwitchyardError, match="did not show its map"):
        haproxy_maps.parse_map(answer)


def test_processes_are_the_current_worker_and_then_the_old_ones() -> None:
    answer = (
        "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
        "1               master          2 [failed: 0]   0d00h05m02s     3.0.11-1+deb13u5\n"
        "# workers\n"
        "22              worker          0               0d00h00m02s     3.0.11-1+deb13u5\n"
        "# old workers\n"
        "12              worker          1               0d00h04m02s     3.0.11-1+deb13u5\n"
        "# programs\n"
    )
    assert driver.parse_processes(answer) == ["22", "12"]


def test_a_color_has_a_backend_per_service_with_its_number_of_servers() -> None:
    routes = (Route("web", 8000, "a.org", "/"), Route("web", 8000, "b.org", "/"), Route("my_api", 90, "a.org", "/api"))
    text = config.configuration(StackRoutes("po", "prod", "shop", routes, {"web": 2}), "green")
    assert driver.backends_in({"": text}) == {"po.shop.prod_web_green", "po.shop.prod_my_api_green"}
    assert "    server-template web 2 po-web-prod-green:8000" in text
    assert "    server-template my_api 1 po-my_api-prod-green:90" in text


def test_a_color_with_rates_has_tables_that_are_none_of_its_backends() -> None:
    route = Route("web", 8000, "a.org", "/", RouteOptions(rate_limit=Rate(1, 1, 0)))
    text = config.configuration(StackRoutes("po", "prod", "shop", (route,)), "green")
    assert driver.backends_in({"": text}) == {"po.shop.prod_web_green", "po.shop.prod_web_green_rate1"}
    assert "    acl options1 var(txn.options) -m int 1\n" in text


def test_users_are_nobody_elses_to_read(proxy: driver.HAProxy, check: Check) -> None:
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


def test_the_public_finds_the_routes_of_what_is_live_and_a_named_color_its_own() -> None:
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


# --- plans ---


def test_weights_and_closed_stacks_are_maps_of_their_own() -> None:
    after = STATE.with_weight("po.shop.prod", 25).with_availability(["po-blog-prod"], "maintenance")
    assert haproxy_maps.maps_of(after)["weights"] == {"po.shop.prod": "25"}
    assert haproxy_maps.maps_of(after)["availability"] == {"po-blog-prod": "maintenance"}
    assert haproxy_maps.state_of(haproxy_maps.maps_of(after)) == after


def test_requests_that_were_held_go_on_when_the_color_is_live(proxy: driver.HAProxy, master: FakeMaster) -> None:
    tell(master, STATE.with_availability(["po.shop.prod"], "held"))
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


# --- asking ---


def test_read_asks_the_current_worker_and_not_the_files(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    master.maps["22"] = haproxy_maps.maps_of(ProxyState({"po.shop.prod": "green"}, {}))
    (proxy.folder / "maps" / "live.map").write_text("po.shop.prod blue\n")
    assert proxy.read() == ProxyState({"po.shop.prod": "green"}, {})


def test_a_proxy_that_does_not_answer_is_told(tmp_path: Path, check: Check) -> None:
    with pytest.raises(SwitchyardError, match=r"answer on .*master\.sock.*'docker logs po-proxy', then run setup\.yml"):
        made(tmp_path, check).read()
    with pytest.raises(SwitchyardError, match=r"'journalctl --unit po-proxy\.service', then"):
        made(tmp_path, check, unit="po-proxy.service").read()


def test_a_master_without_a_worker_is_told(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = []
    with pytest.raises(SwitchyardError, match="runs no worker"):
        proxy.read()


STAT = """# pxname,svname,scur,stot,econ,status,
public,FRONTEND,9,90,,OPEN,
po-a-prod_web_blue,web1,1,10,2,UP,
po-a-prod_web_blue,BACKEND,1,10,2,UP,
po-a-prod_my_api_blue,BACKEND,2,4,0,UP,
po-a-prod_web_green,BACKEND,50,4,0,UP,
po-a-prod-x_web_blue,BACKEND,100,4,0,UP,
po-a-prod-x_my_blue_green,BACKEND,200,4,0,UP,
x-po-a-prod_web_blue,BACKEND,400,4,0,UP,
"""


def test_in_flight_counts_the_color_in_all_workers_and_no_neighbour(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    master.stat = {"22": STAT, "12": "# pxname,svname,scur,stot,econ,status,\npo-a-prod_web_blue,BACKEND,4,4,0,UP,\n"}
    assert proxy.in_flight("po-a-prod", "blue") == 1 + 2 + 4
    assert proxy.in_flight("po-a-prod", "green") == 50
    assert proxy.in_flight("po-a-prod-x", "blue") == 100
    assert proxy.in_flight("po-a-prod-x", "green") == 200
    assert proxy.in_flight("po-b-prod", "green") == 0


def test_in_flight_does_without_a_worker_that_just_ended(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    master.stat = {"22": STAT}

    def end(line: str) -> None:
        if line == "@!22 show stat":
            master.workers = ["22"]

    master.before_answer = end
    assert proxy.in_flight("po-a-prod", "green") == 50


def test_stats_say_what_the_proxy_sees_of_a_color(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.stat = {"12": STAT}
    assert proxy.stats("po-a-prod", "blue")["po-a-prod_web_blue/web1"] == {
        "status": "UP",
        "in_flight": 1,
        "requests": 10,
        "connection_errors": 2,
    }


# --- changing ---


def test_a_switch_is_one_commit_and_no_reload(proxy: driver.HAProxy, master: FakeMaster) -> None:
    plan = proxy.apply(switch("green"))
    assert plan.changed
    assert told(master).live == {"po.shop.prod": "green", "po-blog-prod": "green"}
    assert told(master).routes == STATE.routes
    assert on_disk(proxy) == told(master)
    assert "reload" not in master.log
    commands = [line for line in master.log if " map " in line and " show " not in line]
    assert [line.split()[1] for line in commands] == ["prepare", "add", "commit"]
    assert all("live.map" in line for line in commands)


def test_routes_that_only_the_new_color_has_reach_the_public_with_the_switch(
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


def test_workers_that_are_finishing_pass_their_requests_on(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12", "11"]
    master.former = ["11"]
    tell(master, STATE)
    proxy.apply(switch("green"))
    assert told(master, "22").live == {"po.shop.prod": "green", "po-blog-prod": "green"}
    assert told(master, "12") == told(master, "11") == STATE
    assert master.former == ["11", "12"]


def test_a_worker_is_told_with_the_reload_that_another_took_its_place(
    proxy: driver.HAProxy, master: FakeMaster
) -> None:
    def fork(line: str) -> None:
        if line == "reload":
            master.workers = ["22", "12"]
            tell(master, STATE)

    master.before_answer = fork
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert master.former == ["12"]


def test_a_worker_of_an_older_configuration_hears_of_a_switch_itself(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers, master.older = ["22", "12"], ["12"]
    tell(master, STATE)
    proxy.apply(switch("green"))
    assert told(master, "22").live == told(master, "12").live == {"po.shop.prod": "green", "po-blog-prod": "green"}


def test_a_finishing_worker_that_ends_meanwhile_is_no_failure(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    tell(master, STATE)

    def end(line: str) -> None:
        if line.startswith("@!12 add map"):
            master.workers = ["22"]

    master.before_answer = end
    proxy.apply(switch("green"))
    assert told(master, "22").live["po.shop.prod"] == "green"


def test_the_master_may_list_a_worker_that_has_ended_already(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    tell(master, STATE)
    asked: list[str] = []

    def hear(line: str) -> None:
        if line.startswith("@!12 show map"):
            master.refuse = {"show map": "Can't connect to the target CLI!"}
        elif line == "show proc" and master.refuse:
            asked.append(line)
            if len(asked) == 2:
                master.workers, master.refuse = ["22"], {}

    master.before_answer = hear
    proxy.apply(switch("green"))
    assert told(master, "22").live["po.shop.prod"] == "green"


def test_a_finishing_worker_that_refuses_a_switch_is_a_failure(
    proxy: driver.HAProxy, master: FakeMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "ENDING_LIMIT", 0.1)
    master.workers = ["22", "12"]
    tell(master, STATE)
    refused = {"add map": "Permission denied"}

    def refuse(line: str) -> None:
        master.refuse = refused if line.startswith("@!12") else {}

    master.before_answer = refuse
    with pytest.raises(SwitchyardError, match="Permission denied"):
        proxy.apply(switch("green"))


def test_an_empty_map_empties_the_running_one(proxy: driver.HAProxy, master: FakeMaster) -> None:
    tell(master, ProxyState({"po.shop.prod": "blue"}, {}))
    proxy.apply(switch(None))
    assert told(master) == ProxyState({}, {})


@pytest.mark.parametrize("words", ["prepare map /etc/switchyard/maps/live", "add map @2 /etc/switchyard/maps/live"])
def test_a_refused_switch_puts_everything_back(proxy: driver.HAProxy, master: FakeMaster, words: str) -> None:
    master.refuse = {words: "Unknown map identifier. Please use #<id> or <file>."}
    with pytest.raises(SwitchyardError, match="Unknown map identifier"):
        proxy.apply(switch("green"))
    assert on_disk(proxy) == STATE
    assert told(master).live == STATE.live


def test_new_routes_are_checked_reloaded_and_told(proxy: driver.HAProxy, master: FakeMaster, check: Check) -> None:
    (proxy.folder / "conf.d" / "00-proxy.cfg").write_text("global\n")
    (proxy.folder / "staged" / "50-retired.cfg").write_text("backend gone\n")
    tell(master, ProxyState({}, {}))
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert check.staged == [{"00-proxy.cfg": "global\n", FILE: config.configuration(SHOP, "green")}]
    assert (proxy.folder / "conf.d" / FILE).read_text() == config.configuration(SHOP, "green")
    assert master.log.count("reload") == 1
    assert told(master).routes == {("po.shop.prod", "green", f"{HOST}/"): "web"}


def test_a_worker_that_starts_finds_the_maps_and_the_servers_addresses(
    proxy: driver.HAProxy, master: FakeMaster
) -> None:
    seen: dict[str, str] = {}

    def look(line: str) -> None:
        if line == "reload":
            seen["routes"] = (proxy.folder / "maps" / "routes.map").read_text()
            seen["servers"] = (proxy.folder / "run" / "servers.state").read_text()

    master.before_answer = look
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert f"po.shop.prod:green:{HOST}/ web\n" in seen["routes"]
    assert seen["servers"].startswith("1\n# be_id")
    assert seen["servers"].endswith("172.18.0.4\n")


def test_the_addresses_of_a_backend_that_changes_are_not_kept(proxy: driver.HAProxy) -> None:
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "blue"))
    servers = (proxy.folder / "run" / "servers.state").read_text()
    assert "po.shop.prod_web_blue" not in servers
    assert servers.startswith("1\n# be_id")


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
    assert told(master) == STATE


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


# --- on the server itself ---


def test_a_color_that_is_published_is_found_at_its_ports(master: FakeMaster, tmp_path: Path, check: Check) -> None:
    tell(master, STATE)
    proxy = made(tmp_path / "proxy", check, ports=[20000, 24999])
    twice = routes_of_stack(checked(), "po", "prod", {"web": 2}, {"web": [20000, 20001]})
    assert proxy.plan_routes(STATE, twice, "green").files[FILE].splitlines()[2:] == [
        "backend po.shop.prod_web_green",
        "    server web1 127.0.0.1:20000",
        "    server web2 127.0.0.1:20001",
    ]
    # Before its first release it is published nowhere.
    assert "server" not in proxy.plan_routes(STATE, SHOP, "green").files[FILE].partition("backend")[2]


def test_nobody_aims_at_a_port_that_stays(master: FakeMaster, tmp_path: Path, check: Check) -> None:
    proxy = made(tmp_path / "proxy", check, ports=[20000, 24999])
    proxy.set_server_addresses(SHOP, "green", {"web": "172.18.0.5"})
    assert master.log == []


# --- requests ---


def test_a_request_carries_the_servers_key_and_the_color_and_learns_who_answered(proxy: driver.HAProxy) -> None:
    seen: list[dict[str, str]] = []

    def answer(path: str, headers: t.Any) -> tuple[int, dict[str, str], str]:
        seen.append(dict(headers))
        color = headers.get("X-Switchyard-Color", "blue")
        return 404, {"X-Switchyard-Color": color}, f"asked for {path}"

    with application(answer) as port:
        proxy.port = port
        assert proxy.request(HOST, "/healthz", "green") == (404, "green", "asked for /healthz")
        assert proxy.request(HOST, "/")[1] == "blue"
    assert seen[0]["Host"] == HOST
    assert [headers["X-Switchyard-Key"] for headers in seen] == ["key-of-this-server"] * 2
    assert "X-Switchyard-Color" not in seen[1]


def test_a_request_as_anybodys_carries_no_key(proxy: driver.HAProxy) -> None:
    seen: list[dict[str, str]] = []

    def answer(path: str, headers: t.Any) -> tuple[int, dict[str, str], str]:
        seen.append(dict(headers))
        return 503, {}, "closed"

    with application(answer) as port:
        proxy.port = port
        assert proxy.request(HOST, "/", public=True) == (503, None, "closed")
    assert "X-Switchyard-Key" not in seen[0]
    assert seen[0]["X-Switchyard-Bypass"] == "off"


def test_without_the_key_no_request_is_sent(proxy: driver.HAProxy) -> None:
    (proxy.folder / "server-preview.key").unlink()
    with pytest.raises(SwitchyardError, match=r"server-preview.key is missing"):
        proxy.request(HOST, "/")


def test_a_stack_is_forgotten_whole_and_its_neighbours_are_not(
    proxy: driver.HAProxy, master: FakeMaster, check: Check
) -> None:
    for color in ("blue", "green"):
        proxy.apply(lambda state, color=color: proxy.plan_routes(state, SHOP, color))  # type: ignore[misc]
    assert FILE in proxy.files_of("po.shop.prod")
    done = proxy.apply(lambda state: proxy.plan_forget(state, "po.shop.prod"))
    assert done.after == STATE.without("po.shop.prod")
    assert told(master) == on_disk(proxy) == done.after
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


def test_a_file_of_a_neighbour_is_told_in_haproxys_words(proxy: driver.HAProxy, check: Check) -> None:
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


def test_a_master_that_starts_anew_is_waited_for(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with socket.socket(socket.AF_UNIX) as refusing:
        refusing.bind(str(run / "master.sock"))
        beginning = threading.Timer(0.2, refusing.listen)
        beginning.start()
        with socket.socket(socket.AF_UNIX) as asking:
            driver._connect(asking, str(run / "master.sock"))
        beginning.join()
