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

from ..layout import CONFIG_ROOT, WRITTEN_BY_RELEASE, stack_file
from ..state import RouteKey, StackRoutes
from . import route_options
from .lookup_table import LookupTable
from .preview_keys import preview_key_files


def servers(routing: StackRoutes, color: str) -> str:
    """Return the servers of one color: a map entry per service, with a name for Docker's DNS and the port."""
    lines = [f"# {routing.stack} of {routing.environment}, {color}. {WRITTEN_BY_RELEASE}"]
    lines += [
        f'"{routing.key}:{color}:{service}" {routing.server(service, color)}:{port};'
        for service, port in routing.services().items()
    ]
    return "\n".join(lines) + "\n"


def published(routing: StackRoutes, color: str) -> dict[str, str]:
    """Return the servers of one color that is published on host ports: an upstream per service, and a map to them.

    The comment of a map entry is the port inside the container, for counting its connections.
    """
    head = f"# {routing.stack} of {routing.environment}, {color}. {WRITTEN_BY_RELEASE}\n"
    entries, groups = head, head
    for service, port in routing.services().items():
        if not routing.published(service):
            continue
        group = f"{routing.key}_{service}_{color}"
        entries += f'"{routing.key}:{color}:{service}" {group}; # {port}\n'
        # A server that does not answer is tried again with the next request, as with Docker's DNS.
        members = "".join(f"    server {at} max_fails=0;\n" for at in routing.published(service))
        groups += f"upstream {group} {{\n{members}}}\n"
    return {stack_file(routing.key, "map", color): entries, stack_file(routing.key, "upstream", color): groups}


def ports_in(text: str) -> dict[str, int]:
    """Return the port inside the container of each service in the map entries of a color."""
    entries = re.finditer(r'^"[^"]*:([^":]+)" \S+(?::|; # )(\d+);?$', text, re.MULTILINE)
    return {entry[1]: int(entry[2]) for entry in entries}


def admin(routes: t.Mapping[RouteKey, str], mark: str) -> str:
    """Return the server behind the socket: it answers with the mark and the routes, and with the flags that exist."""
    lines = [
        f"mark {mark}",
        *(f"route {' '.join(route[:2])} {quote(s)} {quote(route[2])}" for route, s in sorted(routes.items())),
    ]
    return "\n".join(
        [
            "server {",
            "    listen unix:/run/switchyard/admin.sock;",
            "    access_log off;",
            "    location = /state {",
            '        set $sy_state "";',
            *(rf'        set $sy_state "${{sy_state}}{line}\n";' for line in lines),
            "        return 200 $sy_state;",
            "    }",
            "    location /flags/ {",
            f"        alias {CONFIG_ROOT}/flags/;",
            "        autoindex on;",
            "        autoindex_format json;",
            "    }",
            "}",
            "",
        ]
    )


# The parts that are made of all stacks: two for routes, one for route options.
ROUTES, LOOKUP, OPTIONS = "40-routes.http", "40-routes.server", "40-options.server"


def full_config(
    contents: t.Mapping[str, str | None],
    routes: t.Mapping[RouteKey, str],
    key: str,
    max_body_size: int = 0,
    preview_keys: t.Mapping[str, tuple[str, str]] | None = None,
) -> tuple[dict[str, str], str]:
    """Return the whole configuration for these routes and keys, by file, and its mark.

    ``contents`` has the files of all stacks, also those with route options. ``max_body_size`` is the default in bytes,
    0 for no limit. ``preview_keys`` has a header and its value per environment.
    """
    head = "# All routes of this server. Written by releases; changes here are lost.\n\n"
    existing = {name: text for name, text in contents.items() if text is not None}
    options = {
        (stack, color, host_path): value
        for stack, color in sorted({route[:2] for route in routes})
        for host_path, value in route_options.options_from_json(
            existing.get(stack_file(stack, "json", color), "{}")
        ).items()
    }
    table = LookupTable(routes, options)
    maps = route_options.RouteOptionMaps(table.routes, max_body_size)
    whole = {**existing, **preview_key_files(key, preview_keys or {})}
    whole.update({LOOKUP: f"{head}{table.lookup()}", OPTIONS: f"{head}{maps.server()}"})

    def marked(mark: str) -> dict[str, str]:
        return {**whole, ROUTES: f"{head}{table.maps()}\n{maps.http()}\n{admin(routes, mark)}"}

    mark = hashlib.sha256(json.dumps(marked(""), sort_keys=True).encode()).hexdigest()[:16]
    return marked(mark), mark
