# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik 3: one file per stack in a folder that it watches; its API says what it made of them.

Traefik reads the whole folder or nothing of it: one invalid file, and no change of anybody is taken over, and after a
restart no route is left. So a folder that holds something unproved is tried in a second Traefik before it changes.
The files are JSON, which is YAML as well: the server's Python needs no library for it.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import http.client
import itertools
import json
import re
import socket
import ssl
import subprocess
import threading
import time
import typing as t
import urllib.parse
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from ... import atomic_file, names
from ...engine import sockets
from ...errors import SwitchyardError
from ..driver import Plan, Proxy, Routing, State, Way
from ..haproxy.driver import map_text, parse_map
from ..route_options import NONE, Rate, Rules

if t.TYPE_CHECKING:
    from ...engine.docker_client import Container, Engine

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
HIDDEN = ("X-Switchyard-Key", "X-Switchyard-Color", "X-Switchyard-As")

COOKIE = "switchyard"
# The API does not return these as they stand in a file: it hides users, and writes a time in its own way.
UNSEEN = ("users", "retry", "period")

API_TIMEOUT = 5.0
# Traefik waits a moment for more changes (providersThrottleDuration), then loads the folder.
LIVE_LIMIT = 10.0
TRIAL_LIMIT = 15.0
POLL = 0.01

Document = dict[str, t.Any]
# Files by name; one whose text is None goes away.
Contents = t.Mapping[str, t.Optional[str]]


@dataclass(frozen=True)
class Form:
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
class Door:
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


def backends(routing: Routing, color: str) -> dict[str, str]:
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
    parts = [f"Host({_quoted(host)})", f"PathPrefix({_quoted('/' + path)})", *more]
    return " && ".join(parts)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _header(name: str, value: str) -> str:
    return f"Header({_quoted(name)}, {_quoted(value)})"


def cookie_of(service: str) -> str:
    """Return the value of the cookie with which Traefik keeps a client at a child of a weighted service."""
    return hashlib.sha256(_at_file(service).encode()).hexdigest()[:16]


def _at_file(name: str) -> str:
    return f"{name}@file"


