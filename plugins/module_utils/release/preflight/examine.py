# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight: run all checks of a server and its stacks, and plan what a release would do. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ...engine import compose_cli
from ...engine.compose_build import ImageBuild
from ...errors import ERROR, NOTICE, SEVERITIES, WARNING, Problem, ProblemsFound, of_severity
from .. import plan as release_plan
from .. import source_files
from ..context import HostContext, StackContext
from ..effective_files import changed_accessories, effective_files, volumes_of_colors
from ..file_store import FileStore
from ..fingerprint import render_plan
from ..left_overs import LeftOver
from ..lock import LockState
from ..mount_plan import MountPlan
from ..older_versions import older_versions
from ..release_line import release_line
from ..stack_input import StackInput
from ..stack_state import read_state
from . import (
    HOST_CHECKS,
    IN_PLACE_CHECKS,
    STACK_CHECKS,
    allowances,
    route_dns,
    server_settings,
    service_roles,
    worker_grace,
)
from .context import HostCheckContext, Resource, SkippedCheck, StackCheckContext, run_checks
from .egress_notices import egress_notices
from .file_changes import Notice, file_changes
from .inventory_facts import UNKNOWN_INVENTORY, InventoryFacts
from .left_over import find_left_overs
from .limit_notices import limit_notices
from .mount_changes import mount_changes, volume_notices
from .notice_groups import grouped

# At the same time. Each of them uses a processor for about 0.1 s.
COMPOSE_PROCESSES = 4


@dataclass(frozen=True)
class DeployInput:
    """What a deploy takes from the checks of its stack: the plan, the files, and its images present and missing."""

    plan: release_plan.ReleasePlan
    mounts: MountPlan
    images: dict[str, str]
    pulls: list[str]
    builds: list[ImageBuild] = field(default_factory=list)


@dataclass(frozen=True)
class PreflightResult:
    """The errors of a server and its stacks, the checks that did not run, the plans, and the locks by stack.

    ``problem_warnings`` are problems that do not prevent a release. ``notices`` is what a deploy changes in the Compose
    files, ``missing_files`` the content that it needs, by stack. ``builds`` are the images that it builds, by stack,
    for the ``platform`` of the server. ``networks`` is how many it creates, and how many more of the smallest size the
    server's pool has room for after that.
    """

    problems: list[Problem]
    # Ansible takes a task with a result "skipped" for one that did not run, and hides its warnings.
    skipped_checks: list[SkippedCheck]
    plans: list[release_plan.ReleasePlan]
    locks: dict[str, LockState]
    notices: list[Notice] = field(default_factory=list)
    missing_files: dict[str, list[str]] = field(default_factory=dict)
    builds: dict[str, list[ImageBuild]] = field(default_factory=dict)
    platform: str = ""
    networks: dict[str, int] = field(default_factory=dict)
    # Ansible shows a result "warnings" by itself, as lines of text.
    problem_warnings: list[Problem] = field(default_factory=list)
    left_overs: list[LeftOver] = field(default_factory=list)


@dataclass(frozen=True)
class PreflightOptions:
    """What the inventory says of the checks of a server; HostCheckContext describes the fields."""

    min_free: int = 0
    dns: str = ""
    addresses: tuple[str, ...] = ()
    thorough: bool = False
    redis_databases: int | None = None
    inventory: InventoryFacts = UNKNOWN_INVENTORY


