# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack of an application as its inventory may describe it: every value with the reason for it. Pure."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.config.placeholders import placeholder
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import outside_access
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_build import is_built
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_roles import is_never_restarted
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import repository_of
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.accessory import is_postgres
from ansible_collections.switchyard.stacks.plugins.module_utils.release.mount_plan import own_name
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import compose_keys, network_modes
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_files import is_own

from .application import Application
from .file_values import FileValues, Setting, floating_images, propose_values
from .service_roles import ACCESSORY, JOB, ONE_SHOT, ROUTED, ProposedRole, propose_roles, stack_of
from .service_signs import ADMINISTRATION, health_path, migration_sign, port_of, proxy_hosts


@dataclass(frozen=True)
class ProposedRoute:
    """A route: its service, and port, hosts and the path of its health gate, each with its reason.

    A port or a host that no file says is a placeholder. ``note`` is a sentence for the reader, or empty.
    """

    service: str
    reason: str
    port: Setting
    hosts: Setting
    health: Setting
    note: str = ""


@dataclass(frozen=True)
class ProposedJob:
    """A migration or another job: its service, and its command where the files do not say that the own one ends."""

    service: str
    command: tuple[str, ...]
    reason: str
    kind: str | None = None


@dataclass(frozen=True)
class StackProposal:
    """What the inventory of an application needs.

    ``allow`` has services, allowances and what each gives; ``refused`` what only a change of the Compose files solves.
    ``hints`` are sentences for the reader.
    """

    name: str
    project: str
    environment: str
    app: Application
    roles: t.Mapping[str, ProposedRole]
    routes: tuple[ProposedRoute, ...]
    values: FileValues
    migrate: ProposedJob | None = None
    jobs: tuple[ProposedJob, ...] = ()
    postgres: Setting | None = None
    redis: Setting | None = None
    allow: tuple[tuple[str, str, str], ...] = ()
    refused: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    def of_role(self, role: str) -> dict[str, str]:
        """Return the services of a role with the reasons."""
        return {name: one.reason for name, one in self.roles.items() if one.role == role}

    @property
    def secrets(self) -> tuple[Setting, ...]:
        """The secrets of the stack; the passwords of shared servers have keys of their own."""
        shared = {f"{server}_password" for server in self.app.shared}
        return tuple(one for one in self.values.secrets if one.name not in shared)


def propose_stack(
    app: Application, name: str, project: str, environment: str, domain: str = "", inventory: Path | None = None
) -> StackProposal:
    """Return the proposal for an application; ``domain`` is that of its host names, if it is known.

    ``inventory`` is the folder of its inventory.
    """
    roles = propose_roles(app)
    routed = [service for service, one in roles.items() if one.role == ROUTED]
    hosts = {service: _host(service, name if len(routed) == 1 else service, environment, domain) for service in routed}
    postgres = _postgres(app, roles)
    migrate, jobs = _jobs(app, roles, has_database=postgres is not None)
    return StackProposal(
        name=name,
        project=project,
        environment=environment,
        app=app,
        roles=roles,
        routes=tuple(_route(app, service, roles[service].reason, hosts[service]) for service in routed),
        values=propose_values(app, name),
        migrate=migrate,
        jobs=jobs,
        postgres=postgres,
        redis=_shared("redis", app),
        allow=_allow(app, roles),
        refused=_refused(app, roles),
        hints=(*_hints(app, roles), *(_build_hints(app, inventory) if inventory else ())),
    )


def _host(service: str, label: str, environment: str, domain: str) -> str:
    """Return the host name of a route, or its placeholder."""
    label = re.sub(r"[^a-z0-9-]+", "-", label.lower()).strip("-")
    if domain:
        return names.domain(label, environment, domain)
    return placeholder(f"the host name of {service}, such as {names.domain(label, environment, 'example.org')}")


def _route(app: Application, service: str, reason: str, host: str) -> ProposedRoute:
    definition = app.services[service]
    found, by_proxy = port_of(definition), proxy_hosts(definition)
    port = (
        Setting("port", found.value, found.reason)
        if found
        else Setting("port", placeholder(f"the port on which {service} answers HTTP"), "no file says the port")
    )
    hosts = Setting("hosts", (host,), "the name that users type")
    if by_proxy and by_proxy.value:
        hosts = Setting("hosts", by_proxy.value, by_proxy.reason)
    checked = health_path(definition, found.value if found else None)
    health = (
        Setting("health", checked.value, checked.reason)
        if checked
        else Setting("health", "/", "a path that answers 200 without a login; no health check of the files says one")
    )
    sign = migration_sign("", definition)
    image = repository_of(definition.get("image") or "").rsplit("/", maxsplit=1)[-1]
    note = ""
    if image in ADMINISTRATION:
        note = "It administers other services: add allow_ips or basic_auth, or remove this route"
    elif sign:
        note = f"Its command also seems to change the schema ({sign}), which a release guards in migrate"
    return ProposedRoute(service, reason, port, hosts, health, note)


def _shared(server: str, app: Application) -> Setting | None:
    """Return the password on a shared server, where the Compose files take the address of that server."""
    reason = f"the Compose files use SWITCHYARD_{server.upper()}_HOST, the address of the shared server"
    return Setting("password", placeholder(f"a random password for {server}"), reason) if server in app.shared else None


