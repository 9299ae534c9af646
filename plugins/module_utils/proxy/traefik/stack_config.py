# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's dynamic configuration of one stack: its routers, services, middlewares and transports."""

from __future__ import annotations

import itertools
import typing as t
import urllib.parse
from dataclasses import dataclass, field

from ... import names
from ...config.wildcard_hosts import is_wildcard
from ..request_form import scopes
from ..route_options import NO_OPTIONS, RouteOptions
from ..state import ProxyState, RouteKey
from .dynamic_config import (
    BYPASS,
    COLOR,
    COOKIE,
    EXACT,
    KEYED,
    OTHER_UPGRADE,
    PUBLIC,
    REFUSED,
    STICKY,
    ConfigInputs,
    Document,
    EntryPointVariant,
    backend,
    balancer,
    client_rule,
    cookie_of,
    header_rule,
    in_file_provider,
    quoted,
    refusal_rule,
    rule,
)
from .middlewares import middleware_kinds, option_middlewares, proxy_headers, redirects


def document(
    key: str,
    state: ProxyState,
    servers: t.Mapping[str, str],
    inputs: ConfigInputs,
    options: t.Mapping[RouteKey, RouteOptions] | None = None,
) -> Document:
    """Return the configuration of one stack in a state; ``servers`` has the URL per Traefik service.

    Each color has routers for requests with a preview key. Public routers follow the routes and options of the live
    color; those of a stack that is not available, or has no live color, lead to the pages.
    """
    builder = StackConfigBuilder(key, state, servers, inputs, options or {})
    for color in names.COLORS:
        for host_path in state.routes_of(key, color):
            builder.add_color_router(color, host_path)
            builder.add_options(color, host_path)
    live = state.live.get(key)
    for host_path in builder.public_routes():
        if live:
            builder.add_keyed_router(live, host_path)
            builder.add_weighted_service(live, host_path)
        builder.add_public_router(live, host_path)
    builder.add_refusals()
    builder.add_color_middlewares()
    parts = {
        "routers": builder.routers,
        "services": builder.services,
        "middlewares": builder.middlewares,
        "serversTransports": builder.transports,
    }
    http_part = {name: part for name, part in parts.items() if part}
    return {"http": http_part} if http_part else {}


