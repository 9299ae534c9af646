# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: no secret has a value that an example or a template left."""

from __future__ import annotations

import re
import typing as t

from ...config.placeholders import placeholder_of
from ...errors import Problem
from .context import StackCheckContext

NEEDS: tuple[str, ...] = ()

# Compared without case, and without other characters than letters.
_WORDS = """
    changeit changeme changethis default dummy example examplepassword fillme fixme foobar insecure mypassword mysecret
    notsecure notasecret pass password passwd placeholder replaceme replacethis secret secretkey setme tbd test todo
    topsecret yourpassword yoursecret yoursecretkey xxx xxxx xxxxx xxxxxx xxxxxxxx
"""
PLACEHOLDERS = frozenset(_WORDS.split())

# Texts such as <password>, [secret], ${PASSWORD} and %PASSWORD% are filled in by their reader.
_MARKED = re.compile(r"\A\s*(<.*>|\[.*\]|\$\{.*\}|\{\{.*\}\}|%\w+%|__\w+__)\s*\Z", re.DOTALL)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the secrets that are empty, a placeholder, or their own name."""
    return problems(context.spec.secrets, context.where)


def problems(secrets: t.Mapping[str, str], where: str) -> list[Problem]:
    """Return the problems of ``check``; a message never has the value."""
    return [
        Problem(_key(where, name), reason, "Generate a random one, and keep it in a vault", "stack.secret_placeholder")
        for name, value in sorted(secrets.items())
        for reason in [reason_of(name, value)]
        if reason
    ]


def reason_of(name: str, value: str) -> str:
    """Return why a value cannot be a secret, or an empty text."""
    plain = re.sub(r"[^a-z]", "", value.lower())
    if placeholder_of(value):
        # The check of the inventory reports it.
        return ""
    if not value.strip():
        return "is empty"
    if value.strip().lower() == name.lower():
        return "is its own name"
    if _MARKED.match(value):
        return "is a placeholder for a secret"
    # With digits or signs between them, the letters are a part of a value that was made at random.
    if plain in PLACEHOLDERS and len(plain) >= len(re.sub(r"[\s_.!-]", "", value)) - 3:
        return "is a common placeholder for a secret"
    return ""


def _key(where: str, name: str) -> str:
    """Return the path in the inventory of a secret; the passwords of the shared servers have their own keys."""
    server, separator, rest = name.partition("_")
    own = separator and rest == "password" and server in ("postgres", "redis")
    return f"{where}.{server}.password" if own else f"{where}.secrets.{name}"
