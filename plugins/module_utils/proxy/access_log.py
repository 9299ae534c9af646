# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that a proxy writes for each request, of every kind of proxy as one type.

HAProxy and nginx write the same JSON, made by roles/proxy/templates; Traefik has names of its own. A line has the
color, not the release: a proxy learns of a release only where its routes change, and ``release/access_lines.py`` knows
which release a color had at a time.
"""

from __future__ import annotations

import calendar
import functools
import json
import re
import time
import typing as t

# How a request ended.
COMPLETE = "complete"  # The client got a whole answer.
CLIENT = "client"  # The client left before the end.
UPSTREAM = "upstream"  # The application does not answer, or ended its answer early.
TIMEOUT = "timeout"  # The application did not answer in time.
CUT = "cut"  # The answer ended early, and Traefik does not say on which side.

# nginx's number for a client that left before the answer, which no client gets.
CLIENT_LEFT = 499


class UnreadableLine(ValueError):
    """A line looks like one of a request, and is none: it was cut, or another process wrote into it."""


class AccessLine(t.NamedTuple):
    """One request. A named tuple: the watch gate makes thousands of them in a second.

    ``time`` is when it ended, in seconds since the epoch. ``duration`` and ``upstream`` are milliseconds: the whole
    request, and the time until the application's answer began (Traefik: until it ended); None without an answer.
    ``size`` is the bytes of the answer with its headers (Traefik: without). ``color`` is the one whose application was
    asked; a request that the proxy answers itself has none. ``route`` is the routed service, or the volume of a file.
    ``preview`` is whether a preview key chose the color. ``path`` has no query, and HAProxy and nginx cut it at 512
    characters.
    """

    time: float
    stack: str | None
    route: str | None
    color: str | None
    status: int
    duration: float
    upstream: float | None
    size: int
    method: str
    host: str
    path: str
    client: str
    request_id: str
    termination: str
    preview: bool

    @property
    def failed(self) -> bool:
        """Whether the application failed: an answer of 500 or more, none at all, none in time, or an early end."""
        return self.color is not None and (self.status >= 500 or self.termination in (UPSTREAM, TIMEOUT))


def parse(text: str) -> AccessLine | None:
    """Return a line of a proxy's log as a request; None for any other line. Raises UnreadableLine."""
    if not text.startswith("{"):
        return None
    try:
        # Control characters are escaped; strict would only refuse what a future proxy writes otherwise.
        raw = json.loads(text, strict=False)
        if "termination" in raw:
            return _of_haproxy_and_nginx(raw)
        return _of_traefik(raw) if "DownstreamStatus" in raw else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableLine(f"{text[:200]!r}: {error}") from error


def _of_haproxy_and_nginx(raw: t.Mapping[str, t.Any]) -> AccessLine:
    """Map the fields of roles/proxy/templates/haproxy/main.j2 and nginx/log.j2."""
    status, upstream = int(raw["status"]), float(raw["upstream_ms"])
    answered = upstream >= 0
    termination, by_proxy = _meaning(str(raw["termination"]), status)
    unanswered = termination == CLIENT and not answered
    return AccessLine(
        time=raw["time"] / 1000,
        stack=_name(raw["stack"]),
        route=_name(raw["route"]),
        color=None if by_proxy else _name(raw["color"]),
        # HAProxy writes 400 or -1 where the client left first.
        status=CLIENT_LEFT if unanswered else status,
        duration=float(raw["ms"]),
        upstream=upstream if answered else None,
        size=int(raw["bytes"]),
        method=_text(raw["method"]),
        host=_text(raw["host"]),
        path=_text(raw["path"]),
        client=raw["client"],
        request_id=raw["id"],
        termination=termination,
        preview=raw["preview"] == "yes",
    )


def _meaning(letters: str, status: int) -> tuple[str, bool]:
    """Return how a request ended, and whether the proxy answered itself.

    The letters are HAProxy's (configuration manual, 8.5, session state at disconnection): what ended it, and in which
    phase. nginx's map writes the same ones.
    """
    cause, phase = letters[0], letters[1:2]
    if cause == "-" or status == 101:
        # A connection that was upgraded ends when either side closes it.
        return COMPLETE, False
    if cause in "Cc":
        return CLIENT, phase == "R"
    if cause == "s":
        return TIMEOUT, False
    if cause in "PL" and phase in "R-":
        return COMPLETE, True
    # S: the application. P after the request: an answer of it that is not valid. The rest: HAProxy ended it.
    return UPSTREAM, False


def _name(text: str) -> str | None:
    return None if text in ("-", "") else text


def _text(text: str) -> str:
    return "" if text == "-" else text


# <stack>:<how it arrives><kind>:<route>@file (traefik/stack_config.py), and <stack>:<color>:<service>.
_ROUTER = re.compile(r"(?P<stack>[^:]+\.[^:]+\.[^:]+):(?P<kind>[^:]*)")
_SERVICE = re.compile(r"[^:]+:(?P<color>blue|green):(?P<service>[^:@]+)")
_PREVIEW = re.compile(r"(?:https-|forwarded-|secured-|private-)*(?:blue|green|keyed)\Z")
_UNITS = 1e6
# What Traefik itself answers where the application does not (net/http.StatusText): it writes no other sign of it.
_OWN_ANSWERS = {502: (len("Bad Gateway"), UPSTREAM), 504: (len("Gateway Timeout"), TIMEOUT)}


def _of_traefik(raw: t.Mapping[str, t.Any]) -> AccessLine:
    """Map the fields of Traefik's access log that roles/proxy/vars/traefik.yml keeps; times are in nanoseconds."""
    router = _ROUTER.match(raw.get("RouterName") or "")
    service = _SERVICE.match(raw.get("ServiceName") or "") if router else None
    status, size = int(raw["DownstreamStatus"]), int(raw.get("DownstreamContentSize") or 0)
    origin = raw.get("OriginDuration") if service else None
    if service and not status:
        # It takes no part in a connection that was upgraded.
        status = 101
    termination = COMPLETE
    if status == CLIENT_LEFT:
        termination = CLIENT
    elif service and status in _OWN_ANSWERS:
        own_size, cause = _OWN_ANSWERS[status]
        termination = cause if size == own_size else COMPLETE
    elif service and not origin:
        # An answer that ends early ends Traefik's own measurement as well.
        termination = CUT
    duration = int(raw["Duration"])
    return AccessLine(
        time=_epoch(raw["StartUTC"]) + duration / 1e9,
        stack=router["stack"] if router else None,
        route=service["service"] if service else None,
        color=service["color"] if service else None,
        status=status,
        duration=duration / _UNITS,
        upstream=origin / _UNITS if origin and termination == COMPLETE else None,
        size=size,
        method=raw["RequestMethod"],
        host=raw["RequestHost"].lower().rstrip("."),
        path=raw["RequestPath"].partition("?")[0],
        client=raw["ClientHost"],
        request_id=raw.get("TraceId", ""),
        termination=termination,
        preview=bool(router and _PREVIEW.match(router["kind"])),
    )


def _epoch(text: str) -> float:
    """Return a time of Traefik, RFC 3339 with up to nine decimals, in seconds since the epoch."""
    whole, _dot, rest = text.rstrip("Z").partition(".")
    return _second(whole) + float(f"0.{rest or 0}")


@functools.lru_cache(maxsize=64)
def _second(text: str) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
