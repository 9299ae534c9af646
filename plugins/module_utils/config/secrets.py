# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Separates the secrets of a stack from the rest of its definition."""

from __future__ import annotations

import typing as t


def without_secrets(stack: dict[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, str]]:
    """Return a checked stack with the names of its secrets only, and the secrets by name.

    The passwords of the shared servers are among them, as ``postgres_password`` and ``redis_password``.
    """
    secrets = dict(stack["secrets"])
    plain = {**stack, "secrets": sorted(secrets)}
    for server in ("postgres", "redis"):
        if stack[server]:
            secrets[f"{server}_password"] = stack[server]["password"]
            # What the logins may do is no part of a release, and their other passwords no secrets of the application.
            kept = {key: value for key, value in stack[server].items() if key != "password"}
            plain[server] = kept if server == "redis" and kept else {"used": True}
    return plain, secrets
