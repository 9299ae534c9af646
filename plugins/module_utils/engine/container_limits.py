# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights and limits of a container whose Compose file does not set them. Pure."""

from __future__ import annotations

from .models import Mapping

# The capabilities that the entrypoints of ordinary images need: they make folders theirs and change to another user.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")

NO_NEW_PRIVILEGES = "no-new-privileges"

# Processes and threads of one container.
PIDS = 1024

LOGGING: Mapping = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


def capability(name: str) -> str:
    """Return the name of a capability as Docker reports it, without ``CAP_``."""
    upper = name.upper()
    return upper[4:] if upper.startswith("CAP_") else upper


def limited(service: Mapping) -> Mapping:
    """Return the keys of a service's rights and limits: those of the file, completed."""
    return {**_rights(service), **_processes(service), "logging": _logging(service.get("logging"))}


def _rights(service: Mapping) -> Mapping:
    # Docker gives a privileged container every capability, also those that are dropped.
    if service.get("privileged"):
        return {}
    dropped = {capability(name) for name in service.get("cap_drop") or ()}
    given = [] if "ALL" in dropped else [name for name in CAPABILITIES if name not in dropped]
    added = [capability(name) for name in service.get("cap_add") or ()]
    options = list(service.get("security_opt") or ())
    if not any(option.startswith(NO_NEW_PRIVILEGES) for option in options):
        options.append(f"{NO_NEW_PRIVILEGES}:true")
    rights = {"cap_drop": ["ALL"], "cap_add": sorted({*given, *added}), "security_opt": options}
    return {key: value for key, value in rights.items() if value}


def _processes(service: Mapping) -> Mapping:
    deploy = service.get("deploy") or {}
    resources = deploy.get("resources") or {}
    limits = resources.get("limits")
    # Limits of 0, which are none, leave an empty mapping.
    if limits is None:
        return {"pids_limit": service.get("pids_limit") or PIDS}
    # Compose rejects a pids_limit that the limits of deploy do not have too.
    pids = limits.get("pids") or service.get("pids_limit") or PIDS
    completed = {**deploy, "resources": {**resources, "limits": {**limits, "pids": pids}}}
    return {"deploy": completed, **({"pids_limit": pids} if service.get("pids_limit") else {})}


def _logging(given: Mapping | None) -> Mapping:
    """Return the logging of a service; a driver of Docker's own files has a limit."""
    if not given or given.get("driver", LOGGING["driver"]) == LOGGING["driver"]:
        options = (given or {}).get("options") or {}
        return {"driver": LOGGING["driver"], "options": {**LOGGING["options"], **options}}
    return given
