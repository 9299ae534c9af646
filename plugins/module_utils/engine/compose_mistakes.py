# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes for which Docker Compose rejects files, and what is added so that it reads on to the next one.

Compose reports one mistake and stops; the checks of preflight need the rest of the files to report theirs. An overlay
adds what a file does not define; a variable gets a value, and a missing ``env_file`` is empty. The texts are those of
compose-go: ``validate.go`` and ``interpolate.go`` of its loader, ``template.go``, ``project.go``, ``duration.go``.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .models import Mapping

# What a service without an image and without a build gets until its problem is reported.
NO_IMAGE = "switchyard.invalid/no-image"

# What a variable without a value gets: a number is also a valid text, tag, port and size.
ANY_VALUE = "1"

# Sections of mistakes that Compose files do not have.
VARIABLE, ENV_FILE = "variable", "env_file"

_NO_IMAGE = re.compile(r'service "(?P<name>[^"]+)" has neither an image nor a build context specified')
UNDEFINED = re.compile(
    r'service "[^"]+" refers to undefined (?:build )?(?P<kind>network|volume|secret|config) (?P<name>[\w.-]+)'
)
REQUIRED = re.compile(r"required variable (?P<name>\w+) is missing a value(: *[^\s][^\n]*)?")
NO_ENV_FILE = re.compile(r"env file (?P<name>[^\n]+?) not found")
_WRONG_TYPE = re.compile(
    r"(error while interpolating (?P<path>\S+): failed to cast to expected type|'(?P<key>services\S+)' time): "
    r"(?P<reason>[^\n]+)"
)

# A word of Compose's reason against a value of another type, and a value of the type that it expects.
_TYPED_VALUES = {"boolean": "true", "duration": "1s"}

UNDEFINED_SERVICE = re.compile(r'service "[^"]+" depends on undefined service "?(?P<name>[\w.-]+)"?')


@dataclass(frozen=True)
class ComposeMistake:
    """A mistake: Compose's message, the section and the name of what is missing, and what is added for it.

    ``section`` is one of a Compose file, VARIABLE or ENV_FILE; the last one's ``name`` is a path, and without a name
    Compose names no variable. ``reported``: another check reports the cause.
    """

    message: str
    section: str
    name: str
    replacement: t.Mapping[str, t.Any] = field(default_factory=dict)
    reported: bool = False

    @property
    def in_overlay(self) -> bool:
        """Whether an overlay adds what is missing."""
        return self.section not in (VARIABLE, ENV_FILE)


def parse_mistake(answer: str) -> ComposeMistake | None:
    """Return the mistake that Compose's answer names, or None where nothing can be added for it."""
    match = _NO_IMAGE.search(answer)
    if match:
        return ComposeMistake(match[0], "services", match["name"], {"image": NO_IMAGE}, reported=True)
    match = UNDEFINED.search(answer)
    if match:
        # Compose creates neither external networks nor volumes, and needs no file for external secrets.
        return ComposeMistake(match[0], f"{match['kind']}s", match["name"], {"external": True})
    match = REQUIRED.search(answer)
    if match:
        return ComposeMistake(match[0], VARIABLE, match["name"])
    match = NO_ENV_FILE.search(answer)
    if match:
        return ComposeMistake(match[0], ENV_FILE, match["name"])
    match = UNDEFINED_SERVICE.search(answer)
    return ComposeMistake(match[0], "services", match["name"], {"image": NO_IMAGE}) if match else None


def typed_values(answer: str, texts: t.Iterable[str], unset: t.Container[str]) -> dict[str, str]:
    """Return values of the type that Compose's answer expects, for the unset variables of the key that it names.

    ``texts`` are those of the Compose files.
    """
    found = _WRONG_TYPE.search(answer)
    value = next((value for word, value in _TYPED_VALUES.items() if found and word in found["reason"]), None)
    if not found or not value:
        return {}
    key = re.escape((found["path"] or found["key"]).rpartition(".")[2])
    lines = re.findall(rf"\b{key}[\"']?\s*:([^\n]*)", "\n".join(texts))
    names = {name for line in lines for name in re.findall(r"\$\{?(\w+)", line)}
    return {name: value for name in names if name in unset}


def overlay(mistakes: t.Iterable[ComposeMistake]) -> Mapping:
    """Return a Compose file that adds what is missing."""
    content: Mapping = {}
    for mistake in filter(lambda one: one.in_overlay, mistakes):
        content.setdefault(mistake.section, {})[mistake.name] = dict(mistake.replacement)
    return content


def without_overlay(content: Mapping, mistakes: t.Sequence[ComposeMistake]) -> Mapping:
    """Return normalised files without what the overlay added."""
    added = {(one.section, one.name) for one in mistakes if one.in_overlay and not _NO_IMAGE.match(one.message)}
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


def messages(mistakes: t.Iterable[ComposeMistake], reported: bool = True) -> list[str]:
    """Return Compose's messages, without ``reported`` those of mistakes that no other check reports."""
    return [mistake.message for mistake in mistakes if reported or not mistake.reported]
