# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look before a release: every problem, and what would be done. Changes nothing."""

from __future__ import annotations

import json
import tempfile
import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

from ... import names, state_file
from ...config.stack import Stack
from ...engine import compose_cli, compose_render
from ...errors import Problem, SwitchyardError
from ...proxy.route_options import options_of_route
from ...proxy.state import ProxyState
from .. import plan as release_plan
from ..context import HostContext, StackContext
from ..fingerprint import fingerprint_of
from ..migration import state as migration_state
from ..routes import routes_of_stack
from ..stack_input import StackInput
from . import compose_files, compose_keys


@dataclass(frozen=True)
class PreflightResult:
    """What one visit saw of a stack, and what follows from it."""

    plan: release_plan.ReleasePlan | None
    problems: list[Problem]
    normalised: dict[str, t.Any]
    images: dict[str, str]
    pulls: list[str]
    fingerprint: str


def examine_host(host: HostContext, least_free: int, environment_has_routes: bool) -> list[Problem]:
    """Return what is wrong with the server itself; ``least_free`` in bytes."""
    problems = []
    try:
        for folder, free in host.free_bytes().items():
            if free < least_free:
                message = f"{folder} has {free / 2**30:.1f} GiB free, {least_free / 2**30:.1f} GiB are asked for"
                problems.append(
                    Problem("server", message, "Make room, for example with 'docker image prune'", "server.disk_space")
                )
        networks = host.engine.networks()
    except SwitchyardError as error:
        return [Problem("server", str(error).split(". ", maxsplit=1)[0], "Run setup.yml", "server.engine")]
    if environment_has_routes:
        front = names.network(host.project, "front", host.environment)
        if front not in networks:
            problems.append(
                Problem("server", f"the network {front} is missing", "Run setup.yml", "server.network_missing")
            )
        try:
            problems += check_foreign_files(host, host.proxy.read())
        except SwitchyardError as error:
            problems.append(Problem("server", str(error).split(". ", maxsplit=1)[0], "Run setup.yml", "server.proxy"))
    return problems


def check_foreign_files(host: HostContext, state: ProxyState) -> list[Problem]:
    """Return what is wrong with files in the proxy's folder that are not ours, in the proxy's own words."""
    strangers = host.proxy.foreign_files(state)
    words = host.proxy.validate_config() if strangers else None
    if not words:
        return []
    where = f"{host.root}/proxy/conf.d"
    message = f"the proxy would not load its folder: {words.strip().rstrip('.')}"
    return [
        Problem(
            where,
            message,
            f"Repair or take away what is not of this collection: {', '.join(strangers)}",
            "proxy.foreign_files",
        )
    ]


def examine_stack(ctx: StackContext, given: StackInput) -> PreflightResult:
    """Look at one stack and plan its release. Changes nothing; needs a server without problems of its own."""
    stack, where = given.stack, given.where
    with tempfile.TemporaryDirectory(prefix="switchyard-") as temporary:
        folder = Path(temporary)
        try:
            compose_cli.write_sources(given.sources, folder)
            values = compose_cli.variables(stack, ctx.project, ctx.environment)
            normalised = compose_cli.normalise(folder, stack.compose, values)
        except SwitchyardError as error:
            problem = Problem(f"{where}.compose", str(error), "Try it with 'docker compose config'", "compose.invalid")
            return PreflightResult(None, [problem], {}, {}, [], "")
        problems = compose_files.problems(normalised, stack, where, given.secrets, lambda path: Path(path).exists())
        problems += compose_keys.key_problems(normalised, where, lambda path: Path(path).exists())
        normalised = rebase_paths(normalised, temporary, "/source")
    wanted = sorted({service.get("image", "") for service in normalised.get("services", {}).values()} - {""})
    present = {image: ctx.engine.image(image) for image in wanted if not compose_files.floating_tag_reason(image)}
    images = {name: image.pinned for name, image in present.items() if image}
    pulls = [name for name, image in present.items() if not image]
    if given.secrets and not pulls and not problems:
        try:
            secrets_owner(ctx, normalised, given, images)
        except SwitchyardError as error:
            problems.append(
                Problem(
                    f"{where}.secrets_owner",
                    str(error),
                    "Write secrets_owner: <the user's number>",
                    "stack.secrets_owner",
                )
            )
    state = ctx.proxy.read()
    problems += check_route_options(ctx, stack, where)
    problems += check_route_conflicts(ctx, stack, state, where)
    problems += check_name_conflicts(ctx, normalised, stack, where)
    fingerprint = fingerprint_of(ctx, normalised, given, images)
    standing = stack_state(ctx, state, normalised, stack)
    if standing.canary and standing.canary.state == "paused":
        message = f"release {standing.canary.number} waits at {standing.weight} % of the clients"
        hint = "Go on with promote.yml, or take it back with rollback.yml"
        problems.append(Problem(where, message, hint, "release.canary_paused"))
    plan = release_plan.deploy(ctx.stack, fingerprint, pulls, standing)
    return PreflightResult(plan, problems, normalised, images, pulls, fingerprint)


