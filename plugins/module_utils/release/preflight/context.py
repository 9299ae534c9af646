# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight checks look at: a server and its stacks, read at most once, and what of it is unavailable.

A check names what it needs in ``NEEDS``. Where that is unavailable, the check is skipped with the reason; the check
named after it reports the problem.
"""

from __future__ import annotations

import os
import typing as t
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ...config.stack import Stack
from ...engine import compose_build, compose_cli, compose_render, networks
from ...engine.address_plan import AddressPlan
from ...engine.compose_build import ImageBuild
from ...engine.connection_failure import BECOME, user_name
from ...engine.models import Container, Image, NetworkInUse, floating_tag_reason
from ...errors import ComposeError, EngineError, Problem, SwitchyardError
from ...proxy.state import ProxyState
from .. import mount_plan, source_files
from ..context import HostContext, StackContext
from ..plan import StackState
from ..stack_input import StackInput
from ..stack_state import read_state
from .inventory_facts import UNKNOWN_INVENTORY, InventoryFacts

# Kind and name of a container, network or volume on the server
Resource = tuple[str, str]

Failures = dict[str, SwitchyardError]


@dataclass
class SubnetReservations:
    """The address plan of a server after the stacks that were checked already, and how many networks they create."""

    plan: AddressPlan
    count: int = 0


class NameLookups(t.Protocol):
    """Lookups of host names that run; ``route_dns`` has them."""

    def results(self) -> dict[str, set[str] | None]:
        """Return the addresses by name; None for a name that has none."""


@dataclass(frozen=True)
class HostCheckContext:
    """A server, for the checks of HOST_CHECKS.

    ``min_free`` is in bytes. Without ``needs_proxy``, no stack of the environment has routes. ``asks_registries``: the
    images that a release pulls are searched in their registries. ``specs`` are the stacks that are checked.

    ``dns`` is the severity of a host name that leads to another machine than ``addresses`` and those of the server;
    ``lookups`` run at the same time. ``thorough``: checks that need a process of their own run too.
    """

    host: HostContext
    min_free: int = 0
    needs_proxy: bool = True
    asks_registries: bool = False
    specs: t.Sequence[StackInput] = ()
    dns: str = ""
    addresses: t.Sequence[str] = ()
    lookups: NameLookups | None = None
    thorough: bool = False
    redis_databases: int | None = None
    inventory: InventoryFacts = UNKNOWN_INVENTORY

    @cached_property
    def failures(self) -> Failures:
        """The errors by what is unavailable: ``rights``, ``engine``, ``proxy``."""
        failures: Failures = {}
        root = self.host.root
        folder = next((path for path in (root, *root.parents) if path.exists()), root)
        if self.needs_proxy and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            failures["rights"] = SwitchyardError(f"The user {user_name()} cannot write {folder}.", hint=BECOME)
        for name, read in (("engine", lambda: self.networks), ("proxy", lambda: self.proxy_state)):
            try:
                read()
            except SwitchyardError as error:
                failures[name] = error
            except OSError as error:
                # The errors of the Docker SDK are OSErrors.
                failures[name] = EngineError(f"The container engine does not answer ({error}).")
        return failures

    @cached_property
    def networks(self) -> dict[str, NetworkInUse]:
        """All networks by name. Raises EngineError."""
        return self.host.engine.networks_in_use()

    @cached_property
    def servers(self) -> list[Container]:
        """The containers of PostgreSQL and Redis of all environments of the project. Raises EngineError."""
        engine, project = self.host.engine, self.host.project
        return [one for role in ("postgres", "redis") for one in engine.containers(project=project, role=role)]

    @cached_property
    def reservations(self) -> SubnetReservations:
        """The subnets that the stacks get, one after another. Raises SwitchyardError."""
        return SubnetReservations(networks.plan_of(networks.read_book(self.host.root), self.networks))

    @cached_property
    def names_in_use(self) -> dict[Resource, dict[str, str]]:
        """The labels of everything on the server, by its kind and name. Raises EngineError."""
        return self.host.engine.names_in_use()

    @cached_property
    def proxy_state(self) -> ProxyState:
        """The state of the running proxy, empty for an environment without routes. Raises SwitchyardError."""
        return self.host.proxy.read() if self.needs_proxy else ProxyState()


@dataclass(frozen=True)
class StackCheckContext:
    """A stack of the inventory on a server, for the checks of STACK_CHECKS and IN_PLACE_CHECKS.

    ``claims`` has the path in the inventory of the stack that creates a resource first. ``reading`` is the
    normalisation of the files that has begun already.
    """

    host: HostCheckContext
    spec: StackInput
    claims: t.Mapping[Resource, str] = field(default_factory=dict)
    reading: Future[compose_cli.NormalisedFiles] | None = None

    @cached_property
    def failures(self) -> Failures:
        """The errors by what is unavailable: those of the server, ``source``, ``compose``."""
        failures = dict(self.host.failures)
        if self.in_place and not self.has_source_folder:
            failures["source"] = failures["compose"] = ComposeError("The files are missing on the server.")
            return failures
        try:
            self.normalised  # noqa: B018
        except (ComposeError, EngineError) as error:
            failures["compose"] = error
        return failures

    @property
    def ctx(self) -> StackContext:
        """The stack on this server."""
        return self.host.host.stack(self.stack.name)

    @property
    def stack(self) -> Stack:
        """The stack of the inventory."""
        return self.spec.stack

    @property
    def where(self) -> str:
        """The path of the stack in the inventory."""
        return self.spec.where

    @property
    def in_place(self) -> bool:
        """Whether the stack runs in the folder of its files, on a developer's own machine."""
        return self.stack.strategy == "in_place"

    @property
    def has_source_folder(self) -> bool:
        """Whether all Compose files exist in their own folder on this server."""
        return all((Path(self.stack.source.path or ".") / name).exists() for name in self.stack.compose)

    @cached_property
    def files(self) -> compose_cli.NormalisedFiles:
        """The normalised Compose files with their unset variables. Raises ComposeError, EngineError."""
        if self.reading:
            return self.reading.result()
        if self.in_place:
            return source_files.read_in_place(self.spec)
        return source_files.read(self.ctx, self.spec)

    @cached_property
    def builds(self) -> dict[str, ImageBuild]:
        """The images that are built from the stack's source, by service. Raises ComposeError, EngineError."""
        if self.in_place:
            return {}
        whose = (self.ctx.project, self.stack.name)
        source = source_files.PLACEHOLDER
        return compose_build.plan_builds(self.files.content, source, whose, self.spec.commit, self.spec.contexts)

    @cached_property
    def normalised(self) -> source_files.Normalised:
        """The normalised Compose files, with the names of built images. Raises ComposeError, EngineError."""
        return compose_build.with_images(self.files.content, self.builds)

    @cached_property
    def mounts(self) -> mount_plan.MountPlan:
        """Where the mounted files of the stack are on the server. Raises ComposeError, EngineError."""
        return mount_plan.plan_mounts(self.normalised, self.spec.tree, self.stack.compose, self.ctx.folder)

    @property
    def services(self) -> dict[str, dict[str, t.Any]]:
        """The services of the Compose files by name."""
        return t.cast("dict[str, dict[str, t.Any]]", self.normalised.get("services", {}))

    @cached_property
    def found_images(self) -> dict[str, Image]:
        """The images that are on the server, by the name in the Compose files; none without an engine."""
        if "engine" in self.failures:
            return {}
        found = {name: self.ctx.engine.image(name) for name in self._image_names}
        return {name: image for name, image in found.items() if image}

    @property
    def images(self) -> dict[str, str]:
        """The pinned names of the images that are on the server, by the name in the Compose files."""
        return {name: image.pinned for name, image in self.found_images.items()}

    @property
    def pulls(self) -> list[str]:
        """The images that the release pulls."""
        built = {build.image for build in self.builds.values()}
        return [name for name in self._image_names if name not in self.images and name not in built]

    @property
    def missing_builds(self) -> list[ImageBuild]:
        """The images that the release builds, each once: no earlier release has built them from this source."""
        unique = {build.image: build for build in self.builds.values() if build.image not in self.images}
        return list(unique.values())

    @property
    def _image_names(self) -> list[str]:
        mounts = [mount for service in self.services.values() for mount in service.get("volumes") or ()]
        mounted = [mount.get("source") for mount in mounts if mount.get("type") == "image"]
        names = sorted(filter(None, {*(service.get("image") for service in self.services.values()), *mounted}))
        return [name for name in names if not floating_tag_reason(name)]

    @property
    def resources(self) -> Sequence[Resource]:
        """The containers, networks and volumes that a release of the stack creates."""
        return compose_render.resources_created(self.normalised, self.stack, self.ctx.project, self.ctx.environment)

    @property
    def new_networks(self) -> dict[str, dict[str, t.Any]]:
        """The networks that a release of the stack creates where they are missing."""
        return compose_render.networks_created(self.normalised, self.stack, self.ctx.project, self.ctx.environment)

    @cached_property
    def state(self) -> StackState:
        """The current state of the stack."""
        return read_state(self.ctx, self.host.proxy_state, self.normalised, self.stack)


