# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stacks of an inventory that a command is about, with the mistakes that concern them. For the controller only."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible.template import Templar, trust_as_template

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.config import validate
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import SourceSpec, Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.config.validate import InventoryStack
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

from .request import stack_names, stack_problems

# The value in place of one that could not be templated, so that the rest of the stack can still be checked.
MISSING = "-not-set-"

# The mistakes that also prevent a rollback, which takes everything else from a record.
NEEDED_BY_ROLLBACK = ("inventory.name", "inventory.no_stacks")

_UNDEFINED = re.compile(r"'(\w+)' is undefined")


@dataclass
class Requested:
    """The stacks to look at, and the problems.

    ``known`` are the names of all stacks of the inventory, ``positions`` their indices in its list.
    """

    stacks: list[InventoryStack] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def names_by_stack(self, names_used: t.Mapping[int, set[str]]) -> dict[str, set[str]]:
        """Return the names behind each stack, from those by its index; a list that is a template has index 0 only."""
        return {name: names_used.get(index, names_used.get(0, set())) for name, index in self.positions.items()}


def inventory_names(templar: Templar, variable: str, variables: t.Mapping[str, t.Any]) -> list[str]:
    """Return the names of the inventory's stacks; their other keys are not evaluated."""
    if not variables.get(variable):
        return []
    found = templar.template(trust_as_template("{{ " + variable + " | map(attribute='name') | list }}"))
    return [str(name) for name in found]


def requested_stacks(
    raw: t.Any, given: t.Any, untemplated: list[Problem], options: t.Mapping[str, t.Any], variable: str
) -> Requested:
    """Return the stacks that a command is about.

    ``raw`` is the list of the inventory as it is written, ``given`` the same templated, and ``untemplated`` are the
    problems of that. ``options`` are those of the module ``preflight``. A value of another stack may be missing;
    without a deploy, every value but the names.
    """
    checked, found = validate.check(given, options.get("project", ""), options.get("environment", ""), variable)
    # A value that could not be templated is reported already.
    found = [problem for problem in found if MISSING not in problem.message]
    result = Requested(positions=_positions(given))
    result.known = list(result.positions)
    only = options.get("only") if options.get("only") is not None else []
    asked = stack_names(only) or result.known
    if options.get("mode", "deploy") == "deploy":
        others = _paths_of_others(raw, given, asked, variable)
        result.problems = [problem for problem in untemplated if not problem.where.startswith(others)] + found
        result.stacks = [item for item in checked if item.stack.name in asked]
    else:
        by_name = {item.stack.name: item for item in checked}
        result.problems = [problem for problem in found if problem.code in NEEDED_BY_ROLLBACK]
        result.stacks = [by_name.get(name) or _bare(name) for name in result.known if name in asked]
    if only != []:
        result.problems += stack_problems(only, result.known)
    return result


def label(item: t.Any, index: int) -> str:
    """Return how paths in the inventory call a stack, or another item of a list, as it is written."""
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) and "{{" not in name else str(index)


def undefined_hint(reason: str) -> str:
    """Return what to do about a value that cannot be templated."""
    match = _UNDEFINED.search(reason)
    if match:
        return f"Write -e {match[1]}=<value>, or set it in the inventory, a secret in a vault"
    return "Set it in the inventory, a secret in a vault"


def _positions(given: t.Any) -> dict[str, int]:
    """Return the index of each stack in the list of the inventory, by its name."""
    found: dict[str, int] = {}
    for index, item in enumerate(given if isinstance(given, list) else []):
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str) and name != MISSING and names.NAME_PART.match(name):
            found.setdefault(str(name), index)
    return found


def _paths_of_others(raw: t.Any, given: t.Any, asked: t.Collection[str], variable: str) -> tuple[str, ...]:
    """Return the beginnings of the paths of stacks that the command is not about."""
    if not isinstance(raw, list) or not isinstance(given, list):
        return ()
    pairs = [(label(item, index), given[index]) for index, item in enumerate(raw)]
    return tuple(
        f"{variable}[{name}]." for name, stack in pairs if isinstance(stack, dict) and stack.get("name") not in asked
    )


def _bare(name: str) -> InventoryStack:
    """Return a stack of which only the name is known."""
    return InventoryStack(Stack(name=name, source=SourceSpec(path=".")), {})
