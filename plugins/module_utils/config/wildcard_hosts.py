# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of routes that are for all names with one more label, as ``*.example.org``."""

from __future__ import annotations

PREFIX = "*."

# The label of a name that a wildcard covers, for requests of this collection.
EXAMPLE_LABEL = "switchyard-check"


def is_wildcard(host: str) -> bool:
    """Return whether a host of a route is a wildcard."""
    return host.startswith(PREFIX)


def covers(pattern: str, host: str) -> bool:
    """Return whether a host of a route is for a host: itself, or a wildcard for exactly one label."""
    if not is_wildcard(pattern):
        return pattern == host
    label, dot, parent = host.partition(".")
    return bool(label and dot) and parent == pattern[len(PREFIX) :]


def example_of(host: str) -> str:
    """Return a name that a request can have: the host, or for a wildcard a name that it covers."""
    return f"{EXAMPLE_LABEL}.{host[len(PREFIX) :]}" if is_wildcard(host) else host
