from __future__ import annotations

import base64
import contextlib
import json
import os
import socketserver
import ssl
import threading
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from certificates import self_signed
from fakes import HOST, FakeEngine, checked, colored, container

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file, names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import sockets
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.capabilities import Certificate, ProxyCapabilities
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
    Route,
    StackRoutes,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import api, driver, dynamic_config
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack

KEY = "po.shop.prod"
SHOP = routes_of_stack(checked(), "po", "prod", {"web": 1})
FORM = dynamic_config.ConfigInputs("the-key")
SERVERS = {f"{KEY}:{color}:web": f"http://po-web-prod-{color}:8000" for color in names.COLORS}
BOTH = {(KEY, color, f"{HOST}/"): "web" for color in names.COLORS}
STATE = ProxyState({KEY: "blue"}, BOTH)
FILE = "50-po.shop.prod.yml"
ADDRESS = f"{HOST}/"
FULL = RouteOptions(
    https="redirect",
    hsts=60,
    allow_ips=("192.0.2.0/24", "2001:db8::/32"),
    basic_auth="prod.staff",
    rate_limit=Rate(10, 2, 20),
    max_body_size=1000,
    response_timeout=2.5,
    headers=(("X-Frame-Options", "DENY"),),
)
SECURE = replace(FORM, https_port=8443)
# What Traefik 3.7 says of a folder with a file that it cannot read.
INVALID = json.dumps(
    {
        "level": "error",
        "providerName": "file",
        "error": "collecting file configs: /etc/switchyard/staged/neighbour.yml: field not found, node: bogus",
        "message": "Cannot start the provider *file.Provider",
    }
)


def http_part(state: ProxyState, form: dynamic_config.ConfigInputs = FORM, servers: dict[str, str] = SERVERS) -> t.Any:
    return dynamic_config.document(KEY, state, servers, form)["http"]


def seen(*contents: dynamic_config.Document) -> dynamic_config.Document:
    """Return what the API of Traefik 3.7 shows of files: names with their provider, and defaults."""
    raw: dynamic_config.Document = {}
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
    raw: dynamic_config.Document = field(default_factory=dict)
    frozen: bool = False
    port: int = 0

    def load(self) -> dynamic_config.Document:
        with contextlib.suppress(ValueError):
            contents = [dynamic_config.parse(path.read_text()) for path in sorted(self.folder.glob("*.yml"))]
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
        assert path == "/etc/switchyard/maps/availability.map"
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
    (tmp_path / "proxy" / "server-preview.key").write_text("the-key\n")
    return tmp_path / "proxy"


@pytest.fixture
def running(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTraefik]:
    with FakeTraefik(folder / "conf.d").listening() as fake:
        monkeypatch.setattr(driver, "PRIVATE_PORT", fake.port)
        yield fake


@pytest.fixture
def trial(
    folder: Path, monkeypatch: pytest.MonkeyPatch, docker: Callable[[str], Callable[[], list[str]]]
) -> Iterator[FakeTraefik]:
    """Give the second Traefik, which reads the staged files; its command runs until its input ends."""
    docker("cat")
    with FakeTraefik(folder / "staged").listening() as fake:
        monkeypatch.setattr(driver, "TRIAL_PORT", fake.port)
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
) -> driver.Traefik:
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80, "uid": os.getuid()}
    return driver.Traefik(folder, settings, engine)  # type: ignore[arg-type]


def routes(proxy: Proxy, color: str, routing: StackRoutes = SHOP) -> ProxyPlan:
    return proxy.apply(lambda state: proxy.plan_routes(state, routing, color))


def switch(proxy: Proxy, color: str | None) -> ProxyPlan:
    return proxy.apply(lambda state: proxy.plan_switch(state, KEY, color))


def equipped(*hosts: str) -> ProxyCapabilities:
    return ProxyCapabilities(443, (Certificate(hosts, datetime.now(timezone.utc)),))


def close(proxy: Proxy, how: str | None) -> ProxyPlan:
    return proxy.apply(lambda state: proxy.plan_availability(state, [KEY], how))


