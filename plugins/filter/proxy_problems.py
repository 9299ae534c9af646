# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems of certificates, users and preview access of an inventory, for the role proxy."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import client_headers
from ansible_collections.switchyard.stacks.plugins.plugin_utils import certificates

DOCUMENTATION = r"""
name: proxy_problems
short_description: The problems of certificates, users and preview access of an inventory
description:
  - Checks certificates, users and preview access before anything of them reaches a server. No message contains a key,
    a hash or a value.
options:
  _input:
    description: The role's variable C(proxy_certificates).
    type: list
    elements: dict
    required: true
  users:
    description: The role's variable C(proxy_users).
    type: dict
    required: true
  environment:
    description: The environment's name.
    type: str
    required: true
  provider:
    description: The role's variable C(proxy_provider).
    type: str
    required: true
  preview_access:
    description: The role's variable C(proxy_preview_access).
    type: dict
    default: {}
  others:
    description: The C(proxy_preview_access) of the other environments of the server, by their names.
    type: dict
    default: {}
  certificates_of_others:
    description: >-
      The certificates of the other environments, as P(switchyard.stacks.certificates#filter) returns them. A client
      gets one certificate for a name, so that a second one for it is a problem.
    type: list
    elements: dict
    default: []
positional: users, environment, provider, preview_access, others, certificates_of_others
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
problems: "{{ proxy_certificates | switchyard.stacks.proxy_problems(proxy_users, 'prod', 'nginx') }}"
"""

RETURN = r"""
_value:
  description: The problems, as those of M(switchyard.stacks.preflight).
  type: list
  elements: dict
"""

BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}\Z")
SHA = re.compile(r"\$[56]\$(rounds=(?P<rounds>\d+)\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43,86}\Z")
# Each request costs a comparison, during which a thread of HAProxy or nginx answers no other request: 2 to 4 ms with
# these, a quarter of a second with a cost of 12. The second one is crypt's own default.
HIGHEST_COST = 6
MOST_ROUNDS = 5000
USER = re.compile(r"[A-Za-z0-9._@-]+\Z")
# Traefik compares bcrypt, and forms that are too weak for a password (manual, middleware BasicAuth).
ONLY_BCRYPT = ("traefik",)

# RFC 9110, 5.6.2 allows more characters; nginx drops a header with others than these.
HEADER = re.compile(r"[A-Za-z0-9-]+\Z")
# Headers that browsers, proxies and this collection use, and prefixes of such headers.
TAKEN = re.compile(
    r"""(alt-used|authorization|cache-control|connection|cookie2?|date|dnt|early-data|expect|forwarded|from|host
    |http2-settings|keep-alive|last-event-id|link|max-forwards|origin|pragma|priority|range|referer|save-data|server
    |set-cookie|te|trailer|transfer-encoding|traceparent|tracestate|upgrade|upgrade-insecure-requests|user-agent|via
    |warning|x-real-ip|x-request-id|x-requested-with|(accept|access-control|content|if|proxy|sec|x-forwarded
    |x-switchyard)(-.*)?)\Z""",
    re.IGNORECASE | re.VERBOSE,
)
# Without spaces, which a proxy may remove.
VALUE = re.compile(r"[!-~]{20,}\Z")


def proxy_problems(
    given: list[dict[str, str]],
    users: dict[str, t.Any],
    environment: str,
    provider: str,
    preview_access: dict[str, t.Any] | None = None,
    others: dict[str, t.Any] | None = None,
    certificates_of_others: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> list[dict[str, str]]:
    """Return all problems, in the order of the variables."""
    own, problems = certificates.read(given, environment)
    problems += certificates.conflicts(own, environment, certificates_of_others)
    for name, members in users.items():
        where = f"proxy_users.{name}"
        if not names.NAME_PART.match(str(name)):
            problems.append(
                Problem(where, "is not a valid name", "Use lower case, digits, - and _", "proxy.user_list_name")
            )
        if not isinstance(members, dict) or not members:
            problems.append(
                Problem(where, "has no users", "Write {anna: <the hash of a password>}", "proxy.user_list_empty")
            )
            continue
        for user, value in members.items():
            if not USER.match(str(user)):
                problems.append(
                    Problem(
                        f"{where}.{user}",
                        "is not a valid user name",
                        "Use letters, digits and . _ @ -",
                        "proxy.user_name",
                    )
                )
            problems += _hash(f"{where}.{user}", str(value), provider)
    problems += _preview_access(preview_access or {}, others or {})
    return [problem.as_dict() for problem in problems]


def _preview_access(preview_access: dict[str, t.Any], others: dict[str, t.Any]) -> t.Iterator[Problem]:
    """Yield the problems of preview access."""
    where = "proxy_preview_access"
    if not preview_access:
        return
    if set(preview_access) != {"header", "value"}:
        yield Problem(
            where,
            "needs a header and a value, and nothing else",
            "Write {header: X-Preview, value: ...}",
            "proxy.preview_keys",
        )
    header, value = preview_access.get("header", "X-Preview"), preview_access.get("value", "-" * 20)
    if not isinstance(header, str) or not HEADER.match(header):
        message = f"{header!r} is not the name of a header that every proxy passes on"
        yield Problem(
            f"{where}.header", message, "Use letters, digits and -, such as X-Preview", "proxy.preview_header"
        )
    elif TAKEN.match(header) or header.lower() in map(str.lower, client_headers.REMOVED):
        message = f"browsers and proxies use {header} themselves"
        yield Problem(f"{where}.header", message, "Use another name, such as X-Preview", "proxy.preview_header")
    if not isinstance(value, str) or not VALUE.match(value):
        message = "is not a secret of at least 20 ASCII characters without spaces"
        yield Problem(
            f"{where}.value",
            message,
            "Make one with 'openssl rand -hex 20' and keep it in a vault",
            "proxy.preview_value",
        )
    for environment, other in others.items():
        if other["value"] == value:
            message = f"is also that of the environment {environment} on this server"
            yield Problem(
                f"{where}.value", message, "Give each environment its own value", "proxy.preview_value_shared"
            )


def _hash(where: str, value: str, provider: str) -> list[Problem]:
    """Return the problem of a hash, or nothing."""
    bcrypt, sha = BCRYPT.match(value), SHA.match(value)
    for number, highest, name in (
        (bcrypt and bcrypt["cost"], HIGHEST_COST, "a cost"),
        (sha and sha["rounds"], MOST_ROUNDS, "rounds"),
    ):
        if number and int(number) > highest:
            message = f"has {name} of {int(number)}, and each request would keep the proxy busy for that long"
            hint = f"Write {highest} at most: 'htpasswd -nB -C 5 <user>'"
            return [Problem(where, message, hint, "proxy.password_cost")]
    if bcrypt or (sha and provider not in ONLY_BCRYPT):
        return []
    if sha:
        return [
            Problem(
                where, f"{provider} only supports bcrypt", "Make it with 'htpasswd -nB <user>'", "proxy.password_hash"
            )
        ]
    message = "is not a password hash that the proxy supports"
    return [
        Problem(
            where,
            message,
            "Make it with 'htpasswd -nB <user>' and keep the part after the colon",
            "proxy.password_hash",
        )
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"proxy_problems": proxy_problems}
