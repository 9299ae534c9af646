from __future__ import annotations

import itertools
import json
import os
import random
import re
import typing as t
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HOST, FakeEngine, FakeNginx, checked, colored

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import sockets
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import maps
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import (
    config,
    driver,
    lookup_table,
    preview_keys,
    route_options,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import flags as nginx_flags
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
    Route,
    StackRoutes,
    StaticFiles,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack

KEY = "po.shop.prod"
SHOP = routes_of_stack(checked(), "po", "prod", {"web": 1})
FILE, RULES = f"50-{KEY}-green.map", f"50-{KEY}-green.json"
ROUTES = {
    (KEY, "blue", f"{HOST}/"): "web",
    (KEY, "green", f"{HOST}/"): "web",
    ("po.blog.prod", "green", "blog.org/"): "site",
}
STATE = ProxyState({KEY: "blue", "po.blog.prod": "green"}, ROUTES)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[FakeNginx]:
    for name in ("run", "flags", "conf.d", "staged"):
        (tmp_path / "proxy" / name).mkdir(parents=True)
    with FakeNginx(tmp_path / "proxy").listening() as listening:
        yield listening


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def proxy(running: FakeNginx, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> driver.Nginx:
    monkeypatch.setattr(driver, "POLL", 0.001)
    monkeypatch.setattr(driver, "LIMIT", 0.2)
    (running.folder / "server-preview.key").write_text("key-of-this-server\n")
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80, "quiet": 0}
    engine.inside = running.command
    made = driver.Nginx(running.folder, settings, engine)  # type: ignore[arg-type]
    (running.folder / "conf.d" / made.own_file).write_text("daemon off;\n")
    tell(running, STATE)
    return made


def tell(running: FakeNginx, state: ProxyState) -> None:
    """Let nginx run with a state, as if it had been told before."""
    folder = running.folder / "conf.d"
    others = {path.name: path.read_text() for path in folder.iterdir()}
    for name, text in config.full_config(others, state.routes, "key-of-this-server")[0].items():
        (folder / name).write_text(text)
    running.load()
    for name in nginx_flags.flags_of(state):
        (running.folder / "flags" / name).touch()


def on_disk(proxy: driver.Nginx) -> set[str]:
    return {path.name for path in (proxy.folder / "flags").iterdir()}


def switch(color: str | None) -> t.Callable[[ProxyState], ProxyPlan]:
    return lambda state: Proxy.plan_switch(state, KEY, color)


# --- flags ---


def test_the_flags_of_a_state() -> None:
    state = ProxyState(
        {"a": "blue", "b": "green"}, weights={"a": 2, "b": 1, "c": 50}, availability={"a": "held", "d": "maintenance"}
    )
    assert nginx_flags.flags_of(state) == {
        *("a.live", "a.to-green.0", "a.to-green.1", "a.held"),
        *("b.live", "b.green", "b.to-blue.0"),
        "d.maintenance",
    }


@pytest.mark.parametrize(
    "state",
    [
        ProxyState(),
        STATE,
        STATE.with_weight(KEY, 1),
        STATE.with_weight(KEY, 100).with_availability([KEY], "maintenance"),
        STATE.with_availability([KEY, "po.blog.prod"], "held").with_weight("po.blog.prod", 30),
        STATE.with_live(KEY, None).with_availability([KEY], "maintenance"),
    ],
)
def test_what_flags_decide_is_the_state_they_were_made_from(state: ProxyState) -> None:
    assert nginx_flags.state_from_flags(nginx_flags.flags_of(state), state.routes) == state


def test_flags_that_are_left_over_are_told() -> None:
    flags = nginx_flags.flags_of(STATE)
    assert nginx_flags.state_from_flags(flags | {f"{KEY}.to-blue.0"}, ROUTES) == replace(STATE, in_sync=False)
    assert nginx_flags.state_from_flags(flags | {driver.CLOSING}, ROUTES) == replace(STATE, in_sync=False)
    assert nginx_flags.state_from_flags(flags | {f"{KEY}.to-green.7"}, ROUTES).in_sync is False
    # The color of what is not live means nothing.
    assert nginx_flags.state_from_flags({*flags, "po.new.prod.green"}, ROUTES) == STATE


def seen(flags: set[str], later: set[str]) -> str | None:
    """Return the color of a request that looks for ``.live`` at one time and for ``.green`` at a later one."""
    if f"{KEY}.live" not in flags:
        return None
    return "green" if f"{KEY}.green" in later else "blue"


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations([None, "blue", "green"], 2)))
@pytest.mark.parametrize("weight", [0, 3])
def test_no_request_meets_a_color_that_nobody_chose(before: str | None, after: str | None, weight: int) -> None:
    flags = nginx_flags.flags_of(ProxyState({KEY: before} if before else {}, weights={KEY: weight}))
    moments = [set(flags)]
    for name, there in nginx_flags.flag_changes(flags, nginx_flags.flags_of(ProxyState({KEY: after} if after else {}))):
        flags = flags | {name} if there else flags - {name}
        moments.append(set(flags))
    met = {seen(*pair) for pair in itertools.combinations_with_replacement(moments, 2)}
    # Taken off the public, a request may still find it there, but never the other color.
    assert met == {before, after}
    assert nginx_flags.state_from_flags(flags, {}).live == ({KEY: after} if after else {})


