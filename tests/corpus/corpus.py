"""Cases of the corpus: an application's files, its stack in the inventory, and what a release makes of both.

A case takes the way of a release: the inventory's check, the controller's files, Docker Compose itself, preflight with
a server that has all images and nothing else, and the rendered projects. README.md describes the format of a case.
"""

from __future__ import annotations

import fnmatch
import json
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from case_files import Mapping, write_files
from fakes import FakeEngine, Machine
from fakes_action import action_of

from ansible_collections.switchyard.stacks.plugins.action import preflight
from ansible_collections.switchyard.stacks.plugins.module_utils import names, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_render
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_networks import INSIDE
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Image
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.examine import (
    examine_stack,
    run_preflight,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.file_changes import Notice
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput

WHERE = "switchyard_stacks[app]"

# Each container of a release gets these where the file does not have them.
ADDED = {"container_name", "environment", "image", "labels", "logging", "networks", "pull_policy", "restart"}
ADDED |= {"cap_add", "external_links", "cap_drop", "pids_limit", "security_opt"}
# The release pins images and pulls or builds them itself; a service without an active profile does not exist.
OF_RELEASE = ("image", "profiles", "pull_policy")
# Keys whose values a release completes: the container has at least what the file has.
COMPLETED = ("cap_add", "cap_drop", "deploy", "environment", "external_links", "labels", "security_opt")
NOTHING: tuple[t.Any, ...] = (None, False, "", [], {})


class ServerWithImages(FakeEngine):
    """An engine that has every image and nothing else."""

    def image(self, name: str) -> Image | None:
        return Image(id=f"sha256:{name}", digest=None, user=1000)


@dataclass(frozen=True)
class Outcome:
    """What became of a case: the problems, or the normalised files, the rendered projects and the notices."""

    problems: list[Problem]
    normalised: Mapping = field(default_factory=dict)
    projects: t.Mapping[str, Mapping] = field(default_factory=dict)
    networks: t.Mapping[str, Mapping] = field(default_factory=dict)
    volumes: t.Mapping[str, Mapping] = field(default_factory=dict)
    notices: t.Sequence[Notice] = ()

    @property
    def lines(self) -> list[str]:
        """The notices as preflight shows them."""
        return [f"{notice.where}: {notice.message}" for notice in self.notices]

    def aliases(self, part: str) -> dict[str, str]:
        """Return the services of a part: their names in the rendered project, and those in the file."""
        services = (self.projects.get(part) or {}).get("services", {})
        return {name: service["labels"][f"{names.LABEL}service"] for name, service in services.items()}

    def services(self, part: str) -> Mapping:
        """Return the rendered services of a part by their name in the file."""
        return {name: self.projects[part]["services"][key] for key, name in self.aliases(part).items()}

    def containers(self) -> Iterator[tuple[str, str, Mapping]]:
        """Yield each rendered service of the color blue and of the other parts: its part, its name and itself."""
        for part in self.projects:
            if part != "green":
                for name, service in self.services(part).items():
                    yield part, name, service


class Preflight(preflight.ActionModule):
    """The action of preflight, on whose server the module runs in this process."""

    machine: Machine
    given: list[StackInput]

    def _execute_module(self, *_words: t.Any, **options: t.Any) -> Mapping:
        # The controller sends it as JSON.
        args = json.loads(json.dumps(options["module_args"]))
        self.given = [
            StackInput.from_module(item, args["secrets"].get(item["definition"]["name"], {})) for item in args["stacks"]
        ]
        result: dict[str, t.Any] = state_file.as_json(run_preflight(self.machine.host, self.given, "deploy"))
        return result


@dataclass(frozen=True)
class Checked:
    """What preflight finds in a case, with the action that asked it and its server."""

    action: Preflight
    problems: list[Problem]
    notices: list[Notice]


def check(case: Mapping, folder: Path) -> Checked:
    """Return what preflight finds in a case, whose files are written into an empty folder."""
    inventory, root = folder / "inventory", folder / "server"
    root.mkdir(parents=True)
    write_files(case["files"], inventory / "app")
    stack = {"name": "app", "source": {"path": "app"}, **case["stack"]}
    variables = {"switchyard_stacks": [stack], "inventory_dir": str(inventory)}
    machine = Machine(root, engine=ServerWithImages())
    server = case.get("server", {})
    for network in server.get("networks", []):
        machine.engine.ensure_network(network, False, {})
    for volume in server.get("volumes", []):
        machine.engine.ensure_volume(volume, "local", {}, {})
    action = _action(variables, machine)
    answer = action.run(task_vars=variables)
    keys = ("where", "message", "hint", "code")
    problems = [Problem(*(one[key] for key in keys)) for one in answer["problems"]]
    notices = [Notice(notice["where"], notice["message"]) for notice in answer.get("notices", [])]
    return Checked(action, problems, notices)


def release(case: Mapping, folder: Path) -> Outcome:
    """Return what becomes of a case in an empty folder."""
    checked = check(case, folder)
    action, machine, notices = checked.action, checked.action.machine, checked.notices
    if checked.problems:
        return Outcome(checked.problems, notices=notices)
    (given,) = action.given
    # Under the lock, a release runs the checks again.
    deploy_input, _plan = examine_stack(machine.host.stack(given.stack.name), given, "deploy")
    assert deploy_input
    rendered = compose_render.render(
        deploy_input.mounts.normalised,
        given.stack,
        compose_render.Release(
            "po", "prod", secrets={name: f"/secrets/{name}" for name in given.secrets}, images=deploy_input.images
        ),
    )
    projects = {**rendered.colors, **{part: getattr(rendered, part) for part in ("workers", "accessories", "jobs")}}
    networks = {name.removesuffix(INSIDE): one for name, one in rendered.networks.items() if one["role"] == "stack"}
    return Outcome([], deploy_input.mounts.normalised, projects, networks, rendered.volumes, notices)


def _action(variables: Mapping, machine: Machine) -> Preflight:
    args = {"project": "po", "environment": "prod"}
    action = action_of(Preflight, "switchyard.stacks.preflight", args, variables)
    action.machine = machine
    return action


def changed_keys(given: Mapping, service: Mapping, aliases: t.Mapping[str, str]) -> set[str]:
    """Return the keys of a service whose values differ in its rendered container.

    ``aliases`` has the names that the rendered project uses for the services of the file.
    """
    return {
        key
        for key, value in given.items()
        if value not in NOTHING and key not in OF_RELEASE and not _kept(key, value, service, aliases)
    }


def _kept(key: str, value: t.Any, service: Mapping, aliases: t.Mapping[str, str]) -> bool:
    result = service.get(key)
    if key == "depends_on":
        # A release waits for the other parts itself.
        same_part = {name: condition for name, condition in value.items() if name in aliases.values()}
        return {aliases[name]: condition for name, condition in (result or {}).items()} == same_part
    if key == "networks":
        # For services without a way out, a network of the file is a second one, with its names.
        joined = {name.removesuffix(INSIDE): one for name, one in (result or {}).items()}
        return contains(joined, {names.network("po", "app", name, "prod"): one or {} for name, one in value.items()})
    if key == "volumes":
        return [_mount(mount) for mount in value] == [_mount(mount) for mount in result or []]
    if key == "scale":
        return bool((service.get("deploy") or {}).get("replicas", 1) == value)
    if key == "restart" and value == "no":
        return result in (None, "no")
    return contains(result, value) if key in COMPLETED else bool(result == value)


def _mount(mount: Mapping) -> tuple[t.Any, ...]:
    return mount["type"], mount["target"], bool(mount.get("read_only"))


def contains(result: t.Any, value: t.Any) -> bool:
    """Return whether a value has at least what another has; None asks for a key that is absent."""
    if isinstance(value, dict):
        return isinstance(result, dict) and all(contains(result.get(key), item) for key, item in value.items())
    if isinstance(value, list):
        return isinstance(result, list) and all(any(contains(found, item) for found in result) for item in value)
    if isinstance(value, str) and "*" in value:
        return fnmatch.fnmatchcase(str(result), value)
    return bool(result == value)