@pytest.fixture
def shop(proxy: driver.Traefik) -> driver.Traefik:
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
    key, color = 'Header("X-Switchyard-Key", "the-key")', 'Header("X-Switchyard-Color", "{}")'
    # Blue is live, so green is the color that is not.
    assert router["rule"].endswith(f"{key} && ({color.format('green')} || {color.format('idle')})")
    assert http["routers"][f"{KEY}:blue:{HOST}/"]["rule"].endswith(f"{key} && {color.format('blue')}")
    assert router["service"] == f"{KEY}:green:web@file"
    assert f"{KEY}:green@file" in router["middlewares"]
    headers = http["middlewares"][f"{KEY}:green"]["headers"]
    assert headers["customResponseHeaders"] == {"X-Switchyard-Color": "green"}
    # An empty value takes a header away: the application never sees the key.
    assert headers["customRequestHeaders"] == dict.fromkeys(
        ["X-Switchyard-Key", "X-Switchyard-Color", "X-Switchyard-Bypass"], ""
    )


def test_the_header_of_an_environment_is_a_key_to_its_own_stacks() -> None:
    private = {"prod": ("X-Preview", 'a "secret"'), "test": ("X-Test", "another")}
    http = http_part(STATE, replace(FORM, private=private))
    for kind in ("blue", "green", "keyed"):
        rule = http["routers"][f"{KEY}:{kind}:{HOST}/"]["rule"]
        assert '(Header("X-Switchyard-Key", "the-key") || Header("X-Preview", "a \\"secret\\""))' in rule
        assert "X-Test" not in rule
    assert "X-Preview" not in http["routers"][f"{KEY}:public:{HOST}/"]["rule"]
    # No application sees the header of any environment.
    assert http["middlewares"][f"{KEY}:live"]["headers"]["customRequestHeaders"] == dict.fromkeys(
        ["X-Switchyard-Key", "X-Switchyard-Color", "X-Switchyard-Bypass", "X-Preview", "X-Test"], ""
    )


@pytest.mark.parametrize(
    ("live", "standing", "idle"),
    [
        ({KEY: "blue"}, ("blue", "green"), "green"),
        ({KEY: "green"}, ("blue", "green"), "blue"),
        ({KEY: "blue"}, ("blue",), None),
        ({}, ("green",), "green"),
        ({}, ("blue", "green"), "blue"),
    ],
)
def test_the_idle_color_is_the_one_that_is_not_live(
    live: dict[str, str], standing: tuple[str, ...], idle: str | None
) -> None:
    state = ProxyState(live, {(KEY, color, f"{HOST}/"): "web" for color in standing})
    routers = http_part(state)["routers"].items()
    assert [name for name, router in routers if "idle" in router["rule"]] == ([f"{KEY}:{idle}:{HOST}/"] if idle else [])


def test_the_key_without_a_color_meets_what_is_live() -> None:
    http = http_part(ProxyState({KEY: "green"}, BOTH, weights={KEY: 50}))
    assert http["routers"][f"{KEY}:keyed:{HOST}/"]["service"] == f"{KEY}:green:web@file"
    assert http["middlewares"][f"{KEY}:live"]["headers"]["customResponseHeaders"] == {"X-Switchyard-Color": "green"}


def test_the_public_follows_the_routes_of_the_live_color() -> None:
    more = {**BOTH, (KEY, "green", f"{HOST}/new"): "web"}
    assert f"{KEY}:public:{HOST}/new" not in http_part(ProxyState({KEY: "blue"}, more))["routers"]
    assert f"{KEY}:green:{HOST}/new" in http_part(ProxyState({KEY: "blue"}, more))["routers"]
    assert f"{KEY}:public:{HOST}/new" in http_part(ProxyState({KEY: "green"}, more))["routers"]


def test_the_longest_address_comes_first_and_the_private_way_before_all() -> None:
    more = {**BOTH, (KEY, "blue", f"{HOST}/api/"): "web"}
    routers = http_part(
        ProxyState({KEY: "blue"}, more, availability={KEY: "held"}), replace(FORM, insiders=("10.0.0.0/8",))
    )["routers"]
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
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", address): "web"})
    content = dynamic_config.document(KEY, state, SERVERS, FORM)
    assert "@" not in "".join(content["http"]["routers"])
    rule = content["http"]["routers"][
        dynamic_config._StackConfigBuilder(KEY, state, SERVERS, FORM).name("public", address)
    ]["rule"]
    assert rule == f'Host("{HOST}") && PathPrefix({json.dumps(address[len(HOST) :], ensure_ascii=False)})'
    assert api.state_of(seen(content)) == state


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
    http = http_part(ProxyState({KEY: "blue"}, two, {KEY: 5}), servers=servers)
    router = http["routers"][f"{KEY}:staying-green:{HOST}/api/"]
    # The values that Traefik 3.7 sets for these names.
    assert dynamic_config.cookie_of("k:blue:web") == "11c134f3c697465d"
    for service in ("web", "api"):
        assert dynamic_config.cookie_of(f"{KEY}:green:{service}") in router["rule"]
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
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", f"{HOST}/"): "web"}, {KEY: 25})
    services = http_part(state)["services"][f"{KEY}:public:{HOST}/"]["weighted"]["services"]
    assert services == [{"name": f"{KEY}:blue:web@file", "weight": 100}]