def _postgres(app: Application, roles: t.Mapping[str, ProposedRole]) -> Setting | None:
    """Return the database: on the shared server where the files take its address, or that of an accessory."""
    own = [name for name, one in roles.items() if one.role == ACCESSORY and _has_postgres(app.services[name])]
    if "postgres" in app.shared or not own:
        return _shared("postgres", app)
    others = f". A stack names one; {' and '.join(own[1:])} has PostgreSQL too" if own[1:] else ""
    return Setting("accessory", own[0], f"{own[0]} has PostgreSQL, which backup.yml backs up{others}")


def _has_postgres(service: t.Mapping[str, t.Any]) -> bool:
    """Return whether a service is PostgreSQL, by its image or by the folder of its data."""
    targets = [str(mount.get("target") or "") for mount in service.get("volumes") or ()]
    by_image = is_postgres([service.get("image") or ""], service.get("environment") or {})
    return by_image or any(target.startswith(("/var/lib/postgresql", "/bitnami/postgresql")) for target in targets)


def _jobs(
    app: Application, roles: t.Mapping[str, ProposedRole], has_database: bool
) -> tuple[ProposedJob | None, tuple[ProposedJob, ...]]:
    """Return the migration, where there is a database that can be backed up, and the other jobs."""
    once = {name: one for name, one in roles.items() if one.role in (ONE_SHOT, JOB)}
    signs = {name: migration_sign(name, app.services[name]) for name in once}
    migration = next((name for name, sign in signs.items() if sign), None) if has_database else None
    migrate = None
    if migration:
        kind = placeholder("expand if the old version works on the new schema, else breaking")
        reason = f"it seems to change the schema ({signs[migration]})"
        migrate = ProposedJob(migration, _own_command(app, roles, migration), reason, kind)
    others = [name for name, one in once.items() if one.role == JOB and name != migration]
    return migrate, tuple(ProposedJob(one, _own_command(app, roles, one), roles[one].reason) for one in others)


def _own_command(app: Application, roles: t.Mapping[str, ProposedRole], name: str) -> tuple[str, ...]:
    """Return the command of a job; empty where the files say that the service's own command ends."""
    service = app.services[name]
    if roles[name].role == ONE_SHOT or is_never_restarted(dict(service)):
        return ()
    return tuple(str(word) for word in service.get("command") or ())


def _allow(app: Application, roles: t.Mapping[str, ProposedRole]) -> tuple[tuple[str, str, str], ...]:
    """Return what leaves a container: service, allowance and meaning, each once."""
    files = dict(app.normalised)
    problems = [*network_modes.problems(files, stack_of(roles), ""), *compose_keys.own_containers(files, "")]
    forbidden = {problem.where.removeprefix(".compose.") for problem in problems}
    found = [
        (access.service, access.allowances[0], access.meaning)
        for access in outside_access.find(files, is_own)
        if access.path not in forbidden
    ]
    read = [(service, allowance, "a file that Compose reads there") for service, allowance in app.outside_files]
    return tuple(dict.fromkeys([*read, *found]))


def _refused(app: Application, roles: t.Mapping[str, ProposedRole]) -> tuple[str, ...]:
    """Return what a release refuses with any inventory, as sentences about the Compose files without full stops."""
    files = dict(app.normalised)
    problems = [*compose_keys.key_problems(files, ""), *compose_keys.own_containers(files, "")]
    problems += network_modes.problems(files, stack_of(roles), "")
    found = [f"{problem.where.removeprefix('.compose.')}: {problem.message}; {problem.hint}" for problem in problems]
    return tuple(dict.fromkeys([*app.mistakes, *floating_images(app), *found]))


def _hints(app: Application, roles: t.Mapping[str, ProposedRole]) -> tuple[str, ...]:
    """Return sentences for the reader of the proposal, without full stops."""
    hints = list(app.unread)
    for name, profiles in app.inactive.items():
        hints.append(
            f"{name} is not part of a release, because its profile {' and '.join(profiles)} is not active; "
            f"variables: {{COMPOSE_PROFILES: {profiles[0]}}} makes it active"
        )
    for name, service in app.services.items():
        if roles[name].role == ACCESSORY and proxy_hosts(service):
            hints.append(f"{name} has a route in its labels, and none here: routes lead to services of a color only")
        if "traefik" in (service.get("image") or "").rpartition("/")[2].partition(":")[0]:
            hints.append(f"{name} is a proxy: the proxy of the server takes its place, so remove it from the files")
    volumes = [name for name, one in (app.normalised.get("volumes") or {}).items() if not (one or {}).get("external")]
    written = [name for name in volumes if _is_written(app, name)]
    if written:
        example = f"backup_volumes: [{{volume: {written[0]}}}]"
        hints.append(f"no backup holds the volumes {', '.join(written)}; name those that need one: {example}")
    return tuple(hints)


def _build_hints(app: Application, inventory: Path) -> list[str]:
    """Return a sentence for each image whose build would read the inventory."""
    contexts = {name: own_name((one.get("build") or {}).get("context")) for name, one in app.services.items()}
    return [
        f"the image of {name} is built from a folder that has this inventory: "
        f"write {os.path.relpath(inventory.parent, app.folder / context)} into .dockerignore there"
        for name, context in contexts.items()
        if context is not None and is_built(app.services[name]) and inventory.is_relative_to(app.folder / context)
    ]


def _is_written(app: Application, volume: str) -> bool:
    """Return whether a service writes a volume whose content no backup of a database has."""
    return any(
        mount.get("source") == volume and not mount.get("read_only")
        for service in app.services.values()
        if not _has_postgres(service)
        for mount in service.get("volumes") or ()
    )