def document(
    key: str, state: State, servers: t.Mapping[str, str], form: Form, rules: t.Mapping[Way, Rules] | None = None
) -> Document:
    """Return the configuration that makes Traefik do this for one stack; ``servers`` has the address per service.

    Private routers lead to each color; public ones follow the routes of what is live. The rules are those of the color
    that answers. What is closed, or has nothing live, is led to the pages.
    """
    made = _Stack(key, state, servers, form, rules or {})
    for color in names.COLORS:
        for address in state.of(key, color):
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
class _Stack:
    """The parts of one stack's document while they come together."""

    key: str
    state: State
    servers: t.Mapping[str, str]
    form: Form
    rules: t.Mapping[Way, Rules] = field(default_factory=dict)
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
        return self.state.closed.get(self.key) or (None if self.key in self.state.live else "placeholder")

    def public(self) -> list[str]:
        """Return the ways in of the public: those of what is live; where nothing is, those of both colors."""
        live = self.state.live.get(self.key)
        colors = [live] if live else names.COLORS
        return sorted({address for color in colors for address in self.state.of(self.key, color)})

    def rules_at(self, color: str | None, address: str) -> Rules:
        """Return the rules of a way in; nothing live has none."""
        return self.rules.get((self.key, color, address), NONE) if color else NONE

    def target(self, color: str, address: str) -> str:
        """Return the name of the service that answers at a way in of a color."""
        service = self.state.of(self.key, color)[address]
        return backend(self.key, service, color, self.rules_at(color, address).timeout)

    def sharing(self, live: str, address: str) -> bool:
        """Return whether both colors answer the public at a way in."""
        return self.state.weights.get(self.key, 0) > 0 and address in self.state.of(self.key, names.other(live))

    def share(self, door: Door, color: str, address: str) -> str:
        """Return the name of a color's share of the public: behind the draw stand the rules of the color drawn."""
        door_and_address = f":{urllib.parse.quote(door.name + address)}" if self.ruled(door, color, address) else ""
        return self.target(color, address) + door_and_address

    def name(self, kind: str, address: str) -> str:
        """Return the name of a router; ``@`` would name another provider."""
        return f"{self.key}:{kind}:{urllib.parse.quote(address)}"

    def doors(self, address: str | None = None) -> list[Door]:
        """Return how requests come in; what a trusted proxy says only matters where a rule asks for it."""
        both = [self.rules_at(color, address) for color in names.COLORS] if address and self.form.trusted else []
        tls = [False, True] if self.form.https_port else [False]
        forwarded = [False, True] if any(rules.allow or rules.rate for rules in both) else [False]
        secured = [False, True] if any(rules.hsts or self._redirects(rules) for rules in both) else [False]
        doors = itertools.product(tls, forwarded, secured)
        return [Door(*door) for door in doors if not (door[0] and door[2])]

    def _router(
        self, door: Door, kind: str, first: int, address: str, service: str, marks: t.Iterable[str], *more: str
    ) -> None:
        through = [f"({_from(self.form.trusted)})"] if door.forwarded else []
        if door.secured:
            # Traefik believes this header only from those in proxy_trusted; from others it takes it away.
            through.append(_header("X-Forwarded-Proto", "https"))
        self.routers[self.name(door.name + kind, address)] = {
            "entryPoints": ["https" if door.tls else "public"],
            **({"tls": {}} if door.tls else {}),
            "rule": rule(address, *through, *more),
            "priority": first + 4 * len(address) + door.forwarded + 2 * door.secured,
            "service": _at_file(service),
            "middlewares": [_at_file(mark) for mark in marks],
        }

    def keyed(self) -> str:
        """Return the rule for requests with a key: this server's, or that of the stack's environment."""
        own = self.form.private.get(self.key.rpartition(".")[2])
        server = _header("X-Switchyard-Key", self.form.key)
        return f"({server} || {_header(*own)})" if own else server

    def named(self, color: str, address: str) -> str:
        """Return the rule for requests that name a color, or call it the one that is not live."""
        live, name = self.state.live.get(self.key), _header("X-Switchyard-Color", color)
        standing = [one for one in names.COLORS if address in self.state.of(self.key, one)]
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
            service: Document = {"services": [{"name": _at_file(to), "weight": part} for to, part in children.items()]}
            if sharing and self.form.sticky:
                secure = {"secure": True} if door.https else {}
                cookie = {"name": COOKIE, "httpOnly": True, "sameSite": "lax", "path": "/", **secure}
                service["sticky"] = {"cookie": cookie}
            self.services[self.name(f"{door.name}public", address)] = {"weighted": service}
        for color in (live, names.other(live)) if sharing and self.form.sticky and not self.page else ():
            self._staying_router(color, address)

    def gates(self, door: Door, colors: t.Iterable[str], address: str) -> None:
        """Make the services that ask for the rules of a color once it is drawn."""
        for color in colors:
            marks = self.ruled(door, color, address)
            if marks:
                gate = {**self.balancer(color, address), "middlewares": [_at_file(mark) for mark in marks]}
                self.services[self.share(door, color, address)] = gate

    def _staying_router(self, color: str, address: str) -> None:
        """Keep a client at its color on all routes of the stack: the cookie only names the service that set it."""
        shares = {self.share(door, color, mine) for mine in self.state.of(self.key, color) for door in self.doors(mine)}
        values = "|".join(sorted(map(cookie_of, shares)))
        cookie = f"HeaderRegexp({_quoted('Cookie')}, {_quoted(f'(^|; *){COOKIE}=({values})(;|$)')})"
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
                inside = [f"({_from(self.form.insiders)})", f"!{_header('X-Switchyard-As', 'public')}"]
                self._router(door, "insider", INSIDER, address, shared, marks, *inside)
            if self.page:
                # Who waits comes back with the key: what the rules ask of a client is asked before.
                shared, marks = "switchyard:pages", [f"{self.key}:page", *self.ruled(door, live, address, page=True)]
            self._router(door, "public", PUBLIC, address, shared, marks)

    # --- rules ---

    def ruled(
        self, door: Door, color: str | None, address: str, admitted: bool = False, page: bool = False
    ) -> list[str]:
        """Return the middlewares of the rules, in their order: a password takes long to check, so it comes late.

        Who has the key is ``admitted``; a ``page`` has nothing of the application.
        """
        rules = self.rules_at(color, address)
        client = "forwarded-" if door.forwarded else ""
        wanted = {
            "hsts": door.https and rules.hsts,
            "headers": rules.headers and not page,
            "redirect": self._redirects(rules) and not door.https and not admitted,
            f"{client}allow": rules.allow and not admitted,
            f"{client}rate": rules.rate and not admitted,
            "users": rules.basic_auth and not admitted,
            "body": rules.body_max and not page,
        }
        return [self.name(f"{kind}-{color}", address) for kind, there in wanted.items() if there]

    def _redirects(self, rules: Rules) -> bool:
        return rules.https == "redirect" and bool(self.form.https_port)

    def ruling(self, color: str, address: str) -> None:
        """Make the middlewares of a way in of a color, and the service that has its time limit."""
        rules = self.rules_at(color, address)
        if rules == NONE:
            return
        made: dict[str, Document] = {}
        # No router uses this one. Traefik keeps it for us: it shows which rules the others were made from.
        made["rules"] = {"headers": {"customRequestHeaders": {"X-Switchyard-Rules": _rules_text(rules)}}}
        if rules.hsts:
            made["hsts"] = {
                "headers": {"customResponseHeaders": {"Strict-Transport-Security": f"max-age={rules.hsts}"}}
            }
        if self._redirects(rules):
            port = {"port": str(self.form.https_port)} if self.form.https_port != 443 else {}
            made["redirect"] = {"redirectScheme": {"scheme": "https", "permanent": True, **port}}
        # In which header, and how far back in it, the client's own address stands.
        client = {"ipStrategy": {"excludedIPs": list(self.form.trusted)}}
        if rules.allow:
            made["allow"] = {"ipAllowList": {"sourceRange": list(rules.allow)}}
            made["forwarded-allow"] = {"ipAllowList": {**made["allow"]["ipAllowList"], **client}}
        if rules.rate:
            made["rate"] = {"rateLimit": _rate(rules.rate)}
            made["forwarded-rate"] = {"rateLimit": {**_rate(rules.rate), "sourceCriterion": client}}
        if rules.basic_auth:
            file = f"{INSIDE}/users/{rules.basic_auth}.htpasswd"
            made["users"] = {"basicAuth": {"usersFile": file, "realm": self.key.split(".")[1]}}
        if rules.headers:
            made["headers"] = {"headers": {"customResponseHeaders": dict(rules.headers)}}
        if rules.body_max:
            made["body"] = {"buffering": {"maxRequestBodyBytes": rules.body_max}}
        for kind, content in made.items():
            if self.form.trusted or not kind.startswith("forwarded-"):
                self.marks[self.name(f"{kind}-{color}", address)] = content
        if rules.timeout:
            self.services[self.target(color, address)] = self.balancer(color, address)
            limits = {"dialTimeout": f"{self.form.connect}s", "responseHeaderTimeout": f"{rules.timeout}s"}
            self.transports[f"{self.key}:{rules.timeout}"] = {"maxIdleConnsPerHost": -1, "forwardingTimeouts": limits}

    def balancer(self, color: str, address: str) -> Document:
        """Return the service of a color at a way in."""
        timeout = self.rules_at(color, address).timeout
        url = self.servers[backend(self.key, self.state.of(self.key, color)[address], color)]
        return _balancer(url, f"{self.key}:{timeout}" if timeout else "switchyard:direct")

    def middlewares(self) -> None:
        """Say which color answered to those with the key; tell the pages which stack asks, and for what."""
        live = self.state.live.get(self.key)
        shown = {color: color for color in names.COLORS if self.state.of(self.key, color)}
        if live:
            shown["live"] = live
        for name, color in shown.items():
            self.marks[f"{self.key}:{name}"] = self._headers({}, {"X-Switchyard-Color": color})
        if self.page and (self.key in self.state.closed or self.public()):
            asked = {"X-Switchyard-Stack": self.key, "X-Switchyard-Page": self.page}
            self.marks[f"{self.key}:page"] = self._headers(asked, {"X-Switchyard-Color": ""})

    def _headers(self, request: dict[str, str], response: dict[str, str]) -> Document:
        """Return a middleware; what belongs to the private way in never reaches an application."""
        hidden = dict.fromkeys([*HIDDEN, *(header for header, _value in self.form.private.values())], "")
        return {"headers": {"customRequestHeaders": {**hidden, **request}, "customResponseHeaders": response}}


