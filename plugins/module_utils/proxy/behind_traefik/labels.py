# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels by which an existing Traefik finds our proxy; that Traefik itself is never changed.

They name hosts and the proxy's port, and no color: a release does not change them.
"""

from __future__ import annotations

import json
import typing as t

from ... import names
from ..traefik.dynamic_config import host_rule

# The suffix of the container, the routers and the service that exist only while the proxy is replaced.
REPLACEMENT_SUFFIX = names.REPLACEMENT_SUFFIX

# The labels with the routers of each environment; one container may serve several environments.
ROUTERS_LABEL = f"{names.LABEL}routers."

PORT = 8080

Labels = dict[str, str]


def routers(stacks: t.Iterable[t.Mapping[str, t.Any]], environment: str, pattern: str) -> dict[str, str]:
    """Return a Traefik rule per router: the hosts and paths of each routed service."""
    rules: dict[str, list[str]] = {}
    for stack in stacks:
        for route in stack.get("routes") or []:
            name = pattern.format(service=route["service"], environment=environment, stack=stack["name"])
            for host in route["hosts"]:
                path = route.get("path", "/")
                rule = host_rule(host)
                if path != "/":
                    rule = f"({rule} && PathPrefix({json.dumps(path, ensure_ascii=False)}))"
                rules.setdefault(name, []).append(rule)
    return {name: " || ".join(dict.fromkeys(each)) for name, each in sorted(rules.items())}


def label_stages(
    stacks: t.Iterable[t.Mapping[str, t.Any]],
    project: str,
    environment: str,
    settings: t.Mapping[str, t.Any],
    current: t.Mapping[str, str] | None = None,
    environments: t.Container[str] | None = None,
) -> list[Labels]:
    """Return the labels that the container gets one after another; the last ones are the desired labels.

    ``settings`` is ``proxy_behind_traefik``, ``current`` the labels that the container has now. Two containers may run
    side by side where their labels for one name are the same. Where they differ, Traefik drops the router of both
    (pkg/provider/merge.go), so a container with other names comes in between. The routers of other ``environments``
    stay; without that list, those of all environments. Raises ValueError when two environments have a router of the
    same name.
    """
    stacks = list(stacks)
    if not settings:
        return [{}]
    desired = labels(stacks, project, environment, settings, current, environments)
    first, last = _by_router(current or {}), _by_router(desired)
    if all(first[name] == last[name] for name in first.keys() & last.keys()):
        return [desired]
    return [labels(stacks, project, environment, settings, current, environments, REPLACEMENT_SUFFIX), desired]


def labels(
    stacks: t.Iterable[t.Mapping[str, t.Any]],
    project: str,
    environment: str,
    settings: t.Mapping[str, t.Any],
    current: t.Mapping[str, str] | None = None,
    environments: t.Container[str] | None = None,
    suffix: str = "",
) -> Labels:
    """Return the labels of the container with ``suffix`` behind each name; see ``label_stages``."""
    own = routers(stacks, environment, settings.get("router", "{service}-{environment}"))
    all_routers = {ROUTERS_LABEL + environment: own}
    for label, text in (current or {}).items():
        other = label[len(ROUTERS_LABEL) :]
        if label.startswith(ROUTERS_LABEL) and other != environment and (environments is None or other in environments):
            all_routers[label] = json.loads(text)
    proxy = names.shared(project, "proxy") + suffix
    result = {
        "traefik.enable": "true",
        "traefik.docker.network": settings.get("network", "traefik"),
        f"traefik.http.services.{proxy}.loadbalancer.server.port": str(PORT),
        # Traefik retries only where no connection was made, so no request is sent twice.
        f"traefik.http.middlewares.{proxy}.retry.attempts": "3",
        f"traefik.http.middlewares.{proxy}.retry.initialinterval": "100ms",
    }
    owners: dict[str, str] = {}
    for label, rules in sorted(all_routers.items()):
        result[label] = json.dumps(rules, sort_keys=True, ensure_ascii=False)
        for name, rule in rules.items():
            owner = owners.setdefault(name, label)
            if owner != label:
                raise ValueError(
                    f"proxy_behind_traefik.router: {name} is a router of {label[len(ROUTERS_LABEL) :]} and of "
                    f"{owner[len(ROUTERS_LABEL) :]}. Write a pattern with {{environment}} in it."
                )
            router = f"traefik.http.routers.{name}{suffix}"
            result[f"{router}.rule"] = rule
            result[f"{router}.service"] = proxy
            result[f"{router}.middlewares"] = proxy
            result[f"{router}.entrypoints"] = ",".join(settings.get("entrypoints", ["web"]))
            result.update({f"{router}.{key}": str(value) for key, value in (settings.get("labels") or {}).items()})
    return result


def _by_router(of_container: t.Mapping[str, str]) -> dict[str, Labels]:
    """Return Traefik's labels by their router, service or middleware."""
    groups: dict[str, Labels] = {}
    for label, value in of_container.items():
        parts = label.split(".")
        if parts[:2] == ["traefik", "http"] and len(parts) > 4:
            groups.setdefault(".".join(parts[:4]), {})[label] = value
    return groups