def run_preflight(
    host: HostContext, specs: Sequence[StackInput], mode: str, options: PreflightOptions | None = None
) -> PreflightResult:
    """Return all problems, what a release would do, and who holds the locks.

    Only a deploy compares the ``inventory`` with the server. ``mode`` is ``deploy``, ``rollback`` or ``promote``.
    """
    checks = _host_context(host, specs, mode, options or PreflightOptions())
    claims: dict[Resource, str] = {}
    with ThreadPoolExecutor(COMPOSE_PROCESSES) as pool:
        contexts = [StackCheckContext(checks, spec, claims, _read_ahead(pool, host, spec, mode)) for spec in specs]
        # At the same time, this thread imports the Docker SDK, and asks the engine and the proxy.
        problems, skipped = run_checks(HOST_CHECKS, checks, "server")
    if mode == "deploy":
        _collect_claims(contexts, claims)
    plans: list[release_plan.ReleasePlan] = []
    for context in contexts:
        more, missed, plan = _examine(context, mode)
        problems += more
        skipped += missed
        plans += [plan] if plan else []
    if mode == "rollback":
        plans = release_plan.only_canaries(plans)
        if any(plan.action == "cancel_canary" for plan in plans):
            problems = [problem for problem in problems if problem.code != "release.no_earlier"]
    if mode == "promote" and specs and not of_severity(problems, ERROR) and not any(plan.changed for plan in plans):
        problems.append(Problem("server", "no canary is paused", "Begin one with deploy.yml", "release.none_paused"))
    may_read = "rights" not in checks.failures
    holders = {spec.stack.name: host.stack(spec.stack.name).lock.state() for spec in specs if may_read}
    locks = {name: holder for name, holder in holders.items() if holder}
    compared = contexts if mode == "deploy" and may_read else []
    notices = [notice for context in compared for notice in _notices(context)]
    notices = [*server_settings.notices(checks), *notices] if may_read else notices
    missing = {context.stack.name: _missing_files(context) for context in compared}
    released = {plan.stack for plan in plans if plan.action == "release"}
    builds = {one.stack.name: one.missing_builds for one in contexts if one.stack.name in released}
    builds = {name: images for name, images in builds.items() if images}
    platform = host.engine.platform() if builds else ""
    found = {severity: of_severity(problems, severity) for severity in (ERROR, WARNING, NOTICE)}
    notices += [Notice(one.where, one.message, "", one.hint, one.code) for one in found[NOTICE]]
    networks = _count_networks(checks) if mode == "deploy" else {}
    left_overs = find_left_overs(checks, contexts, plans)
    notices += [Notice("server", one.message, "", one.command, "server.left_over") for one in left_overs]
    return PreflightResult(
        found[ERROR], skipped, plans, locks, notices, missing, builds, platform, networks, found[WARNING], left_overs
    )


def _count_networks(checks: HostCheckContext) -> dict[str, int]:
    """Return how many networks the checked stacks create, and how many more the pool has room for."""
    reserved = vars(checks).get("reservations")
    return {"created": reserved.count, "left": reserved.plan.count_free()} if reserved else {}


def _host_context(
    host: HostContext, specs: Sequence[StackInput], mode: str, options: PreflightOptions
) -> HostCheckContext:
    """Return what the checks of the server need. What only a deploy changes is only checked for a deploy."""
    deployed = [spec for spec in specs if mode == "deploy" and spec.stack.strategy != "in_place"]
    hosts = [name for spec in deployed for _kind, _index, one in spec.stack.endpoints for name in one.hosts]
    return HostCheckContext(
        host,
        options.min_free,
        _needs_proxy(specs, mode),
        # Under the lock, the pull itself asks.
        asks_registries=True,
        specs=deployed,
        dns=options.dns,
        addresses=options.addresses,
        lookups=route_dns.Lookups.start(hosts) if options.dns in SEVERITIES else None,
        thorough=options.thorough,
        redis_databases=options.redis_databases,
        inventory=options.inventory if mode == "deploy" else UNKNOWN_INVENTORY,
    )


def examine_stack(
    ctx: StackContext, spec: StackInput, mode: str
) -> tuple[DeployInput | None, release_plan.ReleasePlan]:
    """Return the plan for one stack on a server that answers, and for ``deploy`` what its checks have read.

    Raises ProblemsFound, or the error of an engine or a proxy that does not answer.
    """
    with ThreadPoolExecutor(1) as pool:
        context = StackCheckContext(HostCheckContext(ctx.host), spec, {}, _read_ahead(pool, ctx.host, spec, mode))
        failures = context.host.failures
    for error in failures.values():
        raise error
    found, _skipped, plan = _examine(context, mode)
    problems = of_severity(found, ERROR)
    if problems or not plan:
        raise ProblemsFound(f"{ctx.stack} cannot be released", problems)
    if mode != "deploy":
        return None, plan
    return DeployInput(plan, context.mounts, context.images, context.pulls, context.missing_builds), plan


def _needs_proxy(specs: Sequence[StackInput], mode: str) -> bool:
    """Return whether the proxy has to answer; without a deploy, records have the routes."""
    return any(spec.stack.routes or (mode != "deploy" and spec.stack.strategy != "in_place") for spec in specs)


