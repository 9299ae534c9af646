# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's dynamic configuration of one stack."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import typing as t
import urllib.parse
from dataclasses import dataclass, field

from ... import names
from ..route_options import NO_OPTIONS, Rate, RouteOptions
from ..state import ProxyState, RouteKey, StackRoutes

# Where the folders of the server are mounted in the containers; roles/proxy uses the same paths.
INSIDE = "/etc/switchyard"

# The entry points in the container, beside the public one. Everything on these two asks for the key.
PRIVATE_PORT = 8090
TRIAL_PORT = 8091
HTTPS_PORT = 8443
TRIAL_HTTPS_PORT = 8093

# What Traefik says of a router for https while its container is still one without: setup.yml replaces that one.
NO_HTTPS = 'entryPoint "https" doesn\'t exist'
API_HOST = "switchyard"

# What comes first: a request that names a color, one with the key, an address that may enter a closed stack, a client
# whose cookie names a color, everybody. Within each the longest host and path comes first, across all stacks; with the
# same one, those requests that came through a proxy before this one.
COLOR, KEYED, INSIDER, STAYING, PUBLIC = 500_000, 400_000, 300_000, 200_000, 100_000

# What a request says to the proxy alone.
HIDDEN = ("X-Switchyard-Key", "X-Switchyard-Color", "X-Switchyard-Bypass")
COOKIE = "switchyard"
Document = dict[str, t.Any]

# Files by name; one whose text is None goes away.
Contents = t.Mapping[str, t.Optional[str]]


@dataclass(frozen=True)
class ConfigInputs:
    """What the files hold besides the state: the role's variables, and the keys.

    ``private`` has the header and its value that are a key as well, per environment.
    """

    key: str
    insiders: tuple[str, ...] = ()
    sticky: bool = True
    trusted: tuple[str, ...] = ()
    https_port: int = 0
    connect: float = 5
    private: t.Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class EntryPointVariant:
    """How a request comes in: with TLS or without, from the client itself or through a proxy that is trusted.

    Traefik takes a router's requests either with TLS or without; and where an address counts, it looks for it either
    at the connection or in a header. ``secured`` is what a trusted proxy says of a request: it came to it with TLS.
    """

    tls: bool = False
    forwarded: bool = False
    secured: bool = False

    @property
    def https(self) -> bool:
        """Whether the client speaks TLS."""
        return self.tls or self.secured

    @property
    def name(self) -> str:
        """What stands before the kind of a router; the plain one has nothing there."""
        words = {"https": self.tls, "forwarded": self.forwarded, "secured": self.secured}
        return "".join(f"{word}-" for word, there in words.items() if there)


def backend(key: str, service: str, color: str, timeout: float | None = None) -> str:
    """Return the name of the service of one color of a service; a time limit of its own makes it another one."""
    return f"{key}:{color}:{service}" + (f":{timeout}" if timeout else "")


def backends(routing: StackRoutes, color: str) -> dict[str, str]:
    """Return the addresses of a color's services. Traefik asks Docker's DNS for the name at each new connection."""
    return {
        backend(routing.key, service, color): f"http://{routing.server(service, color)}:{port}"
        for service, port in routing.services().items()
    }


def file_name(key: str) -> str:
    """Return the name of a stack's file; one file holds both colors, so that they change together."""
    return f"50-{key}.yml"


def rule(address: str, *more: str) -> str:
    """Return the rule of a host and path. A text of Go in double quotes is one of JSON."""
    host, path = address.split("/", 1)
    parts = [f"Host({quoted(host)})", f"PathPrefix({quoted('/' + path)})", *more]
    return " && ".join(parts)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _header(name: str, value: str) -> str:
    return f"Header({quoted(name)}, {quoted(value)})"


def cookie_of(service: str) -> str:
    """Return the value of the cookie with which Traefik keeps a client at a child of a weighted service."""
    return hashlib.sha256(in_file_provider(service).encode()).hexdigest()[:16]