@dataclass(frozen=True)
class SkippedCheck:
    """A check that did not run: its name, the stack's path in the inventory or ``server``, and the reason."""

    check: str
    where: str
    reason: str


Context_contra = t.TypeVar("Context_contra", HostCheckContext, StackCheckContext, contravariant=True)


class Check(t.Protocol[Context_contra]):
    """A module with one check."""

    __name__: str

    @property
    def NEEDS(self) -> tuple[str, ...]:
        """What must be available, as ``failures`` of the context calls it."""

    def check(self, context: Context_contra) -> list[Problem]:
        """Return what is wrong."""


def run_checks(
    checks: t.Iterable[Check[Context_contra]], context: Context_contra, where: str
) -> tuple[list[Problem], list[SkippedCheck]]:
    """Return the problems that all checks find, and the checks that were skipped."""
    problems: list[Problem] = []
    skipped: list[SkippedCheck] = []
    for check in checks:
        missing = [need for need in check.NEEDS if need in context.failures]
        if missing:
            skipped.append(_skipped(check, where, missing[0], context.failures))
            continue
        try:
            problems += check.check(context)
        except PermissionError:
            if "rights" not in context.failures:
                raise
            skipped.append(_skipped(check, where, "rights", context.failures))
    return problems, skipped


def _skipped(check: Check[Context_contra], where: str, need: str, failures: Failures) -> SkippedCheck:
    name = check.__name__.rsplit(".", maxsplit=1)[-1]
    return SkippedCheck(name, where, f"needs {need}: {failures[need].message}")