@pytest.mark.parametrize("how", ["maintenance", "held"])
def test_a_closed_stack_leads_to_the_pages_but_not_for_insiders(how: str) -> None:
    http = http_part(replace(STATE, availability={KEY: how}), replace(FORM, insiders=("10.0.0.0/8", "::1")))
    assert http["routers"][f"{KEY}:public:{HOST}/"]["service"] == "switchyard:pages@file"
    asked = http["middlewares"][f"{KEY}:page"]["headers"]["customRequestHeaders"]
    assert (asked["X-Switchyard-Stack"], asked["X-Switchyard-Page"]) == (KEY, how)
    insider = http["routers"][f"{KEY}:insider:{HOST}/"]
    # Maintenance is proved from a server that may be an insider itself.
    also = '&& (ClientIP("10.0.0.0/8") || ClientIP("::1")) && !Header("X-Switchyard-Bypass", "off")'
    assert insider["rule"].endswith(also)
    assert insider["service"] == f"{KEY}:public:{HOST}/@file"
    assert http["routers"][f"{KEY}:keyed:{HOST}/"]["service"] == f"{KEY}:blue:web@file"


def test_what_has_no_release_yet_shows_that() -> None:
    http = http_part(ProxyState({}, {(KEY, "blue", f"{HOST}/"): "web"}))
    assert http["routers"][f"{KEY}:public:{HOST}/"]["service"] == "switchyard:pages@file"
    assert http["middlewares"][f"{KEY}:page"]["headers"]["customRequestHeaders"]["X-Switchyard-Page"] == "placeholder"
    assert f"{KEY}:keyed:{HOST}/" not in http["routers"]


def test_nothing_of_a_stack_is_an_empty_file() -> None:
    assert dynamic_config.parse(dynamic_config.text_of(dynamic_config.document(KEY, ProxyState(), {}, FORM))) == {}


@pytest.mark.parametrize(
    "state",
    [
        STATE,
        ProxyState({KEY: "green"}, BOTH, {KEY: 5}),
        ProxyState({KEY: "green"}, BOTH, {KEY: 100}, {KEY: "held"}),
        ProxyState({}, {(KEY, "blue", f"{HOST}/"): "web"}),
        ProxyState({KEY: "blue"}),
        ProxyState({}, {}, {}, {KEY: "maintenance"}),
        ProxyState({KEY: "blue", "po.a_b.qual": "green"}, {**BOTH, ("po.a_b.qual", "green", "b.org/x"): "site"}),
    ],
)
def test_what_traefik_shows_is_the_state_that_was_written(state: ProxyState) -> None:
    servers = {**SERVERS, "po.a_b.qual:green:site": "http://po-site-qual-green:80"}
    contents = [dynamic_config.document(key, state, servers, FORM) for key in state.known_stacks()]
    assert api.state_of(seen(*contents)) == state


# --- options ---


def ruled(
    options: dict[str, RouteOptions],
    state: ProxyState = STATE,
    form: dynamic_config.ConfigInputs = SECURE,
    path: str = "/",
) -> tuple[dynamic_config.Document, t.Any]:
    """Return a document with options per color, and what it is about."""
    ways = {(KEY, color, HOST + path): each for color, each in options.items()}
    content = dynamic_config.document(KEY, state, SERVERS, form, ways)
    return content, content["http"]


def marks(http: t.Any, kind: str, part: str = "routers") -> list[str]:
    """Return the kinds of the middlewares of a router or a service, without those of the proxy itself."""
    found = http[part][f"{KEY}:{kind}"]["middlewares"]
    return [name.split(":")[1] for name in found if name.count(":") == 2]


def test_the_public_passes_all_rules_and_the_key_only_those_of_the_answer() -> None:
    _content, http = ruled({"blue": FULL})
    assert marks(http, f"public:{ADDRESS}") == [
        f"{kind}-blue" for kind in ("headers", "redirect", "allow", "rate", "users", "body")
    ]
    assert marks(http, f"https-public:{ADDRESS}") == [
        f"{kind}-blue" for kind in ("hsts", "headers", "allow", "rate", "users", "body")
    ]
    for kind in ("keyed", "blue"):
        assert marks(http, f"{kind}:{ADDRESS}") == ["headers-blue", "body-blue"]
        assert marks(http, f"https-{kind}:{ADDRESS}") == ["hsts-blue", "headers-blue", "body-blue"]
    assert marks(http, f"green:{ADDRESS}") == []