def test_a_weight_grows_from_below_and_shrinks_from_above() -> None:
    three, one = (nginx_flags.flags_of(STATE.with_weight(KEY, percent)) for percent in (3, 1))
    assert nginx_flags.flag_changes(one, three) == [(f"{KEY}.to-green.1", True), (f"{KEY}.to-green.2", True)]
    assert nginx_flags.flag_changes(three, one) == [(f"{KEY}.to-green.2", False), (f"{KEY}.to-green.1", False)]


def test_a_switch_is_one_flag_and_the_weight_goes_afterwards() -> None:
    assert nginx_flags.flag_changes(
        nginx_flags.flags_of(STATE), nginx_flags.flags_of(STATE.with_live(KEY, "green"))
    ) == [(f"{KEY}.green", True)]
    canary = nginx_flags.flags_of(STATE.with_weight(KEY, 1))
    assert nginx_flags.flag_changes(canary, nginx_flags.flags_of(STATE.with_live(KEY, "green"))) == [
        (f"{KEY}.green", True),
        (f"{KEY}.to-green.0", False),
    ]


def test_a_closed_stack_is_closed_until_the_last_moment() -> None:
    page, hold = (nginx_flags.flags_of(STATE.with_availability([KEY], how)) for how in ("maintenance", "held"))
    assert nginx_flags.flag_changes(page, hold) == [(f"{KEY}.held", True), (f"{KEY}.maintenance", False)]


def test_requests_that_were_held_go_on_when_the_new_color_stands() -> None:
    held = STATE.with_availability([KEY], "held")
    assert nginx_flags.flag_changes(nginx_flags.flags_of(held), nginx_flags.flags_of(held.with_live(KEY, "green"))) == [
        (f"{KEY}.green", True),
        (f"{KEY}.held", False),
    ]


# --- configuration ---


def test_an_expression_begins_with_the_address_and_ends_no_word_of_nginx() -> None:
    assert lookup_table.pattern("shop.org/a-b_1") == r'"~^shop\.org/a-b_1"'
    assert lookup_table.pattern('x.org/$a"{;\\ é(') == r'"~^x\.org/\x24a\x22\x7b\x3b\x5c\x20\xc3\xa9\x28"'


