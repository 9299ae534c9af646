# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels of our proxy behind a Traefik that stands already, for the role proxy."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik import labels

DOCUMENTATION = r"""
name: behind_traefik_labels
short_description: The labels of our proxy behind a Traefik that stands already
description:
  - Makes the labels by which Traefik's Docker provider finds the proxy of this server.
  - The routers of other environments stay.
options:
  _input:
    description: The stacks of the environment, as in C(switchyard_stacks).
    type: list
    elements: dict
    required: true
  project:
    description: The project that owns the proxy.
    type: str
    required: true
  environment:
    description: The environment's name.
    type: str
    required: true
  edge:
    description: The role's variable C(proxy_behind_traefik).
    type: dict
    required: true
  before:
    description: The labels that the proxy's container carries now.
    type: dict
  here:
    description: The environments of this server. The routers of others go. Without it, those of all stay.
    type: list
    elements: str
  behind:
    description: What is put behind each name.
    type: str
    default: ""
positional: project, environment, edge, before, here, behind
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
labels: "{{ switchyard_stacks | switchyard.stacks.behind_traefik_labels('po', 'prod', {'network': 'traefik'}) }}"
"""

RETURN = r"""
_value:
  description: The labels; none where C(edge) is empty.
  type: dict
"""


def behind_traefik_labels(*arguments: t.Any, **options: t.Any) -> dict[str, str]:
    """Return the labels, with errors in the form that Ansible shows with the place in the inventory."""
    try:
        return labels.labels(*arguments, **options)
    except (ValueError, KeyError) as error:
        raise AnsibleFilterError(f"The edge's labels cannot be made: {error}") from error


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"behind_traefik_labels": behind_traefik_labels}