@dataclass
class StackConfigBuilder:
    """The parts of one stack's document while they are made."""

    key: str
    state: ProxyState
    servers: t.Mapping[str, str]
    inputs: ConfigInputs
    options: t.Mapping[RouteKey, RouteOptions] = field(default_factory=dict)
    routers: Document = field(default_factory=dict)
    services: Document = field(default_factory=dict)
    middlewares: Document = field(default_factory=dict)
    transports: Document = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services = {
            name: balancer(url, "switchyard:direct")
            for name, url in self.servers.items()
            if name.startswith(f"{self.key}:")
        }

    # --- lookups ---

    @property
    def page(self) -> str | None:
        """The page that users get instead of the application."""
        return self.state.availability.get(self.key) or (None if self.key in self.state.live else "placeholder")

    def public_routes(self) -> list[str]:
        """Return the routes for users: those of the live color; without one, those of both colors."""
        live = self.state.live.get(self.key)
        colors = [live] if live else names.COLORS
        return sorted({host_path for color in colors for host_path in self.state.routes_of(self.key, color)})

    def options_of(self, color: str | None, host_path: str) -> RouteOptions:
        """Return the options of a route of a color; without a color there are none."""
        return self.options.get((self.key, color, host_path), NO_OPTIONS) if color else NO_OPTIONS

    def target(self, color: str, host_path: str) -> str:
        """Return the name of the Traefik service that answers at a route of a color."""
        service = self.state.routes_of(self.key, color)[host_path]
        return backend(self.key, service, color, self.options_of(color, host_path).response_timeout)

    def is_shared(self, live: str, host_path: str) -> bool:
        """Return whether both colors serve users at a route, in a canary."""
        has_weight = self.state.weights.get(self.key, 0) > 0
        return has_weight and host_path in self.state.routes_of(self.key, names.other(live))

    def share(self, variant: EntryPointVariant, color: str, host_path: str) -> str:
        """Return the name of a color's share of users: the options of the color apply once it is drawn."""
        has_options = self.option_names(variant, color, host_path)
        suffix = f":{urllib.parse.quote(variant.name + host_path)}" if has_options else ""
        return self.target(color, host_path) + suffix

    def name(self, kind: str, host_path: str) -> str:
        """Return the name of a router; ``@`` would name another provider."""
        return f"{self.key}:{kind}:{urllib.parse.quote(host_path)}"

    def option_names(
        self,
        variant: EntryPointVariant,
        color: str | None,
        host_path: str,
        with_key: bool = False,
        page: bool = False,
    ) -> list[str]:
        """Return the names of the middlewares of a route's options; see ``middleware_kinds``."""
        kinds = middleware_kinds(self.options_of(color, host_path), self.inputs, variant, with_key, page)
        return [self.name(f"{kind}-{color}", host_path) for kind in kinds]

    def variants(self, host_path: str | None = None) -> list[EntryPointVariant]:
        """Return how requests arrive: with TLS or without, and through a trusted proxy or not.

        Those that a trusted proxy received with TLS are apart only where an option needs it.
        """
        trusted = self.inputs.trusted_proxies
        both = [self.options_of(color, host_path) for color in names.COLORS] if host_path and trusted else []
        tls = [False, True] if self.inputs.https_port else [False]
        forwarded = [False, True] if trusted else [False]
        secured = [False, True] if any(each.hsts or redirects(each, self.inputs) for each in both) else [False]
        product = itertools.product(tls, forwarded, secured)
        variants = [EntryPointVariant(*flags) for flags in product]
        return [each for each in variants if not each.secured or (each.forwarded and not each.tls)]

    # --- routers ---

    def _add_router(
        self,
        variant: EntryPointVariant,
        kind: str,
        first: int,
        host_path: str,
        service: str,
        middlewares: t.Iterable[str],
        *more: str,
    ) -> None:
        through = [f"({client_rule(self.inputs.trusted_proxies)})"] if variant.forwarded else []
        if variant.secured:
            # Traefik keeps this header only from proxy_trusted_proxies, and removes it from other requests.
            through.append(header_rule("X-Forwarded-Proto", "https"))
        first += (0 if is_wildcard(host_path) else EXACT) + 8 * len(host_path)
        router: Document = {
            "entryPoints": ["https" if variant.tls else "public"],
            **({"tls": {}} if variant.tls else {}),
            "rule": rule(host_path, *through, *more),
            "priority": first + variant.forwarded + 2 * variant.secured,
            "service": in_file_provider(service),
            "middlewares": [in_file_provider(name) for name in (variant.client, *middlewares)],
        }
        self.routers[self.name(variant.name + kind, host_path)] = router
        if kind not in (*names.COLORS, "keyed"):
            self.routers[self.name(f"{variant.name}{kind}-upgrade", host_path)] = {
                **router,
                "rule": f"{OTHER_UPGRADE} && {router['rule']}",
                "priority": router["priority"] + 4,
                "middlewares": [in_file_provider("switchyard:no-upgrade"), *router["middlewares"]],
            }

    def add_refusals(self) -> None:
        """Refuse paths that are not in normal form on hosts whose routes differ by their path."""
        by_scope: dict[str, list[str]] = {}
        for host, scope in scopes(host_path for key, _color, host_path in self.state.routes if key == self.key).items():
            by_scope.setdefault(scope, []).append(host)
        by_scope.pop("0", None)
        for scope, hosts in by_scope.items():
            for tls in [False, True] if self.inputs.https_port else [False]:
                self.routers[f"{self.key}:{'https-' if tls else ''}refused:{scope}"] = {
                    "entryPoints": ["https" if tls else "public"],
                    **({"tls": {}} if tls else {}),
                    "rule": refusal_rule(hosts, scope),
                    "priority": REFUSED,
                    "service": "noop@internal",
                    "middlewares": [in_file_provider("switchyard:refuse")],
                }

    def key_rule(self) -> str:
        """Return the rule for requests with a preview key: this server's, or that of the stack's environment."""
        own = self.inputs.preview_keys.get(names.parse_stack_key(self.key)[2])
        server = header_rule("X-Switchyard-Key", self.inputs.server_key)
        return f"({server} || {header_rule(*own)})" if own else server

    def color_rule(self, color: str, host_path: str) -> str:
        """Return the rule for requests that name a color, or ``idle`` where it is the idle one."""
        live, name = self.state.live.get(self.key), header_rule("X-Switchyard-Color", color)
        with_route = [each for each in names.COLORS if host_path in self.state.routes_of(self.key, each)]
        idle = names.other(live) if live else with_route[0]
        return f"({name} || {header_rule('X-Switchyard-Color', 'idle')})" if color == idle else name

    def add_color_router(self, color: str, host_path: str) -> None:
        """Route requests with a preview key that name a color to it."""
        more = [self.key_rule(), self.color_rule(color, host_path)]
        for variant in self.variants():
            options = self.option_names(variant, color, host_path, with_key=True)
            middlewares = [f"{self.key}:{color}", *options, "switchyard:retry"]
            self._add_router(variant, color, COLOR, host_path, self.target(color, host_path), middlewares, *more)
        self._add_private_router(f"private-{color}", color, host_path)

    def add_keyed_router(self, live: str, host_path: str) -> None:
        """Route requests with a preview key to the live color, available or not; also those that were held."""
        for variant in self.variants():
            options = self.option_names(variant, live, host_path, with_key=True)
            middlewares = [f"{self.key}:live", *options, "switchyard:retry"]
            service = self.target(live, host_path)
            self._add_router(variant, "keyed", KEYED, host_path, service, middlewares, self.key_rule())
        self._add_private_router("held", "keyed", host_path)

    def _add_private_router(self, kind: str, other: str, host_path: str) -> None:
        """Add the router of another kind to the private entry point, where the request says who the client is."""
        router = self.routers[self.name(other, host_path)]
        middlewares = [in_file_provider("switchyard:client-trusted"), *router["middlewares"][1:]]
        self.routers[self.name(kind, host_path)] = {**router, "entryPoints": ["private"], "middlewares": middlewares}

    def add_public_router(self, live: str | None, host_path: str) -> None:
        """Route users to the shared service, or to the page; then only ``proxy_bypass_ips`` reach the application."""
        for variant in self.variants(host_path):
            service = self.name(f"{variant.name}public", host_path)
            shared = live and self.is_shared(live, host_path)
            options = [] if shared else self.option_names(variant, live, host_path)
            middlewares = ["switchyard:public", *options, "switchyard:retry"]
            if self.page and live and self.inputs.bypass_ips:
                # X-Switchyard-Bypass: off gets the page, so that maintenance can be verified from this server.
                bypass = [f"({client_rule(self.inputs.bypass_ips)})", f"!{header_rule('X-Switchyard-Bypass', 'off')}"]
                self._add_router(variant, "bypass", BYPASS, host_path, service, middlewares, *bypass)
            if self.page:
                # A held request returns with the key, so the options are checked before it waits.
                service = "switchyard:pages"
                middlewares = [f"{self.key}:page", *self.option_names(variant, live, host_path, page=True)]
            self._add_router(variant, "public", PUBLIC, host_path, service, middlewares)

    def _add_sticky_router(self, color: str, host_path: str) -> None:
        """Keep a client at its color on all routes of the stack: the cookie names only the service that set it."""
        routes = self.state.routes_of(self.key, color)
        shares = {self.share(variant, color, own) for own in routes for variant in self.variants(own)}
        values = "|".join(sorted(map(cookie_of, shares)))
        cookie = f"HeaderRegexp({quoted('Cookie')}, {quoted(f'(^|; *){COOKIE}=({values})(;|$)')})"
        for variant in self.variants(host_path):
            middlewares = ["switchyard:public", *self.option_names(variant, color, host_path), "switchyard:retry"]
            service = self.target(color, host_path)
            self._add_router(variant, f"sticky-{color}", STICKY, host_path, service, middlewares, cookie)

    # --- services and middlewares ---

    def add_weighted_service(self, live: str, host_path: str) -> None:
        """Share users between the colors; the idle color gets a share only where it has the same route."""
        shared = self.is_shared(live, host_path)
        percent = self.state.weights[self.key] if shared else 0
        shares = {color: weight for color, weight in ((live, 100 - percent), (names.other(live), percent)) if weight}
        for variant in self.variants(host_path):
            if shared:
                # Traefik leaves out a service of weight 0, so no client could stay at it.
                children = {self.share(variant, color, host_path): weight for color, weight in shares.items()}
                self._add_shares(variant, shares, host_path)
            else:
                children = {self.target(live, host_path): 100}
            service: Document = {
                "services": [{"name": in_file_provider(name), "weight": weight} for name, weight in children.items()]
            }
            if shared and self.inputs.sticky:
                secure = {"secure": True} if variant.https else {}
                cookie = {"name": COOKIE, "httpOnly": True, "sameSite": "lax", "path": "/", **secure}
                service["sticky"] = {"cookie": cookie}
            self.services[self.name(f"{variant.name}public", host_path)] = {"weighted": service}
        for color in (live, names.other(live)) if shared and self.inputs.sticky and not self.page else ():
            self._add_sticky_router(color, host_path)

    def _add_shares(self, variant: EntryPointVariant, colors: t.Iterable[str], host_path: str) -> None:
        """Add the services that apply the options of a color once it is drawn."""
        for color in colors:
            options = self.option_names(variant, color, host_path)
            if options:
                middlewares = {"middlewares": [in_file_provider(name) for name in options]}
                self.services[self.share(variant, color, host_path)] = {
                    **self._balancer(color, host_path),
                    **middlewares,
                }

    def add_options(self, color: str, host_path: str) -> None:
        """Add the middlewares of a route of a color, and the service with its timeout."""
        options = self.options_of(color, host_path)
        if options == NO_OPTIONS:
            return
        stack = names.parse_stack_key(self.key)[1]
        for kind, content in option_middlewares(options, self.inputs, stack).items():
            self.middlewares[self.name(f"{kind}-{color}", host_path)] = content
        if options.response_timeout:
            self.services[self.target(color, host_path)] = self._balancer(color, host_path)
            self.transports[f"{self.key}:{options.response_timeout}"] = {
                "maxIdleConnsPerHost": -1,
                "forwardingTimeouts": {
                    "dialTimeout": f"{self.inputs.connect_timeout}s",
                    "responseHeaderTimeout": f"{options.response_timeout}s",
                },
            }

    def _balancer(self, color: str, host_path: str) -> Document:
        """Return the service of a color at a route."""
        timeout = self.options_of(color, host_path).response_timeout
        url = self.servers[backend(self.key, self.state.routes_of(self.key, color)[host_path], color)]
        return balancer(url, f"{self.key}:{timeout}" if timeout else "switchyard:direct")

    def add_color_middlewares(self) -> None:
        """Add the header with the color for requests with a key, and the headers by which the pages know the stack."""
        live = self.state.live.get(self.key)
        shown = {color: color for color in names.COLORS if self.state.routes_of(self.key, color)}
        if live:
            shown["live"] = live
        for name, color in shown.items():
            self.middlewares[f"{self.key}:{name}"] = proxy_headers(self.inputs, {}, {"X-Switchyard-Color": color})
        if self.page and (self.key in self.state.availability or self.public_routes()):
            request = {"X-Switchyard-Stack": self.key, "X-Switchyard-Page": self.page}
            self.middlewares[f"{self.key}:page"] = proxy_headers(self.inputs, request, {"X-Switchyard-Color": ""})