def _balancer(url: str, transport: str) -> Document:
    return {"loadBalancer": {"servers": [{"url": url}], "serversTransport": _at_file(transport)}}


def _from(networks: t.Iterable[str]) -> str:
    return " || ".join(f"ClientIP({_quoted(network)})" for network in networks)


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


def state_of(raw: Document) -> State:
    """Return what Traefik does, from ``/api/rawdata``."""
    routes: dict[Way, str] = {}
    live: dict[str, str] = {}
    closed: dict[str, str] = {}
    weights: dict[str, int] = {}
    for (key, kind, rest), router in _ours(raw, "routers"):
        if kind in names.COLORS:
            routes[key, kind, urllib.parse.unquote(rest)] = _service_of(_ours_name(router["service"])[2])
    for (key, kind, _rest), middleware in _ours(raw, "middlewares"):
        headers = middleware.get("headers", {})
        if kind == "live":
            live[key] = headers["customResponseHeaders"]["X-Switchyard-Color"]
        elif kind == "page" and headers["customRequestHeaders"]["X-Switchyard-Page"] != "placeholder":
            closed[key] = headers["customRequestHeaders"]["X-Switchyard-Page"]
    for (key, kind, _rest), service in _ours(raw, "services"):
        if kind == "public":
            for child in service["weighted"]["services"]:
                if _ours_name(child["name"])[1] != live.get(key) and child["weight"]:
                    weights[key] = child["weight"]
    return State(live, routes, weights, closed)


