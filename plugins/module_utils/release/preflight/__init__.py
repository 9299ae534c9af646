# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that run before anything changes: one module per check, in the order of their problems.

A new check is a module with ``NEEDS`` and ``check(context)``, an import and a row here, and a case in
``tests/unit/plugins/module_utils/release/preflight/test_checks.py``. The imports are explicit because Ansible ships
only the modules that it finds in them.
"""

from __future__ import annotations

from . import (
    allowances,
    ambiguous_host_names,
    bind_mounts,
    build_sources,
    compose_keys,
    compose_valid,
    dependencies,
    disk_space,
    duplicate_resources,
    engine_answers,
    external_resources,
    foreign_proxy_files,
    front_network,
    image_tags,
    name_conflicts,
    name_lengths,
    network_addresses,
    network_modes,
    one_shots,
    paused_canary,
    platforms,
    proxy_answers,
    registry_images,
    reserved_names,
    root_rights,
    route_conflicts,
    route_options_supported,
    secrets_used,
    service_roles,
    services_exist,
    source_folder,
    static_files,
    static_volumes,
    variables_set,
    writable_folders,
)
from .context import Check, HostCheckContext, StackCheckContext

HOST_CHECKS: tuple[Check[HostCheckContext], ...] = (
    root_rights,
    engine_answers,
    disk_space,
    front_network,
    proxy_answers,
    foreign_proxy_files,
)

STACK_CHECKS: tuple[Check[StackCheckContext], ...] = (
    compose_valid,
    variables_set,
    services_exist,
    service_roles,
    one_shots,
    dependencies,
    image_tags,
    registry_images,
    platforms,
    build_sources,
    compose_keys,
    network_modes,
    allowances,
    bind_mounts,
    writable_folders,
    external_resources,
    static_volumes,
    secrets_used,
    route_options_supported,
    static_files,
    route_conflicts,
    reserved_names,
    name_lengths,
    ambiguous_host_names,
    name_conflicts,
    network_addresses,
    duplicate_resources,
    paused_canary,
)

# A stack with the strategy in_place runs in the folder of its files; nothing of it is rendered or routed.
IN_PLACE_CHECKS: tuple[Check[StackCheckContext], ...] = (
    source_folder,
    compose_valid,
)