def test_rules_in_the_words_of_traefik() -> None:
    _content, http = ruled({"blue": FULL})
    made = {name.split(":")[1]: value for name, value in http["middlewares"].items() if name.count(":") == 2}
    assert made["redirect-blue"] == {"redirectScheme": {"scheme": "https", "permanent": True, "port": "8443"}}
    assert made["hsts-blue"] == {"headers": {"customResponseHeaders": {"Strict-Transport-Security": "max-age=60"}}}
    assert made["allow-blue"] == {"ipAllowList": {"sourceRange": ["192.0.2.0/24", "2001:db8::/32"]}}
    users = {"usersFile": "/etc/switchyard/users/prod.staff.htpasswd", "realm": "shop"}
    assert made["users-blue"] == {"basicAuth": users}
    # One may come, and 20 more at once.
    assert made["rate-blue"] == {"rateLimit": {"average": 1, "period": "0.200000000s", "burst": 21}}
    assert made["body-blue"] == {"buffering": {"maxRequestBodyBytes": 1000}}
    assert made["headers-blue"] == {"headers": {"customResponseHeaders": {"X-Frame-Options": "DENY"}}}
    assert http["serversTransports"][f"{KEY}:2.5"]["forwardingTimeouts"] == {
        "dialTimeout": "5s",
        "responseHeaderTimeout": "2.5s",
    }
    balancer = {"servers": [{"url": "http://po-web-prod-blue:8000"}], "serversTransport": f"{KEY}:2.5@file"}
    assert http["services"][f"{KEY}:blue:web:2.5"] == {"loadBalancer": balancer}
    assert http["routers"][f"{KEY}:blue:{ADDRESS}"]["service"] == f"{KEY}:blue:web:2.5@file"


def test_the_usual_port_is_not_told_and_without_https_nobody_is_sent_there() -> None:
    for port, there in ((443, {"scheme": "https", "permanent": True}), (0, None)):
        _content, http = ruled({"blue": FULL}, form=replace(FORM, https_port=port))
        redirect = http["middlewares"].get(f"{KEY}:redirect-blue:{ADDRESS}", {}).get("redirectScheme")
        assert redirect == there
        assert (f"redirect-blue:{ADDRESS}" in json.dumps(http["routers"])) == bool(there)
        assert any("https" in router["entryPoints"] for router in http["routers"].values()) == bool(there)


def test_each_way_in_is_there_with_tls_as_well() -> None:
    state = replace(STATE, weights={KEY: 5}, availability={})
    _content, http = ruled({}, state)
    plain = {name for name, router in http["routers"].items() if "tls" not in router}
    assert {name for name in http["routers"] if name not in plain} == {
        name.replace(f"{KEY}:", f"{KEY}:https-", 1) for name in plain
    }
    for name in plain:
        secure = http["routers"][name.replace(f"{KEY}:", f"{KEY}:https-", 1)]
        assert (secure["entryPoints"], secure["tls"]) == (["https"], {})
        assert (secure["rule"], secure["priority"]) == (
            http["routers"][name]["rule"],
            http["routers"][name]["priority"],
        )
    cookies = [
        http["services"][f"{KEY}:{kind}:{ADDRESS}"]["weighted"]["sticky"]["cookie"]
        for kind in ("public", "https-public")
    ]
    assert [cookie.get("secure", False) for cookie in cookies] == [False, True]


def test_rules_change_with_the_switch() -> None:
    both = {"blue": RouteOptions(max_body_size=5), "green": RouteOptions(basic_auth="prod.staff")}
    for live, expected in (("blue", ["body-blue"]), ("green", ["users-green"])):
        _content, http = ruled(both, ProxyState({KEY: live}, BOTH))
        assert marks(http, f"public:{ADDRESS}") == expected


