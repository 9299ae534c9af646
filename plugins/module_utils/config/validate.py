# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory may say of a stack, checked in one pass.

``check`` returns every problem at once and, when there are none, the stacks with all defaults filled in. It needs
neither Ansible nor a server. DESIGN.md section 4 is the source of the keys.
"""

from __future__ import annotations

import difflib
import typing as t

from .. import names
from ..errors import Problem
from .conflicts import check_conflicts
from .schema import REQUIRED, STACK, Field
from .stack_checks import check_stack
from .value_types import TYPES, listed, shown

KEY_UNKNOWN = "inventory.key_unknown"


def check(
    stacks: t.Any, project: str, environment: str, variable: str = "switchyard_stacks"
) -> tuple[list[dict[str, t.Any]], list[Problem]]:
    """Return the stacks that can be looked at, with defaults filled in, and all problems of the inventory.

    They are only fit for a release when the list of problems is empty.
    """
    problems: list[Problem] = []
    for name, value, example in (
        ("switchyard_project", project, "a short prefix such as 'po'"),
        ("switchyard_environment", environment, "the environment's name such as 'prod'"),
    ):
        if not names.NAME_PART.match(str(value)):
            problems.append(
                Problem(
                    name, f"{value!r} is no name", f"Write {example}: lower case, digits, - and _", "inventory.name"
                )
            )
    for name, value in (("switchyard_project", project), ("switchyard_environment", environment)):
        if "_" in str(value):
            # They stand on both sides of the stack in the names of Compose projects, and the environment in host names.
            problems.append(Problem(name, f"{value!r} has an underscore", "Write - instead", "inventory.name"))
    if not isinstance(stacks, list) or not stacks:
        problems.append(
            Problem(variable, "there is no stack in it", "Write a list with at least one stack", "inventory.no_stacks")
        )
        return [], problems
    usable: list[dict[str, t.Any]] = []
    for index, given in enumerate(stacks):
        where = f"{variable}[{_label(given, index)}]"
        found: list[Problem] = []
        stack = _mapping(given, STACK, where, found)
        # What is built wrongly cannot be looked at more closely; the other stacks still are.
        if stack is not None and all(problem.code == KEY_UNKNOWN for problem in found):
            check_stack(stack, environment, where, found)
            usable.append(stack)
        problems += found
    check_conflicts(usable, project, environment, variable, problems)
    return usable, problems


def _label(stack: t.Any, index: int) -> str:
    name = stack.get("name") if isinstance(stack, dict) else None
    return name if isinstance(name, str) and name else str(index)


def _mapping(value: t.Any, keys: dict[str, Field], where: str, problems: list[Problem]) -> dict[str, t.Any] | None:
    """Return a mapping with its defaults; report what does not belong or is missing."""
    if not isinstance(value, dict):
        problems.append(Problem(where, "is not a mapping", f"Write it with the keys {listed(keys)}", "inventory.type"))
        return None
    for name in value:
        if name not in keys:
            close = difflib.get_close_matches(str(name), keys, n=1)
            hint = f"Did you mean '{close[0]}'" if close else f"Known keys are {listed(keys)}"
            problems.append(Problem(f"{where}.{name}", "unknown key", hint, KEY_UNKNOWN))
    result = {}
    for name, key in keys.items():
        if value.get(name) is not None:
            result[name] = _value(value[name], key, f"{where}.{name}", problems)
        elif key.default is REQUIRED:
            problems.append(
                Problem(f"{where}.{name}", "is missing", f"Write {name}: <{key.type}>", "inventory.key_missing")
            )
        elif key.type == "mapping" and key.default is not None:
            result[name] = _mapping(key.default, key.keys, f"{where}.{name}", problems)
        else:
            result[name] = key.default
    return result


def _value(value: t.Any, key: Field, where: str, problems: list[Problem]) -> t.Any:
    """Return one value in its canonical form, or report what it should be."""
    if key.type == "mapping":
        return _mapping(value, key.keys, where, problems)
    if key.type == "mappings":
        if not isinstance(value, list):
            problems.append(Problem(where, "is not a list", "Write a list of mappings", "inventory.type"))
            return []
        return [_mapping(item, key.keys, f"{where}[{index}]", problems) for index, item in enumerate(value)]
    convert, words = TYPES[key.type]
    try:
        result = convert(value)
    except (TypeError, ValueError):
        problems.append(Problem(where, f"{shown(value)} is not {words}", f"Write {words}", "inventory.type"))
        return None
    if key.least is not None and result < key.least:
        problems.append(Problem(where, f"{result} is too small", f"Write {key.least} or more", "inventory.too_small"))
    if key.choices and result not in key.choices:
        problems.append(
            Problem(where, f"{result!r} is not known", f"Write one of {listed(key.choices)}", "inventory.choice")
        )
    return result
