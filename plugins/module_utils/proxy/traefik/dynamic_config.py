# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of Traefik's dynamic configuration: names, rules, priorities, and the text of a file.

The files are JSON, which is YAML as well: the server's Python needs no library for it.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from dataclasses import dataclass, field

from ...config.wildcard_hosts import is_wildcard
from ..layout import WRITTEN_BY_RELEASE, stack_file
from ..request_form import ambiguous_decoded_path
from ..state import StackRoutes

# The entry points in the container other than that of the public port. Both accept only requests with the key.
PRIVATE_PORT = 8090
DRY_RUN_PORT = 8091
HTTPS_PORT = 8443
DRY_RUN_HTTPS_PORT = 8093

# Traefik's error for an https router while its container has no https port yet: setup.yml replaces that container.
NO_HTTPS = 'entryPoint "https" doesn\'t exist'
API_HOST = "switchyard"

# Which router is first: for a request that no application gets, one that names a color, one with a preview key, a
# client in proxy_bypass_ips of a stack that is not available, a client whose cookie names a color, any other client.
# Within each the longest host and path is first, across all stacks; with the same one, requests that came through
# another proxy.
REFUSED, COLOR, KEYED, BYPASS, STICKY, PUBLIC = 600_000, 500_000, 400_000, 300_000, 200_000, 100_000
# An exact host is before every wildcard.
EXACT = 50_000

# The headers of a request that are for the proxy alone.
HIDDEN = ("X-Switchyard-Key", "X-Switchyard-Color", "X-Switchyard-Bypass")
COOKIE = "switchyard"
Document = dict[str, t.Any]


@dataclass(frozen=True)
class ConfigInputs:
    """What the files need in addition to the state: the role's variables, and the preview keys.

    ``preview_keys`` has the header and its value per environment. ``connect_timeout`` is in seconds.
    """

    server_key: str
    bypass_ips: tuple[str, ...] = ()
    sticky: bool = True
    trusted_proxies: tuple[str, ...] = ()
    https_port: int = 0
    connect_timeout: float = 5
    preview_keys: t.Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class EntryPointVariant:
    """How a request arrives: with TLS or without, from the client itself or through a trusted proxy.

    A router of Traefik takes requests either with TLS or without. Where the client's address counts, it is either that
    of the connection or in a header. ``secured`` is a request that the trusted proxy received with TLS.
    """

    tls: bool = False
    forwarded: bool = False
    secured: bool = False

    @property
    def https(self) -> bool:
        """Whether the client uses TLS."""
        return self.tls or self.secured

    @property
    def client(self) -> str:
        """The middleware that writes the headers from which applications learn of the client."""
        return "switchyard:client" + ("-trusted" if self.forwarded else "-https" if self.tls else "")

    @property
    def name(self) -> str:
        """The prefix of a router's kind; the plain variant has none."""
        words = {"https": self.tls, "forwarded": self.forwarded, "secured": self.secured}
        return "".join(f"{word}-" for word, applies in words.items() if applies)


def backend(key: str, service: str, color: str, timeout: float | None = None) -> str:
    """Return the name of the Traefik service for a color of a service; a timeout of its own makes it another one."""
    return f"{key}:{color}:{service}" + (f":{timeout}" if timeout else "")


def backends(routing: StackRoutes, color: str) -> dict[str, str]:
    """Return the URLs of a color's services. Traefik looks the name up in Docker's DNS at each new connection."""
    return {
        backend(routing.key, service, color): f"http://{routing.server(service, color)}:{port}"
        for service, port in routing.services().items()
    }


def file_name(key: str) -> str:
    """Return the name of a stack's file; one file has both colors, so that they change together."""
    return stack_file(key, "yml")


def rule(host_path: str, *more: str) -> str:
    """Return the rule for a host and path, whose cases do not differ."""
    host, path = host_path.split("/", 1)
    return " && ".join([host_rule(host), path_rule(f"/{path}"), *more])


def host_rule(host: str) -> str:
    """Return the rule for a host; a wildcard is for one label."""
    if is_wildcard(host):
        return f"HostRegexp({quoted(f'^[^.]+{re.escape(host[1:])}[.]?$')})"
    return f"Host({quoted(host)})"


def path_rule(path: str) -> str:
    """Return the rule for paths that begin with a path."""
    return f"PathPrefix({quoted(path)})" if path == "/" else f"PathRegexp({quoted(f'(?i)^{re.escape(path)}')})"


def refusal_rule(hosts: t.Iterable[str], scope: str) -> str:
    """Return the rule for paths that are not in normal form, on hosts of a scope (``request_form.py``)."""
    any_host = " || ".join(map(host_rule, hosts))
    return f"({any_host}) && PathRegexp({quoted(f'(?i){ambiguous_decoded_path(scope)}')})"


# Before any other rule: most requests have no such header.
OTHER_UPGRADE = 'HeaderRegexp("Upgrade", ".") && !HeaderRegexp("Upgrade", "(?i)^websocket$")'


def header_rule(name: str, value: str) -> str:
    """Return the rule for requests with a header."""
    return f"Header({quoted(name)}, {quoted(value)})"


def client_rule(networks: t.Iterable[str]) -> str:
    """Return the rule for connections from networks."""
    return " || ".join(f"ClientIP({quoted(network)})" for network in networks)


def quoted(text: str) -> str:
    """Return a text as a string of a rule: a Go string in double quotes is a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def cookie_of(service: str) -> str:
    """Return the value of the cookie with which Traefik keeps a client at a child of a weighted service."""
    return hashlib.sha256(in_file_provider(service).encode()).hexdigest()[:16]


def in_file_provider(name: str) -> str:
    """Return the full name of a router, service or middleware in a file."""
    return f"{name}@file"


def balancer(url: str, transport: str) -> Document:
    """Return a service with one server; Traefik's own load balancing is not used."""
    return {"loadBalancer": {"servers": [{"url": url}], "serversTransport": in_file_provider(transport)}}


def text_of(content: Document) -> str:
    """Return the text of a file. Two braces would begin a Go template, so none are written."""
    text = json.dumps(content, indent=1, sort_keys=True).replace("{{", "\\u007b\\u007b")
    return f"# {WRITTEN_BY_RELEASE}\n{text}\n"


def parse(text: str) -> Document:
    """Return the content of a file of this collection: JSON below lines that begin with ``#``."""
    content: Document = json.loads("\n".join(line for line in text.splitlines() if not line.startswith("#")))
    return content
