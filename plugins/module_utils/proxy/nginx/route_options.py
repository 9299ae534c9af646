# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of routes as nginx looks them up: maps from the number of a way in to what holds there.

roles/proxy's nginx.conf.j2 asks them: ``$sy_way`` is the number of the way that a request came by, on the color that
answers it; ``$sy_guard`` is the same number, but empty with this server's key and where a page is shown.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import asdict, dataclass
from urllib.parse import unquote

from ..route_options import NO_OPTIONS, Rate, RouteOptions
from ..state import StackRoutes

# nginx writes these of its own answers itself, whatever is added (ngx_http_header_filter).
OWN_HEADERS = ("content-type", "date", "etag", "last-modified", "server")
# What a variable's name can say of a header: $upstream_http_x_frame_options.
HEADER_NAME = re.compile(r"[A-Za-z0-9-]+\Z")
# A word of the configuration has 4096 bytes at most, and a backslash counts twice (NGX_CONF_BUFFER).
LONGEST_VALUE = 2000
# A timeout is a signed number of milliseconds with 32 bits.
LONGEST_TIMEOUT = (2**31 - 1) // 1000
# Addresses that a rate is counted for: about 16000 at once; then the oldest are forgotten.
ZONE = "2m"


def unsupported_options(options: RouteOptions) -> list[tuple[str, str]]:
    """Return what nginx cannot do of a route's options."""
    found = []
    if options.rate_limit and options.rate_limit.per_second * 60 < 1:
        found.append(("rate_limit", "nginx counts whole requests a minute, one at least"))
    if options.response_timeout and options.response_timeout > LONGEST_TIMEOUT:
        found.append(("response_timeout", "nginx waits 24 days at most"))
    for name, value in options.headers:
        if name.lower() in OWN_HEADERS:
            found.append(("headers", f"nginx writes {name} itself"))
        elif not HEADER_NAME.match(name):
            found.append(("headers", f"nginx replaces no header {name}: only letters, digits and - in its name"))
        elif len(value) > LONGEST_VALUE:
            found.append(("headers", f"nginx takes {LONGEST_VALUE} characters at most, {name} has {len(value)}"))
    return found


# --- kept beside a color's servers, for whoever makes the maps next ---


def options_to_json(routing: StackRoutes) -> str:
    """Return the options of a color's routes as text; nginx itself does not read it."""
    ways = {route.host + route.path: asdict(route.options) for route in routing.routes if route.options != NO_OPTIONS}
    return json.dumps(ways, indent=1, sort_keys=True) + "\n"


def options_from_json(text: str) -> dict[str, RouteOptions]:
    """Return the options per host and path from such a text."""
    return {at: _rules(given) for at, given in json.loads(text).items()}


def _rules(given: dict[str, t.Any]) -> RouteOptions:
    rate, headers = given["rate_limit"], given["headers"]
    several = {
        "allow_ips": tuple(given["allow_ips"]),
        "rate_limit": Rate(**rate) if rate else None,
        "headers": tuple((name, value) for name, value in headers),
    }
    return RouteOptions(**{**given, **several})


# --- words of nginx ---


