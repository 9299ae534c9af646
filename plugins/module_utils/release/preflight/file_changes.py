# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices: what a release changes in the Compose files of a stack. A notice does not stop a release."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ... import state_file
from ...config.stack import Stack
from ...engine import (
    compose_build,
    compose_dependencies,
    compose_one_shots,
    compose_render,
    compose_roles,
    compose_spec,
    container_limits,
)
from ...engine.models import Mapping
from .changed_host_names import changed_host_names

# The roles of a color's services.
COLOR = ("routed", "inner")


@dataclass(frozen=True)
class Notice:
    """A change of the Compose files: ``where`` is the path of the key in the inventory's stack.

    ``value`` is what the message is about, such as a port; notices with one message are shown together. ``hint`` is
    what to write, where there is a choice. ``code`` is one of docs/problem-codes.md.
    """

    where: str
    message: str
    value: str = field(default="", metadata=state_file.not_in_json())
    hint: str = ""
    code: str = "compose.changed"


def file_changes(normalised: Mapping, stack: Stack, where: str) -> list[Notice]:
    """Return what a release changes in the files that their author can see, service by service."""
    roles = compose_roles.roles_of(normalised, stack)
    notices = []
    for found in compose_spec.keys_of(normalised):
        if found.fate.notice and found.value not in (None, False, "", [], {}) and not _is_built(found, normalised):
            path = f"{where}.compose.{found.path}"
            notices += [Notice(path, message, value) for value, message in _changes(found, normalised, stack, roles)]
    for name, service in normalised.get("services", {}).items():
        path = f"{where}.compose.services.{name}"
        notices += [Notice(f"{path}.{key}", message, value) for key, value, message in _added(service, roles[name])]
    notices += _one_shots(normalised, stack, roles, where)
    notices += _without_containers(normalised, stack, roles, where)
    notices += [
        Notice(f"{where}.compose.{path}", message, value)
        for path, value, message in changed_host_names(normalised, stack, roles)
    ]
    for kind in ("networks", "volumes"):
        for name, item in normalised.get(kind, {}).items():
            given = (item or {}).get("name", "")
            # Compose puts the project's name before names that a file does not set.
            if given and given != f"{normalised['name']}_{name}" and not item.get("external"):
                message = f"not used: {compose_spec.SPECIFICATION[f'{kind}.*']['name'].reason}"
                notices.append(Notice(f"{where}.compose.{kind}.{name}.name", message, given))
    return notices


