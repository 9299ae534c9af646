# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the tenants of the shared servers, for inventories and the roles postgres and redis."""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.module_utils.config import stack_services
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import tenants
from ansible_collections.switchyard.stacks.plugins.module_utils.redis import users
from ansible_collections.switchyard.stacks.plugins.module_utils.state_file import as_json


def _filter(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Return the function as Ansible can use it.

    A plan becomes a dictionary, with its problems as the text of each; a ValueError becomes an error that Ansible
    shows with the line of the inventory.
    """

    @functools.wraps(function)
    def call(*arguments: t.Any, **options: t.Any) -> t.Any:
        try:
            result = function(*arguments, **options)
        except ValueError as error:
            raise AnsibleFilterError(str(error)) from error
        if isinstance(result, (tenants.PostgresPlan, users.RedisPlan)):
            return {**as_json(result), "problems": [str(problem) for problem in result.problems]}
        return result

    return call


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {
            "postgres_tenants": _filter(tenants.postgres_tenants),
            "postgres_plan": _filter(tenants.postgres_plan),
            "redis_tenants": _filter(users.redis_tenants),
            "redis_plan": _filter(users.redis_plan),
            "front_networks": stack_services.front_networks,
            "back_networks": stack_services.back_networks,
        }
