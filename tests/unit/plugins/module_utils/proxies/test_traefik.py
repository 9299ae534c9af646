from __future__ import annotations

import base64
import contextlib
import json
import os
import socketserver
import threading
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fakes import HOST, FakeEngine, checked, colored, container

from ansible_collections.switchyard.stacks.plugins.module_utils import connections, files, names
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.place import routing_of
from ansible_collections.switchyard.stacks.plugins.module_utils.proxies import (
    Plan,
    Proxy,
    Route,
    Routing,
    State,
    traefik,
)

KEY = "po.shop.prod"
SHOP = routing_of(checked(), "po", "prod", {"web": 1})
FORM = traefik.Form("the-key")
SERVERS = {f"{KEY}:{color}:web": f"http://po-web-prod-{color}:8000" for color in names.COLORS}
BOTH = {(KEY, color, f"{HOST}/"): "web" for color in names.COLORS}
STATE = State({KEY: "blue"}, BOTH)
FILE = "50-po.shop.prod.yml"
# What Traefik 3.7 says of a folder with a file that it cannot read.
INVALID = json.dumps(
    {
        "level": "error",
        "providerName": "file",
        "error": "collecting file configs: /etc/switchyard/staged/neighbour.yml: field not found, node: bogus",
        "message": "Cannot start the provider *file.Provider",
    }
)


def http_part(state: State, form: traefik.Form = FORM, servers: dict[str, str] = SERVERS) -> t.Any:
    return traefik.document(KEY, state, servers, form)["http"]


def seen(*contents: traefik.Document) -> traefik.Document:
    """Return what the API of Traefik 3.7 shows of files: names with their provider, and defaults."""
    raw: traefik.Document = {}
    for content in contents:
        for part, entries in content.get("http", {}).items():
            if part != "serversTransports":
                shown = {f"{name}@file": {**value, "status": "enabled"} for name, value in entries.items()}
                raw.setdefault(part, {}).update(shown)
    raw.setdefault("services", {})["api@internal"] = {"status": "enabled"}
    return raw


