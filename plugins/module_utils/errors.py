# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors of this collection, and the form of a problem found before anything changes."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass


class SwitchyardError(Exception):
    """Something that stops the work; the message says what happened and what to do next.

    ``details`` go into the module's result beside the message: the failing answer, log lines, the proxy's view.
    """

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True)
class Problem:
    """One mistake that was found before anything changed.

    ``where`` is a variable, a file or ``server``; ``message`` says what is wrong with it, with the value seen; ``hint``
    what to write or do. ``code`` is one of docs/problem-codes.md: it stays the same when the message changes.
    """

    where: str
    message: str
    hint: str
    code: str

    def as_dict(self) -> dict[str, str]:
        """Return the problem in the form that goes through Ansible's results."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}. {self.hint}."


def report(problems: t.Iterable[Problem], heading: str) -> str:
    """Return all problems as one text, a line each, in the order they were found and none twice."""
    lines = list(dict.fromkeys(str(problem) for problem in problems))
    return "\n".join([f"{heading} ({len(lines)}):", *(f"  {number}. {line}" for number, line in enumerate(lines, 1))])
