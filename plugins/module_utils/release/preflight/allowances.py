# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the stack allows what its services reach outside of their containers, and nothing else."""

from __future__ import annotations

import typing as t

from ...config.allowances import EVERY_SERVICE, FILE, line, unused_allowance
from ...config.stack import Stack
from ...engine import outside_access
from ...engine.models import Mapping
from ...engine.outside_access import OutsideAccess
from ...errors import Problem
from ..source_files import is_own
from . import compose_keys, network_modes
from .context import StackCheckContext
from .file_changes import Notice
from .notice_groups import listed

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return what the services reach without an allowance, and the allowances that no service uses."""
    return problems(context.normalised, context.stack, context.where)


def problems(normalised: Mapping, stack: Stack, where: str) -> list[Problem]:
    """Return the problems of ``check``."""
    # What the role of a service forbids, or the names in a release, cannot be allowed.
    refused = network_modes.problems(normalised, stack, where) + compose_keys.own_containers(normalised, where)
    forbidden = {problem.where for problem in refused}
    every = outside_access.find(normalised, is_own)
    found = [access for access in every if f"{where}.compose.{access.path}" not in forbidden]
    return [*_missing(found, stack, where), *_unused(found, stack, where, normalised.get("services", {}))]


def notices(normalised: Mapping, stack: Stack, where: str) -> list[Notice]:
    """Return what each allowance of the stack lets out of a container, one line per allowance."""
    keys: dict[tuple[str, str, str], list[str]] = {}
    for access in outside_access.find(normalised, is_own):
        for key, allowance in _matching(access, stack)[:1]:
            keys.setdefault((key, allowance, access.meaning), []).append(access.path)
    return [
        Notice(
            f"{where}.allow.{key}",
            f"{allowance} allows {meaning}: {listed(list(dict.fromkeys(paths)))}",
            code="compose.allowed",
        )
        for (key, allowance, meaning), paths in keys.items()
    ]


def _matching(access: OutsideAccess, stack: Stack) -> list[tuple[str, str]]:
    """Return the keys of ``allow`` and the allowances there that allow an access."""
    return [
        (key, allowance)
        for key in (access.service, EVERY_SERVICE)
        for allowance in stack.allow.get(key, ())
        if allowance in access.allowances
    ]


def _missing(found: t.Sequence[OutsideAccess], stack: Stack, where: str) -> list[Problem]:
    missing = [access for access in found if not _matching(access, stack)]
    result = []
    for access in missing:
        # One line that allows everything this service asks for.
        missing_here = [other.allowances[0] for other in missing if other.service == access.service]
        allowances = dict.fromkeys([*stack.allow.get(access.service, ()), *missing_here])
        result.append(
            Problem(
                f"{where}.compose.{access.path}",
                f"{access.value} needs an allowance: it gives {access.service} {access.meaning}",
                f"Remove it, or write {line(access.service, allowances)} in the stack",
                "compose.not_allowed",
            )
        )
    return result


def _unused(found: t.Sequence[OutsideAccess], stack: Stack, where: str, services: t.Container[str]) -> list[Problem]:
    used = {match for access in found for match in _matching(access, stack)}
    return [
        unused_allowance(where, key, allowance)
        for key, allowances in stack.allow.items()
        for allowance in allowances
        # The controller knows which files Compose reads.
        if not allowance.startswith(f"{FILE} ")
        and (key, allowance) not in used
        and (key == EVERY_SERVICE or key in services)
    ]