@dataclass
class FakeTraefik:
    """Traefik's API over a folder: it shows what the files say, and nothing new while one of them is invalid."""

    folder: Path
    key: str = "the-key"
    raw: traefik.Document = field(default_factory=dict)
    frozen: bool = False
    port: int = 0

    def load(self) -> traefik.Document:
        with contextlib.suppress(ValueError):
            contents = [traefik.parse(path.read_text()) for path in sorted(self.folder.glob("*.yml"))]
            if not self.frozen:
                self.raw = seen(*contents)
        return self.raw

    @contextlib.contextmanager
    def listening(self) -> Iterator[FakeTraefik]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = "Basic " + base64.b64encode(f"switchyard:{fake.key}".encode()).decode()
                good = self.headers["Authorization"] == wanted and self.headers["Host"] == "switchyard"
                body = json.dumps(fake.load()).encode() if self.path == "/api/rawdata" else b"{}"
                self.send_response(200 if good else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: t.Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            yield self
            server.shutdown()


@dataclass
class FakePages:
    """The socket of the HAProxy that has the pages."""

    path: Path
    closed: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def answer(self, line: str) -> str:
        self.log.append(line)
        verb, _map, path, *rest = line.split()
        assert path == "/etc/switchyard/maps/closed.map"
        if verb == "show":
            return "".join(f"0x55d {key} {value}\n" for key, value in self.closed.items()) + "\n"
        if verb == "del":
            del self.closed[rest[0]]
        else:
            assert (verb == "set") == (rest[0] in self.closed)
            self.closed[rest[0]] = rest[1]
        return "\n"

    @contextlib.contextmanager
    def listening(self) -> Iterator[FakePages]:
        fake = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(fake.answer(self.rfile.readline().decode().strip()).encode())

        with socketserver.ThreadingUnixStreamServer(str(self.path), Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            yield self
            server.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("conf.d", "staged", "maps", "run"):
        (tmp_path / "proxy" / name).mkdir(parents=True)
    (tmp_path / "proxy" / "private.key").write_text("the-key\n")
    return tmp_path / "proxy"


@pytest.fixture
def running(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTraefik]:
    with FakeTraefik(folder / "conf.d").listening() as fake:
        monkeypatch.setattr(traefik, "PRIVATE_PORT", fake.port)
        yield fake


@pytest.fixture
def trial(
    folder: Path, monkeypatch: pytest.MonkeyPatch, docker: Callable[[str], Callable[[], list[str]]]
) -> Iterator[FakeTraefik]:
    """Give the second Traefik, which reads the staged files; its command runs until its input ends."""
    docker("cat")
    with FakeTraefik(folder / "staged").listening() as fake:
        monkeypatch.setattr(traefik, "TRIAL_PORT", fake.port)
        yield fake


@pytest.fixture
def pages(folder: Path) -> Iterator[FakePages]:
    with FakePages(folder / "run" / "pages.sock").listening() as fake:
        yield fake


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(container("po-proxy"))


@pytest.fixture
def proxy(
    folder: Path, running: FakeTraefik, trial: FakeTraefik, pages: FakePages, engine: FakeEngine
) -> traefik.Traefik:
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80, "uid": os.getuid()}
    return traefik.Traefik(folder, settings, engine)  # type: ignore[arg-type]


def routes(proxy: Proxy, color: str, routing: Routing = SHOP) -> Plan:
    return proxy.apply(lambda state: proxy.plan_routes(state, routing, color))


def switch(proxy: Proxy, color: str | None) -> Plan:
    return proxy.apply(lambda state: proxy.plan_switch(state, KEY, color))


def close(proxy: Proxy, how: str | None) -> Plan:
    return proxy.apply(lambda state: proxy.plan_closed(state, [KEY], how))


@pytest.fixture
def shop(proxy: traefik.Traefik) -> traefik.Traefik:
    """Give a proxy that has the shop on both colors, blue live."""
    routes(proxy, "blue")
    switch(proxy, "blue")
    routes(proxy, "green")
    return proxy


# --- texts ---


def test_a_public_router_leads_to_the_live_color_alone() -> None:
    http = http_part(STATE)
    router = http["routers"][f"{KEY}:public:{HOST}/"]
    assert router["rule"] == f'Host("{HOST}") && PathPrefix("/")'
    assert router["entryPoints"] == ["public"]
    assert router["service"] == f"{KEY}:public:{HOST}/@file"
    assert http["services"][f"{KEY}:public:{HOST}/"] == {
        "weighted": {"services": [{"name": f"{KEY}:blue:web@file", "weight": 100}]}
    }
    assert http["services"][f"{KEY}:blue:web"]["loadBalancer"] == {
        "servers": [{"url": "http://po-web-prod-blue:8000"}],
        "serversTransport": "switchyard:direct@file",
    }


def test_the_private_way_in_needs_key_and_color_and_tells_the_color() -> None:
    http = http_part(STATE)
    router = http["routers"][f"{KEY}:green:{HOST}/"]
    assert router["rule"].endswith('Header("X-Switchyard-Key", "the-key") && Header("X-Switchyard-Color", "green")')
    assert router["service"] == f"{KEY}:green:web@file"
    assert f"{KEY}:green@file" in router["middlewares"]
    headers = http["middlewares"][f"{KEY}:green"]["headers"]
    assert headers["customResponseHeaders"] == {"X-Switchyard-Color": "green"}
    # An empty value takes a header away: the application never sees the key.
    assert headers["customRequestHeaders"] == dict.fromkeys(
        ["X-Switchyard-Key", "X-Switchyard-Color", "X-Switchyard-As"], ""
    )


def test_the_key_without_a_color_meets_what_is_live() -> None:
    http = http_part(State({KEY: "green"}, BOTH, weights={KEY: 50}))
    assert http["routers"][f"{KEY}:keyed:{HOST}/"]["service"] == f"{KEY}:green:web@file"
    assert http["middlewares"][f"{KEY}:live"]["headers"]["customResponseHeaders"] == {"X-Switchyard-Color": "green"}


def test_the_public_follows_the_routes_of_the_live_color() -> None:
    more = {**BOTH, (KEY, "green", f"{HOST}/new"): "web"}
    assert f"{KEY}:public:{HOST}/new" not in http_part(State({KEY: "blue"}, more))["routers"]
    assert f"{KEY}:green:{HOST}/new" in http_part(State({KEY: "blue"}, more))["routers"]
    assert f"{KEY}:public:{HOST}/new" in http_part(State({KEY: "green"}, more))["routers"]


def test_the_longest_address_comes_first_and_the_private_way_before_all() -> None:
    more = {**BOTH, (KEY, "blue", f"{HOST}/api/"): "web"}
    routers = http_part(State({KEY: "blue"}, more, closed={KEY: "hold"}), replace(FORM, insiders=("10.0.0.0/8",)))[
        "routers"
    ]
    order = sorted(routers, key=lambda name: -routers[name]["priority"])
    assert [name.split(":", 1)[1].replace(HOST, "") for name in order] == [
        "blue:/api/",
        *sorted(["blue:/", "green:/"]),
        "keyed:/api/",
        "keyed:/",
        "insider:/api/",
        "insider:/",
        "public:/api/",
        "public:/",
    ]
    assert len({router["priority"] for router in routers.values()}) == len(order) - 1


@pytest.mark.parametrize("address", [f"{HOST}/@me", f"{HOST}/ü x", f'{HOST}/"`) || Host(`evil.org', f"{HOST}/a:b"])
def test_no_path_breaks_a_rule_or_a_name(address: str) -> None:
    state = State({KEY: "blue"}, {(KEY, "blue", address): "web"})
    content = traefik.document(KEY, state, SERVERS, FORM)
    assert "@" not in "".join(content["http"]["routers"])
    rule = content["http"]["routers"][traefik._Stack(KEY, state, SERVERS, FORM).name("public", address)]["rule"]
    assert rule == f'Host("{HOST}") && PathPrefix({json.dumps(address[len(HOST) :], ensure_ascii=False)})'
    assert traefik.state_of(seen(content)) == state


def test_a_canary_shares_in_percent_and_a_cookie_keeps_clients() -> None:
    http = http_part(replace(STATE, weights={KEY: 25}))
    weighted = http["services"][f"{KEY}:public:{HOST}/"]["weighted"]
    assert weighted["services"] == [
        {"name": f"{KEY}:blue:web@file", "weight": 75},
        {"name": f"{KEY}:green:web@file", "weight": 25},
    ]
    assert weighted["sticky"]["cookie"] == {"name": "switchyard", "httpOnly": True, "sameSite": "lax", "path": "/"}


def test_a_client_stays_at_its_color_on_every_service_of_the_stack() -> None:
    two = {**BOTH, **{(KEY, color, f"{HOST}/api/"): "api" for color in names.COLORS}}
    servers = {**SERVERS, **{f"{KEY}:{color}:api": f"http://po-api-prod-{color}:9000" for color in names.COLORS}}
    http = http_part(State({KEY: "blue"}, two, {KEY: 5}), servers=servers)
    router = http["routers"][f"{KEY}:staying-green:{HOST}/api/"]
    # The values that Traefik 3.7 sets for these names.
    assert traefik.cookie_of("k:blue:web") == "11c134f3c697465d"
    for service in ("web", "api"):
        assert traefik.cookie_of(f"{KEY}:green:{service}") in router["rule"]
    assert router["service"] == f"{KEY}:green:api@file"


@pytest.mark.parametrize("sticky", [True, False])
def test_without_a_canary_or_without_the_wish_there_is_no_cookie(sticky: bool) -> None:
    state = replace(STATE, weights={KEY: 5} if not sticky else {})
    text = json.dumps(http_part(state, replace(FORM, sticky=sticky)))
    assert "cookie" not in text.lower()


def test_all_clients_can_get_the_other_color() -> None:
    weighted = http_part(replace(STATE, weights={KEY: 100}))["services"][f"{KEY}:public:{HOST}/"]["weighted"]
    assert weighted["services"] == [{"name": f"{KEY}:green:web@file", "weight": 100}]


def test_the_other_color_gets_no_share_of_a_way_it_does_not_have() -> None:
    state = State({KEY: "blue"}, {(KEY, "blue", f"{HOST}/"): "web"}, {KEY: 25})
    services = http_part(state)["services"][f"{KEY}:public:{HOST}/"]["weighted"]["services"]
    assert services == [{"name": f"{KEY}:blue:web@file", "weight": 100}]


@pytest.mark.parametrize("how", ["maintenance", "hold"])
def test_a_closed_stack_leads_to_the_pages_but_not_for_insiders(how: str) -> None:
    http = http_part(replace(STATE, closed={KEY: how}), replace(FORM, insiders=("10.0.0.0/8", "::1")))
    assert http["routers"][f"{KEY}:public:{HOST}/"]["service"] == "switchyard:pages@file"
    asked = http["middlewares"][f"{KEY}:page"]["headers"]["customRequestHeaders"]
    assert (asked["X-Switchyard-Stack"], asked["X-Switchyard-Page"]) == (KEY, how)
    insider = http["routers"][f"{KEY}:insider:{HOST}/"]
    # Maintenance is proved from a server that may be an insider itself.
    also = '&& (ClientIP("10.0.0.0/8") || ClientIP("::1")) && !Header("X-Switchyard-As", "public")'
    assert insider["rule"].endswith(also)
    assert insider["service"] == f"{KEY}:public:{HOST}/@file"
    assert http["routers"][f"{KEY}:keyed:{HOST}/"]["service"] == f"{KEY}:blue:web@file"


def test_what_has_no_release_yet_shows_that() -> None:
    http = http_part(State({}, {(KEY, "blue", f"{HOST}/"): "web"}))
    assert http["routers"][f"{KEY}:public:{HOST}/"]["service"] == "switchyard:pages@file"
    assert http["middlewares"][f"{KEY}:page"]["headers"]["customRequestHeaders"]["X-Switchyard-Page"] == "placeholder"
    assert f"{KEY}:keyed:{HOST}/" not in http["routers"]


def test_nothing_of_a_stack_is_an_empty_file() -> None:
    assert traefik.parse(traefik.text_of(traefik.document(KEY, State(), {}, FORM))) == {}


@pytest.mark.parametrize(
    "state",
    [
        STATE,
        State({KEY: "green"}, BOTH, {KEY: 5}),
        State({KEY: "green"}, BOTH, {KEY: 100}, {KEY: "hold"}),
        State({}, {(KEY, "blue", f"{HOST}/"): "web"}),
        State({KEY: "blue"}),
        State({}, {}, {}, {KEY: "maintenance"}),
        State({KEY: "blue", "po.a_b.qual": "green"}, {**BOTH, ("po.a_b.qual", "green", "b.org/x"): "site"}),
    ],
)
def test_what_traefik_shows_is_the_state_that_was_written(state: State) -> None:
    servers = {**SERVERS, "po.a_b.qual:green:site": "http://po-site-qual-green:80"}
    contents = [traefik.document(key, state, servers, FORM) for key in state.known()]
    assert traefik.state_of(seen(*contents)) == state


def test_routers_of_others_are_not_ours() -> None:
    others = {"http": {"routers": {"blog": {"rule": "Host(`b.org`)", "service": "b"}}, "services": {"b": {}}}}
    assert traefik.state_of(seen(others)) == State()
    assert traefik.servers_of(seen(others)) == {}


def test_each_difference_is_named() -> None:
    content = traefik.document(KEY, STATE, SERVERS, FORM)
    raw = seen(content)
    assert traefik.differences(content, raw, KEY) == []
    raw["routers"][f"{KEY}:public:{HOST}/@file"]["priority"] = 1
    raw["routers"][f"{KEY}:blue:{HOST}/@file"]["error"] = ["the service does not exist"]
    del raw["services"][f"{KEY}:blue:web@file"]
    raw["middlewares"][f"{KEY}:old@file"] = {}
    assert sorted(traefik.differences(content, raw, KEY)) == [
        f"{KEY}:blue:{HOST}/: the service does not exist",
        f"{KEY}:blue:web is not there",
        f"{KEY}:old is still there",
        f"{KEY}:public:{HOST}/ is another one",
    ]


def test_what_traefik_complains_of_is_told_without_the_folder() -> None:
    router = '{"level":"error","routerName":"x@file","error":"no such service"}'
    assert traefik.complaints(f'noise\n{{"level":"info"}}\n{INVALID}\n{router}\n"text"') == [
        "neighbour.yml: field not found, node: bogus",
        "x@file: no such service",
    ]


# A line of Traefik 3.7 with the options that the role gives it.
LINE = {
    "ClientHost": "192.168.192.1",
    "DownstreamContentSize": 12,
    "DownstreamStatus": 200,
    "Duration": 2072703,
    "RequestHost": "shop.localhost",
    "RequestMethod": "GET",
    "RequestPath": "/",
    "RouterName": "px.shop.one:public:shop.localhost/@file",
    "ServiceName": "px.shop.one:blue:web@file",
    "StartUTC": "2026-11-21T07:57:35.449333385Z",
    "TraceId": "f6b737841aec15896cfa1ac7216ce2f9",
    "level": "info",
    "msg": "",
    "time": "2026-11-21T07:57:35Z",
}


def test_an_access_line_has_the_fields_of_all_proxies() -> None:
    assert traefik.Traefik.access_line(json.dumps(LINE)) == {
        "time": 1795247855.449,
        "stack": "px.shop.one",
        "route": "web",
        "color": "blue",
        "status": 200,
        "ms": 2,
        "bytes": 12,
        "method": "GET",
        "host": "shop.localhost",
        "path": "/",
        "client": "192.168.192.1",
        "ending": "--",
        "id": "f6b737841aec15896cfa1ac7216ce2f9",
    }


@pytest.mark.parametrize(
    ("changes", "stack", "color"),
    [
        ({"ServiceName": "switchyard:pages@file"}, "px.shop.one", ""),
        ({"ServiceName": "", "RouterName": ""}, "", ""),
        ({"RouterName": "n@docker", "ServiceName": "n@docker", "StartUTC": "2026-11-21T07:57:35Z"}, "", ""),
    ],
)
def test_a_page_and_an_unknown_address_have_no_color(changes: dict[str, str], stack: str, color: str) -> None:
    line = traefik.access_line(json.dumps({**LINE, **changes}))
    assert line
    assert (line["stack"], line["color"], line["route"]) == (stack, color, "")


@pytest.mark.parametrize("text", ["", "listening", '{"level":"error","error":"x"}', "[1]", '"x"'])
def test_other_lines_are_no_access_lines(text: str) -> None:
    assert traefik.access_line(text) is None


# --- the running process ---


def test_a_release_from_nothing_to_a_switch_and_back(proxy: traefik.Traefik) -> None:
    routes(proxy, "blue")
    assert proxy.read() == State({}, {(KEY, "blue", f"{HOST}/"): "web"})
    switch(proxy, "blue")
    routes(proxy, "green")
    assert proxy.read() == STATE
    switch(proxy, "green")
    assert proxy.read().live == {KEY: "green"}
    switch(proxy, "blue")
    assert proxy.read() == STATE


def test_what_stands_already_is_no_change(shop: traefik.Traefik) -> None:
    assert not shop.plan_routes(shop.read(), SHOP, "green").changed
    assert not switch(shop, "blue").changed


def test_a_release_takes_its_routes_away(shop: traefik.Traefik) -> None:
    routes(shop, "green", replace(SHOP, routes=()))
    assert shop.read().of(KEY, "green") == {}
    switch(shop, None)
    routes(shop, "blue", replace(SHOP, routes=()))
    assert shop.read() == State()


def test_another_port_is_a_change(shop: traefik.Traefik, running: FakeTraefik) -> None:
    routes(shop, "green", replace(SHOP, routes=(Route("web", 9000, HOST, "/"),)))
    assert traefik.servers_of(running.raw) == {**SERVERS, f"{KEY}:green:web": "http://po-web-prod-green:9000"}


def test_only_the_proxy_reads_a_file_with_the_key(shop: traefik.Traefik, folder: Path) -> None:
    for name in ("conf.d", "staged"):
        assert (folder / name / FILE).stat().st_mode & 0o777 == 0o600


def test_what_somebody_else_changed_is_not_settled(shop: traefik.Traefik, running: FakeTraefik) -> None:
    running.frozen = True
    running.raw["routers"][f"{KEY}:public:{HOST}/@file"]["rule"] = "Host(`evil.org`)"
    assert not shop.read().settled
    assert shop.plan_switch(shop.read(), KEY, "blue").changed


def test_a_switch_needs_no_trial_but_new_routes_do(
    shop: traefik.Traefik, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker("cat")
    before = len(notes())
    switch(shop, "green")
    assert len(notes()) == before
    routes(shop, "blue", replace(SHOP, routes=(Route("web", 9000, HOST, "/"),)))
    assert len(notes()) == before + 1
    assert notes()[-1].startswith("exec -i po-proxy sh -c traefik")


@pytest.mark.usefixtures("shop")
def test_an_invalid_file_of_a_neighbour_is_found_before_anything_changes(
    proxy: traefik.Traefik, folder: Path, docker: Callable[[str], Callable[[], list[str]]], trial: FakeTraefik
) -> None:
    (folder / "conf.d" / "neighbour.yml").write_text('{"http": {"services": {"x": {"bogus": 1}}}}')
    docker(f"echo '{INVALID}'; cat")
    trial.key = "it loads nothing, so it has no way to its API either"
    before = (folder / "conf.d" / FILE).read_text()
    with pytest.raises(
        SwitchyardError, match=r"Nothing was changed.*neighbour\.yml: field not found, node: bogus\. Repair that file"
    ):
        switch(proxy, "green")
    assert (folder / "conf.d" / FILE).read_text() == before
    assert proxy.read() == STATE


@pytest.mark.usefixtures("trial")
def test_what_the_trial_does_not_do_is_refused(shop: traefik.Traefik, trial: FakeTraefik) -> None:
    trial.frozen = True
    with pytest.raises(SwitchyardError, match=r"refuses the new configuration, the old one stays: .* is another one"):
        routes(shop, "green", replace(SHOP, routes=(Route("web", 9000, HOST, "/"),)))


def test_a_change_that_is_not_taken_over_is_taken_back(
    shop: traefik.Traefik, running: FakeTraefik, folder: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traefik, "LIVE_LIMIT", 0.2)
    before = (folder / "conf.d" / FILE).read_text()
    running.frozen = True
    engine.written["po-proxy"] = [json.dumps(LINE), INVALID]
    with pytest.raises(SwitchyardError, match=r"the files before are back: neighbour\.yml: field not found"):
        switch(shop, "green")
    assert (folder / "conf.d" / FILE).read_text() == before


def test_the_first_file_of_a_stack_that_is_not_taken_over_goes_away(
    proxy: traefik.Traefik, running: FakeTraefik, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traefik, "LIVE_LIMIT", 0.2)
    running.frozen = True
    with pytest.raises(SwitchyardError, match="is not there"):
        routes(proxy, "blue")
    assert not (folder / "conf.d" / FILE).exists()


def test_the_proxys_own_file_is_confirmed_as_well(shop: traefik.Traefik, running: FakeTraefik, folder: Path) -> None:
    own = {"http": {"middlewares": {"switchyard:public": {"headers": {}}}}}

    def plan(state: State) -> Plan:
        return Plan(state, state, {shop.own_file: "# by the role\n" + json.dumps(own)}, {})

    shop.apply(plan)
    assert "switchyard:public@file" in running.raw["middlewares"]


def test_other_settings_reach_the_files_of_all_stacks(shop: traefik.Traefik, running: FakeTraefik) -> None:
    close(shop, "maintenance")
    shop.insiders = ("10.0.0.0/8",)
    assert not shop.read().settled
    shop.apply(lambda state: Plan(state, replace(state, settled=True)))
    assert f"{KEY}:insider:{HOST}/@file" in running.raw["routers"]


def test_a_held_stack_is_told_before_its_requests_come(shop: traefik.Traefik, pages: FakePages) -> None:
    close(shop, "hold")
    assert shop.read().closed == pages.closed == {KEY: "hold"}
    close(shop, "maintenance")
    assert pages.closed == {KEY: "maintenance"}
    close(shop, None)
    assert pages.closed == shop.read().closed == {}


def test_requests_do_not_wait_where_nobody_lets_them_go(
    shop: traefik.Traefik, folder: Path, running: FakeTraefik
) -> None:
    (folder / "run" / "pages.sock").unlink()
    with pytest.raises(SwitchyardError, match=r"server of the pages does not answer.*setup\.yml"):
        close(shop, "hold")
    assert shop.read() == STATE


def test_a_stack_opens_also_without_the_server_of_the_pages(shop: traefik.Traefik, folder: Path) -> None:
    close(shop, "hold")
    (folder / "run" / "pages.sock").unlink()
    close(shop, None)
    assert shop.read() == STATE
    assert (folder / "maps" / "closed.map").read_text() == ""


def test_open_connections_are_requests_in_flight(
    shop: traefik.Traefik, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.start(colored("blue", 1, pid=71), colored("green", 2, pid=72), colored("blue", 1, service="celery", pid=73))
    monkeypatch.setattr(connections, "open_to", lambda pid, port: {(71, 8000): 3, (73, 8000): 9}.get((pid, port), 0))
    assert (shop.in_flight(KEY, "blue"), shop.in_flight(KEY, "green")) == (3, 0)
    assert shop.stats(KEY, "blue") == {
        f"{KEY}:blue:web": {"status": "enabled", "address": "http://po-web-prod-blue:8000", "in_flight": 3}
    }


def test_a_proxy_that_does_not_answer_is_told(shop: traefik.Traefik, running: FakeTraefik, engine: FakeEngine) -> None:
    running.key = "another"
    with pytest.raises(SwitchyardError, match=r"API does not answer \(status 401\).*docker logs po-proxy.*setup\.yml"):
        shop.read()
    engine.remove([container("po-proxy")])
    with pytest.raises(SwitchyardError, match="the container po-proxy does not run"):
        shop.read()


def test_the_way_to_the_api_holds_no_key(proxy: traefik.Traefik) -> None:
    (name, text), *rest = proxy.first_files().items()
    assert (name, rest) == ("01-api.yml", [])
    assert "the-key" not in text
    router = traefik.parse(text)["http"]["routers"]["switchyard:api"]
    assert (router["service"], router["entryPoints"]) == ("api@internal", ["private"])
    assert router["middlewares"] == ["switchyard:api@file"]


def test_nothing_has_to_be_told_of_addresses(shop: traefik.Traefik, folder: Path) -> None:
    before = files.read(folder / "conf.d" / FILE)
    shop.aim(SHOP, "green", {"web": "172.18.0.4"})
    assert files.read(folder / "conf.d" / FILE) == before


def test_a_stack_is_forgotten_with_its_file(shop: traefik.Traefik, trial: FakeTraefik, folder: Path) -> None:
    close(shop, "maintenance")
    done = shop.apply(lambda state: shop.plan_forget(state, KEY))
    assert shop.read() == done.after == State()
    assert not (folder / "conf.d" / traefik.file_name(KEY)).exists()
    assert not shop.apply(lambda state: shop.plan_forget(state, KEY)).changed


def test_a_stack_that_traefik_does_not_forget_keeps_its_file(
    shop: traefik.Traefik, running: FakeTraefik, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traefik, "LIVE_LIMIT", 0.05)
    stale = running.raw
    monkeypatch.setattr(shop, "_raw", lambda port=None: stale if port is None else {})
    with pytest.raises(SwitchyardError, match="still there"):
        shop.apply(lambda state: shop.plan_forget(state, KEY))
    assert (folder / "conf.d" / traefik.file_name(KEY)).exists()
