# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight found on all servers, as one report: each problem once, the worst first. For the controller only."""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from dataclasses import asdict, dataclass, replace

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import (
    ERROR,
    NOTICE,
    SEVERITIES,
    WARNING,
    sentence,
)

# The keys of the result of the module ``preflight``
RESULTS = {ERROR: "problems", WARNING: "problem_warnings", NOTICE: "notices"}

HEADINGS = {
    ERROR: "Errors: nothing is released before they are corrected",
    WARNING: "Warnings: a release stops for a confirmation only",
    NOTICE: "Notices: what a release changes, and what is left over",
}

SERVER = "server"


@dataclass(frozen=True)
class Item:
    """A problem with the servers that have it. ``file`` is a file of the controller, with a line where it is known."""

    severity: str
    servers: tuple[str, ...]
    where: str
    file: str
    message: str
    hint: str
    code: str

    @property
    def place(self) -> str:
        """The key, with its file; for a problem of servers their names."""
        if self.where == SERVER:
            return ", ".join(self.servers)
        return f"{self.where} ({self.file})" if self.file else self.where

    def __str__(self) -> str:
        hint = f" {sentence(self.hint)}" if self.hint else ""
        code = f" [{self.code}]" if self.code else ""
        return f"{self.place}: {self.message.rstrip('.')}.{hint}{code}"


@dataclass(frozen=True)
class PreflightReport:
    """Everything that preflight found for an environment.

    ``plans`` has a line for what a release would do, per server and stack; ``skipped`` one for each check that did not
    run.
    """

    project: str
    environment: str
    servers: tuple[str, ...]
    items: tuple[Item, ...]
    plans: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def of(self, severity: str) -> list[Item]:
        """Return the items of one severity."""
        return [item for item in self.items if item.severity == severity]

    @property
    def summary(self) -> str:
        """How many problems of each severity there are, in words."""
        counts = Counter(item.severity for item in self.items)
        numbers = ", ".join(counted(counts[severity], severity) for severity in SEVERITIES)
        return f"{self.project} {self.environment} on {', '.join(self.servers)}: {numbers}"


def counted(number: int, noun: str) -> str:
    """Return a number with a noun in its form."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def report_of(
    results: t.Mapping[str, t.Mapping[str, t.Any]], project: str, environment: str, questions: str = WARNING
) -> PreflightReport:
    """Return the report of the results of the module ``preflight``, by server.

    ``questions`` is the severity of what the user has to confirm first.
    """
    found: dict[tuple[str, str, str, str, str], Item] = {}
    for severity in SEVERITIES:
        for server, result in results.items():
            asked = (result.get("questions") or []) if severity == questions else []
            for one in [*(result.get(RESULTS[severity]) or []), *asked]:
                key = (severity, one["where"], one["message"], one.get("hint", ""), one.get("code", ""))
                new = Item(severity, (), one["where"], one.get("file", ""), *key[2:])
                item = found.get(key, new)
                found[key] = replace(item, servers=tuple(dict.fromkeys([*item.servers, server])))
    for server, result in results.items():
        for one in result.get("left_overs") or []:
            hint = f"To end it, type {one['command']}" if one["command"] else ""
            item = Item(NOTICE, (server,), SERVER, "", one["message"], hint, "server.left_over")
            found[NOTICE, server, item.message, hint, item.code] = item
    plans = {
        f"{plan['stack']} on {server}: {plan['action']}" + (f" ({reasons})" if reasons else ""): None
        for server, result in results.items()
        for plan in result.get("plans") or []
        for reasons in ["; ".join(plan.get("reasons") or [])]
    }
    plans.update(
        {
            f"networks on {server}: {counts['created']} to create, room for {counts['left']} more in the pool": None
            for server, result in results.items()
            for counts in [result.get("networks")]
            if counts
        }
    )
    skipped = {
        f"{check['check']} of {server if check['where'] == SERVER else check['where']}: {check['reason']}": None
        for server, result in results.items()
        for check in result.get("skipped_checks") or []
    }
    return PreflightReport(project, environment, tuple(results), tuple(found.values()), tuple(plans), tuple(skipped))


def as_text(report: PreflightReport) -> str:
    """Return the whole report as text."""
    sections: list[tuple[str, t.Sequence[Item | str]]] = [
        (HEADINGS[severity], report.of(severity)) for severity in SEVERITIES
    ]
    sections += [("Not checked", list(report.skipped)), ("What a release would do", list(report.plans))]
    lines = [f"Preflight of {report.summary}. Nothing was changed."]
    number = 0
    for heading, items in sections:
        lines += ["", f"{heading}:"] if items else []
        for item in items:
            number += isinstance(item, Item)
            lines.append(f"  {f'{number}. ' if isinstance(item, Item) else ''}{item}")
    return "\n".join(lines) + "\n"


def as_json(report: PreflightReport) -> str:
    """Return the report as JSON, for programs."""
    document = {
        "project": report.project,
        "environment": report.environment,
        "servers": report.servers,
        "counts": {f"{severity}s": len(report.of(severity)) for severity in SEVERITIES},
        "problems": [asdict(item) for item in report.items],
        "plans": report.plans,
        "skipped_checks": report.skipped,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def in_short(report: PreflightReport) -> str:
    """Return what a deploy shows of a report without errors: its warnings, and how many notices it has."""
    warnings, notices = report.of(WARNING), report.of(NOTICE)
    if not warnings and not notices:
        return ""
    listed = f"{counted(len(notices), NOTICE)} that preflight.yml lists"
    return "\n".join([f"{counted(len(warnings), WARNING)}, {listed}", *(f"  {item}" for item in warnings)])
