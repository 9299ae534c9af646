# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route options as nginx looks them up: maps from the number of a route to the values of its options.

roles/proxy/templates/nginx reads them: ``$sy_route`` is the number of the request's route, on the color that answers;
``$sy_guard`` is the same number, but empty with a preview key and where a page is shown.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import unquote

from ..route_options import NO_OPTIONS, Rate, RouteOptions
from ..state import RouteKey, StackRoutes
from .syntax import above, expression, quoted, variable

# nginx writes these headers itself, and ignores added ones (ngx_http_header_filter).
OWN_HEADERS = ("content-type", "date", "etag", "last-modified", "server")
# The headers that have a variable: $upstream_http_x_frame_options.
HEADER_NAME = re.compile(r"[A-Za-z0-9-]+\Z")
# A word of the configuration has 4096 bytes at most, and a backslash counts twice (NGX_CONF_BUFFER).
LONGEST_VALUE = 2000
# A timeout is a signed number of milliseconds with 32 bits.
LONGEST_TIMEOUT = (2**31 - 1) // 1000
# Memory for the addresses of a rate: about 16000 at once; then the oldest are forgotten.
ZONE = "2m"


def unsupported_options(options: RouteOptions) -> list[tuple[str, str]]:
    """Return the options that nginx does not support: the inventory key, and the reason."""
    unsupported = []
    if options.rate_limit and options.rate_limit.per_second * 60 < 1:
        unsupported.append(("rate_limit", "nginx counts whole requests a minute, one at least"))
    if options.response_timeout and options.response_timeout > LONGEST_TIMEOUT:
        unsupported.append(("response_timeout", "nginx waits 24 days at most"))
    for name, value in options.headers:
        if name.lower() in OWN_HEADERS:
            unsupported.append(("headers", f"nginx writes {name} itself"))
        elif not HEADER_NAME.match(name):
            unsupported.append(("headers", f"nginx replaces no header {name}: only letters, digits and - in its name"))
        elif len(value) > LONGEST_VALUE:
            unsupported.append(("headers", f"nginx takes {LONGEST_VALUE} characters at most, {name} has {len(value)}"))
    return unsupported


def options_to_json(routing: StackRoutes) -> str:
    """Return the options of a color's routes as text; releases read it back, nginx does not."""
    options = {route.address: route.options.to_dict() for route in routing.routes if route.options != NO_OPTIONS}
    return json.dumps(options, indent=1, sort_keys=True) + "\n"


def options_from_json(text: str) -> dict[str, RouteOptions]:
    """Return the options per host and path from such a text."""
    return {host_path: RouteOptions.from_dict(content) for host_path, content in json.loads(text).items()}


@dataclass(frozen=True)
class NumberedRoute:
    """A route of one color with its number, its service and its options."""

    number: int
    route: RouteKey
    service: str
    options: RouteOptions

    @property
    def key(self) -> str:
        """The key of the stack."""
        return self.route[0]

    @property
    def color(self) -> str:
        """The color that has the route."""
        return self.route[1]

    @property
    def host_path(self) -> str:
        """The host with its path."""
        return self.route[2]

    @property
    def volume(self) -> str:
        """The volume whose files are served, or an empty text."""
        kind, _colon, volume = self.service.partition(":")
        return volume if kind == "volume" else ""


# Seconds until a response, bytes of a body, and whether it is buffered; None for the role's own limit.
Limits = tuple[t.Optional[float], t.Optional[int], bool]
NO_LIMITS: Limits = (None, None, False)


