# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra variables of a command: which stacks use them, and which have no effect. For the controller only."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible import context
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv
from ansible.utils.vars import load_extra_vars

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.near_name import near_name

from .known_variables import known_variables
from .template_names import names_behind, names_in

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"

# How a playbook reads one of its words.
_WORD = re.compile(r"(?<![\w.'])([a-z]\w*)(?= \| default\(| is (?:not )?defined)")

# The least likeness of a misspelt name to a variable of the stacks, and to a word of a playbook or a role, which are
# shorter or more: `version` is like `shop_version`, and `stage` is not like `state`.
LIKE_VARIABLE, LIKE_WORD = 0.7, 0.85

# Variables that no template names: Ansible's own, and every other variable's container.
SKIPPED = ("hostvars", "vars", "groups", "ansible_facts")


def extra_variables(loader: DataLoader) -> dict[str, t.Any]:
    """Return the extra variables of the running command."""
    return dict(load_extra_vars(loader))


def typed_variables(loader: DataLoader) -> set[str]:
    """Return the names of the extra variables that the command itself has: not those of a file, which may have more."""
    names: set[str] = set()
    for text in context.CLIARGS.get("extra_vars", ()):
        if text.startswith(("{", "[")):
            names |= set(loader.load(text))
        elif not text.startswith("@"):
            names |= set(parse_kv(text))
    return names


def playbook_words(playbooks: Path = PLAYBOOKS) -> set[str]:
    """Return the words that the playbooks take at the command line, such as ``stack``."""
    return {word for path in playbooks.glob("*.yml") for word in _WORD.findall(path.read_text(encoding="utf-8"))}


def variables_by_stack(stacks: t.Any, variables: t.Mapping[str, t.Any]) -> dict[int, set[str]]:
    """Return the names behind each stack of a raw list, by its index; behind all of them where it is a template."""
    if not isinstance(stacks, list):
        return {0: names_behind(stacks, variables)}
    return {index: names_behind(stack, variables) for index, stack in enumerate(stacks)}


def misspelt_extra_variables(
    extra: t.Iterable[str], used: t.Collection[str], variables: t.Mapping[str, t.Any]
) -> tuple[list[Problem], list[str]]:
    """Return a problem for each extra variable without effect that is like one with an effect, and a warning of others.

    ``used`` are the names behind the stacks, ``variables`` the raw variables of a host.
    """
    words = known_variables() | playbook_words()
    candidates = sorted(set(extra) - set(used) - words)
    candidates = [name for name in candidates if not name.startswith("ansible_")]
    if not candidates:
        return [], []
    anywhere = {name for key, value in variables.items() if key not in SKIPPED for name in names_in(value)}
    problems, others = [], []
    for name in candidates:
        if name in anywhere:
            continue
        meant = _closest(name, used, words)
        if meant:
            message = "has no effect: no variable of a stack and no playbook uses it"
            hint = "Write -e stack=a,b" if meant == "stack" else f"Did you mean '{meant}'?"
            problems.append(Problem(f"-e {name}", message, hint, "request.variable_unknown"))
        else:
            others.append(name)
    return problems, [f"-e {', '.join(others)}: no variable of a stack and no playbook uses it."] if others else []


def _closest(name: str, used: t.Collection[str], words: t.Collection[str]) -> str | None:
    """Return the variable or word that was probably meant."""
    if {"stack", "stacks"} & set(name.lower().split("_")):
        # Such as only_stacks.
        return "stack"
    found = [near_name(name, used, LIKE_VARIABLE), near_name(name, words, LIKE_WORD)]
    return near_name(name, filter(None, found), min(LIKE_VARIABLE, LIKE_WORD))