def test_a_color_says_where_its_services_are() -> None:
    routes = (Route("web", 8000, "a.org", "/"), Route("web", 8000, "b.org", "/"), Route("my_api", 90, "a.org", "/api"))
    text = config.servers(StackRoutes("po", "prod", "shop", routes, {"web": 2}), "green")
    assert '"po.shop.prod:green:web" po-web-prod-green:8000;\n' in text
    assert '"po.shop.prod:green:my_api" po-my_api-prod-green:90;\n' in text
    assert config.ports_in(text) == {"web": 8000, "my_api": 90}
    assert config.ports_in(config.servers(StackRoutes("po", "prod", "shop", ()), "green")) == {}


def test_a_file_is_a_way_like_any_other() -> None:
    routing = StackRoutes(
        "po", "prod", "shop", SHOP.routes, static=(StaticFiles("po-static-prod", "a.org", "/static/"),)
    )
    state = ProxyState().with_routes(routing, "green")
    text = config.full_config({}, state.routes, "key")[0][config.ROUTES]
    assert '"volume:po-static-prod";' in text
    told = "\n".join(re.findall(r"\${sy_told}(.*)\\n\"", text))
    assert nginx_flags.parse_state(told)[1] == state.routes


def test_volumes_are_those_of_the_container(proxy: driver.Nginx, engine: FakeEngine, running: FakeNginx) -> None:
    assert proxy.serves_files
    assert proxy.volumes() == ()
    engine.start(replace(colored("green", 1), name="po-proxy", volumes=("po-static-prod",)))
    assert proxy.volumes() == ("po-static-prod",)
    settings = {"unit": "po-proxy.service", "address": "127.0.0.1", "port": 80}
    assert not driver.Nginx(running.folder, settings, engine).serves_files  # type: ignore[arg-type]


def ask_public(table: lookup_table.LookupTable, live: t.Mapping[str, str], at: str) -> str | None:
    """Do what the public server does with the table: return the stack of a request."""
    number = next((table.number[one] for one in table.addresses if at.startswith(one)), None)
    by_number = {number: address for address, number in table.number.items()}
    for _ in range(table.depth()):
        if number is None:
            return None
        address = by_number[number]
        other = table.instead().get((address, live.get(table.owner[address], "")), address)
        number = table.number[other] if other else None
    return table.owner[by_number[number]] if number else None


def test_the_public_finds_what_haproxy_finds() -> None:
    chance = random.Random(3)
    paths = ["/", "/a", "/a/b", "/a/b/c", "/a/b/c/d", "/x"]
    for _ in range(300):
        owners = {f"s.org{path}": f"po.s{chance.randrange(3)}.prod" for path in paths}
        routes = {
            (key, color, at): f"web{chance.randrange(2)}"
            for at, key in owners.items()
            for color in ("blue", "green")
            if chance.random() < 0.6
        }
        live = {key: chance.choice(["blue", "green"]) for key in set(owners.values()) if chance.random() < 0.8}
        table = lookup_table.LookupTable(routes)
        public = maps.maps_of(ProxyState(live, routes))["live_routes"]
        for path in [*paths, "/a/b/c/d/e", "/nothing", "/ab"]:
            at = f"s.org{path}"
            wanted = max((one for one in public if at.startswith(one)), key=len, default=None)
            assert ask_public(table, live, at) == (public[wanted] if wanted else None), (routes, live, at)


def test_stacks_with_the_same_routes_on_both_colors_are_found_at_the_first_look() -> None:
    table = lookup_table.LookupTable(
        {("a", color, at): "web" for color in ("blue", "green") for at in ("a.org/", "a.org/api")}
    )
    assert (table.instead(), table.depth()) == ({}, 1)
    assert lookup_table.LookupTable({}).depth() == 1


def test_the_longest_address_is_asked_for_first() -> None:
    text = lookup_table.LookupTable({("a", "blue", "a.org/"): "web", ("a", "blue", "a.org/api"): "api"}).maps()
    assert text.index(r"^a\.org/api") < text.index(r'^a\.org/"')
    assert text.index(r"blue:a\.org/api") < text.index(r'blue:a\.org/"')


