# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx configuration: upstreams, admin server, and the assembled file."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from urllib.parse import quote

from ..state import RouteKey, StackRoutes
from . import route_options
from .flags import INSIDE
from .lookup_table import LookupTable
from .preview_keys import preview_key_files


def servers(routing: StackRoutes, color: str) -> str:
    """Return where the services of one color are: a map entry per service, a name that Docker's DNS knows."""
    lines = [f"# {routing.stack} of {routing.environment}, {color}. Written by a release; changes here are lost."]
    lines += [
        f'"{routing.key}:{color}:{service}" {routing.server(service, color)}:{port};'
        for service, port in routing.services().items()
    ]
    return "\n".join(lines) + "\n"


def published(routing: StackRoutes, color: str) -> dict[str, str]:
    """Return the same for services that are published on the server: a group of ports per service, and a map to them.

    Behind a group's name stands the port inside the container, for who counts its connections.
    """
    head = f"# {routing.stack} of {routing.environment}, {color}. Written by a release; changes here are lost.\n"
    entries, groups = head, head
    for service, port in routing.services().items():
        if not routing.published(service):
            continue
        group = f"{routing.key}_{service}_{color}"
        entries += f'"{routing.key}:{color}:{service}" {group}; # {port}\n'
        # What does not answer is asked again with the next request, as Docker's DNS would have it.
        members = "".join(f"    server {at} max_fails=0;\n" for at in routing.published(service))
        groups += f"upstream {group} {{\n{members}}}\n"
    return {file_of(routing.key, color): entries, file_of(routing.key, color, "upstream"): groups}


def ports_in(text: str) -> dict[str, int]:
    """Return the port inside the container of each service in the map entries of a color."""
    entries = re.finditer(r'^"[^"]*:([^":]+)" \S+(?::|; # )(\d+);?$', text, re.MULTILINE)
    return {found[1]: int(found[2]) for found in entries}


def admin(routes: t.Mapping[RouteKey, str], mark: str) -> str:
    """Return the server behind the socket: what this configuration is, and the flags as nginx finds them."""
    told = [
        f"mark {mark}",
        *(f"route {' '.join(way[:2])} {quote(s)} {quote(way[2])}" for way, s in sorted(routes.items())),
    ]
    return "\n".join(
        [
            "server {",
            "    listen unix:/run/switchyard/admin.sock;",
            "    access_log off;",
            "    location = /state {",
            '        set $sy_told "";',
            *(rf'        set $sy_told "${{sy_told}}{line}\n";' for line in told),
            "        return 200 $sy_told;",
            "    }",
            "    location /flags/ {",
            f"        alias {INSIDE}/flags/;",
            "        autoindex on;",
            "        autoindex_format json;",
            "    }",
            "}",
            "",
        ]
    )


ROUTES, LOOKUP, PLACES = "40-routes.http", "40-routes.server", "40-options.server"


def full_config(
    contents: t.Mapping[str, str | None],
    routes: t.Mapping[RouteKey, str],
    key: str,
    max_body_size: int = 0,
    private: t.Mapping[str, tuple[str, str]] | None = None,
) -> tuple[dict[str, str], str]:
    """Return a whole configuration with these routes, this key and the environments' own, and its mark.

    The route options are in the contents. ``max_body_size`` is the default in bytes of routes without one, 0 for any.
    """
    head = "# All routes of this server. Written by releases; changes here are lost.\n\n"
    there = {name: text for name, text in contents.items() if text is not None}
    options = {
        (stack, color, at): held
        for stack, color in sorted({way[:2] for way in routes})
        for at, held in route_options.options_from_json(there.get(file_of(stack, color, "json"), "{}")).items()
    }
    table = LookupTable(routes, options)
    made = route_options.RouteOptionMaps(table.ways, max_body_size)
    whole = {**there, **preview_key_files(key, private or {})}
    whole.update({LOOKUP: f"{head}{table.lookup()}", PLACES: f"{head}{made.server()}"})

    def marked(mark: str) -> dict[str, str]:
        return {**whole, ROUTES: f"{head}{table.maps()}\n{made.http()}\n{admin(routes, mark)}"}

    mark = hashlib.sha256(json.dumps(marked(""), sort_keys=True).encode()).hexdigest()[:16]
    return marked(mark), mark


def file_of(key: str, color: str, kind: str = "map") -> str:
    return f"50-{key}-{color}.{kind}"
