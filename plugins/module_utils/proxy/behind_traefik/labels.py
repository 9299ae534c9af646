# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels by which a Traefik that stands already finds our proxy; that Traefik is left as it is.

They only name hosts, and where the proxy answers. No release changes them: the proxy behind does the switching.
"""

from __future__ import annotations

import json
import typing as t

from ... import names

# Behind the names of an edge that only stands while the one with the plain names is replaced.
MAINTENANCE_RETRY = "-next"

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
    here: t.Container[str] | None = None,
    behind: str = "",
) -> dict[str, str]:
    """Return the labels of our proxy's container; none where there is no edge.

    ``before`` has the labels that it carries now: the routers of other environments stay, of those that are ``here``
    where that is known. ``behind`` is put behind every name. Raises ValueError when two environments want a router of
    the same name.
    """
    if not edge:
        return {}
    mine = routers(stacks, environment, edge.get("router", "{service}-{environment}"))
    all_routers = {MEMORY + environment: mine}
    for label, text in (before or {}).items():
        other = label[len(MEMORY) :]
        if label.startswith(MEMORY) and other != environment and (here is None or other in here):
            all_routers[label] = json.loads(text)
    proxy = names.shared(project, "proxy") + behind
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
            owner = owners.setdefault(name, label)
            if owner != label:
                raise ValueError(
                    f"proxy_behind_traefik.router: {name} is a router of {label[len(MEMORY) :]} and of "
                    f"{owner[len(MEMORY) :]}. "
                    "Write a pattern with {environment} in it."
                )
            router = f"traefik.http.routers.{name}{behind}"
            made[f"{router}.rule"] = rule
            made[f"{router}.service"] = proxy
            made[f"{router}.middlewares"] = proxy
            made[f"{router}.entrypoints"] = ",".join(edge.get("entrypoints", ["web"]))
            made.update({f"{router}.{key}": str(value) for key, value in (edge.get("labels") or {}).items()})
    return made


def stages(now: t.Mapping[str, str], wanted: t.Mapping[str, str], meanwhile: dict[str, str]) -> list[dict[str, str]]:
    """Return the labels of the edges that come one after another until the last one has those that are wanted.

    Two containers may stand side by side where what they say of one name is the same. Where it is not, Traefik drops
    the router of both (pkg/provider/merge.go), so another one with names of its own stands ``meanwhile``.
    """
    first, last = _routers_of(now), _routers_of(wanted)
    clash = any(first[name] != last[name] for name in first.keys() & last.keys())
    return [meanwhile, dict(wanted)] if clash else [dict(wanted)]


def _routers_of(labels: t.Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return Traefik's labels by the router, service or middleware that they are of."""
    things: dict[str, dict[str, str]] = {}
    for label, value in labels.items():
        parts = label.split(".")
        if parts[:2] == ["traefik", "http"] and len(parts) > 4:
            things.setdefault(".".join(parts[:4]), {})[label] = value
    return things
