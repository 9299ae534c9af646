# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user has to confirm before a deploy: older versions, and changes of stacks that the command did not name.

For the controller only.
"""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

from .git_history import is_older
from .play_folder import play_folder
from .stack_source import StackSource

ACCEPT = "-e accept_downgrade=true"

Plan = t.Mapping[str, t.Any]


def with_older_commits(plans: t.Iterable[Plan], sources: t.Mapping[str, StackSource]) -> list[Plan]:
    """Return the plans, with a downgrade where the commit of a stack's files is an ancestor of the live one."""
    return [_with_older_commit(plan, sources.get(plan["stack"])) for plan in plans]


def _with_older_commit(plan: Plan, source: StackSource | None) -> Plan:
    live = plan.get("live_commit")
    if plan.get("downgrades") or not live or not source or not source.url or source.commit in (None, live):
        return plan
    if not is_older(source.url, str(source.commit), live, play_folder() / "switchyard-git"):
        return plan
    text = f"{source.url}: commit {live[:12]} -> {str(source.commit)[:12]}"
    return {**plan, "downgrades": [text], "reasons": [*plan["reasons"], f"older than the live version: {text}"]}


def downgrade_questions(plans: t.Iterable[Plan], variable: str) -> list[Problem]:
    """Return a question for each version of a plan that is older than the live one."""
    hint = f"Correct the version, or add {ACCEPT}; back to the release before: rollback.yml"
    return [
        Problem(f"{variable}[{plan['stack']}]", f"older than the live version: {text}", hint, "release.downgrade")
        for plan in plans
        if plan["changed"]
        for text in plan.get("downgrades", ())
    ]


def unnamed_questions(
    plans: t.Iterable[Plan],
    extra: t.Collection[str],
    names_by_stack: t.Mapping[str, t.Collection[str]],
    variable: str,
) -> list[Problem]:
    """Return a question for each live stack that changes although the command is about others.

    A command without ``stack`` is about the stacks that use its extra variables, or about all when none does.
    """
    named = [stack for stack, names in names_by_stack.items() if set(names) & set(extra)]
    changed = [plan for plan in plans if plan["changed"]]
    everything = [stack for stack in names_by_stack if stack in named or stack in {plan["stack"] for plan in changed}]
    given = ", ".join(sorted({name for stack in named for name in set(names_by_stack[stack]) & set(extra)}))
    hint = f"Write -e stack={','.join(named)}, or -e stack={','.join(everything)} to release them all"
    return [
        Problem(
            f"{variable}[{plan['stack']}]",
            f"the command (-e {given}) is about {', '.join(named)}, and would change this live stack too: "
            + "; ".join(plan["reasons"]),
            hint,
            "release.stack_not_named",
        )
        for plan in changed
        if named and plan["live"] and plan["stack"] not in named
    ]