def in_file_provider(name: str) -> str:
    return f"{name}@file"


def document(
    key: str,
    state: ProxyState,
    servers: t.Mapping[str, str],
    form: ConfigInputs,
    options: t.Mapping[RouteKey, RouteOptions] | None = None,
) -> Document:
    """Return the configuration that makes Traefik do this for one stack; ``servers`` has the address per service.

    Private routers lead to each color; public ones follow the routes of what is live. The options are those of the
    color that answers. What is closed, or has nothing live, is led to the pages.
    """
    made = _StackConfigBuilder(key, state, servers, form, options or {})
    for color in names.COLORS:
        for address in state.routes_of(key, color):
            made.color_router(color, address)
            made.ruling(color, address)
    live = state.live.get(key)
    for address in made.public():
        if live:
            made.keyed_router(live, address)
            made.weighted(live, address)
        made.public_router(live, address)
    made.middlewares()
    parts = {
        "routers": made.routers,
        "services": made.services,
        "middlewares": made.marks,
        "serversTransports": made.transports,
    }
    http_part = {name: part for name, part in parts.items() if part}
    return {"http": http_part} if http_part else {}


@dataclass
class _StackConfigBuilder:
    """The parts of one stack's document while they come together."""

    key: str
    state: ProxyState
    servers: t.Mapping[str, str]
    form: ConfigInputs
    options: t.Mapping[RouteKey, RouteOptions] = field(default_factory=dict)
    routers: Document = field(default_factory=dict)
    services: Document = field(default_factory=dict)
    marks: Document = field(default_factory=dict)
    transports: Document = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services = {
            name: _balancer(url, "switchyard:direct")
            for name, url in self.servers.items()
            if name.startswith(f"{self.key}:")
        }

    @property
    def page(self) -> str | None:
        """The page that the public gets instead of the application."""
        return self.state.availability.get(self.key) or (None if self.key in self.state.live else "placeholder")

    def public(self) -> list[str]:
        """Return the ways in of the public: those of what is live; where nothing is, those of both colors."""
        live = self.state.live.get(self.key)
        colors = [live] if live else names.COLORS
        return sorted({address for color in colors for address in self.state.routes_of(self.key, color)})

    def options_at(self, color: str | None, address: str) -> RouteOptions:
        """Return the options of a way in; nothing live has none."""
        return self.options.get((self.key, color, address), NO_OPTIONS) if color else NO_OPTIONS

    def target(self, color: str, address: str) -> str:
        """Return the name of the service that answers at a way in of a color."""
        service = self.state.routes_of(self.key, color)[address]
        return backend(self.key, service, color, self.options_at(color, address).response_timeout)

    def sharing(self, live: str, address: str) -> bool:
        """Return whether both colors answer the public at a way in."""
        return self.state.weights.get(self.key, 0) > 0 and address in self.state.routes_of(self.key, names.other(live))

    def share(self, door: EntryPointVariant, color: str, address: str) -> str:
        """Return the name of a color's share of the public: behind the draw stand the options of the color drawn."""
        door_and_address = f":{urllib.parse.quote(door.name + address)}" if self.ruled(door, color, address) else ""
        return self.target(color, address) + door_and_address

    def name(self, kind: str, address: str) -> str:
        """Return the name of a router; ``@`` would name another provider."""
        return f"{self.key}:{kind}:{urllib.parse.quote(address)}"

    def doors(self, address: str | None = None) -> list[EntryPointVariant]:
        """Return how requests come in; what a trusted proxy says only matters where a rule asks for it."""
        both = [self.options_at(color, address) for color in names.COLORS] if address and self.form.trusted else []
        tls = [False, True] if self.form.https_port else [False]
        forwarded = [False, True] if any(options.allow_ips or options.rate_limit for options in both) else [False]
        secured = [False, True] if any(options.hsts or self._redirects(options) for options in both) else [False]
        doors = itertools.product(tls, forwarded, secured)
        return [EntryPointVariant(*door) for door in doors if not (door[0] and door[2])]

    def _router(
        self,
        door: EntryPointVariant,
        kind: str,
        first: int,
        address: str,
        service: str,
        marks: t.Iterable[str],
        *more: str,
    ) -> None:
        through = [f"({_from(self.form.trusted)})"] if door.forwarded else []
        if door.secured:
            # Traefik believes this header only from those in proxy_trusted_proxies; from others it takes it away.
            through.append(_header("X-Forwarded-Proto", "https"))
        self.routers[self.name(door.name + kind, address)] = {
            "entryPoints": ["https" if door.tls else "public"],
            **({"tls": {}} if door.tls else {}),
            "rule": rule(address, *through, *more),
            "priority": first + 4 * len(address) + door.forwarded + 2 * door.secured,
            "service": in_file_provider(service),
            "middlewares": [in_file_provider(mark) for mark in marks],
        }

    def keyed(self) -> str:
        """Return the rule for requests with a key: this server's, or that of the stack's environment."""
        own = self.form.private.get(self.key.rpartition(".")[2])
        server = _header("X-Switchyard-Key", self.form.key)
        return f"({server} || {_header(*own)})" if own else server

    def named(self, color: str, address: str) -> str:
        """Return the rule for requests that name a color, or call it the one that is not live."""
        live, name = self.state.live.get(self.key), _header("X-Switchyard-Color", color)
        standing = [one for one in names.COLORS if address in self.state.routes_of(self.key, one)]
        idle = names.other(live) if live else standing[0]
        return f"({name} || {_header('X-Switchyard-Color', 'idle')})" if color == idle else name

    def color_router(self, color: str, address: str) -> None:
        """Lead a request that names a color to it."""
        more = [self.keyed(), self.named(color, address)]
        for door in self.doors():
            marks = [f"{self.key}:{color}", *self.ruled(door, color, address, admitted=True), "switchyard:retry"]
            self._router(door, color, COLOR, address, self.target(color, address), marks, *more)

    def keyed_router(self, live: str, address: str) -> None:
        """Lead a request with the key to what is live, closed or not; also one that waited for a stack to open."""
        for door in self.doors():
            marks = [f"{self.key}:live", *self.ruled(door, live, address, admitted=True), "switchyard:retry"]
            self._router(door, "keyed", KEYED, address, self.target(live, address), marks, self.keyed())
        self.routers[self.name("keyed", address)]["entryPoints"] = ["public", "private"]

    def weighted(self, live: str, address: str) -> None:
        """Share the public between the colors; the other one only gets a share where it has the same way in."""
        sharing = self.sharing(live, address)
        percent = self.state.weights[self.key] if sharing else 0
        shares = {color: weight for color, weight in ((live, 100 - percent), (names.other(live), percent)) if weight}
        for door in self.doors(address):
            if sharing:
                # A service of weight 0 would not be there at all, and nobody could stay at it.
                children = {self.share(door, color, address): weight for color, weight in shares.items()}
                self.gates(door, shares, address)
            else:
                children = {self.target(live, address): 100}
            service: Document = {
                "services": [{"name": in_file_provider(to), "weight": part} for to, part in children.items()]
            }
            if sharing and self.form.sticky:
                secure = {"secure": True} if door.https else {}
                cookie = {"name": COOKIE, "httpOnly": True, "sameSite": "lax", "path": "/", **secure}
                service["sticky"] = {"cookie": cookie}
            self.services[self.name(f"{door.name}public", address)] = {"weighted": service}
        for color in (live, names.other(live)) if sharing and self.form.sticky and not self.page else ():
            self._staying_router(color, address)

    def gates(self, door: EntryPointVariant, colors: t.Iterable[str], address: str) -> None:
        """Make the services that ask for the options of a color once it is drawn."""
        for color in colors:
            marks = self.ruled(door, color, address)
            if marks:
                gate = {**self.balancer(color, address), "middlewares": [in_file_provider(mark) for mark in marks]}
                self.services[self.share(door, color, address)] = gate

    def _staying_router(self, color: str, address: str) -> None:
        """Keep a client at its color on all routes of the stack: the cookie only names the service that set it."""
        shares = {
            self.share(door, color, mine) for mine in self.state.routes_of(self.key, color) for door in self.doors(mine)
        }
        values = "|".join(sorted(map(cookie_of, shares)))
        cookie = f"HeaderRegexp({quoted('Cookie')}, {quoted(f'(^|; *){COOKIE}=({values})(;|$)')})"
        for door in self.doors(address):
            marks = ["switchyard:public", *self.ruled(door, color, address), "switchyard:retry"]
            self._router(door, f"staying-{color}", STAYING, address, self.target(color, address), marks, cookie)

    def public_router(self, live: str | None, address: str) -> None:
        """Lead everybody to the shared service, or to the page; then only insiders get past."""
        for door in self.doors(address):
            shared = self.name(f"{door.name}public", address)
            asked = [] if live and self.sharing(live, address) else self.ruled(door, live, address)
            marks = ["switchyard:public", *asked, "switchyard:retry"]
            if self.page and live and self.form.insiders:
                # An insider who says so sees what everybody sees: that is how maintenance is proved from this server.
                inside = [f"({_from(self.form.insiders)})", f"!{_header('X-Switchyard-Bypass', 'off')}"]
                self._router(door, "insider", INSIDER, address, shared, marks, *inside)
            if self.page:
                # Who waits comes back with the key: what the options ask of a client is asked before.
                shared, marks = "switchyard:pages", [f"{self.key}:page", *self.ruled(door, live, address, page=True)]
            self._router(door, "public", PUBLIC, address, shared, marks)

    # --- options ---

    def ruled(
        self, door: EntryPointVariant, color: str | None, address: str, admitted: bool = False, page: bool = False
    ) -> list[str]:
        """Return the middlewares of the options, in their order: a password takes long to check, so it comes late.

        Who has the key is ``admitted``; a ``page`` has nothing of the application.
        """
        options = self.options_at(color, address)
        client = "forwarded-" if door.forwarded else ""
        wanted = {
            "hsts": door.https and options.hsts,
            "headers": options.headers and not page,
            "redirect": self._redirects(options) and not door.https and not admitted,
            f"{client}allow": options.allow_ips and not admitted,
            f"{client}rate": options.rate_limit and not admitted,
            "users": options.basic_auth and not admitted,
            "body": options.max_body_size and not page,
        }
        return [self.name(f"{kind}-{color}", address) for kind, there in wanted.items() if there]

    def _redirects(self, options: RouteOptions) -> bool:
        return options.https == "redirect" and bool(self.form.https_port)

    def ruling(self, color: str, address: str) -> None:
        """Make the middlewares of a way in of a color, and the service that has its time limit."""
        options = self.options_at(color, address)
        if options == NO_OPTIONS:
            return
        made: dict[str, Document] = {}
        # No router uses this one. Traefik keeps it for us: it shows which options the others were made from.
        made["options"] = {"headers": {"customRequestHeaders": {"X-Switchyard-Options": options_text(options)}}}
        if options.hsts:
            made["hsts"] = {
                "headers": {"customResponseHeaders": {"Strict-Transport-Security": f"max-age={options.hsts}"}}
            }
        if self._redirects(options):
            port = {"port": str(self.form.https_port)} if self.form.https_port != 443 else {}
            made["redirect"] = {"redirectScheme": {"scheme": "https", "permanent": True, **port}}
        # In which header, and how far back in it, the client's own address stands.
        client = {"ipStrategy": {"excludedIPs": list(self.form.trusted)}}
        if options.allow_ips:
            made["allow"] = {"ipAllowList": {"sourceRange": list(options.allow_ips)}}
            made["forwarded-allow"] = {"ipAllowList": {**made["allow"]["ipAllowList"], **client}}
        if options.rate_limit:
            made["rate"] = {"rateLimit": _rate(options.rate_limit)}
            made["forwarded-rate"] = {"rateLimit": {**_rate(options.rate_limit), "sourceCriterion": client}}
        if options.basic_auth:
            file = f"{INSIDE}/users/{options.basic_auth}.htpasswd"
            made["users"] = {"basicAuth": {"usersFile": file, "realm": self.key.split(".")[1]}}
        if options.headers:
            made["headers"] = {"headers": {"customResponseHeaders": dict(options.headers)}}
        if options.max_body_size:
            made["body"] = {"buffering": {"maxRequestBodyBytes": options.max_body_size}}
        for kind, content in made.items():
            if self.form.trusted or not kind.startswith("forwarded-"):
                self.marks[self.name(f"{kind}-{color}", address)] = content
        if options.response_timeout:
            self.services[self.target(color, address)] = self.balancer(color, address)
            limits = {"dialTimeout": f"{self.form.connect}s", "responseHeaderTimeout": f"{options.response_timeout}s"}
            self.transports[f"{self.key}:{options.response_timeout}"] = {
                "maxIdleConnsPerHost": -1,
                "forwardingTimeouts": limits,
            }

    def balancer(self, color: str, address: str) -> Document:
        """Return the service of a color at a way in."""
        timeout = self.options_at(color, address).response_timeout
        url = self.servers[backend(self.key, self.state.routes_of(self.key, color)[address], color)]
        return _balancer(url, f"{self.key}:{timeout}" if timeout else "switchyard:direct")

    def middlewares(self) -> None:
        """Say which color answered to those with the key; tell the pages which stack asks, and for what."""
        live = self.state.live.get(self.key)
        shown = {color: color for color in names.COLORS if self.state.routes_of(self.key, color)}
        if live:
            shown["live"] = live
        for name, color in shown.items():
            self.marks[f"{self.key}:{name}"] = self._headers({}, {"X-Switchyard-Color": color})
        if self.page and (self.key in self.state.availability or self.public()):
            asked = {"X-Switchyard-Stack": self.key, "X-Switchyard-Page": self.page}
            self.marks[f"{self.key}:page"] = self._headers(asked, {"X-Switchyard-Color": ""})

    def _headers(self, request: dict[str, str], response: dict[str, str]) -> Document:
        """Return a middleware; what belongs to the private way in never reaches an application."""
        hidden = dict.fromkeys([*HIDDEN, *(header for header, _value in self.form.private.values())], "")
        return {"headers": {"customRequestHeaders": {**hidden, **request}, "customResponseHeaders": response}}


def _balancer(url: str, transport: str) -> Document:
    return {"loadBalancer": {"servers": [{"url": url}], "serversTransport": in_file_provider(transport)}}


def _from(networks: t.Iterable[str]) -> str:
    return " || ".join(f"ClientIP({quoted(network)})" for network in networks)


def _rate(rate: Rate) -> Document:
    """Return the limit in Traefik's whole numbers: one request in so many seconds, and how many at once at most."""
    return {"average": 1, "period": f"{1 / rate.per_second:.9f}s", "burst": rate.burst + 1}


def text_of(content: Document) -> str:
    """Return the text of a file. Traefik takes two braces for a template of Go, so a text shows it none."""
    text = json.dumps(content, indent=1, sort_keys=True).replace("{{", "\\u007b\\u007b")
    return f"# Written by a release; changes here are lost.\n{text}\n"


def parse(text: str) -> Document:
    """Return the content of a file of ours: JSON below lines that begin with ``#``."""
    content: Document = json.loads("\n".join(line for line in text.splitlines() if not line.startswith("#")))
    return content


def options_text(options: RouteOptions) -> str:
    return json.dumps({**dataclasses.asdict(options), "headers": dict(options.headers)}, sort_keys=True)