class RouteOptionMaps:
    """The options of all routes of a server as map blocks, and as directives of the public port's server."""

    def __init__(self, routes: t.Sequence[NumberedRoute], max_body_size: int) -> None:
        """Take the routes of a LookupTable; ``max_body_size`` is the default in bytes, 0 for no limit."""
        self.routes = routes
        self.max_body_size = max_body_size
        self.headers: dict[str, str] = {}
        for route in routes:
            for name, _value in route.options.headers:
                self.headers.setdefault(name.lower(), name)
        self.limits = list(dict.fromkeys([NO_LIMITS, *(_limits(route.options) for route in routes)]))
        # Equal rates share one zone.
        rates = [route.options.rate_limit for route in routes]
        self.rates = {_zone(rate): rate for rate in rates if rate}

    def http(self) -> str:
        """Return the map blocks, and the zones in which requests are counted."""
        return "\n".join(
            [
                'geo $sy_dollar {\n    default "$";\n}\n',
                self.guard_map("$sy_redirect", lambda options: "yes" if options.https == "redirect" else None),
                *self.addresses(),
                self.guard_map("$sy_users", lambda options: quoted(options.basic_auth) if options.basic_auth else None),
                *self.zones(),
                *self.bodies(),
                self.route_map("$sy_limits", lambda options: self.limits_number(options) or None, default="0"),
                *self.answers(),
                self.below(),
            ]
        )

    def server(self) -> str:
        """Return the directives of the public port's server: rates, headers, locations that pass requests on."""
        # nginx refuses a burst of 0, so none is written.
        bursts = {zone: f" burst={rate.burst}" if rate.burst else "" for zone, rate in self.rates.items()}
        lines = [f"limit_req zone={zone}{burst} nodelay;" for zone, burst in bursts.items()]
        for name, result in self.header_variables().items():
            lines += [f'proxy_hide_header "{name}";', f'add_header "{name}" {result} always;']
        for number, (timeout, max_body_size, buffered) in enumerate(self.limits):
            directives = [f"client_max_body_size {max_body_size};"] if max_body_size is not None else []
            directives += [f"proxy_read_timeout {max(1, round(timeout * 1000))}ms;"] if timeout is not None else []
            directives += ["proxy_request_buffering on;"] if buffered else []
            # Before a reload answers end their connection, so that no idle connection is cut off.
            for name, closing in ((f"@{number}", []), (f"@{number}-closing", ["keepalive_timeout 0;"])):
                inside = [*directives, *closing, "proxy_pass http://$sy_server$request_uri;"]
                lines.append(f"location {name} {{\n" + "".join(f"    {line}\n" for line in inside) + "}")
        return "\n".join([*lines, ""])

    def limits_number(self, options: RouteOptions) -> str:
        """Return the number of a route's limits; an empty text for the role's own."""
        number = self.limits.index(_limits(options))
        return str(number) if number else ""

    def guard_map(self, result: str, value: t.Callable[[RouteOptions], str | None], default: str = '""') -> str:
        """Return a map of an option that a request with a preview key is not subject to."""
        return variable("$sy_guard", result, self.entries(value), default)

    def route_map(self, result: str, value: t.Callable[[RouteOptions], str | None], default: str = '""') -> str:
        """Return a map of an option that holds for every request of a route."""
        return variable("$sy_route", result, self.entries(value), default)

    def entries(self, value: t.Callable[[RouteOptions], str | None]) -> list[tuple[str, str]]:
        """Return a row for each route that has a value."""
        rows = ((f'"{route.number}"', value(route.options)) for route in self.routes)
        return [(number, word) for number, word in rows if word is not None]

    def addresses(self) -> list[str]:
        """Return the lists of client addresses, and the map from a route to its list."""
        different = dict.fromkeys(route.options.allow_ips for route in self.routes)
        number = {allow: str(index) for index, allow in enumerate(different)}
        lists = [
            f'geo $sy_from_{number[allow]} {{\n    default "";\n'
            + "".join(f"    {network} yes;\n" for network in sorted(set(allow)))
            + "}\n"
            for allow in number
            if allow
        ]
        allowed = self.guard_map(
            "$sy_allowed",
            lambda options: f"$sy_from_{number[options.allow_ips]}" if options.allow_ips else None,
            default="yes",
        )
        return [*lists, allowed]

    def zones(self) -> t.Iterator[str]:
        """Yield the zones: one per rate, with a count per route and client address, whichever color answers.

        The name of a zone contains the whole rate: nginx keeps a zone over a reload, and refuses another key for it.
        """
        for zone, rate in self.rates.items():
            entries = [
                (f'"{route.number}"', quoted(f"{route.key} {route.host_path} ")[:-1] + '$sy_source"')
                for route in self.routes
                if route.options.rate_limit and _zone(route.options.rate_limit) == zone
            ]
            yield variable("$sy_guard", f"$sy_{zone}", entries)
            yield f"limit_req_zone $sy_{zone} zone={zone}:{ZONE} rate={_speed(rate)};\n"

    def bodies(self) -> t.Iterator[str]:
        """Yield the maps that find a ``Content-Length`` above the limit.

        nginx checks ``client_max_body_size`` at the first location, before it knows the route; where a request is
        passed on it checks only bodies without a length.
        """
        limits = {
            self.max_body_size,
            *(route.options.max_body_size for route in self.routes if route.options.max_body_size is not None),
        } - {0}
        for limit in sorted(limits):
            yield variable("$content_length", f"$sy_above_{limit}", [(f'"~{above(limit)}"', "yes")])
        yield self.route_map(
            "$sy_too_large",
            lambda options: f"$sy_above_{options.max_body_size}" if options.max_body_size else None,
            default=f"$sy_above_{self.max_body_size}" if self.max_body_size else '""',
        )

    def header_variables(self) -> dict[str, str]:
        """Return the headers of all routes, each with the variable of its value."""
        header_names = [
            *self.headers.values(),
            *(["Strict-Transport-Security"] if any(route.options.hsts for route in self.routes) else []),
        ]
        return {name: f"$sy_header_{_plain(name)}" for name in header_names}

    def answers(self) -> t.Iterator[str]:
        """Yield the maps of header values; the default is the application's own value."""
        for name, result in self.header_variables().items():
            own = f"$upstream_http_{_plain(name)}"
            if name == "Strict-Transport-Security":
                entries = [
                    (f'"https:{route.number}"', f'"max-age={route.options.hsts}"')
                    for route in self.routes
                    if route.options.hsts
                ]
                yield variable('"$sy_forwarded_proto:$sy_route"', result, entries, own)
                continue
            values = {route.number: dict(_lower(route.options.headers)).get(name.lower()) for route in self.routes}
            entries = [(f'"{number}"', quoted(value)) for number, value in values.items() if value is not None]
            yield variable("$sy_route", result, entries, own)

    def below(self) -> str:
        """Return the map to the path of a file below its route; names that begin with a dot have none."""
        entries = []
        for route in (route for route in self.routes if route.volume):
            path = unquote("/" + route.host_path.partition("/")[2]).rstrip("/") + "/"
            inside = r"(?!\.)(?!.*/\.)(?<sy_static_path>.+)$"
            entries.append((f'"~*^{route.number}:{expression(path)}{inside}"', "$sy_static_path"))
        return variable('"$sy_route:$sy_uri"', "$sy_static_file", entries)


def _limits(options: RouteOptions) -> Limits:
    return options.response_timeout, options.max_body_size, options.buffer_requests


def _speed(rate: Rate) -> str:
    """Return a rate as nginx writes it: whole requests a second, or else a minute."""
    if rate.per_second == int(rate.per_second):
        return f"{int(rate.per_second)}r/s"
    return f"{max(1, round(rate.per_second * 60))}r/m"


def _zone(rate: Rate) -> str:
    return f"rate_{_speed(rate).replace('/', '')}_{rate.burst}"


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _lower(headers: t.Iterable[tuple[str, str]]) -> t.Iterator[tuple[str, str]]:
    return ((name.lower(), value) for name, value in headers)
