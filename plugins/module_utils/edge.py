# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels by which a Traefik that stands already finds our proxy; that Traefik is left as it is.

They only name hosts, and where the proxy answers. No release changes them: the proxy behind does the switching.
"""

from __future__ import annotations

import json
import typing as t

from . import names

# Which environment has which routers; one container may serve several environments.
MEMORY = f"{names.LABEL}edge."

PORT = 8080


def routers(stacks: t.Iterable[t.Mapping[str, t.Any]], environment: str, pattern: str) -> dict[str, str]:
    """Return a rule of Traefik per router: the hosts and paths of each routed service."""
    rules: dict[str, list[str]] = {}
    for stack in stacks:
        for route in stack.get("routes") or []:
            name = pattern.format(service=route["service"], environment=environment, stack=stack["name"])
            for host in route["hosts"]:
                rule = f"Host({json.dumps(host)})"
                path = route.get("path", "/")
                if path != "/":
                    rule = f"({rule} && PathPrefix({json.dumps(path, ensure_ascii=False)}))"
                rules.setdefault(name, []).append(rule)
    return {name: " || ".join(dict.fromkeys(each)) for name, each in sorted(rules.items())}


def labels(
    stacks: t.Iterable[t.Mapping[str, t.Any]],
    project: str,
    environment: str,
    edge: t.Mapping[str, t.Any],
    before: t.Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the labels of our proxy's container; none where there is no edge.

    ``before`` has the labels that it carries now: the routers of other environments stay. Raises ValueError when two
    environments want a router of the same name.
    """
    if not edge:
        return {}
    mine = routers(stacks, environment, edge.get("router", "{service}-{environment}"))
    all_routers = {MEMORY + environment: mine}
    for label, text in (before or {}).items():
        if label.startswith(MEMORY) and label != MEMORY + environment:
            all_routers[label] = json.loads(text)
    proxy = names.shared(project, "proxy")
    made = {
        "traefik.enable": "true",
        "traefik.docker.network": edge.get("network", "traefik"),
        f"traefik.http.services.{proxy}.loadbalancer.server.port": str(PORT),
        # Only where no connection came about: nothing is sent twice.
        f"traefik.http.middlewares.{proxy}.retry.attempts": "3",
        f"traefik.http.middlewares.{proxy}.retry.initialinterval": "100ms",
    }
    owners: dict[str, str] = {}
    for label, rules in sorted(all_routers.items()):
        made[label] = json.dumps(rules, sort_keys=True, ensure_ascii=False)
        for name, rule in rules.items():
            other = owners.setdefault(name, label)
            if other != label:
                raise ValueError(
                    f"proxy_edge.router: {name} is a router of {label[len(MEMORY) :]} and of {other[len(MEMORY) :]}. "
                    "Write a pattern with {environment} in it."
                )
            router = f"traefik.http.routers.{name}"
            made[f"{router}.rule"] = rule
            made[f"{router}.service"] = proxy
            made[f"{router}.middlewares"] = proxy
            made[f"{router}.entrypoints"] = ",".join(edge.get("entrypoints", ["web"]))
            made.update({f"{router}.{key}": str(value) for key, value in (edge.get("labels") or {}).items()})
    return made
