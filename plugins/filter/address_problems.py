# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems of addresses and networks of an inventory, for the role proxy."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

DOCUMENTATION = r"""
name: address_problems
short_description: The problems of addresses and networks of an inventory
description:
  - Checks texts that become lines of a proxy's configuration.
options:
  _input:
    description: Variables of the role, each with its address or its list of addresses and networks.
    type: dict
    required: true
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
problems: "{{ {'proxy_trusted_proxies': proxy_trusted_proxies} | switchyard.stacks.address_problems }}"
"""

RETURN = r"""
_value:
  description: The problems, as those of M(switchyard.stacks.preflight).
  type: list
  elements: dict
"""


def address_problems(variables: dict[str, t.Any]) -> list[dict[str, str]]:
    """Return all problems, in the order of the variables."""
    problems = []
    for where, value in variables.items():
        is_list = isinstance(value, (list, tuple))
        for item in value if is_list else [value]:
            try:
                if is_list:
                    ipaddress.ip_network(str(item), strict=False)
                else:
                    ipaddress.ip_address(str(item))
            except ValueError:
                kind, example = ("an address or a network", "10.0.0.0/8") if is_list else ("an address", "192.0.2.7")
                message, hint = f"{str(item)!r} is not {kind}", f"Write {kind}, as {example}"
                problems.append(Problem(where, message, hint, "proxy.address"))
    return [problem.as_dict() for problem in problems]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"address_problems": address_problems}