def examine_in_place(given: StackInput) -> list[Problem]:
    """Return what is wrong with a stack that runs where its files are, on a developer's own machine."""
    folder = Path(given.stack.source.path)
    if not all((folder / name).exists() for name in given.stack.compose):
        message = f"{folder} is not on the server"
        return [
            Problem(
                f"{given.where}.strategy", message, "Use in_place only with ansible_connection: local", "stack.in_place"
            )
        ]
    try:
        compose_cli.normalise(folder, given.stack.compose, given.stack.variables)
    except SwitchyardError as error:
        return [Problem(f"{given.where}.compose", str(error), "Try it with 'docker compose config'", "compose.invalid")]
    return []


def examine_records(ctx: StackContext, where: str, mode: str) -> tuple[release_plan.ReleasePlan | None, list[Problem]]:
    """Plan what needs no inventory: ``rollback`` or ``promote``. Changes nothing."""
    standing = stack_state(ctx, ctx.proxy.read(), {}, None)
    if mode == "promote":
        return release_plan.promote(ctx.stack, standing), []
    plan = release_plan.rollback(ctx.stack, standing)
    if plan:
        return plan, []
    hint = "Deploy the version you want with deploy.yml"
    return None, [
        Problem(where, "there is no earlier release on this server to go back to", hint, "release.no_earlier")
    ]


def rebase_paths(normalised: dict[str, t.Any], old: str, new: str) -> dict[str, t.Any]:
    """Return the normalised files with one folder in place of another: Compose writes absolute paths."""
    moved: dict[str, t.Any] = json.loads(json.dumps(normalised).replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1]))
    return moved


def secrets_owner(ctx: StackContext, normalised: dict[str, t.Any], given: StackInput, images: dict[str, str]) -> int:
    """Return the number of the user that the secret files belong to: the one that reads them in the containers.

    Raises SwitchyardError when that is not one user with a number.
    """
    if given.stack.secrets_owner is not None:
        return given.stack.secrets_owner
    users = set()
    for service in (service for service in normalised["services"].values() if service.get("secrets")):
        image = ctx.engine.image(images[service["image"]])
        named = str(service.get("user") or (image.user if image else None)).split(":", maxsplit=1)[0]
        users.add(int(named) if named.isdigit() else None)
    if len(users) != 1 or None in users:
        raise SwitchyardError(f"the services of {ctx.stack} read their secrets as different users, or without a number")
    return t.cast(int, users.pop())


def check_route_options(ctx: StackContext, stack: Stack, where: str) -> list[Problem]:
    """Return what the routes ask for and the proxy of this server cannot do, or was not given."""
    found = []
    for index, route in enumerate(stack.routes):
        options = options_of_route(route, ctx.environment)
        for key, message in ctx.proxy.unsupported_options(options):
            found.append(
                Problem(
                    f"{where}.routes[{index}].{key}",
                    message,
                    "Take it out, or take another proxy",
                    "route.option_unsupported",
                )
            )
        for problem in ctx.proxy.capabilities.missing_prerequisites(options, route.hosts):
            found.append(replace(problem, where=f"{where}.routes[{index}].{problem.where}"))
    if stack.static and not ctx.proxy.serves_files:
        message = "this proxy serves no files of its own"
        found.append(
            Problem(
                f"{where}.static",
                message,
                "Give them a service that does, or take nginx in a container",
                "stack.static_unsupported",
            )
        )
        return found
    there = ctx.proxy.volumes() if stack.static else ()
    for index, static in enumerate(stack.static):
        volume = names.volume(ctx.project, static.volume, ctx.environment)
        if volume not in there:
            message = f"the proxy does not have the volume {volume}"
            found.append(Problem(f"{where}.static[{index}].volume", message, "Run setup.yml", "stack.static_volume"))
    return found


def check_route_conflicts(ctx: StackContext, stack: Stack, state: ProxyState, where: str) -> list[Problem]:
    """Return the routes that another stack of this server has in the running proxy."""
    routing = routes_of_stack(stack, ctx.project, ctx.environment, {})
    found = []
    ways: tuple[t.Any, ...] = (*routing.routes, *routing.static)
    for route in ways:
        owner = state.stack_of_route(route.host + route.path)
        if owner not in (None, ctx.key):
            message = f"{route.host}{route.path} leads to {owner} on this server"
            found.append(
                Problem(
                    f"{where}.routes", message, "Take another host name, or retire that stack first", "route.conflict"
                )
            )
    return found


