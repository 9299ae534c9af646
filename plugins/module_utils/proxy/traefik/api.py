# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Traefik's API: the proxy state, and mismatches between files and running configuration."""

from __future__ import annotations

import contextlib
import json
import re
import typing as t
import urllib.parse

from ... import names
from ..route_options import Rate, RouteOptions
from ..state import ProxyState, RouteKey
from .dynamic_config import INSIDE, NO_HTTPS, Contents, Document, in_file_provider, parse
from .served_certificates import public_key_of

# The API does not return these as they stand in a file: it hides users, and writes a time in its own way.
UNSEEN = ("users", "retry", "period")
API_TIMEOUT = 5.0


def state_of(raw: Document) -> ProxyState:
    """Return what Traefik does, from ``/api/rawdata``."""
    routes: dict[RouteKey, str] = {}
    live: dict[str, str] = {}
    closed: dict[str, str] = {}
    weights: dict[str, int] = {}
    for (key, kind, rest), router in owned_entries(raw, "routers"):
        if kind in names.COLORS:
            routes[key, kind, urllib.parse.unquote(rest)] = service_of(is_owned_name(router["service"])[2])
    for (key, kind, _rest), middleware in owned_entries(raw, "middlewares"):
        headers = middleware.get("headers", {})
        if kind == "live":
            live[key] = headers["customResponseHeaders"]["X-Switchyard-Color"]
        elif kind == "page" and headers["customRequestHeaders"]["X-Switchyard-Page"] != "placeholder":
            closed[key] = headers["customRequestHeaders"]["X-Switchyard-Page"]
    for (key, kind, _rest), service in owned_entries(raw, "services"):
        if kind == "public":
            for child in service["weighted"]["services"]:
                if is_owned_name(child["name"])[1] != live.get(key) and child["weight"]:
                    weights[key] = child["weight"]
    return ProxyState(live, routes, weights, closed)


def options_in(raw: Document) -> dict[RouteKey, RouteOptions]:
    """Return the options of each color's ways in, from ``/api/rawdata``."""
    return {
        (key, kind[len("options-") :], urllib.parse.unquote(rest)): _options(
            middleware["headers"]["customRequestHeaders"]["X-Switchyard-Options"]
        )
        for (key, kind, rest), middleware in owned_entries(raw, "middlewares")
        if kind.startswith("options-")
    }


def _options(text: str) -> RouteOptions:
    content = json.loads(text)
    lists = {"allow_ips": tuple(content["allow_ips"]), "headers": tuple(sorted(content["headers"].items()))}
    return RouteOptions(
        **{**content, **lists, "rate_limit": Rate(**content["rate_limit"]) if content["rate_limit"] else None}
    )


def service_of(rest: str) -> str:
    """Return a service's name, from what stands behind the color in the name of its backend."""
    return rest.partition(":")[0]


def owned_entries(raw: Document, part: str) -> t.Iterator[tuple[tuple[str, str, str], Document]]:
    """Yield what belongs to a stack, with the three parts of its name."""
    for name, value in (raw.get(part) or {}).items():
        key, kind, rest = is_owned_name(name)
        # The key of a stack has two dots (names.stack_key).
        if name.endswith("@file") and key.count(".") == 2 and kind:
            yield (key, kind, rest), value


def is_owned_name(name: str) -> tuple[str, str, str]:
    parts = (*name.removesuffix("@file").split(":", 2), "", "")
    return parts[0], parts[1], parts[2]


def servers_of(raw: Document) -> dict[str, str]:
    """Return the address of each color's services, from ``/api/rawdata``."""
    return {
        ":".join(name): service["loadBalancer"]["servers"][0]["url"]
        for name, service in owned_entries(raw, "services")
        if name[1] in names.COLORS and ":" not in name[2]
    }


def config_mismatches(content: Document, raw: Document, key: str | None = None) -> list[str]:
    """Return what Traefik does not do as a file says, a sentence each.

    With ``key`` it must have nothing else of this stack either.
    """
    found = []
    for part in ("routers", "services", "middlewares"):
        wanted = content.get("http", {}).get(part, {})
        there = raw.get(part) or {}
        for name, value in wanted.items():
            seen = there.get(in_file_provider(name))
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


def files_not_applied(contents: Contents, raw: Document) -> list[str]:
    """Return what Traefik does not do as these files say; of one that went away, nothing may be left."""
    return [
        words
        for name, text in contents.items()
        for words in config_mismatches(parse(text) if text else {}, raw, public_key_of(name))
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


def error_messages(log: str) -> list[str]:
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
