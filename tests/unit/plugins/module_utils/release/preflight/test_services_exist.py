"""Services in Compose files as users have them, read by Docker Compose itself."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fakes import Machine, container, given

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import examine
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput


@pytest.fixture(autouse=True)
def _server(machine: Machine, real_compose: None) -> None:
    machine.engine.__init__(images=["reg/web:1", "reg/tool:1"])  # type: ignore[misc]


def spec_of(text: str, **stack: t.Any) -> StackInput:
    name = stack.get("name", "shop")
    spec = given(**stack)
    return replace(spec, sources={"docker-compose.yml": text}, where=f"switchyard_stacks[{name}]")


def preflight(machine: Machine, *specs: StackInput) -> examine.PreflightResult:
    return examine.run_preflight(machine.host, specs, "deploy")


def lines(result: examine.PreflightResult) -> list[str]:
    return [f"{problem.code} {problem}" for problem in result.problems]


WEB = "services: {web: {image: 'reg/web:1'}"


def test_files_that_can_be_released(machine: Machine) -> None:
    result = preflight(machine, spec_of(WEB + "}"))
    assert lines(result) == []
    assert [plan.action for plan in result.plans] == ["release"]


@pytest.mark.parametrize(
    ("text", "stack", "expected"),
    [
        (
            "services: {web: {build: ./missing}}",
            {},
            "compose.build_context switchyard_stacks[shop].compose.services.web.build.context: missing is not on the "
            "controller below the source, or its path has a variable. Create the folder, or write its path without a "
            "variable.",
        ),
        (
            "services: {web: {command: serve}}",
            {},
            "compose.image_missing switchyard_stacks[shop].compose.services.web.image: is missing. Name an image with "
            "a fixed tag, as registry/app:1.2, or add build.",
        ),
        (
            WEB + "}",
            {"migrate": {"service": "tool", "command": ["x"]}},
            "compose.service_unknown switchyard_stacks[shop].migrate and after_migrate: the Compose files have no "
            "service tool. Services there are: web.",
        ),
        (
            WEB + ", tool: {image: 'reg/tool:1', profiles: [manual]}}",
            {"migrate": {"service": "tool", "command": ["x"]}},
            "compose.service_unknown switchyard_stacks[shop].migrate and after_migrate: the service tool has the "
            "inactive profile manual. Write COMPOSE_PROFILES: manual in variables, or remove the profile.",
        ),
    ],
)
def test_a_service_that_cannot_run_is_a_problem_and_those_of_other_stacks_are_kept(
    machine: Machine, text: str, stack: dict[str, t.Any], expected: str
) -> None:
    routes = [{"service": "site", "port": 80, "hosts": ["blog.example.org"]}]
    other = spec_of("services: {site: {image: 'reg/site'}}", name="blog", routes=routes)
    result = preflight(machine, spec_of(text, **stack), other)
    assert lines(result) == [
        expected,
        "compose.image_not_fixed switchyard_stacks[blog].compose.services.site.image: reg/site has no tag. "
        "Write a fixed tag or a digest, as app:1.2.",
    ]
    assert result.plans == []


def test_the_hint_has_the_profiles_of_all_missing_services(machine: Machine) -> None:
    text = (
        "services: {web: {image: 'reg/web:1'}, db: {image: 'reg/tool:1', profiles: [all, data]}, "
        "tool: {image: 'reg/tool:1', profiles: [tools]}, cache: {image: 'reg/tool:1', profiles: [all, cache]}, "
        # Two profiles that exclude each other.
        "a: {image: 'reg/tool:1', container_name: hop, profiles: [a]}, "
        "b: {image: 'reg/tool:1', container_name: hop, profiles: [b]}}"
    )
    hint = "Write COMPOSE_PROFILES: {} in variables, or remove the profile."
    stack: dict[str, t.Any] = {"accessories": ["db", "cache"], "workers": ["tool"]}
    found = lines(preflight(machine, spec_of(text, **stack)))
    assert len(found) == 3
    assert all(line.endswith(hint.format("all,tools")) for line in found)
    found = lines(preflight(machine, spec_of(text, variables={"COMPOSE_PROFILES": " a, "}, **stack)))
    assert [line for line in found if line.endswith(hint.format("a,all,tools"))] == found
    spec = spec_of(text, **stack)
    found = lines(preflight(machine, replace(spec, sources={**spec.sources, ".env": "COMPOSE_PROFILES=b"})))
    assert [line for line in found if line.endswith(hint.format("b,all,tools"))] == found


def test_an_active_profile_makes_its_services_exist(machine: Machine) -> None:
    text = WEB + ", tool: {image: 'reg/tool:1', profiles: [manual]}}"
    migrate = {"service": "tool", "command": ["x"]}
    assert lines(preflight(machine, spec_of(text, migrate=migrate, variables={"COMPOSE_PROFILES": "manual"}))) == []


def test_a_database_that_the_stack_names_nowhere_is_refused(machine: Machine) -> None:
    text = WEB + ", db: {image: 'postgres:16', volumes: ['data:/var/lib/postgresql/data']}}\nvolumes: {data: {}}"
    (line,) = lines(preflight(machine, spec_of(text)))
    assert line.startswith("stack.service_undeclared switchyard_stacks[shop].compose.services.db: has the image of a")
    assert lines(preflight(machine, spec_of(text, accessories=["db"]))) == []


def test_a_database_taken_out_of_accessories_while_it_runs_is_refused(machine: Machine) -> None:
    text = WEB + ", db: {image: 'reg/tool:1', volumes: ['data:/data']}}\nvolumes: {data: {}}"
    machine.engine.start(container("po-shop-db-prod", labels={"service": "db", "role": "accessory"}))
    codes = [line.split()[0] for line in lines(preflight(machine, spec_of(text)))]
    assert codes == ["stack.service_undeclared", "stack.accessory_running"]
    assert lines(preflight(machine, spec_of(text, accessories=["db"]))) == []
    (line,) = lines(preflight(machine, spec_of(text, inner=["db"])))
    assert line.startswith("stack.accessory_running")


def test_ports_that_are_not_http_are_named(machine: Machine) -> None:
    result = preflight(machine, spec_of("services: {web: {image: 'reg/web:1', ports: ['53:53/udp']}}"))
    assert lines(result) == []
    assert state_file.as_json(result)["notices"][0] == {
        "where": "switchyard_stacks[shop].compose",
        "message": "ports of web (53:53/udp): not published: only containers of the stack reach it",
        "hint": "",
        "code": "compose.changed",
    }


def test_a_stack_in_place_is_not_changed(machine: Machine) -> None:
    (machine.root / "docker-compose.yml").write_text("services: {web: {image: 'reg/web:1', ports: ['53:53/udp']}}")
    result = preflight(machine, given(strategy="in_place", source={"path": str(machine.root)}))
    assert state_file.as_json(result)["notices"] == []
