# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels of the edges that come one after another while one is replaced, for the role proxy."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik import labels

DOCUMENTATION = r"""
name: edge_stages
short_description: The labels of the edges that come one after another while one is replaced
description:
  - Two containers may stand side by side behind Traefik where what they say of one name is the same. Where it is not,
    an edge with names of its own stands meanwhile.
options:
  _input:
    description: The labels that are wanted.
    type: dict
    required: true
  now:
    description: The labels of the edge that stands.
    type: dict
    required: true
  meanwhile:
    description: The labels that are wanted, with something behind each name.
    type: dict
    required: true
positional: now, meanwhile
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
labels: "{{ wanted | switchyard.stacks.edge_stages(standing.Config.Labels, other) | first }}"
"""

RETURN = r"""
_value:
  description: The labels of each edge, the last with those that are wanted.
  type: list
  elements: dict
"""


def edge_stages(wanted: dict[str, str], now: t.Mapping[str, str], meanwhile: dict[str, str]) -> list[dict[str, str]]:
    """Return the labels, one after another."""
    return labels.stages(now, wanted, meanwhile)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"edge_stages": edge_stages}