def test_the_running_process_tells_its_mark_and_routes() -> None:
    strange = {(KEY, "blue", "a.org/x y$z"): "web"}
    whole, mark = config.full_config({}, strange, "key")
    assert nginx_flags.mark_in(whole[config.ROUTES]) == mark
    assert "$z" not in whole[config.ROUTES]
    told = "\n".join(re.findall(r"\${sy_told}(.*)\\n\"", whole[config.ROUTES]))
    assert nginx_flags.parse_state(told) == (mark, strange)


@pytest.mark.parametrize("answer", ["", "<html>404</html>", "mark x\nroute a b"])
def test_another_answer_is_never_taken_for_routes(answer: str) -> None:
    with pytest.raises(SwitchyardError, match="did not tell its routes"):
        nginx_flags.parse_state(answer)


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


def test_the_key_is_nowhere_in_the_configuration() -> None:
    whole = config.full_config({}, ROUTES, "key-of-this-server")[0]
    assert "key-of-this-server" not in "".join(whole.values())
    # echo -n key-of-this-server | openssl md5 -binary | openssl base64 | tr +/ -_ | tr -d =
    assert '    default "MHpZRW3hmkHAIywBBioyEA";' in whole[preview_keys.KEYS]


def test_the_header_of_an_environment_is_a_key_to_its_own_stacks() -> None:
    private = {"prod": ("X-Preview", "the-value-of-prod"), "test": ("x-preview", "the-value-of-test")}
    text = preview_keys.preview_key_files("key-of-this-server", private)[preview_keys.KEYS]
    assert "the-value" not in text
    assert text.count(r'"~\.prod$" $http_x_preview;') == text.count(r'"~\.test$" $http_x_preview;') == 1
    # echo -n the-value-of-prod | openssl md5 -binary | openssl base64 | tr +/ -_ | tr -d =
    assert r'"~\.prod$" "pNLqO0i_6If5aqGta-5QJA";' in text
    assert text.lower().count('proxy_set_header x-preview "";') == 1


def test_only_nginx_reads_the_digests_of_keys(proxy: driver.Nginx, running: FakeNginx) -> None:
    proxy.uid = os.getuid()
    secret = {"prod": {"header": "X-Preview", "value": "the-value-of-prod"}}
    (proxy.folder / "preview-keys.json").write_text(json.dumps(secret))
    own = proxy.own_files("daemon off; # another\n")
    proxy.apply(lambda state: ProxyPlan(state, state, own, {}))
    for name in ("conf.d", "staged"):
        assert (proxy.folder / name / preview_keys.KEYS).stat().st_mode & 0o777 == 0o600
    assert "$http_x_preview" in (proxy.folder / "conf.d" / preview_keys.KEYS).read_text()
    assert proxy.read().in_sync


# --- asking ---


def test_read_asks_the_running_process_and_not_the_files(proxy: driver.Nginx, running: FakeNginx) -> None:
    assert proxy.read() == STATE
    for name, text in config.full_config({}, {}, "key")[0].items():
        (proxy.folder / "conf.d" / name).write_text(text)
    assert proxy.read() == replace(STATE, in_sync=False)
    running.load()
    assert proxy.read().routes == {}
    running.blind = True
    assert proxy.read().live == {}


def test_a_proxy_that_does_not_answer_is_told(tmp_path: Path, engine: FakeEngine) -> None:
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
    assert proxy.stats(KEY, "green") == {"po-web-prod-green": {"status": "running", "in_flight": 3}}
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


# --- plans ---


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


# --- making it so ---


def test_a_switch_is_no_reload(proxy: driver.Nginx, running: FakeNginx) -> None:
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


