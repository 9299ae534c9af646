# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a stack in the inventory."""

from __future__ import annotations

import typing as t

from .value_types import text_of

SHARED_SERVERS = ("postgres", "redis")


def secrets_of(stack: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return the secrets of a stack by name, from its mapping in the inventory.

    The passwords of the shared servers are among them, as ``postgres_password`` and ``redis_password``. Other
    passwords of these servers are not secrets of the application.
    """
    secrets = {str(name): text_of(value) for name, value in (stack.get("secrets") or {}).items()}
    for server in SHARED_SERVERS:
        # A stack with its own server among the accessories has none here.
        if (stack.get(server) or {}).get("password") is not None:
            secrets[f"{server}_password"] = text_of(stack[server]["password"])
    return secrets
