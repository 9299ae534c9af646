# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Compose project of a release's one-off jobs, and its variants: another login, and a copy of the database."""

from __future__ import annotations

from .. import names
from .models import Mapping

# What only a server needs.
OF_SERVERS = ("healthcheck", "restart", "container_name", "hostname", "deploy")

# What only several containers need, and what a file may say of a job too.
OF_REPLICAS = ("mode", "replicas", "restart_policy", "rollback_config", "update_config")
NO_RESTART = {"condition": "none"}

# What a container that uses another one's network cannot have (Docker refuses it).
OF_NETWORK = (
    "networks",
    "expose",
    "hostname",
    "domainname",
    "dns",
    "dns_opt",
    "dns_search",
    "external_links",
    "extra_hosts",
    "mac_address",
)


def as_job(service: Mapping, front: str) -> Mapping:
    """Return a rendered service as it runs once, for one command: never restarted, and reached by no other container.

    ``front`` is the network of the proxy, which a job does not join.
    """
    job = {key: value for key, value in service.items() if key not in OF_SERVERS}
    networks: Mapping = {name: {} for name in service.get("networks", {}) if name != front}
    given = service.get("deploy") or {}
    deploy = {key: value for key, value in given.items() if key not in OF_REPLICAS or value == NO_RESTART}
    return {
        **job,
        **({"deploy": deploy} if any(deploy.values()) else {}),
        **({"networks": networks} if networks else {}),
        "labels": {**service["labels"], **names.labels(role="job")},
    }


def with_password_file(jobs: Mapping, path: str) -> Mapping:
    """Return the project of the jobs with another file for the database's password."""
    secrets = {
        name: {"file": path} if name == "postgres_password" else one for name, one in jobs.get("secrets", {}).items()
    }
    return {**jobs, "secrets": secrets} if secrets else jobs


def in_network_of(jobs: Mapping, container: str, read_only: bool = True) -> Mapping:
    """Return the project of the jobs as they run in the network of a container and reach nothing else.

    With ``read_only`` they cannot write into volumes: it would not be undone.
    """
    services = {}
    for name, service in jobs["services"].items():
        alone = {key: value for key, value in service.items() if key not in (*OF_NETWORK, "volumes")}
        changed = {"read_only": True} if read_only else {}
        mounts = [{**mount, **changed} for mount in service.get("volumes", [])]
        services[name] = {**alone, "network_mode": f"container:{container}", **({"volumes": mounts} if mounts else {})}
    return {**{key: value for key, value in jobs.items() if key != "networks"}, "services": services}