def test_new_routes_are_checked_reloaded_and_proved(proxy: driver.Nginx, running: FakeNginx) -> None:
    (proxy.folder / "staged" / "50-retired.map").write_text("gone\n")
    (proxy.folder / "conf.d" / ".half.tmp").write_text("half\n")
    closing: list[bool] = []
    running.before_reload = lambda: closing.append((proxy.folder / "flags" / driver.CLOSING).exists())
    tell(running, ProxyState(STATE.live))
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
            config.PLACES,
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
    proxy.quiet = 2.5
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert slept[0] == 2.5
    slept.clear()
    tell(running, ProxyState())
    for path in (proxy.folder / "flags").iterdir():
        path.unlink()
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "blue"))
    assert 2.5 not in slept


def test_the_same_routes_again_are_no_reload(proxy: driver.Nginx, running: FakeNginx) -> None:
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    running.log.clear()
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    proxy.apply(lambda state: proxy.plan_routes(replace(state, in_sync=False), SHOP, "green"))
    assert running.log == []


def test_a_configuration_that_the_check_refuses_is_not_put_in_place(proxy: driver.Nginx, running: FakeNginx) -> None:
    before = driver._contents(proxy.folder / "conf.d")
    running.refusal = (
        "2026/11/21 07:53:40 [warn] 7#7: something\n"
        '2026/11/21 07:53:40 [emerg] 7#7: unexpected "}" in /etc/switchyard/staged/50-po.blog.prod-blue.map:3\n'
        "nginx: configuration file /etc/switchyard/staged/00-proxy.conf test failed"
    )
    with pytest.raises(SwitchyardError) as caught:
        proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    place = proxy.folder / "conf.d" / "50-po.blog.prod-blue.map"
    assert str(caught.value).endswith(f'the old one stays: 7#7: unexpected "}}" in {place}:3')
    assert driver._contents(proxy.folder / "conf.d") == before
    assert not any("reload" in line for line in running.log)


def test_a_reload_that_does_not_happen_restores_the_files_and_tells_why(
    proxy: driver.Nginx, running: FakeNginx, engine: FakeEngine
) -> None:
    before = driver._contents(proxy.folder / "conf.d")
    engine.written["po-proxy"] = ["2026/11/20 01:00:00 [emerg] 1#1: of yesterday"]
    running.emergency = "2026/11/21 07:53:40 [emerg] 1#1: bind() to 0.0.0.0:8080 failed (98: Address already in use)"
    running.before_reload = lambda: engine.written["po-proxy"].append(running.emergency)
    with pytest.raises(SwitchyardError) as caught:
        proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert "old configuration is back: 1#1: bind() to 0.0.0.0:8080 failed" in str(caught.value)
    assert "yesterday" not in str(caught.value)
    assert driver._contents(proxy.folder / "conf.d") == before
    assert proxy.read() == STATE
    assert driver.CLOSING not in on_disk(proxy)


def test_a_reload_without_a_word_is_told_by_its_limit(proxy: driver.Nginx, running: FakeNginx) -> None:
    running.emergency = "none in the log"
    with pytest.raises(SwitchyardError, match=r"it still runs the one before, 0\.2 s after the reload"):
        proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))


def test_the_first_start_finds_what_it_includes(proxy: driver.Nginx) -> None:
    assert set(proxy.first_files()) == {
        preview_keys.KEYS,
        preview_keys.KEY,
        config.ROUTES,
        config.LOOKUP,
        config.PLACES,
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


def test_a_file_of_a_neighbour_is_told_in_nginxs_words(proxy: driver.Nginx, running: FakeNginx) -> None:
    folder = proxy.folder / "conf.d"
    before = proxy.foreign_files(proxy.read())
    (folder / "99-theirs.http").write_text("sever {}")
    assert [name for name in proxy.foreign_files(proxy.read()) if name not in before] == ["99-theirs.http"]
    assert proxy.validate_config() is None
    running.refusal = 'nginx: [emerg] unknown directive "sever" in /etc/switchyard/staged/99-theirs.http:1'
    assert proxy.validate_config() == f'unknown directive "sever" in {folder}/99-theirs.http:1'
    assert not [line for line in running.log if "reload" in line]
