# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route options as lines of an HAProxy backend.

They read variables that roles/proxy/templates/haproxy/main.j2 sets: ``txn.address``, ``txn.wild_address``,
``txn.host``, ``txn.scheme``, ``txn.client``, ``txn.preview`` (only set for requests with a preview key) and
``txn.https_port``. Each different set of options has a number within its backend; ``txn.options`` is the number of the
request's route.
"""

from __future__ import annotations

import math
import typing as t

from ...config.wildcard_hosts import is_wildcard
from ..route_options import NO_OPTIONS, Rate, RouteOptions
from ..state import StackRoutes

# An entry of a stick table holds a number of 32 bits (``gpt0``): times are counted in a circle, and what one address
# may owe at most must be a small part of it.
CIRCLE = 2**31
LONGEST = CIRCLE // 2
# A timeout is 31 bits of milliseconds.
LONGEST_TIMEOUT = (2**31 - 1) // 1000
# Seconds in which a body that is buffered has to arrive; then the client gets 408.
BODY_TIME = 60
# An answer that fills its buffer leaves 1024 bytes for headers (``tune.maxrewrite``); some are for our own.
LONGEST_HEADERS = 800


def quoted(text: str) -> str:
    """Return a text as one word in which nothing has a meaning (configuration manual, 2.2, strong quotes)."""
    return "'" + text.replace("'", "'\\''") + "'"


def plain(text: str) -> str:
    """Return a text as one word where HAProxy expects a format: only the percent sign means something there."""
    return quoted(text.replace("%", "%%"))


def unsupported_options(options: RouteOptions) -> list[tuple[str, str]]:
    """Return what HAProxy cannot do of a route's options."""
    found = []
    if options.rate_limit and _unit(options.rate_limit) is None:
        found.append(("rate_limit", "HAProxy counts for an address during 12 days at most"))
    if options.response_timeout and options.response_timeout > LONGEST_TIMEOUT:
        found.append(("response_timeout", "HAProxy waits 24 days at most"))
    length = sum(len(name) + len(value) for name, value in options.headers)
    if length > LONGEST_HEADERS:
        found.append(("headers", f"HAProxy has room for {LONGEST_HEADERS} characters, these are {length}"))
    return found


def lines(routing: StackRoutes, service: str, color: str) -> list[str]:
    """Return the lines of the backend of a service, without their indent; none where no route has options."""
    # The frontend chose the service by the longest path of all; the longest of this service is the same one.
    by_path = {route.address: route.options for route in routing.routes if route.service == service}
    numbers = _numbers(routing, service)
    if not numbers:
        return []
    words = ["acl key var(txn.preview) -m found", "acl https var(txn.scheme) -m str https"]
    # A longer path is after the one that it begins with, an exact host after wildcards, and the last match counts.
    for path in sorted(by_path, key=lambda path: (not is_wildcard(path), len(path))):
        number = numbers.get(by_path[path], 0)
        address = "txn.wild_address" if is_wildcard(path) else "txn.address"
        words.append(
            f"http-request set-var(txn.options) int({number}) if {{ var({address}) -m beg -- {quoted(path)} }}"
        )
    for options, number in numbers.items():
        words += [f"acl options{number} var(txn.options) -m int {number}"]
        words += _rule(options, number, routing.stack, _table(routing, service, color, number))
    if any(options.max_body_size for options in numbers):
        # roles/proxy's max_body_size.lua: it ends a request whose body says no length and becomes too long.
        words += ["filter lua.max_body_size", "http-after-response set-status 413 if { var(txn.body_over) -m bool }"]
    return words


def tables(routing: StackRoutes, color: str) -> list[str]:
    """Return the sections of a color in which HAProxy counts requests per address."""
    sections = []
    for service in routing.services():
        for options, number in _numbers(routing, service).items():
            if options.rate_limit:
                interval, scale = _interval(options.rate_limit)
                seconds = math.ceil((options.rate_limit.burst + 1) * interval / scale) + 1
                sections += [
                    f"backend {_table(routing, service, color, number)}",
                    f"    stick-table type ipv6 size 100k expire {seconds}s store gpt0",
                    "",
                ]
    return sections


def _numbers(routing: StackRoutes, service: str) -> dict[RouteOptions, int]:
    """Return a number for each different set of options of a service; routes without any need none."""
    different = dict.fromkeys(
        route.options for route in routing.routes if route.service == service and route.options != NO_OPTIONS
    )
    return {options: number for number, options in enumerate(different, start=1)}


