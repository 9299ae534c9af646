# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths and file names that every proxy uses; roles/proxy uses the same ones."""

from __future__ import annotations

# The mount point of the server's proxy folders, in the container and for the systemd unit.
CONFIG_ROOT = "/etc/switchyard"

# The mount point of the folder with the sockets of the proxy process.
RUN_ROOT = "/run/switchyard"

WRITTEN_BY_RELEASE = "Written by a release; changes here are lost."


def stack_file(key: str, suffix: str, color: str | None = None) -> str:
    """Return the name of a stack's file in ``conf.d``; with ``color``, of that color alone."""
    return f"50-{key}-{color}.{suffix}" if color else f"50-{key}.{suffix}"


def stack_of_file(name: str, suffix: str) -> str | None:
    """Return the key of the stack whose file this is, or None for other files; the file must be of both colors."""
    return name[len("50-") : -len(f".{suffix}")] if name.startswith("50-") and name.endswith(f".{suffix}") else None
