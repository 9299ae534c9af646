# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""The forms of a request's path and host that every proxy refuses, as regular expressions for all of them.

A guard of a path holds only where the proxy and the application read the path the same way. Where routes of a host
differ by their path, a path that an application may read in another way is refused with 400. On other hosts the
application gets the path byte for byte, unless no server can read it.

HAProxy and nginx match the path as it was sent (PCRE). Traefik matches a path in which everything is decoded but the
reserved characters of RFC 3986 and the percent sign (``withRoutingPath``, RE2), so it needs another expression. It puts
percent-encoded letters, digits and ``-._~`` in normal form before anything reads them, the application included. All
expressions are without groups that capture, without look-around, and for either case.
"""

from __future__ import annotations

import re
import typing as t

from ..config.wildcard_hosts import covers

# RFC 9110, 7.2 and RFC 3986, 3.2.2: a name with an optional last dot, and an optional port.
HOST_NAME = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
HOST = rf"{HOST_NAME}\.?(?::[0-9]+)?"

# What no application gets, on any host: nginx answers these with 400 by itself, and so do the others.
INVALID = {
    "an invalid percent-encoding": r"%(?:[^0-9a-f]|[0-9a-f][^0-9a-f]|[0-9a-f]?$)",
    "NUL": r"%00",
    "a space, a control character or a byte beyond ASCII": r"[^!-~]",
    "a fragment": r"#",
    "a dot segment above the root": r"^/(?:\.|%2e)(?:\.|%2e)(?:/|%2f|$)",
    "no slash at its beginning": r"^[^/]",
}
INVALID_DECODED = {
    "NUL": r"\x00",
    "a dot segment above the root": r"^/\.\.(?:/|%2F|$)",
    "no slash at its beginning": r"^[^/]",
}

# What is refused on a host whose routes differ by their path.
AMBIGUOUS = {
    "an empty segment": r"//",
    "a dot segment": r"/\.\.?(?:/|$)",
    "a backslash": r"\\",
    # Servlet containers remove parameters before they resolve dots (Servlet 6.1, 3.5.2).
    "a segment of dots with parameters": r"/\.?\.?(?:;|%3b)",
    # 2d and 2e are - and ., 30 to 39 digits, 41 to 5a and 61 to 7a letters, 5f is _, 7e is ~.
    "a percent-encoded letter, digit, -, ., _ or ~": r"%(?:2[de]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])",
    "a percent-encoded slash, backslash or control character": r"%(?:2f|5c|[01][0-9a-f]|7f)",
}
AMBIGUOUS_DECODED = {
    "an empty segment": r"//",
    "a dot segment": r"/\.\.?(?:/|$)",
    "a segment of dots with parameters": r"/\.?\.?(?:;|%3B)",
    "a backslash or a control character": r"[\\\x00-\x1f\x7f]",
    "a percent-encoded slash": r"%2F",
}

# The characters of a route's path that are reserved (config/grammar.py), percent-encoded: / + , : = @ and !.
RESERVED = r"%(?:21|2b|2c|3a|3d|40)"
RESERVED_CHARACTERS = frozenset("!+,:=@")

# A deeper route counts as one of this depth.
DEEPEST = 9


def scopes(host_paths: t.Iterable[str]) -> dict[str, str]:
    """Return the scope of each host of these routes; it is ``0`` where all routes of the host are of ``/``.

    Another scope is the number of segments on which a route depends, 1 to 9, and ``r`` behind it where a path of the
    host has a reserved character. A host also has the paths of the wildcard that covers it.
    """
    paths: dict[str, set[str]] = {}
    for host_path in host_paths:
        host, slash, path = host_path.partition("/")
        paths.setdefault(host, set()).add(slash + path)
    found = {}
    for host in paths:
        own = {path for other, those in paths.items() if covers(other, host) for path in those} - {"/"}
        depth = max((path.rstrip("/").count("/") for path in own), default=0)
        reserved = any(RESERVED_CHARACTERS.intersection(path) for path in own)
        found[host] = f"{min(depth, DEEPEST)}{'r' if reserved else ''}"
    return dict(sorted(found.items()))


def invalid_path() -> str:
    """Return the expression of a path, as it was sent, that no application gets."""
    return "|".join(INVALID.values())


def invalid_decoded_path() -> str:
    """Return the same for the path that Traefik matches; Go has refused the rest before."""
    return "|".join(INVALID_DECODED.values())


def ambiguous_path() -> str:
    """Return the expression of ``<scope>/<path>``, as it was sent, that is refused on a host with this scope."""
    parameters = "|".join(f"{depth}r?{_parameters(depth)}" for depth in range(1, DEEPEST + 1))
    anywhere = "|".join(AMBIGUOUS.values())
    return f"^[1-9]r?.*?(?:{anywhere})|^(?:{parameters})(?:;|%3b)|^[1-9]r.*?{RESERVED}"


def ambiguous_decoded_path(scope: str) -> str:
    """Return the expression of the path that Traefik matches, refused on a host with a scope."""
    parts = [*AMBIGUOUS_DECODED.values(), f"^{_parameters(int(scope[0]))}(?:;|%3B)"]
    return "|".join([*parts, RESERVED] if scope.endswith("r") else parts)


def _parameters(depth: int) -> str:
    """Return the expression of a path up to a segment on which a route depends."""
    return f"(?:/[^/;]*){{1,{depth}}}"


def is_ambiguous(scope: str, path: str) -> bool:
    """Return whether a path is refused on a host with a scope; the scope ``0`` refuses nothing."""
    return bool(re.search(ambiguous_path(), scope + path, re.IGNORECASE))


def is_invalid(path: str) -> bool:
    """Return whether no application gets a path."""
    return bool(re.search(invalid_path(), path, re.IGNORECASE))
