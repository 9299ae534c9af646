# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts, paths and names of a stack may look like. Each grammar says what is valid; all else is refused.

Hosts and paths become lines of a proxy's configuration, names of services and secrets become names of containers and
files.
"""

from __future__ import annotations

import re
import typing as t
import unicodedata

from .stack import Stack
from .wildcard_hosts import PREFIX, is_wildcard

# RFC 1123, 2.1 and RFC 1035, 2.3.4: letters, digits and hyphens, 63 octets; the whole name has 253.
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z")
LONGEST_LABEL, LONGEST_HOST = 63, 253

# RFC 3986, 3.3 without the characters that a configuration file quotes. Every proxy reads such a path the same way.
SEGMENT = re.compile(r"[A-Za-z0-9._~!+,:=@-]*\Z")
SEGMENTS = "letters, digits and -._~!+,:=@"

# The target of a request (RFC 9112, 3.2.1): visible ASCII without a fragment.
REQUEST_TARGET = re.compile(r"/[!-\"$-~]*\Z")

# Compose specification, JSON schema: the keys of services and secrets.
COMPOSE_NAME = re.compile(r"[a-zA-Z0-9._-]+\Z")
# What ${...} in a Compose file can name.
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Mistake(t.NamedTuple):
    """A text that its grammar does not allow: the key in the stack, and a problem's message, hint and code."""

    key: str
    message: str
    hint: str
    code: str


def mistakes_of(stack: Stack) -> list[Mistake]:
    """Return every host, path and name of a stack that its grammar does not allow."""
    found = []
    for kind, index, endpoint in stack.endpoints:
        for host in endpoint.hosts:
            found += _mistake(f"{kind}[{index}].hosts", host_mistake(host), code="route.host")
        found += _mistake(f"{kind}[{index}].path", path_mistake(endpoint.path), code="route.path")
    targets = [(f"routes[{index}].health.path", route.health.path) for index, route in enumerate(stack.routes)]
    targets += [(f"smoke[{index}].path", smoke.path) for index, smoke in enumerate(stack.smoke)]
    for key, target in targets:
        found += _mistake(key, _target_mistake(target), code="route.path")
    for key, service in _named_services(stack):
        if not COMPOSE_NAME.match(service):
            message = f"{service!r} is not a name that a service can have"
            found.append(Mistake(key, message, "Use letters, digits, -, _ and .", code="stack.service_name"))
    for name, value in stack.variables.items():
        if not VARIABLE_NAME.match(name):
            message = f"{name!r} is not a name that a variable can have"
            found.append(Mistake("variables", message, "Use letters, digits and _", code="stack.variable"))
        elif "\0" in value:
            found.append(Mistake(f"variables.{name}", "has a NUL character", "Remove it", code="stack.variable"))
    for name in stack.secrets:
        if not COMPOSE_NAME.match(name) or not name.strip("."):
            message = f"{name!r} is not a name that a secret can have"
            found.append(Mistake("secrets", message, "Use letters, digits, -, _ and .", code="stack.secret_name"))
    return found


def _named_services(stack: Stack) -> t.Iterator[tuple[str, str]]:
    """Yield each service that the stack names, with its key."""
    yield from ((f"routes[{index}].service", route.service) for index, route in enumerate(stack.routes))
    for key in ("workers", "accessories", "inner"):
        yield from ((key, service) for service in getattr(stack, key))
    if stack.migrate:
        yield "migrate.service", stack.migrate.service
    yield from ((f"after_migrate[{index}].service", job.service) for index, job in enumerate(stack.after_migrate))


def host_mistake(host: str) -> tuple[str, str] | None:
    """Return why a text is not the name of a host, and what to write instead; None for a valid name.

    ``*.`` before a name is a wildcard for one label. Names with letters beyond ASCII have to be written in the form
    that clients send (RFC 5891: ``xn--``).
    """
    if is_wildcard(host):
        rest = host[len(PREFIX) :]
        if is_wildcard(rest) or host_mistake(rest):
            return (
                f"{host!r} is not a valid wildcard",
                f"Write {PREFIX} once, before a valid name, for names with one more label",
            )
        return None
    if not host.isascii():
        encoded = ascii_form(host)
        hint = f"Write {encoded}" if encoded else "Write the form that begins with xn--"
        return f"{host!r} has letters beyond ASCII", hint
    labels = host.split(".")
    long = next((label for label in labels if len(label) > LONGEST_LABEL), None)
    if long:
        message = f"{host!r} has a label of {len(long)} bytes"
        return message, f"Write labels of at most {LONGEST_LABEL} bytes"
    if len(host) > LONGEST_HOST:
        return f"{host!r} has {len(host)} bytes", f"Write at most {LONGEST_HOST} bytes"
    if not all(LABEL.match(label) for label in labels):
        corrected = host.lower().rstrip(".")
        is_valid = corrected != host and not host_mistake(corrected)
        return f"{host!r} is not a valid host name", f"Write {corrected}" if is_valid else "Write only the name"
    return None


def ascii_form(host: str) -> str | None:
    """Return a name of a host with its labels in ASCII, or None for a name that stays invalid.

    Lower case and composed (NFC), a label is encoded as it is (RFC 5891, 4.4), as browsers do it.
    """
    labels = unicodedata.normalize("NFC", host.lower()).split(".")
    encoded = [label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels]
    are_words = all(label.isascii() or label.replace("-", "").isalnum() for label in labels)
    name = ".".join(encoded)
    return name if are_words and not host_mistake(name) else None


def path_mistake(path: str) -> tuple[str, str] | None:
    """Return why a text is not a path prefix of a route, and what to write instead; None for a valid path."""
    if not path.startswith("/"):
        return f"{path!r} does not begin with /", f"Write /{path}" if not path_mistake(f"/{path}") else "Write /"
    *folders, last = path[1:].split("/")
    if any(segment in ("", ".", "..") for segment in folders) or last in (".", ".."):
        return f"{path!r} is not in normal form", "Write it without empty segments, . and .."
    if not all(SEGMENT.match(segment) for segment in (*folders, last)):
        return f"{path!r} is not a valid path", f"Write segments of {SEGMENTS}"
    return None


def _target_mistake(target: str) -> tuple[str, str] | None:
    if REQUEST_TARGET.match(target):
        return None
    return f"{target!r} is not a valid path", "Begin with /, and write ASCII without spaces and #; a space is %20"


def _mistake(key: str, found: tuple[str, str] | None, code: str) -> list[Mistake]:
    return [Mistake(key, *found, code)] if found else []