def rules_in(raw: Document) -> dict[Way, Rules]:
    """Return the rules of each color's ways in, from ``/api/rawdata``."""
    return {
        (key, kind[len("rules-") :], urllib.parse.unquote(rest)): _rules(
            middleware["headers"]["customRequestHeaders"]["X-Switchyard-Rules"]
        )
        for (key, kind, rest), middleware in _ours(raw, "middlewares")
        if kind.startswith("rules-")
    }


def _rules_text(rules: Rules) -> str:
    return json.dumps({**dataclasses.asdict(rules), "headers": dict(rules.headers)}, sort_keys=True)


def _rules(text: str) -> Rules:
    content = json.loads(text)
    lists = {"allow": tuple(content["allow"]), "headers": tuple(sorted(content["headers"].items()))}
    return Rules(**{**content, **lists, "rate": Rate(**content["rate"]) if content["rate"] else None})


def _service_of(rest: str) -> str:
    """Return a service's name, from what stands behind the color in the name of its backend."""
    return rest.partition(":")[0]


def _ours(raw: Document, part: str) -> t.Iterator[tuple[tuple[str, str, str], Document]]:
    """Yield what belongs to a stack, with the three parts of its name."""
    for name, value in (raw.get(part) or {}).items():
        key, kind, rest = _ours_name(name)
        # The key of a stack has two dots (names.stack_key).
        if name.endswith("@file") and key.count(".") == 2 and kind:
            yield (key, kind, rest), value


def _ours_name(name: str) -> tuple[str, str, str]:
    parts = (*name.removesuffix("@file").split(":", 2), "", "")
    return parts[0], parts[1], parts[2]


def servers_of(raw: Document) -> dict[str, str]:
    """Return the address of each color's services, from ``/api/rawdata``."""
    return {
        ":".join(name): service["loadBalancer"]["servers"][0]["url"]
        for name, service in _ours(raw, "services")
        if name[1] in names.COLORS and ":" not in name[2]
    }


def differences(content: Document, raw: Document, key: str | None = None) -> list[str]:
    """Return what Traefik does not do as a file says, a sentence each.

    With ``key`` it must have nothing else of this stack either.
    """
    found = []
    for part in ("routers", "services", "middlewares"):
        wanted = content.get("http", {}).get(part, {})
        there = raw.get(part) or {}
        for name, value in wanted.items():
            seen = there.get(_at_file(name))
            if seen is None:
                found.append(f"{name} is not there")
            elif NO_HTTPS in seen.get("error", []):
                continue
            elif seen.get("error"):
                found.append(f"{name}: {'; '.join(seen['error'])}")
            elif not _within(value, seen):
                found.append(f"{name} is another one")
        if key:
            mine = {name.removesuffix("@file") for name in there if name.startswith(f"{key}:")}
            found += [f"{name} is still there" for name in sorted(mine - set(wanted))]
    return found


def unlike(contents: Contents, raw: Document) -> list[str]:
    """Return what Traefik does not do as these files say; of one that went away, nothing may be left."""
    return [
        words
        for name, text in contents.items()
        for words in differences(parse(text) if text else {}, raw, _key_of(name))
    ]