def test_in_a_canary_the_rules_of_the_drawn_color_hold() -> None:
    both = {"blue": RouteOptions(max_body_size=5), "green": RouteOptions(basic_auth="prod.staff", response_timeout=3)}
    _content, http = ruled(both, replace(STATE, weights={KEY: 25}), FORM)
    assert marks(http, f"public:{ADDRESS}") == []
    blue, green = (child["name"] for child in http["services"][f"{KEY}:public:{ADDRESS}"]["weighted"]["services"])
    assert marks(http, blue.removesuffix("@file").removeprefix(f"{KEY}:"), "services") == ["body-blue"]
    assert marks(http, green.removesuffix("@file").removeprefix(f"{KEY}:"), "services") == ["users-green"]
    assert http["services"][green.removesuffix("@file")]["loadBalancer"]["serversTransport"] == f"{KEY}:3@file"
    # Whoever stays at a color has its options as well, and the cookie of the draw is known.
    assert marks(http, f"staying-green:{ADDRESS}") == ["users-green"]
    assert (
        dynamic_config.cookie_of(green.removesuffix("@file"))
        in http["routers"][f"{KEY}:staying-green:{ADDRESS}"]["rule"]
    )


@pytest.mark.parametrize("how", ["maintenance", "held"])
def test_a_page_asks_for_the_rules_but_is_no_answer_of_the_application(how: str) -> None:
    # Who waits goes on with the key, which passes the options: so they are asked before.
    _content, http = ruled({"blue": FULL}, replace(STATE, availability={KEY: how}))
    assert marks(http, f"public:{ADDRESS}") == [f"{kind}-blue" for kind in ("redirect", "allow", "rate", "users")]
    assert marks(http, f"https-public:{ADDRESS}") == [f"{kind}-blue" for kind in ("hsts", "allow", "rate", "users")]


def test_what_came_through_a_proxy_is_asked_for_the_address_in_the_header() -> None:
    form = replace(FORM, trusted=("10.0.0.0/8", "::1"))
    _content, http = ruled({"blue": RouteOptions(allow_ips=("192.0.2.0/24",), rate_limit=Rate(1, 1, 0))}, form=form)
    plain, forwarded = (http["routers"][f"{KEY}:{kind}public:{ADDRESS}"] for kind in ("", "forwarded-"))
    assert forwarded["rule"] == plain["rule"] + ' && (ClientIP("10.0.0.0/8") || ClientIP("::1"))'
    assert forwarded["priority"] == plain["priority"] + 1
    assert marks(http, f"forwarded-public:{ADDRESS}") == ["forwarded-allow-blue", "forwarded-rate-blue"]
    strategy = {"ipStrategy": {"excludedIPs": ["10.0.0.0/8", "::1"]}}
    allow = http["middlewares"][f"{KEY}:forwarded-allow-blue:{ADDRESS}"]["ipAllowList"]
    assert allow == {"sourceRange": ["192.0.2.0/24"], **strategy}
    rate = http["middlewares"][f"{KEY}:forwarded-rate-blue:{ADDRESS}"]["rateLimit"]
    assert rate["sourceCriterion"] == strategy
    # Where no rule asks for an address, one router does for both.
    _content, http = ruled({"blue": RouteOptions(max_body_size=5)}, form=form)
    assert "forwarded" not in json.dumps(http)


def test_what_a_trusted_proxy_got_by_https_is_not_sent_there() -> None:
    options = RouteOptions(https="redirect", hsts=5)
    _content, http = ruled({"blue": options}, form=replace(SECURE, trusted=("10.0.0.0/8",)))
    plain, secured = (http["routers"][f"{KEY}:{kind}public:{ADDRESS}"] for kind in ("", "secured-"))
    assert secured["rule"] == plain["rule"] + ' && Header("X-Forwarded-Proto", "https")'
    assert secured["priority"] > plain["priority"]
    assert marks(http, f"public:{ADDRESS}") == ["redirect-blue"]
    assert marks(http, f"secured-public:{ADDRESS}") == marks(http, f"https-public:{ADDRESS}") == ["hsts-blue"]
    assert not [name for name in http["routers"] if "https-secured" in name]
    # Nobody is believed where nobody is trusted.
    assert "secured" not in json.dumps(ruled({"blue": options})[0])


def test_of_two_ways_the_longer_one_comes_first_also_through_a_proxy() -> None:
    form = replace(FORM, trusted=("10.0.0.0/8",))
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", f"{HOST}/"): "web", (KEY, "blue", f"{HOST}/a"): "web"})
    ways = {(KEY, "blue", f"{HOST}/"): RouteOptions(allow_ips=("192.0.2.0/24",))}
    routers = dynamic_config.document(KEY, state, SERVERS, form, ways)["http"]["routers"]
    longer, shorter = (
        routers[f"{KEY}:{name}"]["priority"] for name in (f"public:{HOST}/a", f"forwarded-public:{HOST}/")
    )
    assert longer > shorter


