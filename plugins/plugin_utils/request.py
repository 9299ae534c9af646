# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks for at the command line: stacks, tags, and the inventory. For the controller only."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.near_name import near_name

# Where problems of the word `stack` are.
WHERE = "-e stack"


def stack_names(value: t.Any) -> list[str]:
    """Return the names of a comma list (``a,b``) or a list, each once and in its order."""
    items = value if isinstance(value, (list, tuple)) else [value]
    texts = [str(item).strip("[] ") for item in items if item is not None]
    names = [name.strip("'\" ") for text in texts for name in text.split(",")]
    return list(dict.fromkeys(name for name in names if name))


def stack_problems(value: t.Any, known: t.Collection[str]) -> list[Problem]:
    """Return the problems of the word ``stack``: it is empty, or names a stack that does not exist."""
    names = stack_names(value)
    listed = f"Stacks are {', '.join(known)}" if known else "The inventory has no stack"
    if not names and not isinstance(value, (list, tuple)):
        return [Problem(WHERE, "names no stack", f"Leave it out for all stacks. {listed}", "stack.unknown")]
    problems = []
    for name in names:
        if name not in known:
            near = near_name(name.lower(), known)
            hint = f"Did you mean '{near}'? {listed}" if near else listed
            problems.append(Problem(WHERE, f"there is no stack {name}", hint, "stack.unknown"))
    return problems


def tag_problems(run_tags: t.Collection[str], own_tags: t.Collection[str]) -> list[Problem]:
    """Return the problem of ``--tags`` that select no task of a playbook; ``own_tags`` are those of its tasks.

    A playbook that imports ours can give it tags.
    """
    own = set(own_tags) - {"always"}
    selecting = {"all", "untagged", *own, *(["tagged"] if own else [])}
    if not run_tags or set(run_tags) & selecting:
        return []
    tags = ",".join(sorted(run_tags))
    hint = f"Leave it out. Some stacks only: -e stack={tags}"
    return [Problem(f"--tags {tags}", "selects no task, because the tasks have no tags", hint, "request.tags")]


def link_problems(inventory: str | None) -> list[Problem]:
    """Return the links of an inventory's variable files that lead nowhere; Ansible leaves such a file out silently."""
    problems = []
    tops = [Path(str(inventory)) / name for name in ("group_vars", "host_vars")] if inventory else []
    below = [Path(folder) / name for top in tops for folder, _folders, files in os.walk(top) for name in sorted(files)]
    for path in (*below, *tops):
        if path.is_symlink() and not path.exists():
            message = f"is a link to {os.readlink(path)}, which does not exist"
            hint = "Copy that file here, or correct the link"
            problems.append(Problem(str(path), message, hint, "inventory.link_broken"))
    return problems
