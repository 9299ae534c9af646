# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences between Traefik's files and what its API returns, and the errors in its log."""

from __future__ import annotations

import contextlib
import json
import re
import typing as t

from ..layout import CONFIG_ROOT, stack_of_file
from .dynamic_config import NO_HTTPS, Document, in_file_provider, parse

if t.TYPE_CHECKING:
    from ..driver import Files

# The API does not return these as they are in a file: it hides users, and writes a time in its own way.
NOT_COMPARED = ("users", "retry", "period")


def config_mismatches(content: Document, raw: Document, key: str | None = None) -> list[str]:
    """Return the differences between a file and ``/api/rawdata``, a sentence each.

    With ``key``, anything else that Traefik has of this stack is a difference as well.
    """
    mismatches = []
    for part in ("routers", "services", "middlewares"):
        desired = content.get("http", {}).get(part, {})
        actual = raw.get(part) or {}
        for name, value in desired.items():
            entry = actual.get(in_file_provider(name))
            if entry is None:
                mismatches.append(f"{name} is missing")
            elif NO_HTTPS in entry.get("error", []):
                continue
            elif entry.get("error"):
                mismatches.append(f"{name}: {'; '.join(entry['error'])}")
            elif not _contains(entry, value):
                mismatches.append(f"{name} differs")
        if key:
            own = {name.removesuffix("@file") for name in actual if name.startswith(f"{key}:")}
            mismatches += [f"{name} still exists" for name in sorted(own - set(desired))]
    return mismatches


def files_not_applied(files: Files, raw: Document) -> list[str]:
    """Return the differences between files and ``/api/rawdata``; a removed file must have left nothing."""
    return [
        mismatch
        for name, text in files.items()
        for mismatch in config_mismatches(parse(text) if text else {}, raw, stack_of_file(name, "yml"))
    ]


def _contains(actual: t.Any, desired: t.Any) -> bool:
    """Return whether the API's value has everything desired; it also has defaults."""
    if isinstance(desired, dict):
        return isinstance(actual, dict) and all(
            name in NOT_COMPARED or _contains(actual.get(name), value) for name, value in desired.items()
        )
    if isinstance(desired, list):
        return isinstance(actual, list) and len(desired) == len(actual) and all(map(_contains, actual, desired))
    return bool(desired == actual)


def error_messages(log: str) -> list[str]:
    """Return the messages of the level ``error`` in a log, the newest last, without the name of the folder."""
    messages = []
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and entry.get("level") == "error":
                message = str(entry.get("error") or entry.get("message") or "")
                subject = entry.get("routerName") or entry.get("serviceName") or entry.get("middlewareName")
                message = re.sub(rf"(collecting file configs: )?{CONFIG_ROOT}/\w[\w.]*/", "", message)
                messages.append(f"{subject}: {message}" if subject else message)
    return messages