def _read_ahead(
    pool: ThreadPoolExecutor, host: HostContext, spec: StackInput, mode: str
) -> Future[compose_cli.NormalisedFiles] | None:
    """Start to normalise the files of a stack; None where no release needs them, or where they may be missing."""
    if mode != "deploy" or spec.stack.strategy == "in_place":
        return None
    return pool.submit(source_files.read, host.stack(spec.stack.name), spec)


def _examine(
    context: StackCheckContext, mode: str
) -> tuple[list[Problem], list[SkippedCheck], release_plan.ReleasePlan | None]:
    """Return the problems of a stack, the checks that did not run, and its plan where it can be made."""
    if context.in_place:
        plan = release_plan.ReleasePlan(context.stack.name, "in_place", "", None)
        return (*run_checks(IN_PLACE_CHECKS, context, context.where), plan)
    if mode == "deploy":
        problems, skipped = run_checks(STACK_CHECKS, context, context.where)
        # Files with problems cannot be rendered, and a plan compares what they would run.
        errors = of_severity(problems, ERROR)
        if context.failures or any(problem.code.startswith("compose.") for problem in errors):
            return problems, skipped, None
        return problems, skipped, _plan_deploy(context)
    if context.host.failures:
        need, error = next(iter(context.host.failures.items()))
        return [], [SkippedCheck("plan", context.where, f"needs {need}: {error.message}")], None
    plan_or_none, missing = _plan_from_records(context, mode)
    return missing, [], plan_or_none


def _notices(context: StackCheckContext) -> list[Notice]:
    """Return what a release changes in the files of a stack; a stack in_place runs as its files are."""
    if context.in_place or "compose" in context.failures:
        return []
    files = (context.normalised, context.stack, context.where)
    changes = mount_changes(context.mounts, context.ctx.folder, context.where)
    changes += service_roles.shared_data(*files, context.mounts.data)
    if "engine" not in context.failures:
        volumes = volumes_of_colors(context.ctx, context.mounts, context.stack, context.images)
        changes += volume_notices(volumes, context.where)
    notices = [*allowances.notices(*files), *file_changes(*files), *worker_grace.notices(*files), *changes]
    risks = limit_notices(context.normalised, context.found_images, context.where)
    return [*grouped(notices, context.normalised), *egress_notices(*files), *risks]


def _missing_files(context: StackCheckContext) -> list[str]:
    """Return the content of mounted files that the controller has to send."""
    if context.in_place or "compose" in context.failures:
        return []
    return FileStore(context.ctx.folder).missing(context.mounts, context.spec.tree)


def _plan_deploy(context: StackCheckContext) -> release_plan.ReleasePlan:
    files = effective_files(context.ctx, context.mounts, context.stack, context.images)
    rendered = render_plan(context.ctx, files, context.spec, context.images)
    missing = [*context.pulls, *(build.image for build in context.missing_builds)]
    changed = changed_accessories(context.ctx, rendered.accessories)
    named = {
        name: service.get("image") or "" for name, service in context.services.items() if name not in context.builds
    }
    older = older_versions(context.state.live_record, context.stack, named)
    plan = release_plan.deploy(context.ctx.stack, rendered.fingerprint(), missing, context.state, changed, older)
    return replace(plan, live_release=release_line(context.state.live_record))


def _plan_from_records(context: StackCheckContext, mode: str) -> tuple[release_plan.ReleasePlan | None, list[Problem]]:
    """Return the plan of a rollback or promote, which needs no files of the inventory."""
    state = read_state(context.ctx, context.host.proxy_state, {}, None)
    live = release_line(state.live_record)
    if mode == "promote":
        return replace(release_plan.promote(context.ctx.stack, state), live_release=live), []
    plan = release_plan.rollback(context.ctx.stack, state)
    if plan:
        return replace(plan, live_release=live), []
    message = "there is no earlier release on this server to go back to"
    hint = "Deploy the version you want with deploy.yml"
    return None, [Problem(context.where, message, hint, "release.no_earlier")]


def _collect_claims(contexts: Sequence[StackCheckContext], claims: dict[Resource, str]) -> None:
    """Note for each container, network and volume which stack of the inventory creates it first."""
    for context in contexts:
        if not context.in_place and "compose" not in context.failures:
            for resource in context.resources:
                claims.setdefault(resource, context.where)