def _within(wanted: t.Any, seen: t.Any) -> bool:
    """Return whether everything wanted is there; the API adds defaults."""
    if isinstance(wanted, dict):
        return isinstance(seen, dict) and all(
            name in UNSEEN or _within(value, seen.get(name)) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(seen, list) and len(wanted) == len(seen) and all(map(_within, wanted, seen))
    return bool(wanted == seen)


def complaints(log: str) -> list[str]:
    """Return what Traefik said at the level ``error``, the newest last, without the folder's name."""
    found = []
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and entry.get("level") == "error":
                words = str(entry.get("error") or entry.get("message") or "")
                subject = entry.get("routerName") or entry.get("serviceName") or entry.get("middlewareName")
                words = re.sub(rf"(collecting file configs: )?{INSIDE}/\w[\w.]*/", "", words)
                found.append(f"{subject}: {words}" if subject else words)
    return found


class Traefik(Proxy):
    """The Traefik that the role ``proxy`` put under ``folder``."""

    own_file = "00-proxy.yml"

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any], engine: Engine) -> None:
        """Take the role's folder, its settings and the engine that runs the container."""
        super().__init__(folder, settings)
        self.container = str(settings["container"])
        self.uid = int(settings["uid"])
        self.insiders = tuple(settings.get("insiders", ()))
        self.sticky = bool(settings.get("sticky", True))
        self.trusted = tuple(settings.get("trusted", ()))
        self.connect = settings.get("connect", Form.connect)
        self.engine = engine
        self._address: str | None = None

    def first_files(self) -> dict[str, str]:
        """Return the way to the API. It shows the key of the private way in, so who asks must know that key."""
        digest = base64.b64encode(hashlib.sha1(self.key().encode()).digest()).decode()
        router = {
            "entryPoints": ["private"],
            "rule": f"Host({_quoted(API_HOST)}) && Path(`/api/rawdata`)",
            "priority": 1_000_000,
            "service": "api@internal",
            "middlewares": [_at_file("switchyard:api")],
        }
        user = {"users": [f"{API_HOST}:{{SHA}}{digest}"], "removeHeader": True}
        content = {
            "http": {"routers": {"switchyard:api": router}, "middlewares": {"switchyard:api": {"basicAuth": user}}}
        }
        return {"01-api.yml": text_of(content)}

    # --- what the running process says ---

    def _form(self) -> Form:
        return Form(
            self.key(),
            self.insiders,
            self.sticky,
            self.trusted,
            self.equipment.https_port,
            connect=self.connect,
            private=self.private(),
        )

    def _raw(self, port: int | None = None) -> Document:
        """Return everything that Traefik knows. Raises SwitchyardError when it does not answer."""
        try:
            try:
                return self._api(self._address or self._find(), port or PRIVATE_PORT)
            except OSError:
                # It may have started anew, with another address.
                return self._api(self._find(), port or PRIVATE_PORT)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SwitchyardError(
                f"The proxy's API does not answer ({error}). Look at its log with 'docker logs {self.container}', "
                "then run setup.yml."
            ) from error

    def _find(self) -> str:
        """Return the address of the container, on whichever network. Raises OSError where it has none."""
        container = self.engine.container(self.container)
        self._address = next(filter(None, container.addresses.values()), None) if container else None
        if not self._address:
            raise OSError(f"the container {self.container} does not run")
        return self._address

    def _api(self, address: str, port: int) -> Document:
        connection = http.client.HTTPConnection(address, port, timeout=API_TIMEOUT)
        try:
            password = base64.b64encode(f"{API_HOST}:{self.key()}".encode()).decode()
            headers = {"Host": API_HOST, "Authorization": f"Basic {password}"}
            connection.request("GET", "/api/rawdata", headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"status {answer.status}")
            raw: Document = json.loads(answer.read())
            return raw
        finally:
            connection.close()

    def read(self) -> State:
        """Return what the routers and services of the running process do."""
        return self._state(self._raw())

    def _state(self, raw: Document) -> State:
        state, servers, form, rules = state_of(raw), servers_of(raw), self._form(), rules_in(raw)
        return replace(
            state,
            settled=not any(differences(document(key, state, servers, form, rules), raw, key) for key in state.known()),
        )

    def _containers(self, key: str, color: str) -> list[Container]:
        project, stack, environment = key.split(".")
        return self.engine.containers(project=project, environment=environment, stack=stack, color=color)

    def in_flight(self, key: str, color: str) -> int:
        """Return the open connections to the color's containers: Traefik opens one per request, and counts none."""
        return sum(self._in_flight(key, color, self._raw()).values())

    def _in_flight(self, key: str, color: str, raw: Document) -> dict[str, int]:
        ports = {
            name.split(":", 2)[2]: urllib.parse.urlsplit(url).port or 80
            for name, url in servers_of(raw).items()
            if name.startswith(f"{key}:{color}:")
        }
        counts = dict.fromkeys(ports, 0)
        for container in self._containers(key, color):
            service = container.label("service")
            if service in ports and container.pid:
                counts[service] += sockets.open_to(container.pid, ports[service])
        return counts

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return status, address and open connections per service of a color."""
        raw = self._raw()
        counts = self._in_flight(key, color, raw)
        return {
            backend(key, service, color): {
                "status": raw["services"][_at_file(backend(key, service, color))].get("status"),
                "address": servers_of(raw)[backend(key, service, color)],
                "in_flight": count,
            }
            for service, count in counts.items()
        }

    @staticmethod
    def access_line(text: str) -> dict[str, t.Any] | None:
        """Return a line of Traefik's access log in the fields that all proxies share; see the interface."""
        return access_line(text)

    # --- what should be ---

    def plan_routes(self, state: State, routing: Routing, color: str) -> Plan:
        """Return the plan that gives a color its routes and services; see the interface."""
        name = file_name(routing.key)
        current = atomic_file.read(self.folder / "conf.d" / name)
        mine = f"{routing.key}:{color}:"
        raw = self._raw()
        others = {service: url for service, url in servers_of(raw).items() if not service.startswith(mine)}
        rules = {way: rules for way, rules in rules_in(raw).items() if way[:2] != (routing.key, color)}
        rules.update({(routing.key, color, route.host + route.path): route.rules for route in routing.routes})
        after = state.with_routes(routing, color)
        content = document(routing.key, after, {**others, **backends(routing, color)}, self._form(), rules)
        return Plan(
            before=state,
            after=after,
            files={name: text_of(content)},
            files_before={name: current} if current is not None else {},
        )

    def files_of(self, key: str) -> list[str]:
        """Return the one name; see the interface."""
        return [file_name(key)]

    def aim(self, routing: Routing, color: str, addresses: t.Mapping[str, str]) -> None:
        """Do nothing: Traefik asks for a name's address at every new connection."""

    # --- making it so ---

    def apply(self, change: t.Callable[[State], Plan]) -> Plan:
        """Plan and carry out, alone on this server; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            raw = self._raw()
            plan = change(self._state(raw))
            if plan.changed:
                contents = self._contents(plan, raw)
                if dict(plan.files) != dict(plan.files_before) or not self._proved():
                    self._try(contents)
                self._carry_out(plan, contents)
            return plan

    def _contents(self, plan: Plan, raw: Document) -> dict[str, str | None]:
        """Return the files that will be different."""
        servers, form, rules = servers_of(raw), self._form(), rules_in(raw)
        wanted: dict[str, str | None] = {
            file_name(key): text_of(document(key, plan.after, servers, form, rules))
            for key in sorted(plan.before.known() | plan.after.known())
        }
        wanted.update(plan.files)
        folder = self.folder / "conf.d"
        return {name: text for name, text in wanted.items() if atomic_file.read(folder / name) != text}

    def _carry_out(self, plan: Plan, contents: Contents) -> None:
        folder = self.folder / "conf.d"
        before = {name: atomic_file.read(folder / name) for name in contents}
        try:
            self._hold({**plan.before.closed, **plan.after.closed})
            for name, text in contents.items():
                self.write(folder / name, text)
            self._confirm(contents)
        except (SwitchyardError, OSError) as error:
            for name, old in before.items():
                self.write(folder / name, old)
            with contextlib.suppress(SwitchyardError):
                self._hold(plan.before.closed)
            raise SwitchyardError(
                f"The proxy did not take the change over, the files before are back: {error}"
            ) from error
        atomic_file.write_json(self.folder / "proved.json", self._signature(), 0o600)
        self._hold(plan.after.closed)

    def write(self, path: Path, content: str | None) -> None:
        """Write a file that only the proxy reads: it may hold a key of the private way in; see the interface."""
        if content is None:
            atomic_file.put(path, None)
        else:
            atomic_file.write(path, content, 0o600, self.uid)

    def _confirm(self, contents: Contents) -> None:
        """Wait until Traefik does what the files say. Raises SwitchyardError with its own words when it does not."""
        end = time.monotonic() + LIVE_LIMIT
        while True:
            left = self._left(contents)
            if not left:
                return
            if time.monotonic() > end:
                said = complaints("\n".join(self.engine.logs(self.container, 500)))
                raise SwitchyardError(f"{said[-1] if said else left[0]}")
            time.sleep(POLL)

    def _left(self, contents: Contents, port: int | None = None, https_port: int | None = None) -> list[str]:
        """Return what a Traefik does not do as the files say. Raises SwitchyardError when it does not answer."""
        raw = self._raw(port)
        return unlike(contents, raw) or self._unserved(contents.get(self.own_file), raw, https_port or HTTPS_PORT)

    def _unserved(self, own: str | None, raw: Document, port: int) -> list[str]:
        """Return which certificates are not in use: Traefik says nothing of one that it cannot read."""
        listed = parse(own).get("tls", {}).get("certificates", []) if own else []
        if not listed or any(NO_HTTPS in router.get("error", []) for router in raw["routers"].values()):
            return []
        paths = [self.folder / "certificates" / Path(each["certFile"]).name for each in listed]
        wanted = {certificate_in(path.read_text(encoding="utf-8")) for path in paths}
        hosts = [certificate.names[0].replace("*", "any") for certificate in self.equipment.certificates]
        return [f"the certificate for {host} is not in use" for host in hosts if self._shown(host, port) not in wanted]

    def _shown(self, host: str, port: int) -> bytes | None:
        """Return the certificate with which Traefik answers for a host."""
        # It is compared with the file byte by byte; whether a browser believes it is not asked here.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with contextlib.ExitStack() as stack:
                plain = stack.enter_context(
                    socket.create_connection((self._address or self._find(), port), API_TIMEOUT)
                )
                return stack.enter_context(context.wrap_socket(plain, server_hostname=host)).getpeercert(True)
        except OSError as error:
            raise SwitchyardError(f"The proxy does not answer on https ({error}).") from error

    # --- proving a folder before Traefik sees it ---

    def _signature(self) -> dict[str, list[int]]:
        """Return what tells whether a file of the folder changed."""
        found = {}
        for path in sorted((self.folder / "conf.d").rglob("*")):
            if path.suffix in (".yml", ".yaml", ".toml") and path.is_file():
                seen = path.stat()
                found[str(path.relative_to(self.folder))] = [seen.st_size, seen.st_mtime_ns, seen.st_ino]
        return found

    def _proved(self) -> bool:
        """Return whether the folder is as it was when Traefik last took a change over: then all of it is valid."""
        return bool(atomic_file.read_json(self.folder / "proved.json") == self._signature())

    def _try(self, contents: Contents) -> None:
        """Load the folder with the new files in a second Traefik beside the first. Raises SwitchyardError."""
        live, staged = self.folder / "conf.d", self.folder / "staged"
        for old in staged.iterdir():
            old.unlink()
        for path in live.iterdir():
            if path.is_file() and path.suffix in (".yml", ".yaml", ".toml"):
                self.write(staged / path.name, path.read_text(encoding="utf-8"))
        for name, text in contents.items():
            self.write(staged / name, text)
        with _beside(self.container) as said:
            left, log = self._watch(contents, said)
        if left is None:
            words = (complaints(log) or [log.strip()[-400:] or "it does not start"])[0]
            if any(words.startswith(name) for name in contents):
                raise SwitchyardError(f"The proxy refuses the new configuration, the old one stays: {words}.")
            raise SwitchyardError(
                f"Nothing was changed, for the proxy cannot read its folder {live}: {words}. Repair that file or take "
                "it away: while it is there, the proxy takes over no change, and has no route at all after a restart."
            )
        if left:
            raise SwitchyardError(f"The proxy refuses the new configuration, the old one stays: {'; '.join(left)}.")

    def complaint(self) -> str | None:
        """Return what Traefik says of its files; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            try:
                self._try({})
            except SwitchyardError as error:
                return str(error)
        return None

    def _watch(self, contents: Contents, said: t.Callable[[], str]) -> tuple[list[str] | None, str]:
        """Return what the second Traefik does not do as the files say, None when it loads nothing; and its words."""
        end = time.monotonic() + TRIAL_LIMIT
        left: list[str] | None = None
        while time.monotonic() < end:
            with contextlib.suppress(SwitchyardError):
                left = self._left(contents, TRIAL_PORT, TRIAL_HTTPS_PORT)
                break
            if any("provider" in line and complaints(line) for line in said().splitlines()):
                break
            time.sleep(POLL)
        return left, said()

    # --- requests that wait ---

    def _hold(self, closed: t.Mapping[str, str]) -> None:
        """Tell the server of the pages which stacks are closed: it lets the requests of those that are held wait."""
        path, text = self.folder / "maps" / "closed.map", map_text(closed)
        if atomic_file.read(path) == text:
            return
        atomic_file.write(path, text)
        inside = f"{INSIDE}/maps/closed.map"
        try:
            now = parse_map(self._ask_pages(f"show map {inside}"))
            for key in sorted({*now, *closed}):
                verb = ("set" if key in now else "add") if key in closed else "del"
                self._ask_pages(f"{verb} map {inside} {key} {closed.get(key, '')}")
        except OSError as error:
            # Whoever opens a stack must not fail because of the pages; they read the file when they start.
            if "hold" in closed.values():
                raise SwitchyardError(f"The server of the pages does not answer ({error}). Run setup.yml.") from error

    def _ask_pages(self, command: str) -> str:
        """Return the answer of the HAProxy that has the pages (management guide, 9.3). Raises OSError."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(API_TIMEOUT)
            connection.connect(str(self.folder / "run" / "pages.sock"))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode("utf-8", "replace")


def certificate_in(text: str) -> bytes:
    """Return the first certificate of a file as the bytes that a server shows of it."""
    return ssl.PEM_cert_to_DER_cert(text[text.index(ssl.PEM_HEADER) :].partition(ssl.PEM_FOOTER)[0] + ssl.PEM_FOOTER)


def _key_of(name: str) -> str | None:
    """Return the stack that a file is of; None for the proxy's own."""
    return name[len("50-") : -len(".yml")] if name.startswith("50-") else None