def _changes(
    found: compose_spec.FoundKey, normalised: Mapping, stack: Stack, roles: t.Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the changed values of one key and what a release does instead; none where it does what the file says."""
    service, key = _service_and_key(found.path)
    if key == "ports":
        return [_port(port, service, stack) for port in found.value]
    if key == "depends_on":
        waits = compose_dependencies.dependencies_of(normalised)
        return [row for one in waits if one.service == service for row in _dependency(one, roles)]
    if key == "driver" and found.value == "bridge":
        return []
    if key == "build":
        return [("", "not built: image has a fixed tag and is pulled; pull_policy: build builds it")]
    if key in ("develop", "ipam", "driver_opts", "labels"):
        return [("", found.fate.reason)]
    value = ", ".join(map(str, found.value)) if isinstance(found.value, list) else str(found.value)
    return [(value, found.fate.reason)]


def _dependency(one: compose_dependencies.Dependency, roles: t.Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a release does not keep of a dependency."""
    rows = []
    if compose_dependencies.is_late(one, roles):
        rows.append((f"{one.other} {one.condition}", "not waited for: a release starts it later"))
    runs_on = roles[one.other] not in ("job", "one-shot")
    # Workers are replaced after everything else. Within one part, Compose restarts the service.
    if one.restart and runs_on and roles[one.service] == "accessory" != roles[one.other]:
        rows.append((f"{one.other} restart", "not restarted: an accessory outlives releases"))
    elif one.restart and roles[one.service] in COLOR and roles[one.other] in ("accessory", "worker"):
        message = "no restart of the live color: each release starts the next one, after the accessories"
        rows.append((f"{one.other} restart", message))
    return rows


def _is_built(found: compose_spec.FoundKey, normalised: Mapping) -> bool:
    service, key = _service_and_key(found.path)
    return key == "build" and compose_build.is_built(normalised["services"][service])


def _one_shots(normalised: Mapping, stack: Stack, roles: t.Mapping[str, str], where: str) -> list[Notice]:
    """Return which services run once per release, why, and when."""
    plan = {one.service: one.before for one in compose_one_shots.one_shots_of(normalised, stack, roles)}
    notices = []
    for name in (name for name, role in roles.items() if role == "one-shot"):
        waiting = compose_dependencies.waiting_for_end_of(normalised, name)
        jobs = [key for key, job in compose_one_shots.jobs_of(stack).items() if job.service == name]
        if jobs:
            when = f"as {' and '.join(jobs)}"
        elif plan[name]:
            when = f"before {plan[name]}"
        else:
            when = "before the color starts"
            if stack.postgres and not stack.migrate:
                when += ", without a backup: if it changes the schema, name it under migrate"
        restart = normalised["services"][name].get("restart")
        sign = 'restart: "no"' if restart else "condition: none in deploy.restart_policy"
        reason = f"because of {compose_dependencies.ENDED} in {', '.join(waiting)}" if waiting else f"because of {sign}"
        notices.append(
            Notice(f"{where}.compose.services.{name}", f"a one-shot, {reason}: it runs once per release, {when}")
        )
    return notices


def _without_containers(normalised: Mapping, stack: Stack, roles: t.Mapping[str, str], where: str) -> list[Notice]:
    """Return the services of which a release runs nothing but the commands of the stack's jobs."""
    notices = []
    for name in (name for name, role in roles.items() if role == "job"):
        jobs = [key for key, job in compose_one_shots.jobs_of(stack).items() if job.service == name]
        message = (
            f"it has no container of its own, and only {' and '.join(jobs)} uses its image. If it runs on as well, "
            f"write {name} under inner, workers or accessories too"
        )
        notices.append(Notice(f"{where}.compose.services.{name}", message))
    return notices


def _service_and_key(path: str) -> tuple[str, str]:
    """Return the service and the key of a path such as ``services.web.ports``; a service may have dots in its name."""
    section, dummy, rest = path.partition(".")
    name, dummy, key = rest.rpartition(".")
    return (name, key) if section == "services" else ("", key)


def _port(port: Mapping, service: str, stack: Stack) -> tuple[str, str]:
    """Return a published port and what happens to it."""
    protocol, target = port.get("protocol", "tcp"), port.get("target")
    text = f"{port['published']}:{target}/{protocol}" if port.get("published") else f"{target}/{protocol}"
    if protocol == "tcp" and any(route.service == service and route.port == target for route in stack.routes):
        return text, "not published: requests arrive through the routes of the proxy"
    return text, "not published: only containers of the stack reach it"


def _added(service: Mapping, role: str) -> list[tuple[str, str, str]]:
    """Return the keys that the release sets where the file does not, and the labels that it leaves out.

    Each is a key, its value in the file, and a message.
    """
    added = []
    for family, reason in compose_render.DROPPED_LABELS.items():
        dropped = sorted(name for name in service.get("labels") or {} if name.startswith(family))
        if dropped:
            added.append(("labels", ", ".join(dropped), f"left out, because {reason}"))
    if role in ("job", "one-shot"):
        if service.get("restart", "no") != "no":
            added.append(("restart", service["restart"], "left out: what runs once is not started again"))
    elif "restart" not in service and not compose_roles.is_never_restarted(service):
        added.append(("restart", "", "unless-stopped is added"))
    if "logging" not in service:
        options = container_limits.LOGGING["options"]
        added.append(("logging", "", f"json-file with {options['max-file']} files of {options['max-size']} is added"))
    return added
