# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes for which Docker Compose rejects files, and what an overlay adds so that it reads on to the next one.

Compose reports one mistake and stops; the checks of preflight need the rest of the files to report theirs. The texts
are those of compose-go, ``loader/validate.go``.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .models import Mapping

# What a service without an image and without a build gets until its problem is reported.
NO_IMAGE = "switchyard.invalid/no-image"

_NO_IMAGE = re.compile(r'service "(?P<name>[^"]+)" has neither an image nor a build context specified')
_UNDEFINED = re.compile(
    r'service "[^"]+" refers to undefined (?:build )?(?P<kind>network|volume|secret|config) (?P<name>[\w.-]+)'
)
_UNDEFINED_SERVICE = re.compile(r'service "[^"]+" depends on undefined service "?(?P<name>[\w.-]+)"?')


@dataclass(frozen=True)
class ComposeMistake:
    """A mistake: Compose's message, the section and the name of what is missing, and what stands in for it."""

    message: str
    section: str
    name: str
    replacement: t.Mapping[str, t.Any]


def parse_mistake(answer: str) -> ComposeMistake | None:
    """Return the mistake that Compose's answer names, or None where nothing can be added for it."""
    match = _NO_IMAGE.search(answer)
    if match:
        return ComposeMistake(match[0], "services", match["name"], {"image": NO_IMAGE})
    match = _UNDEFINED.search(answer)
    if match:
        # Compose creates neither external networks nor volumes, and needs no file for external secrets.
        return ComposeMistake(match[0], f"{match['kind']}s", match["name"], {"external": True})
    match = _UNDEFINED_SERVICE.search(answer)
    return ComposeMistake(match[0], "services", match["name"], {"image": NO_IMAGE}) if match else None


def overlay(mistakes: t.Iterable[ComposeMistake]) -> Mapping:
    """Return a Compose file that adds what is missing."""
    content: Mapping = {}
    for mistake in mistakes:
        content.setdefault(mistake.section, {})[mistake.name] = dict(mistake.replacement)
    return content


def without_overlay(content: Mapping, mistakes: t.Sequence[ComposeMistake]) -> Mapping:
    """Return normalised files without what the overlay added."""
    added = {(mistake.section, mistake.name) for mistake in mistakes if not _NO_IMAGE.match(mistake.message)}
    result = dict(content)
    for section in {section for section, _name in added} | {"services"}:
        items = result.get(section, {})
        result[section] = {name: item for name, item in items.items() if (section, name) not in added}
    for service in result["services"].values():
        if service.get("image") == NO_IMAGE:
            del service["image"]
        if "depends_on" in service:
            waits = service["depends_on"].items()
            service["depends_on"] = {name: wait for name, wait in waits if ("services", name) not in added}
    return result


def messages(mistakes: t.Iterable[ComposeMistake], images: bool = True) -> list[str]:
    """Return Compose's messages, without ``images`` those of other mistakes than a missing image."""
    return [mistake.message for mistake in mistakes if images or not _NO_IMAGE.match(mistake.message)]