def check_name_conflicts(ctx: StackContext, normalised: dict[str, t.Any], stack: Stack, where: str) -> list[Problem]:
    """Return the names of ours that somebody else's container, network or volume has."""
    found = []
    for kind, name in compose_render.resources_created(normalised, stack, ctx.project, ctx.environment):
        owner = ctx.engine.owning_stack(kind, name)
        if owner not in (None, ctx.stack):
            message = f"the {kind} {name} belongs to the stack {owner}"
            found.append(
                Problem(where, message, f"Rename the {kind}, or declare it external to share it", "name.conflict")
            )
    for service, role in compose_render.services_of(normalised, stack).items():
        colors: tuple[str | None, ...] = names.COLORS if role in ("routed", "inner") else (None,)
        for name in (names.container(ctx.project, service, ctx.environment, color) for color in colors):
            container = ctx.engine.container(name)
            if container and not ctx.owns(container):
                message = f"the name {name} belongs to a container that is not of this stack"
                found.append(
                    Problem(where, message, f"Rename the service, or remove it: docker rm -f {name}", "name.conflict")
                )
    return found


def check_duplicate_resources(
    ctx: StackContext, normalised: dict[str, t.Any], given: StackInput, made: dict[tuple[str, str], str]
) -> list[Problem]:
    """Return the networks and volumes that a stack of the same inventory makes as well; ``made`` collects them."""
    found = []
    for kind, name in compose_render.resources_created(normalised, given.stack, ctx.project, ctx.environment):
        first = made.setdefault((kind, name), given.where)
        if first != given.where:
            message = f"the {kind} {name} belongs to {first} as well"
            found.append(
                Problem(
                    given.where, message, f"Rename the {kind}, or declare it external to share it", "name.duplicate"
                )
            )
    return found


def stack_state(
    ctx: StackContext, state: ProxyState, normalised: dict[str, t.Any], stack: Stack | None
) -> release_plan.StackState:
    """Return what stands of the stack now."""
    live = state.live.get(ctx.key)
    containers = ctx.containers()
    current = [one for one in containers if one.label("role") == "worker" or (live and one.label("color") == live)]
    numbers = {int(one.label("release") or 0) for one in current if one.label("color") == live}
    record = ctx.records.get(max(numbers, default=0))
    running = sum(1 for one in containers if one.running and (one in current or one.label("role") == "accessory"))
    expected = record.containers + record.workers + record.accessories if record else -1
    weight = state.weights.get(ctx.key, 0)
    waiting = ctx.records.get(ctx.release_on(names.other(live))) if live and weight else None
    known = True
    if stack and live:
        # The proxy itself knows what it needs: a port or a number of containers is no part of its maps.
        counts = {name: compose_render.replicas(normalised, name) for name in normalised.get("services", {})}
        routing = routes_of_stack(stack, ctx.project, ctx.environment, counts, record.ports if record else {})
        known = not ctx.proxy.plan_routes(state, routing, live).changed
    return release_plan.StackState(
        live=live,
        live_record=record,
        warm_record=ctx.records.get(record.previous) if record else None,
        healthy=running == expected,
        fingerprints=frozenset(one.label("fingerprint") for one in current),
        routes_known=known,
        weight=weight,
        canary=waiting,
        held=state.availability.get(ctx.key) == "held",
        interrupted=migration_state.load_state(ctx) is not None,
    )


def run_preflight(
    host: HostContext, stacks: list[dict[str, t.Any]], secrets: dict[str, dict[str, str]], mode: str, least_free: int
) -> dict[str, t.Any]:
    """Return all problems of a server and its stacks, what a release would do, and who holds the locks."""
    givens = [StackInput.from_module(item, secrets.get(item["definition"]["name"], {})) for item in stacks]
    problems = examine_host(host, least_free, any(given.stack.routes for given in givens))
    plans: list[release_plan.ReleasePlan] = []
    locks: dict[str, t.Any] = {}
    no_way_back: list[Problem] = []
    made: dict[tuple[str, str], str] = {}
    # A server with problems of its own cannot answer for its stacks.
    for given in [] if problems else givens:
        ctx = host.stack(given.stack.name)
        if given.stack.strategy == "in_place":
            problems += examine_in_place(given)
            plans.append(release_plan.ReleasePlan(ctx.stack, "in_place", "", None))
            continue
        if mode == "deploy":
            seen = examine_stack(ctx, given)
            plan, found = seen.plan, [*seen.problems, *check_duplicate_resources(ctx, seen.normalised, given, made)]
        else:
            plan, found = examine_records(ctx, given.where, mode)
            no_way_back += found
        problems += found
        plans += [plan] if plan else []
        held = ctx.lock.state()
        if held:
            locks[ctx.stack] = state_file.as_json(held)
    if mode == "rollback":
        plans = release_plan.only_canaries(plans)
        if any(plan.action == "cancel_canary" for plan in plans):
            problems = [problem for problem in problems if problem not in no_way_back]
    if mode == "promote" and not problems and not any(plan.changed for plan in plans):
        problems.append(
            Problem("server", "no release waits for a person", "Begin one with deploy.yml", "release.none_paused")
        )
    return {
        "problems": [problem.as_dict() for problem in problems],
        "plans": [plan.as_dict() for plan in plans],
        "locks": locks,
    }
