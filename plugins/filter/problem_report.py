# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One message of all problems of all servers."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem, report

DOCUMENTATION = r"""
name: problem_report
short_description: One message of all problems of all servers
description:
  - Returns the problems that M(switchyard.stacks.preflight) found, a line each. One that several servers share, such
    as a mistake in the inventory, has one line.
options:
  _input:
    description: The problems by server.
    type: dict
    required: true
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ {'server1': preflight.problems} | switchyard.stacks.problem_report }}"
"""

RETURN = r"""
_value:
  description: The message.
  type: str
"""


def problem_report(problems: t.Mapping[str, list[dict[str, str]]]) -> str:
    """Return the report; a problem of a server itself has the server's name in front."""
    found = [
        Problem(**{**item, "where": f"{host}, server"} if item["where"] == "server" else item)
        for host, items in problems.items()
        for item in items
    ]
    return report(found, "Nothing was changed. These problems prevent it")


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"problem_report": problem_report}
