# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses the stacks of an inventory, and reports every problem in one pass.

It needs neither Ansible nor a server. ``stack.py`` has the keys and their defaults.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .. import names
from ..errors import Problem
from ..near_name import did_you_mean
from .conflicts import check_conflicts
from .placeholders import placeholder_problems
from .schema import REQUIRED, Field, keys_of
from .secrets import secrets_of
from .stack import Stack
from .stack_checks import check_stack
from .value_types import TYPES, listed, shown

KEY_UNKNOWN = "inventory.key_unknown"
CHOICE = "inventory.choice"


@dataclass(frozen=True)
class InventoryStack:
    """A stack of the inventory, and the values of its secrets by name."""

    stack: Stack
    secrets: t.Mapping[str, str] = field(repr=False)


def check(
    stacks: t.Any, project: str, environment: str, variable: str = "switchyard_stacks"
) -> tuple[list[InventoryStack], list[Problem]]:
    """Return the stacks that can be parsed, and all problems of the inventory.

    They are only fit for a release when the list of problems is empty.
    """
    problems: list[Problem] = []
    for name, value, example in (
        ("switchyard_project", project, "a short prefix such as 'po'"),
        ("switchyard_environment", environment, "the environment's name such as 'prod'"),
    ):
        if not names.NAME_PART.match(str(value)):
            hint = f"Write {example}: lower case, digits, - and _"
            problems.append(Problem(name, f"{value!r} is not a valid name", hint, "inventory.name"))
    for name, value in (("switchyard_project", project), ("switchyard_environment", environment)):
        if "_" in str(value):
            # Both surround the stack in the names of Compose projects, and the environment is part of host names.
            problems.append(Problem(name, f"{value!r} has an underscore", "Write - instead", "inventory.name"))
    if not isinstance(stacks, list) or not stacks:
        problems.append(
            Problem(variable, "has no stack", "Write a list with at least one stack", "inventory.no_stacks")
        )
        return [], problems
    usable: list[InventoryStack] = []
    for index, spec in enumerate(stacks):
        where = f"{variable}[{_label(spec, index)}]"
        own_problems: list[Problem] = []
        stack = _parse(spec, Stack, where, own_problems)
        placeholders = {problem.where: problem for problem in placeholder_problems(spec, where)}
        # The checks need a whole stack; an unknown key, or a placeholder among choices, leaves it whole.
        if stack is not None and all(_leaves_whole(problem, placeholders) for problem in own_problems):
            secrets = secrets_of(spec)
            check_stack(stack, environment, where, own_problems)
            usable.append(InventoryStack(stack, secrets))
        # What else is wrong with a placeholder has the same reason.
        problems += [problem for problem in own_problems if problem.where not in placeholders]
        problems += placeholders.values()
    check_conflicts([item.stack for item in usable], project, environment, variable, problems)
    return usable, problems


def _leaves_whole(problem: Problem, placeholders: t.Container[str]) -> bool:
    is_placeholder = problem.code == CHOICE and problem.where in placeholders
    return problem.code == KEY_UNKNOWN or is_placeholder


def _label(stack: t.Any, index: int) -> str:
    name = stack.get("name") if isinstance(stack, dict) else None
    return name if isinstance(name, str) and name else str(index)


Spec = t.TypeVar("Spec")


def _parse(value: t.Any, cls: type[Spec], where: str, problems: list[Problem]) -> Spec | None:
    """Return a mapping of the inventory as its dataclass; report unknown and missing keys and wrong values."""
    keys = keys_of(cls)
    if not isinstance(value, dict):
        problems.append(Problem(where, "is not a mapping", f"Write it with the keys {listed(keys)}", "inventory.type"))
        return None
    for name in value:
        if name not in keys:
            hint = did_you_mean(str(name), keys, f"Known keys are {listed(keys)}")
            problems.append(Problem(f"{where}.{name}", "unknown key", hint, KEY_UNKNOWN))
    result: dict[str, t.Any] = {}
    for name, key in keys.items():
        if value.get(name) is not None:
            result[name] = _value(value[name], key, f"{where}.{name}", problems)
        elif key.default is REQUIRED and value.get(str(key.not_required_with)) is None:
            hint = f"Write {name}: <{key.type_name}>"
            problems.append(Problem(f"{where}.{name}", "is missing", hint, "inventory.key_missing"))
            result[name] = None
    return cls(**{name: item for name, item in result.items() if not keys[name].secret})


def _value(value: t.Any, key: Field, where: str, problems: list[Problem]) -> t.Any:
    """Return one value in its canonical form, or report what it should be."""
    if key.switch and isinstance(value, bool):
        return t.cast(type, key.cls)() if value else None
    if key.type_name == "mapping":
        return _parse(value, t.cast(type, key.cls), where, problems)
    if key.type_name == "mappings":
        if not isinstance(value, list):
            problems.append(Problem(where, "is not a list", "Write a list of mappings", "inventory.type"))
            return ()
        return tuple(
            _parse(item, t.cast(type, key.cls), f"{where}[{index}]", problems) for index, item in enumerate(value)
        )
    convert, description = TYPES[key.type_name]
    try:
        result = convert(value)
    except (TypeError, ValueError):
        message = f"{shown(value)} is not {description}"
        problems.append(Problem(where, message, f"Write {description}", "inventory.type"))
        return None
    if key.least is not None and result < key.least:
        problems.append(Problem(where, f"{result} is too small", f"Write {key.least} or more", "inventory.too_small"))
    if key.choices and result not in key.choices:
        problems.append(Problem(where, f"{result!r} is not known", f"Write one of {listed(key.choices)}", CHOICE))
    return result
