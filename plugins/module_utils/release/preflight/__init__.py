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
    certificate_days,
    compose_keys,
    compose_valid,
    connection_budget,
    dependencies,
    disk_space,
    duplicate_resources,
    egress_holds,
    engine_answers,
    external_resources,
    foreign_proxy_files,
    foreign_routers,
    image_tags,
    memory_limits,
    name_conflicts,
    name_lengths,
    network_addresses,
    network_modes,
    one_shots,
    paused_canary,
    placeholder_secrets,
    platforms,
    port_holders,
    proxy_answers,
    redis_numbers,
    registry_images,
    reserved_names,
    root_rights,
    route_conflicts,
    route_dns,
    route_options_supported,
    secrets_used,
    server_networks,
    server_settings,
    server_versions,
    service_roles,
    services_exist,
    source_folder,
    static_files,
    static_volumes,
    unguarded_migration,
    variables_set,
    writable_folders,
)
from .context import Check, HostCheckContext, StackCheckContext

HOST_CHECKS: tuple[Check[HostCheckContext], ...] = (
    root_rights,
    server_settings,
    engine_answers,
    server_versions,
    disk_space,
    proxy_answers,
    port_holders,
    foreign_proxy_files,
    certificate_days,
    foreign_routers,
    connection_budget,
    # Its lookups run while the others do their work.
    route_dns,
)

STACK_CHECKS: tuple[Check[StackCheckContext], ...] = (
    compose_valid,
    variables_set,
    services_exist,
    service_roles,
    one_shots,
    unguarded_migration,
    dependencies,
    image_tags,
    registry_images,
    platforms,
    build_sources,
    compose_keys,
    network_modes,
    egress_holds,
    allowances,
    bind_mounts,
    writable_folders,
    external_resources,
    static_volumes,
    secrets_used,
    placeholder_secrets,
    redis_numbers,
    memory_limits,
    route_options_supported,
    static_files,
    route_conflicts,
    reserved_names,
    name_lengths,
    ambiguous_host_names,
    name_conflicts,
    network_addresses,
    server_networks,
    duplicate_resources,
    paused_canary,
)

# A stack with the strategy in_place runs in the folder of its files; nothing of it is rendered or routed.
IN_PLACE_CHECKS: tuple[Check[StackCheckContext], ...] = (
    source_folder,
    compose_valid,
)
