# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exceptions of this collection, and the problems that are found before anything changes.

An exception stops the work; its class says what kind of failure it is, so that no caller reads its message. Packages
have more specific ones next to their code: ``CommandError``, ``StoreBusy``, ``ManifestError``, ``QueryError``.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

# How bad a problem is, worst first: an error prevents a release, a warning and a notice do not.
ERROR, WARNING, NOTICE = "error", "warning", "notice"
SEVERITIES = (ERROR, WARNING, NOTICE)


def sentence(text: str) -> str:
    """Return a text with a full stop, unless it ends with a mark."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


@dataclass(frozen=True)
class Problem:
    """One mistake that was found before anything changed.

    ``where`` is a variable, a file or ``server``; ``message`` says what is wrong with it, with the value seen; ``hint``
    what to write or do. ``code`` is one of docs/problem-codes.md: it stays the same when the message changes.
    ``severity`` is one of SEVERITIES.
    """

    where: str
    message: str
    hint: str
    code: str
    severity: str = ERROR

    def as_dict(self) -> dict[str, str]:
        """Return the problem as Ansible's results carry it."""
        return asdict(self)

    def __str__(self) -> str:
        return " ".join(sentence(part) for part in (f"{self.where}: {self.message}", self.hint) if part)


class SwitchyardError(Exception):
    """Stops the work.

    ``message`` says what failed, ``hint`` what to do; both are whole sentences, and ``str()`` is the two of them.
    ``details`` become return values of the module: the failing answer, log lines, the proxy's state.
    """

    def __init__(self, message: str, *, hint: str = "", **details: t.Any) -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint
        self.details = details

    def problem(self, where: str, hint: str, *, code: str) -> Problem:
        """Return this error as a problem; ``hint`` is used where the error has none."""
        return Problem(where, self.message.rstrip("."), (self.hint or hint).rstrip("."), code)


class EngineError(SwitchyardError):
    """The container engine or Docker Compose does not answer, or an image cannot be pulled."""


class ComposeError(SwitchyardError):
    """Docker Compose rejects a stack's files."""


class ProxyUnavailable(SwitchyardError):
    """The proxy is not set up or does not answer."""


class ProxyRefused(SwitchyardError):
    """The proxy rejects a configuration or a command; the state from before is active."""


class LockHeld(SwitchyardError):
    """Another run holds the lock of the stack; ``details['lock']`` is its state."""


class LockLost(SwitchyardError):
    """This run's lock was taken over, so it must not change anything any more."""


class GateFailed(SwitchyardError):
    """A check of a release failed; ``details['gate']`` is its name: ``health``, ``smoke``, ``watch`` and so on."""


class ProblemsFound(SwitchyardError):
    """The request cannot be met, and nothing was changed; ``problems`` has every reason."""

    def __init__(self, heading: str, problems: t.Sequence[Problem], **details: t.Any) -> None:
        self.problems = list(dict.fromkeys(problems))
        listed = [problem.as_dict() for problem in self.problems]
        super().__init__(report(self.problems, heading), problems=listed, **details)


def of_severity(problems: t.Iterable[Problem], severity: str) -> list[Problem]:
    """Return the problems of one severity, each once, in the order they were found."""
    return [problem for problem in dict.fromkeys(problems) if problem.severity == severity]


def report(problems: t.Iterable[Problem], heading: str) -> str:
    """Return all problems as one text: a numbered line each, in the order they were found, without repetitions."""
    lines = list(dict.fromkeys(str(problem) for problem in problems))
    return "\n".join([f"{heading} ({len(lines)}):", *(f"  {number}. {line}" for number, line in enumerate(lines, 1))])
