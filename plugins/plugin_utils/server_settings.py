# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of an inventory that all environments of a server share. For the controller only.

Their defaults are those of the roles: a role's new variable belongs to the server unless it is listed here.
"""

from __future__ import annotations

import getpass
import socket
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.switchyard.stacks.plugins.module_utils.config.server_settings import PARTS

ROLES = Path(__file__).resolve().parents[2] / "roles"

# Variables of the roles that each environment has for itself: they change nothing for the others.
OF_ENVIRONMENT = frozenset(
    {
        "proxy_certificates",
        "proxy_preview_access",
        "proxy_pull",
        "proxy_stacks",
        "proxy_users",
        "postgres_admin_database",
        "postgres_admin_password",
        "postgres_admin_user",
        "postgres_connections",
        "postgres_external_container",
        "postgres_host",
        "postgres_port",
        "postgres_pull",
        "postgres_tenants",
        "postgres_timeouts",
        "postgres_tls",
        "postgres_tls_ca",
        "redis_pull",
        "redis_shared",
        "redis_tenants",
        *(f"{role}_{name}" for role in ("proxy", "postgres", "redis") for name in ("project", "environment", "root")),
    }
)

# Only with these kinds of proxy, or ways to install it, a variable has an effect.
ONLY_WITH = {
    "proxy_image": ("proxy_install", "container"),
    "proxy_traefik_pages_image": ("proxy_provider", "traefik"),
    "proxy_nginx_hold": ("proxy_provider", "nginx"),
    "proxy_nginx_maintenance_dir": ("proxy_provider", "nginx"),
    "proxy_nginx_reload_delay": ("proxy_provider", "nginx"),
    "proxy_nginx_workers": ("proxy_provider", "nginx"),
    "proxy_published_ports": ("proxy_install", "package"),
}

MISSING = object()

# The part that has no role: the roles take its variable, where the inventory does not set it, from their own default.
NETWORK_POOL = "switchyard_network_pool"
POOL_OF_ROLES = "network_pool"


class Templar(t.Protocol):
    """What templates a value with the variables of a host."""

    def template(self, variable: t.Any) -> t.Any:
        """Return the value."""

    def copy_with_new_env(self, *, available_variables: dict[str, t.Any]) -> Templar:
        """Return a templar with other variables."""


@dataclass(frozen=True)
class InventorySettings:
    """The shared settings of an inventory by part, those that it does not set, and what it has chosen."""

    settings: dict[str, dict[str, t.Any]] = field(default_factory=dict)
    unset: list[str] = field(default_factory=list)
    redis_is_shared: bool = False


def role_defaults(role: str, roles: Path = ROLES) -> dict[str, t.Any]:
    """Return the defaults of a role, and the internal variables that they are made from."""
    loader = DataLoader()
    found: dict[str, t.Any] = {}
    for name in ("vars", "defaults"):
        path = roles / role / name / "main.yml"
        if path.exists():
            found.update(loader.load_from_file(str(path), trusted_as_template=True) or {})
    return found


def read_settings(
    templar: Templar, variables: t.Mapping[str, t.Any], parts: t.Collection[str] = (), stacks: t.Any = ()
) -> InventorySettings:
    """Return the shared settings of an inventory: of the named parts, or without any of those that its stacks use.

    A value that cannot be templated is left out: the role that needs it reports it.
    """
    defaults = {role: role_defaults(role) for role in PARTS}
    merged = {**{name: value for values in defaults.values() for name, value in values.items()}, **variables}
    full = templar.copy_with_new_env(available_variables=merged)

    def value(name: str) -> t.Any:
        try:
            return full.template(merged.get(name))
        except AnsibleError:
            return MISSING

    shares = is_true(value("redis_shared"))
    is_external = any(
        value(name) not in ("", None, MISSING) for name in ("postgres_host", "postgres_external_container")
    )
    used = parts or _parts_in_use(full, stacks, shares, is_external)
    names = {
        part: [name for name in defaults[part] if name.startswith(f"{part}_") and _is_shared(name)]
        for part in used
        if part != "networks"
    }
    names = {
        part: [name for name in group if name not in ONLY_WITH or value(ONLY_WITH[name][0]) == ONLY_WITH[name][1]]
        for part, group in names.items()
    }
    found = {part: {name: _shared_part(name, value(name)) for name in group} for part, group in names.items() if group}
    settings = {part: {name: one for name, one in group.items() if one is not MISSING} for part, group in found.items()}
    pool = NETWORK_POOL if NETWORK_POOL in merged else f"proxy_{POOL_OF_ROLES}"
    if pool in merged and ((used and not parts) or "networks" in parts):
        settings["networks"] = {NETWORK_POOL: value(pool)}
    unset = [name for group in settings.values() for name in group if name not in variables]
    return InventorySettings(settings, unset, shares)


def _is_shared(name: str) -> bool:
    return name not in OF_ENVIRONMENT and not name.endswith(POOL_OF_ROLES)


def _shared_part(name: str, value: t.Any) -> t.Any:
    """Return what of a value is shared: the labels for a front proxy are those of the environment's own routers."""
    if name == "proxy_behind_traefik" and isinstance(value, t.Mapping):
        return {"network": value.get("network", "traefik")} if value else {}
    return value


def _parts_in_use(templar: Templar, stacks: t.Any, redis_is_shared: bool, postgres_is_external: bool) -> list[str]:
    """Return the parts of a server that these stacks use, as setup.yml sets them up."""
    known = [stack for stack in stacks or () if isinstance(stack, t.Mapping)]
    routed = any(_strategy(templar, stack) != "in_place" for stack in known)
    postgres = any("postgres" in stack for stack in known) and not postgres_is_external
    redis = any("redis" in stack for stack in known) and redis_is_shared
    used = {"proxy": routed, "postgres": postgres, "redis": redis}
    return [part for part, is_used in used.items() if is_used]


def _strategy(templar: Templar, stack: t.Mapping[str, t.Any]) -> t.Any:
    try:
        return templar.template(stack.get("strategy"))
    except AnsibleError:
        return None


def is_true(value: t.Any) -> bool:
    """Return a value of an inventory or of ``-e`` as a truth value."""
    return str(value).lower() in ("true", "yes", "on", "1")


def operator() -> str:
    """Return who runs this play, for the state of a server."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