@pytest.mark.parametrize(
    "options",
    [
        FULL,
        RouteOptions(response_timeout=30),
        RouteOptions(rate_limit=Rate(0.5, 60, 0)),
        RouteOptions(headers=(("X!#$%&'*+.^_`|~-a", '"\\ {{ env "HOME" }} {{{'), ("X-Gone", ""))),
    ],
)
@pytest.mark.parametrize("path", ["/", "/@me:x", "/ü {{ now }}"])
def test_traefik_shows_the_rules_that_were_written(options: RouteOptions, path: str) -> None:
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", HOST + path): "web"}, availability={KEY: "held"})
    content, _http = ruled({"blue": options}, state, path=path)
    text = dynamic_config.text_of(content)
    # Two braces would be a template of Go.
    assert "{{" not in text
    raw = seen(dynamic_config.parse(text))
    assert api.options_in(raw) == {(KEY, "blue", HOST + path): options}
    assert api.state_of(raw) == state
    assert api.servers_of(raw) == SERVERS


def test_a_weight_is_read_behind_rules() -> None:
    state = replace(STATE, weights={KEY: 25})
    content, _http = ruled({"blue": FULL, "green": FULL}, state, replace(SECURE, trusted=("10.0.0.0/8",)))
    assert api.state_of(seen(content)) == state
    assert api.servers_of(seen(content)) == SERVERS


def test_a_changed_rule_is_a_difference() -> None:
    content, http = ruled({"blue": FULL})
    for kind, words, value in (
        ("users", "basicAuth", {"usersFile": "/another", "realm": "shop"}),
        ("allow", "ipAllowList", {"sourceRange": ["0.0.0.0/0"]}),
        ("body", "buffering", {}),
    ):
        raw = seen(content)
        raw["middlewares"][f"{KEY}:{kind}-blue:{ADDRESS}@file"] = {words: value}
        assert api.config_mismatches(content, raw, KEY) == [f"{KEY}:{kind}-blue:{ADDRESS} is another one"]
    assert http["middlewares"]


def test_a_container_that_has_no_https_yet_keeps_nobody_waiting() -> None:
    content, _http = ruled({})
    raw = seen(content)
    raw["routers"][f"{KEY}:https-public:{ADDRESS}@file"]["error"] = [
        'entryPoint "https" doesn\'t exist',
        "no valid entryPoint for this router",
    ]
    assert api.config_mismatches(content, raw, KEY) == []


def test_an_access_line_behind_rules_names_the_service() -> None:
    line = driver.access_line(json.dumps({**LINE, "ServiceName": "px.shop.one:blue:web:2.5@file"}))
    assert line
    assert (line["color"], line["route"]) == ("blue", "web")


def test_routers_of_others_are_not_ours() -> None:
    others = {"http": {"routers": {"blog": {"rule": "Host(`b.org`)", "service": "b"}}, "services": {"b": {}}}}
    assert api.state_of(seen(others)) == ProxyState()
    assert api.servers_of(seen(others)) == {}


def test_each_difference_is_named() -> None:
    content = dynamic_config.document(KEY, STATE, SERVERS, FORM)
    raw = seen(content)
    assert api.config_mismatches(content, raw, KEY) == []
    raw["routers"][f"{KEY}:public:{HOST}/@file"]["priority"] = 1
    raw["routers"][f"{KEY}:blue:{HOST}/@file"]["error"] = ["the service does not exist"]
    del raw["services"][f"{KEY}:blue:web@file"]
    raw["middlewares"][f"{KEY}:old@file"] = {}
    assert sorted(api.config_mismatches(content, raw, KEY)) == [
        f"{KEY}:blue:{HOST}/: the service does not exist",
        f"{KEY}:blue:web is not there",
        f"{KEY}:old is still there",
        f"{KEY}:public:{HOST}/ is another one",
    ]


