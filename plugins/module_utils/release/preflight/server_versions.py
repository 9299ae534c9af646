# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the engine and Compose are new enough, and no version with a known fault."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ...errors import WARNING, Problem, SwitchyardError
from .context import HostCheckContext

NEEDS = ("engine",)

Version = tuple[int, ...]

# What Debian 12 has, and the first Compose that knows ``required`` of a dependency (Compose specification).
MINIMUM = {"Docker Engine": (20, 10), "Docker Compose": (2, 20)}


@dataclass(frozen=True)
class KnownFault:
    """A fault of the versions of a program from ``first`` to the one before ``fixed``."""

    program: str
    first: Version
    fixed: Version
    text: str


# Each with the issue that reports it.
KNOWN_FAULTS = (
    # moby/moby 45646, fixed by 45658
    KnownFault(
        "Docker Engine", (24, 0, 0), (24, 0, 2), "after a restart, containers do not resolve each other's names"
    ),
    # moby/moby, release notes of 24.0.4
    KnownFault("Docker Engine", (24, 0, 3), (24, 0, 4), "the engine crashes when it restarts with live-restore"),
    # moby/moby 48089
    KnownFault("Docker Engine", (27, 0, 0), (27, 0, 3), "two networks can get the same subnet"),
    # docker/compose 11544
    KnownFault("Docker Compose", (2, 24, 6), (2, 24, 7), "extends of a service with depends_on is refused"),
    # docker/compose 11906
    KnownFault("Docker Compose", (2, 27, 1), (2, 27, 2), "--env-file is ignored"),
    # docker/compose 12425 and 12573
    KnownFault("Docker Compose", (2, 32, 0), (2, 33, 0), "depends_on is lost where a service has extends"),
)


def check(context: HostCheckContext) -> list[Problem]:
    """Return the versions of the server that are too old, and those with a known fault."""
    found = {"Docker Engine": context.host.engine.facts().version}
    if context.thorough:
        # Compose has no API, and another process takes time.
        found["Docker Compose"] = _compose_version()
    return problems(found)


def problems(found: t.Mapping[str, str]) -> list[Problem]:
    """Return the problems of versions by the name of their program; an unknown version has none."""
    result = []
    for program, text in found.items():
        version = parse(text)
        if not version:
            continue
        minimum = MINIMUM[program]
        if version < minimum:
            message, hint = f"{program} {text} is too old", f"Install {shown(minimum)} or later"
            result.append(Problem("server", message, hint, "server.version_too_old"))
        for fault in KNOWN_FAULTS:
            if fault.program == program and fault.first <= version < fault.fixed:
                message, hint = f"{program} {text} has a known fault: {fault.text}", f"Install {shown(fault.fixed)}"
                result.append(Problem("server", message, hint, "server.version_fault", severity=WARNING))
    return result


def parse(text: str) -> Version:
    """Return the numbers of a version such as ``v2.26.1-4`` or ``26.1.5+dfsg1``; empty where it has none."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def shown(version: Version) -> str:
    """Return a version as text."""
    return ".".join(map(str, version))


def _compose_version() -> str:
    from ...engine.compose_cli import version

    try:
        return version()
    except SwitchyardError:
        # The check of the Compose files reports that it does not answer.
        return ""
