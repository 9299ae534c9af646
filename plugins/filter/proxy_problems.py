# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with what an inventory gives the proxy, for the role proxy."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.plugin_utils import certificates

DOCUMENTATION = r"""
name: proxy_problems
short_description: What is wrong with what an inventory gives the proxy
description:
  - Looks at certificates and users before anything of them reaches a server. No message has a key or a hash in it.
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
positional: users, environment, provider
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

BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}\Z")
SHA = re.compile(r"\$[56]\$(rounds=\d+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43,86}\Z")
USER = re.compile(r"[A-Za-z0-9._@-]+\Z")
# Traefik compares bcrypt, and forms that are too weak for a password (manual, middleware BasicAuth).
ONLY_BCRYPT = ("traefik",)


def proxy_problems(
    given: list[dict[str, str]], users: dict[str, t.Any], environment: str, provider: str
) -> list[dict[str, str]]:
    """Return everything that is wrong, in the order of the variables."""
    problems = certificates.read(given, environment)[1]
    for name, members in users.items():
        where = f"proxy_users.{name}"
        if not names.NAME_PART.match(str(name)):
            problems.append(Problem(where, "is no name", "Use lower case, digits, - and _"))
        if not isinstance(members, dict) or not members:
            problems.append(Problem(where, "has no users", "Write {anna: <the hash of a password>}"))
            continue
        for user, value in members.items():
            if not USER.match(str(user)):
                problems.append(Problem(f"{where}.{user}", "is no user's name", "Use letters, digits and . _ @ -"))
            problems += _hash(f"{where}.{user}", str(value), provider)
    return [problem.as_dict() for problem in problems]


def _hash(where: str, value: str, provider: str) -> list[Problem]:
    """Return what is wrong with a hash."""
    if BCRYPT.match(value) or (SHA.match(value) and provider not in ONLY_BCRYPT):
        return []
    if SHA.match(value):
        return [Problem(where, f"{provider} only compares bcrypt", "Make it with 'htpasswd -nB <user>'")]
    what = "is no hash of a password that a proxy can compare"
    return [Problem(where, what, "Make it with 'htpasswd -nB <user>' and keep what comes after the colon")]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"proxy_problems": proxy_problems}
