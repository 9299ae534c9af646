# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a module failed, with the last log lines and what the proxy sees."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: failure_text
short_description: Why a module failed, with the last log lines and what the proxy sees
description:
  - Returns the message of a failed task, and below it the log lines of its result (C(logs)) and the state in the proxy
    (C(proxy)), as the modules of this collection return them.
options:
  _input:
    description: The result of the failed task.
    type: dict
    required: true
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ ansible_failed_result | switchyard.stacks.failure_text }}"
"""

RETURN = r"""
_value:
  description: The text, of one or more lines.
  type: str
"""


def failure_text(result: t.Mapping[str, t.Any]) -> str:
    """Return the message of a failed task with what its result says below it."""
    lines = [str(result.get("msg") or "The task failed.")]
    for name, log in _mapping(result, "logs").items():
        lines += [f"Last lines of {name}:", *(f"  {line}" for line in log)] if log else [f"{name} wrote nothing."]
    for name, seen in _mapping(result, "proxy").items():
        lines.append(f"The proxy sees {name}: " + ", ".join(f"{key} {value}" for key, value in seen.items()))
    return "\n".join(lines)


def _mapping(result: t.Mapping[str, t.Any], key: str) -> t.Mapping[str, t.Any]:
    """Return a mapping of a result; a module of another collection may have another value there."""
    value = result.get(key)
    return value if isinstance(value, t.Mapping) else {}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"failure_text": failure_text}