def _table(routing: StackRoutes, service: str, color: str, number: int) -> str:
    # Not in the form of a color's backends: nothing is ever in flight here.
    return f"{routing.key}_{service}_{color}_rate{number}"


def _unit(rate: Rate) -> tuple[str, int] | None:
    """Return the finest unit of time in which the rate can be counted, and how many of it are a second."""
    owed = (rate.burst + 1) / rate.per_second
    return next(((unit, scale) for unit, scale in (("us", 10**6), ("ms", 10**3)) if owed * scale < LONGEST), None)


def _interval(rate: Rate) -> tuple[int, int]:
    """Return how long a request uses up, and how many of that unit are a second."""
    _name, scale = _unit(rate) or ("ms", 10**3)
    return max(1, round(scale / rate.per_second)), scale


def _rule(options: RouteOptions, number: int, stack: str, table: str) -> t.Iterator[str]:
    """Yield the lines of the options with a number: who may not come in first, what costs time behind it."""
    mine = f"options{number}"
    if options.https == "redirect":
        location = '"https://%[var(txn.host)]%[var(txn.https_port)]%[pathq]"'
        yield f"http-request redirect code 308 location {location} if {mine} !https !key"
    if options.allow_ips:
        # One address a line: a line has 64 words at most.
        yield from (f"acl allowed{number} var(txn.client) -m ip {address}" for address in options.allow_ips)
        yield f"{_answer(403, 'Not for this address.')} if {mine} !key !allowed{number}"
    if options.rate_limit:
        yield from _rate(options.rate_limit, f"{mine} !key", table)
    if options.basic_auth:
        # Behind the rate: a comparison of passwords costs far more than everything else here.
        users = f"!{{ http_auth({options.basic_auth}) }}"
        yield f"http-request auth realm {quoted(stack)} if {mine} !key {users}"
    if options.max_body_size is not None:
        yield f"http-request set-var(txn.max_body_size) int({options.max_body_size}) if {mine}"
    if options.buffer_requests:
        yield f"{body_rule(mine)}"
        yield f"http-request wait-for-body time {BODY_TIME}s if {mine}"
    if options.response_timeout is not None:
        yield f"http-request set-timeout server {max(1, round(options.response_timeout * 1000))} if {mine}"
    if options.hsts:
        yield f"http-after-response set-header strict-transport-security max-age={options.hsts} if {mine} https"
    for name, value in options.headers:
        # One without a value is none, as on the other proxies.
        change = f"set-header {quoted(name)} {plain(value)}" if value else f"del-header {quoted(name)}"
        yield f"http-after-response {change} if {mine}"


def _rate(rate: Rate, condition: str, table: str) -> t.Iterator[str]:
    """Yield lines that count an address's requests.

    The table has the moment at which the address owes nothing any more. Each request that passes puts it off by the
    same interval; who owes more than ``burst`` of them is refused, and that costs nothing. So ``burst`` and one more
    pass at once, and then as many as the average says: a leaky bucket, as nginx has it.
    """
    interval, scale = _interval(rate)
    unit = "us" if scale == 10**6 else "ms"
    owed = "var(txn.owed)"
    # A client with IPv6 has a whole network of 64 bits (RFC 6177), so that counts as one address.
    yield f"http-request track-sc0 var(txn.client),ipmask(32,64) table {table} if {condition}"
    yield f"http-request set-var(txn.now) date(0,{unit}),mod({CIRCLE}) if {condition}"
    yield f"http-request set-var(txn.owed) sc0_get_gpt0({table}),sub(txn.now) if {condition}"
    # In the past, or from before the circle started again.
    for wrong in ("lt 0", f"gt {LONGEST}"):
        yield f"http-request set-var(txn.owed) int(0) if {condition} {{ {owed} -m int {wrong} }}"
    most = rate.burst * interval
    yield f"{_answer(429, 'Too many requests.')} if {condition} {{ {owed} -m int gt {most} }}"
    yield f"http-request sc-set-gpt0(0) {owed},add(txn.now),add({interval}) if {condition}"


def body_rule(condition: str = "") -> str:
    """Return the line that refuses a body which is longer than its route, or the role, allows."""
    words = f"{condition} " if condition else ""
    longer = "{ var(txn.max_body_size) -m found } { req.body_size,sub(txn.max_body_size) -m int gt 0 }"
    return f"{_answer(413, 'The body of this request is too large.')} if {words}{longer}"


def _answer(status: int, text: str) -> str:
    return f'http-request return status {status} content-type text/plain string "{text}\\n"'
