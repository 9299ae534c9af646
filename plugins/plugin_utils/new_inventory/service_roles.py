# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role that each service of an application probably has, and the sign that it was taken from. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import RouteSpec, SourceSpec, Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_dependencies, compose_roles
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_build import is_built
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_dependencies import HEALTHY, STARTED
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import repository_of
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.stateful_services import (
    keeper_of,
    stateful_reason,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_files import PLACEHOLDER, is_own

from .application import Application
from .service_signs import (
    SINGLE_IMAGES,
    WEB_NAMES,
    agent_sign,
    end_sign,
    exposed_ports,
    http_ports,
    port_of,
    proxy_hosts,
    worker_sign,
)

ROUTED, WORKER, ACCESSORY, INNER, ONE_SHOT, JOB = "routed", "worker", "accessory", "inner", "one-shot", "job"


@dataclass(frozen=True)
class ProposedRole:
    """A role as ``compose_roles`` names them, and the reason, as a sentence without a full stop."""

    role: str
    reason: str


def propose_roles(app: Application) -> dict[str, ProposedRole]:
    """Return the role of each service, in the order of the files."""
    found = _certain_roles(app)
    routed = _routed_services(app, [name for name in app.services if name not in found])
    for name, service in app.services.items():
        if name not in found:
            found[name] = routed.get(name) or _other_role(app, name, service, routed)
    roles = {name: found[name] for name in app.services}
    return _meet_dependencies(app, roles)


def keeps_data(app: Application, name: str) -> str | None:
    """Return why a service looks stateful, as preflight sees it, or None."""
    folders = [folder for folder, writers in app.written.items() if name in writers]
    return stateful_reason(app.services[name], is_own) or (f"writes the folder {folders[0]}" if folders else None)


def needs_role(app: Application, name: str) -> bool:
    """Return whether preflight refuses a service without a declared role."""
    is_open = keeps_data(app, name) or compose_roles.is_never_restarted(dict(app.services[name]))
    return bool(is_open) and compose_roles.replicas_of({"services": app.services}, name) > 0


def stack_of(roles: t.Mapping[str, ProposedRole]) -> Stack:
    """Return a stack with these roles and nothing else, as the checks of Compose files take it."""
    named = {role: tuple(name for name, one in roles.items() if one.role == role) for role in (WORKER, ACCESSORY)}
    routes = tuple(RouteSpec(name, 80, ()) for name, one in roles.items() if one.role == ROUTED)
    return Stack("new", SourceSpec("."), routes=routes, workers=named[WORKER], accessories=named[ACCESSORY])


def _certain_roles(app: Application) -> dict[str, ProposedRole]:
    """Return the roles that the files themselves, or the name of a database's image, leave no doubt about."""
    found = {}
    for name, service in app.services.items():
        waiting = compose_dependencies.waiting_for_end_of(app.normalised, name)
        store = keeper_of(service.get("image") or "")
        if waiting:
            found[name] = ProposedRole(ONE_SHOT, f"{' and '.join(waiting)} waits for its end")
        elif store:
            found[name] = ProposedRole(ACCESSORY, f"its image ({store}) keeps data")
        elif not compose_roles.replicas_of({"services": app.services}, name):
            found[name] = ProposedRole(INNER, "its scale is 0: a release starts none")
        elif _image_name(service) in SINGLE_IMAGES:
            found[name] = ProposedRole(ACCESSORY, SINGLE_IMAGES[_image_name(service)])
        elif end_sign(name, service) and (compose_roles.is_never_restarted(dict(service)) or service.get("command")):
            found[name] = ProposedRole(JOB, str(end_sign(name, service)))
    return found


def _image_name(service: t.Mapping[str, t.Any]) -> str:
    return repository_of(service.get("image") or "").rsplit("/", maxsplit=1)[-1]


def _routed_services(app: Application, candidates: t.Sequence[str]) -> dict[str, ProposedRole]:
    """Return the services that users reach: those that a proxy of the author or a port of the server leads to."""
    services = {name: app.services[name] for name in candidates}
    by_proxy = {name: proxy_hosts(one) for name, one in services.items()}
    routed = {name: ProposedRole(ROUTED, guess.reason) for name, guess in by_proxy.items() if guess}
    if routed:
        return routed
    usable = {name: one for name, one in services.items() if not one.get("network_mode") or _is_on_bridge(one)}
    working = {
        name
        for name, one in usable.items()
        # A word of the command is weaker than a port: Celery's own page is an example.
        if worker_sign(name, {}) or (worker_sign(name, one) and not http_ports(one)) or _is_agent(app, name)
    }
    published = {name: http_ports(one) for name, one in usable.items() if name not in working}
    routed = {
        name: ProposedRole(ROUTED, f"it publishes the port {' and '.join(map(str, sorted(ports)))}")
        for name, ports in published.items()
        if ports
    }
    if routed:
        return routed
    name = _most_likely(app, [one for one in usable if one not in working] or list(usable))
    if not name:
        return {}
    return {name: ProposedRole(ROUTED, f"no service publishes a port; {_why(app, name)}")}


def routed_by_proxy(app: Application) -> bool:
    """Return whether a proxy of the author has the routes, so that ports are for the author's own machine."""
    return any(proxy_hosts(service) for service in app.services.values())


def _is_on_bridge(service: t.Mapping[str, t.Any]) -> bool:
    return str(service.get("network_mode")) in ("bridge", "default")


def _most_likely(app: Application, names: t.Sequence[str]) -> str | None:
    """Return the service that users most probably reach, where no port says it."""
    needed = {one.other for one in compose_dependencies.dependencies_of(app.normalised)}
    exposed = [name for name in names if exposed_ports(app.services[name])]
    by_name = [name for word in WEB_NAMES for name in names if word in _words(name)]
    known = [name for name in names if port_of(app.services[name])]
    for choice in (by_name if not exposed else [one for one in by_name if one in exposed], exposed, known):
        if choice:
            return choice[0]
    top = [name for name in names if name not in needed]
    return next(iter([*top, *names]), None)


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z]+", name.lower())