def test_what_traefik_complains_of_is_told_without_the_folder() -> None:
    router = '{"level":"error","routerName":"x@file","error":"no such service"}'
    assert api.error_messages(f'noise\n{{"level":"info"}}\n{INVALID}\n{router}\n"text"') == [
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
    assert driver.Traefik.access_line(json.dumps(LINE)) == {
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
    line = driver.access_line(json.dumps({**LINE, **changes}))
    assert line
    assert (line["stack"], line["color"], line["route"]) == (stack, color, "")


@pytest.mark.parametrize("text", ["", "listening", '{"level":"error","error":"x"}', "[1]", '"x"'])
def test_other_lines_are_no_access_lines(text: str) -> None:
    assert driver.access_line(text) is None


# --- the running process ---


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


def test_what_stands_already_is_no_change(shop: driver.Traefik) -> None:
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
    assert api.servers_of(running.raw) == {**SERVERS, f"{KEY}:green:web": "http://po-web-prod-green:9000"}


def test_only_the_proxy_reads_a_file_with_the_key(shop: driver.Traefik, folder: Path) -> None:
    for name in ("conf.d", "staged"):
        assert (folder / name / FILE).stat().st_mode & 0o777 == 0o600


def test_what_somebody_else_changed_is_not_settled(shop: driver.Traefik, running: FakeTraefik) -> None:
    running.frozen = True
    running.raw["routers"][f"{KEY}:public:{HOST}/@file"]["rule"] = "Host(`evil.org`)"
    assert not shop.read().in_sync
    assert shop.plan_switch(shop.read(), KEY, "blue").changed


def test_a_switch_needs_no_trial_but_new_routes_do(
    shop: driver.Traefik, docker: Callable[[str], Callable[[], list[str]]]
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
    proxy: driver.Traefik, folder: Path, docker: Callable[[str], Callable[[], list[str]]], trial: FakeTraefik
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
def test_what_the_trial_does_not_do_is_refused(shop: driver.Traefik, trial: FakeTraefik) -> None:
    trial.frozen = True
    with pytest.raises(SwitchyardError, match=r"refuses the new configuration, the old one stays: .* is another one"):
        routes(shop, "green", replace(SHOP, routes=(Route("web", 9000, HOST, "/"),)))


def test_a_change_that_is_not_taken_over_is_taken_back(
    shop: driver.Traefik, running: FakeTraefik, folder: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LIVE_LIMIT", 0.2)
    before = (folder / "conf.d" / FILE).read_text()
    running.frozen = True
    engine.written["po-proxy"] = [json.dumps(LINE), INVALID]
    with pytest.raises(SwitchyardError, match=r"the files before are back: neighbour\.yml: field not found"):
        switch(shop, "green")
    assert (folder / "conf.d" / FILE).read_text() == before


def test_the_first_file_of_a_stack_that_is_not_taken_over_goes_away(
    proxy: driver.Traefik, running: FakeTraefik, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LIVE_LIMIT", 0.2)
    running.frozen = True
    with pytest.raises(SwitchyardError, match="is not there"):
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


def own(name: str) -> str:
    """Return an own file with a certificate, as the role's template makes it."""
    pairs = [dict.fromkeys(("certFile", "keyFile"), f"/etc/switchyard/certificates/{name}.pem")]
    return "# by the role\n" + json.dumps({"http": {}, "tls": {"certificates": pairs}})


@pytest.fixture
def serving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give an https server that shows a certificate of the folder, and takes another one when it is told to."""
    (folder / "certificates").mkdir()
    for name in ("old", "new"):
        pair = self_signed(HOST)
        (folder / "certificates" / f"{name}.pem").write_text(pair["certificate"] + pair["key"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def show(name: str) -> None:
        context.load_cert_chain(folder / "certificates" / f"{name}.pem")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(self.request, server_side=True):
                pass

    show("old")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        for name in ("HTTPS_PORT", "TRIAL_HTTPS_PORT"):
            monkeypatch.setattr(driver, name, server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield show
        server.shutdown()


def give(proxy: driver.Traefik, name: str) -> None:
    proxy.apply(lambda state: ProxyPlan(state, state, {proxy.own_file: own(name)}, {}))


def test_a_new_certificate_is_in_use_before_anybody_says_so(
    shop: driver.Traefik, serving: Callable[[str], None]
) -> None:
    shop.capabilities = equipped(HOST)
    give(shop, "old")
    with pytest.raises(SwitchyardError, match=rf"the old one stays: the certificate for {HOST} is not in use"):
        give(shop, "new")
    serving("new")
    give(shop, "new")


@pytest.mark.usefixtures("serving")
def test_a_wildcard_is_asked_for_a_host_of_its_own(shop: driver.Traefik) -> None:
    shop.capabilities = equipped(f"*.{HOST}")
    give(shop, "old")


def test_a_proxy_that_has_no_https_yet_is_not_asked_for_it(shop: driver.Traefik, running: FakeTraefik) -> None:
    shop.capabilities = equipped(HOST)
    running.raw["routers"]["switchyard:https-health@file"] = {"error": ['entryPoint "https" doesn\'t exist']}
    assert shop._unserved(own("old"), running.raw, 1) == []


def test_no_answer_on_https_is_told(
    shop: driver.Traefik, serving: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.capabilities = equipped(HOST)
    monkeypatch.setattr(driver, "HTTPS_PORT", 1)
    with pytest.raises(SwitchyardError, match="does not answer on https"):
        give(shop, "old")


def test_other_settings_reach_the_files_of_all_stacks(shop: driver.Traefik, running: FakeTraefik) -> None:
    close(shop, "maintenance")
    shop.insiders = ("10.0.0.0/8",)
    assert not shop.read().in_sync
    shop.apply(lambda state: ProxyPlan(state, replace(state, in_sync=True)))
    assert f"{KEY}:insider:{HOST}/@file" in running.raw["routers"]


def test_another_key_of_an_environment_reaches_the_files_of_all_stacks(
    shop: driver.Traefik, running: FakeTraefik, folder: Path
) -> None:
    (folder / "preview-keys.json").write_text('{"prod": {"header": "X-Preview", "value": "secret"}}')
    assert not shop.read().in_sync
    shop.apply(lambda state: ProxyPlan(state, replace(state, in_sync=True)))
    assert 'Header("X-Preview", "secret")' in running.raw["routers"][f"{KEY}:keyed:{HOST}/@file"]["rule"]


def test_a_held_stack_is_told_before_its_requests_come(shop: driver.Traefik, pages: FakePages) -> None:
    close(shop, "held")
    assert shop.read().availability == pages.closed == {KEY: "held"}
    close(shop, "maintenance")
    assert pages.closed == {KEY: "maintenance"}
    close(shop, None)
    assert pages.closed == shop.read().availability == {}


def test_requests_do_not_wait_where_nobody_lets_them_go(
    shop: driver.Traefik, folder: Path, running: FakeTraefik
) -> None:
    (folder / "run" / "pages.sock").unlink()
    with pytest.raises(SwitchyardError, match=r"server of the pages does not answer.*setup\.yml"):
        close(shop, "held")
    assert shop.read() == STATE


def test_a_stack_opens_also_without_the_server_of_the_pages(shop: driver.Traefik, folder: Path) -> None:
    close(shop, "held")
    (folder / "run" / "pages.sock").unlink()
    close(shop, None)
    assert shop.read() == STATE
    assert (folder / "maps" / "availability.map").read_text() == ""


def test_open_connections_are_requests_in_flight(
    shop: driver.Traefik, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.start(colored("blue", 1, pid=71), colored("green", 2, pid=72), colored("blue", 1, service="celery", pid=73))
    monkeypatch.setattr(sockets, "open_to", lambda pid, port: {(71, 8000): 3, (73, 8000): 9}.get((pid, port), 0))
    assert (shop.in_flight(KEY, "blue"), shop.in_flight(KEY, "green")) == (3, 0)
    assert shop.stats(KEY, "blue") == {
        f"{KEY}:blue:web": {"status": "enabled", "address": "http://po-web-prod-blue:8000", "in_flight": 3}
    }


def test_a_proxy_that_does_not_answer_is_told(shop: driver.Traefik, running: FakeTraefik, engine: FakeEngine) -> None:
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


def test_nothing_has_to_be_told_of_addresses(shop: driver.Traefik, folder: Path) -> None:
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
    monkeypatch.setattr(driver, "LIVE_LIMIT", 0.05)
    stale = running.raw
    monkeypatch.setattr(shop, "_raw", lambda port=None: stale if port is None else {})
    with pytest.raises(SwitchyardError, match="still there"):
        shop.apply(lambda state: shop.plan_forget(state, KEY))
    assert (folder / "conf.d" / dynamic_config.file_name(KEY)).exists()


def test_a_file_of_a_neighbour_is_told_in_traefiks_words(shop: driver.Traefik, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shop.foreign_files(shop.read())
    (shop.folder / "conf.d" / "99-theirs.yml").write_text("htp: {}")
    assert [name for name in shop.foreign_files(shop.read()) if name not in before] == ["99-theirs.yml"]
    tried: list[t.Any] = []
    monkeypatch.setattr(shop, "_try", tried.append)
    assert (shop.validate_config(), tried) == (None, [{}])

    def refuse(contents: t.Any) -> None:
        raise SwitchyardError("99-theirs.yml: field not found, node: htp")

    monkeypatch.setattr(shop, "_try", refuse)
    assert shop.validate_config() == "99-theirs.yml: field not found, node: htp"
