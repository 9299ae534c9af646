"""Traefik without Traefik: its API over a folder of files, the pages' socket, and readers of its configuration."""

from __future__ import annotations

import base64
import contextlib
import json
import socketserver
import threading
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fakes import HOST, checked

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
    StackRoutes,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    dynamic_config,
    stack_config,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack

KEY = "po.shop.prod"


SHOP = routes_of_stack(checked(), "po", "prod", {"web": 1})


FORM = dynamic_config.ConfigInputs("the-key")


SERVERS = {f"{KEY}:{color}:web": f"http://po-shop-web-prod-{color}:8000" for color in names.COLORS}


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
        "error": "collecting file configs: /etc/switchyard/staged/foreign.yml: field not found, node: bogus",
        "message": "Cannot start the provider *file.Provider",
    }
)


def http_part(state: ProxyState, form: dynamic_config.ConfigInputs = FORM, servers: dict[str, str] = SERVERS) -> t.Any:
    return stack_config.document(KEY, state, servers, form)["http"]


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


def routes(proxy: Proxy, color: str, routing: StackRoutes = SHOP) -> ProxyPlan:
    return proxy.apply(lambda state: proxy.plan_routes(state, routing, color))


def switch(proxy: Proxy, color: str | None) -> ProxyPlan:
    return proxy.apply(lambda state: proxy.plan_switch(state, KEY, color))


def close(proxy: Proxy, how: str | None) -> ProxyPlan:
    return proxy.apply(lambda state: proxy.plan_availability(state, [KEY], how))


def ruled(
    options: dict[str, RouteOptions],
    state: ProxyState = STATE,
    form: dynamic_config.ConfigInputs = SECURE,
    path: str = "/",
) -> tuple[dynamic_config.Document, t.Any]:
    """Return a document with options per color, and what it is about."""
    ways = {(KEY, color, HOST + path): each for color, each in options.items()}
    content = stack_config.document(KEY, state, SERVERS, form, ways)
    return content, content["http"]


def marks(http: t.Any, kind: str, part: str = "routers") -> list[str]:
    """Return the kinds of the middlewares of a router or a service, without those of the proxy itself."""
    found = http[part][f"{KEY}:{kind}"]["middlewares"]
    return [name.split(":")[1] for name in found if name.count(":") == 2]


def own(name: str) -> str:
    """Return an own file with a certificate, as the role's template makes it."""
    pairs = [dict.fromkeys(("certFile", "keyFile"), f"/etc/switchyard/certificates/{name}.pem")]
    return "# by the role\n" + json.dumps({"http": {}, "tls": {"certificates": pairs}})