def quoted(text: str) -> str:
    """Return a text as one word in which nothing has a meaning. A dollar sign begins a variable, so it is one."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${sy_dollar}")
    return f'"{plain}"'


def expression(text: str) -> str:
    """Return a regular expression that is exactly a text; nothing in it ends a quoted word."""
    plain = re.sub(r"[^A-Za-z0-9/_:.-]", lambda found: "".join(rf"\x{byte:02x}" for byte in found[0].encode()), text)
    return plain.replace(".", r"\.")


def above(number: int) -> str:
    """Return a regular expression for the whole numbers above one: nginx itself only compares texts."""
    digits = str(number)
    longer = [rf"[1-9]\d{{{len(digits)},}}"]
    bigger = [
        rf"{digits[:place]}[{int(digit) + 1}-9]\d{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if digit != "9"
    ]
    return f"^0*(?:{'|'.join(longer + bigger)})$"


def variable(source: str, result: str, entries: t.Iterable[tuple[str, str]], default: str = '""') -> str:
    """Return a map from a text to a variable; keys and values are words of nginx."""
    rows = "".join(f"    {key} {value};\n" for key, value in entries)
    # Each is asked again after what it depends on was set.
    return f"map {source} {result} {{\n    volatile;\n    default {default};\n{rows}}}\n"


# --- what holds ---


@dataclass(frozen=True)
class NumberedRoute:
    """A way in with its number: the key of the stack, the color and the address, where it leads and what holds."""

    number: int
    at: tuple[str, str, str]
    service: str
    options: RouteOptions

    @property
    def key(self) -> str:
        """The key of the stack."""
        return self.at[0]

    @property
    def color(self) -> str:
        """The color on which it is."""
        return self.at[1]

    @property
    def address(self) -> str:
        """The host with the path behind it."""
        return self.at[2]

    @property
    def volume(self) -> str:
        """The volume whose files it leads to, or an empty text."""
        kind, _colon, volume = self.service.partition(":")
        return volume if kind == "volume" else ""


# Seconds of silence and bytes of a body that other requests may have; None for the role's own.
Limits = tuple[t.Optional[float], t.Optional[int]]
PLAIN: Limits = (None, None)


class RouteOptionMaps:
    """The options of all routes of a server; ``max_body_size`` is the default of routes without one, 0 for any."""

    def __init__(self, ways: t.Sequence[NumberedRoute], max_body_size: int) -> None:
        """Take the ways of a table."""
        self.ways = ways
        self.max_body_size = max_body_size
        self.headers: dict[str, str] = {}
        for way in ways:
            for name, _value in way.options.headers:
                self.headers.setdefault(name.lower(), name)
        self.limits = list(dict.fromkeys([PLAIN, *(_limits(way.options) for way in ways)]))
        # What nginx counts alike is one zone.
        self.rates = {_zone(way.options.rate_limit): way.options.rate_limit for way in ways if way.options.rate_limit}

    def http(self) -> str:
        """Return the maps, and where addresses are counted."""
        return "\n".join(
            [
                'geo $sy_dollar {\n    default "$";\n}\n',
                self.guard("$sy_redirect", lambda options: "yes" if options.https == "redirect" else None),
                *self.addresses(),
                self.guard("$sy_users", lambda options: quoted(options.basic_auth) if options.basic_auth else None),
                *self.zones(),
                *self.bodies(),
                self.way("$sy_limits", lambda options: self.place(options) or None, default="0"),
                *self.answers(),
                self.below(),
            ]
        )

    def server(self) -> str:
        """Return what belongs into the public server: rates, headers, and the places where requests are passed on."""
        # None at once is said without a number: nginx refuses a burst of 0.
        bursts = {zone: f" burst={rate.burst}" if rate.burst else "" for zone, rate in self.rates.items()}
        lines = [f"limit_req zone={zone}{burst} nodelay;" for zone, burst in bursts.items()]
        for name, result in self.header_variables().items():
            lines += [f'proxy_hide_header "{name}";', f'add_header "{name}" {result} always;']
        for number, (timeout, max_body_size) in enumerate(self.limits):
            directives = [f"client_max_body_size {max_body_size};"] if max_body_size is not None else []
            directives += [f"proxy_read_timeout {max(1, round(timeout * 1000))}ms;"] if timeout is not None else []
            # While a reload comes the answer ends its connection, so that none is cut off while it waits for a request.
            for name, last in ((f"@{number}", []), (f"@{number}-last", ["keepalive_timeout 0;"])):
                inside = [*directives, *last, "proxy_pass http://$sy_server$request_uri;"]
                lines.append(f"location {name} {{\n" + "".join(f"    {line}\n" for line in inside) + "}")
        return "\n".join([*lines, ""])

    def place(self, options: RouteOptions) -> str:
        """Return the number of the limits of a route; an empty text where they are the role's."""
        number = self.limits.index(_limits(options))
        return str(number) if number else ""

    def guard(self, result: str, value: t.Callable[[RouteOptions], str | None], default: str = '""') -> str:
        """Return a map of what stands before a route; nothing does for a request with the key."""
        return variable("$sy_guard", result, self.entries(value), default)

    def way(self, result: str, value: t.Callable[[RouteOptions], str | None], default: str = '""') -> str:
        """Return a map of what a route has, whoever asks."""
        return variable("$sy_way", result, self.entries(value), default)

    def entries(self, value: t.Callable[[RouteOptions], str | None]) -> list[tuple[str, str]]:
        """Return a row for each way for which there is a value."""
        found = ((f'"{way.number}"', value(way.options)) for way in self.ways)
        return [(number, word) for number, word in found if word is not None]

    def addresses(self) -> list[str]:
        """Return the lists of client addresses, and which one a way asks."""
        number = {
            allow: str(place) for place, allow in enumerate(dict.fromkeys(way.options.allow_ips for way in self.ways))
        }
        lists = [
            f'geo $sy_from_{number[allow]} {{\n    default "";\n'
            + "".join(f"    {network} yes;\n" for network in sorted(set(allow)))
            + "}\n"
            for allow in number
            if allow
        ]
        asked = self.guard(
            "$sy_allowed",
            lambda options: f"$sy_from_{number[options.allow_ips]}" if options.allow_ips else None,
            default="yes",
        )
        return [*lists, asked]

    def zones(self) -> t.Iterator[str]:
        """Yield where requests are counted: per rate, and in it per way and address, whichever color answers.

        A name says all of its rate: nginx takes a zone over at a reload, and refuses another key for it.
        """
        for zone, rate in self.rates.items():
            entries = [
                (f'"{way.number}"', quoted(f"{way.key} {way.address} ")[:-1] + '$binary_remote_addr"')
                for way in self.ways
                if way.options.rate_limit and _zone(way.options.rate_limit) == zone
            ]
            yield variable("$sy_guard", f"$sy_{zone}", entries)
            yield f"limit_req_zone $sy_{zone} zone={zone}:{ZONE} rate={_speed(rate)};\n"

    def bodies(self) -> t.Iterator[str]:
        """Yield which requests say that their body is too long.

        nginx asks ``client_max_body_size`` at the first location, before it knows the route, and where a request is
        passed on only for bodies that do not tell their length.
        """
        limits = {
            self.max_body_size,
            *(way.options.max_body_size for way in self.ways if way.options.max_body_size is not None),
        } - {0}
        for limit in sorted(limits):
            yield variable("$content_length", f"$sy_above_{limit}", [(f'"~{above(limit)}"', "yes")])
        yield self.way(
            "$sy_too_large",
            lambda options: f"$sy_above_{options.max_body_size}" if options.max_body_size else None,
            default=f"$sy_above_{self.max_body_size}" if self.max_body_size else '""',
        )

    def header_variables(self) -> dict[str, str]:
        """Return the headers of all routes with the variables that have their values."""
        names = [
            *self.headers.values(),
            *(["Strict-Transport-Security"] if any(w.options.hsts for w in self.ways) else []),
        ]
        return {name: f"$sy_header_{_plain(name)}" for name in names}

    def answers(self) -> t.Iterator[str]:
        """Yield the values of headers. Where a route has no rule it is the application's own."""
        for name, result in self.header_variables().items():
            own = f"$upstream_http_{_plain(name)}"
            if name == "Strict-Transport-Security":
                entries = [(f'"https:{w.number}"', f'"max-age={w.options.hsts}"') for w in self.ways if w.options.hsts]
                yield variable('"$sy_forwarded_proto:$sy_way"', result, entries, own)
                continue
            values = {way.number: dict(_lower(way.options.headers)).get(name.lower()) for way in self.ways}
            entries = [(f'"{number}"', quoted(value)) for number, value in values.items() if value is not None]
            yield variable("$sy_way", result, entries, own)

    def below(self) -> str:
        """Return the map of the path of a file below its way in, without anything that begins with a dot."""
        entries = []
        for way in (way for way in self.ways if way.volume):
            path = unquote("/" + way.address.partition("/")[2]).rstrip("/") + "/"
            inside = r"(?!\.)(?!.*/\.)(?<sy_file>.+)$"
            entries.append((f'"~^{way.number}:{expression(path)}{inside}"', "$sy_file"))
        return variable('"$sy_way:$sy_uri"', "$sy_below", entries)


def _limits(options: RouteOptions) -> Limits:
    return options.response_timeout, options.max_body_size


def _speed(rate: Rate) -> str:
    """Return a rate as nginx counts: whole requests in a second, or else in a minute."""
    if rate.per_second == int(rate.per_second):
        return f"{int(rate.per_second)}r/s"
    return f"{max(1, round(rate.per_second * 60))}r/m"


def _zone(rate: Rate) -> str:
    return f"rate_{_speed(rate).replace('/', '')}_{rate.burst}"


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _lower(headers: t.Iterable[tuple[str, str]]) -> t.Iterator[tuple[str, str]]:
    return ((name.lower(), value) for name, value in headers)
