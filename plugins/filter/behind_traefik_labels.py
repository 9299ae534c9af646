# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels of our proxy behind an existing Traefik, for the role proxy."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik import labels

DOCUMENTATION = r"""
name: behind_traefik_labels
short_description: The labels of our proxy behind an existing Traefik
description:
  - Returns the labels by which Traefik's Docker provider finds the proxy of this server.
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
  settings:
    description: The role's variable C(proxy_behind_traefik).
    type: dict
    required: true
  current:
    description: The labels that the proxy's container has now.
    type: dict
  environments:
    description: The environments of this server; routers of others are removed. Without it, all stay.
    type: list
    elements: str
positional: project, environment, settings, current, environments
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
labels: "{{ switchyard_stacks | switchyard.stacks.behind_traefik_labels('po', 'prod', {'network': 'traefik'}) | last }}"
"""

RETURN = r"""
_value:
  description:
    - The labels that the container gets one after another; the last are the desired ones, none where C(settings) is
      empty.
    - There are two where a label of a router changes. Traefik drops a router for which two containers have different
      labels, so a container with other names comes in between.
  type: list
  elements: dict
"""


def behind_traefik_labels(*args: t.Any, **options: t.Any) -> list[dict[str, str]]:
    """Return the labels, with errors in the form that Ansible shows with the position in the inventory."""
    try:
        return labels.label_stages(*args, **options)
    except (ValueError, KeyError) as error:
        raise AnsibleFilterError(f"The labels for Traefik cannot be made: {error}") from error


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"behind_traefik_labels": behind_traefik_labels}
