# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter resource_name: the names of resources on a server, for roles and playbooks."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.module_utils import names

DOCUMENTATION = r"""
name: resource_name
short_description: The name of a resource on a server
description:
  - Returns the name of a container, volume, network, domain, database or user. All roles use it, so that names are
    made in one place.
options:
  _input:
    description:
      - Kind of the resource, one of V(container), V(volume), V(network), V(front), V(back), V(of_environment),
        V(compose_project), V(shared), V(domain), V(database), V(redis_user).
    type: str
    required: true
  parts:
    description:
      - Parts of the name, such as project, stack, service and environment for a container.
    type: list
    elements: str
    required: true
positional: parts
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
container: "{{ 'container' | switchyard.stacks.resource_name('po', 'shop', 'web', 'prod', 'blue') }}"
"""

RETURN = r"""
_value:
  description: The name.
  type: str
"""

KINDS: dict[str, t.Callable[..., str]] = {
    "container": names.container,
    "volume": names.volume,
    "network": names.network,
    "front": names.front,
    "back": names.back,
    "of_environment": names.of_environment,
    "compose_project": names.compose_project,
    "shared": names.shared,
    "domain": names.domain,
    "database": names.database,
    "redis_user": names.redis_user,
}


def resource_name(kind: str, *parts: str) -> str:
    """Return the name of a resource from its parts. Raises AnsibleFilterError for an unknown kind."""
    if kind not in KINDS:
        raise AnsibleFilterError(f"{kind!r} is not a kind of resource. Use one of: {', '.join(KINDS)}.")
    return KINDS[kind](*(str(part) for part in parts))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"resource_name": resource_name}
