# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: Docker Compose accepts the stack's files."""

from __future__ import annotations

import re
import typing as t

from ...engine import compose_spec
from ...engine.compose_mistakes import NO_ENV_FILE, REQUIRED, UNDEFINED, UNDEFINED_SERVICE, messages
from ...errors import EngineError, Problem
from ...near_name import did_you_mean
from .context import StackCheckContext
from .variables_set import unset_variables

NEEDS: tuple[str, ...] = ()

# Compose, for a file of a Git repository or a registry.
REMOTE = "remote resource is disabled"

# The end of what Compose says of a file of include or extends
NO_FILE = "no such file or directory"

# compose-go, for a key that its schema does not have.
UNKNOWN_KEY = re.compile(r"[Aa]dditional propert(?:y|ies) '?(?P<key>[\w-]+)'?(?: is|,)? not allowed")


def check(context: StackCheckContext) -> list[Problem]:
    """Return Compose's own message when it rejects the files, or a problem of the server when it does not answer."""
    error = context.failures.get("compose")
    if "source" in context.failures:
        return []
    if isinstance(error, EngineError):
        return [error.problem("server", "Run setup.yml", code="server.engine")]
    where = f"{context.where}.compose"
    if error:
        unset = unset_variables(context, error.details.get("unset", ()))
        return [error.problem(where, hint_of(error.message), code="compose.invalid"), *unset]
    return [
        Problem(where, f"Compose rejects the files: {message}", hint_of(message, context.services), "compose.invalid")
        # Other checks, which do not run for a stack in_place, report images and variables.
        for message in messages(context.files.mistakes, reported=context.in_place)
    ]


def hint_of(message: str, services: t.Collection[str] = ()) -> str:
    """Return what to do about a message of Compose: for a key or service that is misspelt, the one close to it."""
    if REMOTE in message:
        return "Copy the file to source.path: a release fetches no Compose files"
    required = REQUIRED.search(message)
    if required:
        return f"Write {required['name']} in variables or in .env"
    env_file = NO_ENV_FILE.search(message)
    if env_file:
        where = "on the server" if env_file["name"].startswith("/") else "in source.path, as from an example next to it"
        return f"Create it {where}, or write required: false in env_file"
    undefined = UNDEFINED.search(message)
    if undefined:
        return f"Define it in the Compose file: {undefined['kind']}s: {{{undefined['name']}: {{}}}}"
    service = UNDEFINED_SERVICE.search(message)
    if service:
        return did_you_mean(service["name"], services, f"Define the service {service['name']}, or remove it there")
    if NO_FILE in message:
        return "Create the file in source.path, or remove the key that names it"
    key = UNKNOWN_KEY.search(message)
    keys = {key for section in compose_spec.SPECIFICATION.values() for key in section}
    if key and key["key"] in keys:
        return (
            "Docker Compose on this server is older than this key, or it has another place: update Compose, or move it"
        )
    return did_you_mean(key["key"] if key else "", keys, "Try it with 'docker compose config'")