def _why(app: Application, name: str) -> str:
    word = next((word for word in WEB_NAMES if word in _words(name)), None)
    if exposed_ports(app.services[name]):
        return "this one has expose"
    return f"the name {name} is usual for the one that users reach" if word else "this one is the most likely"


def _other_role(
    app: Application, name: str, service: t.Mapping[str, t.Any], routed: t.Mapping[str, ProposedRole]
) -> ProposedRole:
    """Return the role of a service that users do not reach."""
    sign = worker_sign(name, service) or (agent_sign(name, service) if _is_agent(app, name) else None)
    if sign:
        return ProposedRole(WORKER, sign)
    if service.get("network_mode") == "host":
        return ProposedRole(WORKER, "it uses the network of the server, which two colors cannot share")
    reason = keeps_data(app, name)
    ports = sorted({int(port["target"]) for port in service.get("ports") or () if port.get("target")})
    if not reason and ports and not routed_by_proxy(app):
        text = " and ".join(map(str, ports))
        return ProposedRole(WORKER, f"it publishes the port {text}, which no route serves: its author runs one of it")
    if not reason and compose_roles.is_never_restarted(dict(service)):
        return ProposedRole(INNER, "it is never restarted, and nothing says that it ends; after_migrate is for a job")
    if not reason:
        return ProposedRole(INNER, "it keeps no data: it runs once per color, next to the routed services")
    needed = [one.service for one in compose_dependencies.dependencies_of(app.normalised) if one.other == name]
    users = [one for one in routed if _shares(app, name, one) and (one in needed or _shares(app, one, name))]
    if users:
        return ProposedRole(INNER, f"it {reason}, which {' and '.join(users)} uses in both colors")
    if not is_application(app, name):
        return ProposedRole(ACCESSORY, f"it {reason}")
    callers = [one for one in needed if one in routed]
    if callers:
        return ProposedRole(INNER, f"{' and '.join(callers)} depends on it; it {reason}, from both colors at once")
    return ProposedRole(WORKER, f"it {reason}, and has code of the application")


def is_application(app: Application, name: str) -> bool:
    """Return whether a service has code of the application: its image is built, or other services have it too."""
    service = app.services[name]
    images = [repository_of(one.get("image") or "") for other, one in app.services.items() if other != name]
    return is_built(service) or repository_of(service.get("image") or "-") in images


def _is_agent(app: Application, name: str) -> bool:
    """Return whether a service collects logs or measures, and no other service depends on it."""
    needed = {one.other for one in compose_dependencies.dependencies_of(app.normalised)}
    return bool(agent_sign(name, app.services[name])) and name not in needed


def _shares(app: Application, name: str, other: str) -> bool:
    """Return whether two services mount one volume or folder of the application, which the first one writes."""
    mounts = app.services[name].get("volumes") or (), app.services[other].get("volumes") or ()
    written = {mount.get("source") for mount in mounts[0] if not mount.get("read_only")}
    folders = {f"{PLACEHOLDER}/{folder}" for folder, writers in app.written.items() if name in writers}
    own = folders | set(app.normalised.get("volumes") or {})
    return bool(own & written & {mount.get("source") for mount in mounts[1]})


def _meet_dependencies(app: Application, roles: dict[str, ProposedRole]) -> dict[str, ProposedRole]:
    """Return the roles after those changed that contradict what services wait for, as far as that is possible."""
    for _round in app.services:
        known = {name: one.role for name, one in roles.items()}
        late = [
            one
            for one in compose_dependencies.dependencies_of(app.normalised)
            if one.required and one.condition != STARTED and compose_dependencies.is_late(one, known)
        ]
        changes = [change for one in late for change in _earlier(app, one, known)]
        if not changes:
            break
        roles.update(changes)
    return roles


def _earlier(
    app: Application, late: compose_dependencies.Dependency, known: t.Mapping[str, str]
) -> list[tuple[str, ProposedRole]]:
    """Return the service whose role has to change so that a release can meet a dependency, with its new role."""
    waiting, needed = known[late.service], known[late.other]
    if late.condition == HEALTHY and needed in (INNER, WORKER):
        is_inner = needed == WORKER and waiting in (ROUTED, INNER) and not keeps_data(app, late.other)
        reason = f"{late.service} ({waiting}) starts only when it is healthy"
        return [(late.other, ProposedRole(INNER if is_inner else ACCESSORY, reason))]
    if waiting == ACCESSORY and not keeper_of(app.services[late.service].get("image") or ""):
        return [(late.service, ProposedRole(WORKER, f"it waits for {late.other}, which accessories do not"))]
    return []
