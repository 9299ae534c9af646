# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the inventory and the server agree on what all environments of the server share.

A value that a release is made for, such as the kind of the proxy, is a problem; any other is a notice, because only
setup.yml would apply it.
"""

from __future__ import annotations

from ...config import server_state
from ...config.server_settings import OF_RELEASES, SettingDifference, plan
from ...errors import Problem
from .context import HostCheckContext
from .file_changes import Notice

NEEDS = ()

SHARED_REDIS = (
    "the environments that set it share one Redis, and the applications of each can read, change and erase the data of "
    "the others, because Redis binds no login to a database number. Without it each environment has a Redis of its own"
)


def check(context: HostCheckContext) -> list[Problem]:
    """Return the differences that a release depends on, unless they are accepted."""
    settings = context.inventory.settings
    if not settings or settings.accepts:
        return []
    return [one.problem for one in differences(context) if one.others and one.before.variable in OF_RELEASES]


def differences(context: HostCheckContext) -> list[SettingDifference]:
    """Return what the inventory says otherwise than the server."""
    settings = context.inventory.settings
    return list(plan(server_state.read(context.host.root), settings).differences) if settings else []


def notices(context: HostCheckContext) -> list[Notice]:
    """Return the differences that only setup.yml applies, and what a shared Redis means."""
    refused = {problem.where for problem in check(context)}
    found = [_notice(one) for one in differences(context) if one.before.variable not in refused]
    return [*found, *([Notice("redis_shared", SHARED_REDIS)] if context.inventory.redis_is_shared else [])]


def _notice(one: SettingDifference) -> Notice:
    condition = " when it is accepted" if one.others else ""
    return Notice(one.before.variable, f"{one.message}. setup.yml applies it{condition}")