@contextlib.contextmanager
def _beside(container: str) -> t.Iterator[t.Callable[[], str]]:
    """Run a second Traefik in the container, on the staged files, as long as the block lasts; yield what it says.

    It ends with its standard input, so that none is left when this process dies.
    """
    options = [
        "--entrypoints.public.address=127.0.0.1:8092",
        f"--entrypoints.private.address=:{TRIAL_PORT}",
        f"--entrypoints.https.address=:{TRIAL_HTTPS_PORT}",
        f"--providers.file.directory={INSIDE}/staged",
        "--providers.file.watch=false",
        "--api=true",
        "--ping.manualrouting=true",
        "--log.level=ERROR",
        "--log.format=json",
        "--global.checknewversion=false",
    ]
    script = 'traefik "$@" 2>&1 & read -r line; kill -9 $!; wait'
    # AnsibleModule.run_command cannot leave a command running; this code is used and tested without a module.
    # pylint: disable-next=ansible-bad-function
    process = subprocess.Popen(
        ["docker", "exec", "-i", container, "sh", "-c", script, "trial", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # Both are pipes: that was asked for above.
    said, given = t.cast("t.IO[str]", process.stdout), t.cast("t.IO[str]", process.stdin)
    lines: list[str] = []

    def listen() -> None:
        lines.extend(iter(said.readline, ""))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield lambda: "".join(lines)
    finally:
        with contextlib.suppress(OSError):
            given.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=API_TIMEOUT)
        process.kill()
        listener.join(timeout=API_TIMEOUT)


def access_line(text: str) -> dict[str, t.Any] | None:
    """Return a line of Traefik's access log in the fields of the other proxies; None for any other line.

    The names of routers and services carry stack, color and service.
    """
    try:
        line = json.loads(text)
        status = line["DownstreamStatus"]
        moment, _dot, fraction = line["StartUTC"].rstrip("Z").partition(".")
        begun = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except (ValueError, KeyError, TypeError):
        return None
    stack = _ours_name(line.get("RouterName", ""))[0]
    owner, color, service = _ours_name(line.get("ServiceName", ""))
    return {
        "time": round(begun + float(f"0.{fraction or 0}"), 3),
        "stack": stack if stack.count(".") == 2 else "",
        "route": _service_of(service) if owner == stack else "",
        "color": color if owner == stack else "",
        "status": status,
        "ms": line.get("Duration", 0) // 1_000_000,
        "bytes": line.get("DownstreamContentSize", 0),
        "method": line.get("RequestMethod", ""),
        "host": line.get("RequestHost", ""),
        "path": line.get("RequestPath", "").partition("?")[0],
        "client": line.get("ClientHost", ""),
        # 499 stands for a client that left.
        "ending": "CD" if status == 499 else "--",
        "id": line.get("TraceId", ""),
    }
