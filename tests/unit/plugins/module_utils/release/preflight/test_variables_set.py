"""Variables and paths of Compose files, read by Docker Compose itself."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fakes import Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import (
    bind_mounts,
    secrets_used,
    variables_set,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import SourceTree

pytestmark = pytest.mark.usefixtures("real_compose")


def context_of(machine: Machine, sources: dict[str, str], **stack: t.Any) -> StackCheckContext:
    return StackCheckContext(HostCheckContext(machine.host), replace(given(**stack), sources=sources))


def problems(check: t.Any, context: StackCheckContext) -> list[str]:
    assert "compose" not in context.failures, context.failures
    return [str(problem) for problem in check.check(context)]


WEB = "services: {web: {image: 'reg/web:1', environment: {A: '${PASSWORD}', B: '${HOST:-x}', C: '${OTHER}$$'}}}"


def test_variables_without_a_value_are_named_once_each(machine: Machine) -> None:
    context = context_of(machine, {"docker-compose.yml": WEB + "\nx-again: ${PASSWORD}"}, variables={"OTHER": "1"})
    assert problems(variables_set, context) == [
        "switchyard_stacks[shop].variables.PASSWORD: the Compose files use ${PASSWORD}, and it has no value. "
        "Write PASSWORD in variables or in .env, or a default in the Compose files: ${PASSWORD:-}."
    ]
    assert context.services["web"]["environment"] == {"A": "", "B": "x", "C": "1$$"}


def test_an_env_file_of_the_project_gives_values(machine: Machine) -> None:
    context = context_of(machine, {"docker-compose.yml": WEB, ".env": "PASSWORD=a\nOTHER=b"})
    assert problems(variables_set, context) == []
    assert context.services["web"]["environment"]["A"] == "a"


def test_a_variable_never_has_the_value_of_the_server(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "of the server")
    context = context_of(machine, {"docker-compose.yml": "services: {web: {image: 'a:1', environment: [TOKEN]}}"})
    assert problems(variables_set, context) == [
        "switchyard_stacks[shop].compose.services.web.environment.TOKEN: has no value. "
        "Write TOKEN in variables, or remove it."
    ]


def test_a_variable_without_a_value_in_many_services_is_one_problem(machine: Machine) -> None:
    services = ", ".join(f"s{number}: {{image: 'a:1', environment: [TOKEN]}}" for number in range(9))
    context = context_of(machine, {"docker-compose.yml": f"services: {{{services}}}"})
    assert problems(variables_set, context) == [
        "switchyard_stacks[shop].compose.services.s0.environment.TOKEN: has no value, also in s1, s2, s3, s4, s5, s6 "
        "and 2 more. Write TOKEN in variables, or remove it."
    ]


def test_a_name_that_no_variable_can_have(machine: Machine) -> None:
    text = "services: {web: {image: 'a:1', environment: [cluster.name]}}"
    assert problems(variables_set, context_of(machine, {"docker-compose.yml": text})) == [
        "switchyard_stacks[shop].compose.services.web.environment.cluster.name: has no value. "
        "Write cluster.name=value, or remove it."
    ]


def test_the_folder_of_the_first_file_is_the_project_directory(machine: Machine) -> None:
    sources = {
        "deploy/docker-compose.yml": (
            "services: {web: {image: 'a:1', env_file: app.env, volumes: ['../conf:/conf:ro']}}"
        ),
        "deploy/app.env": "FROM=deploy",
        "deploy/.env": "X=1",
        "app.env": "FROM=root",
    }
    context = context_of(machine, sources, compose=["deploy/docker-compose.yml"])
    context = replace(context, spec=replace(context.spec, tree=SourceTree({"conf": "d"})))
    assert context.services["web"]["environment"] == {"FROM": "deploy"}
    assert context.services["web"]["volumes"][0]["source"] == "/.switchyard-source/conf"
    assert problems(bind_mounts, context) == []


@pytest.mark.parametrize(
    ("path", "shown"), [("../", ".."), ("../../..", "../../.."), ("../www", "../www"), ("../../www", "../../www")]
)
def test_a_path_never_leads_out_of_the_source(machine: Machine, path: str, shown: str) -> None:
    text = f"services: {{web: {{image: 'a:1', volumes: ['{path}:/www']}}}}"
    assert problems(bind_mounts, context_of(machine, {"docker-compose.yml": text})) == [
        f"switchyard_stacks[shop].compose.services.web.volumes: {shown} leads out of source.path. "
        "Choose source.path so that it contains the path."
    ]


def test_secrets_are_variables_by_choice(machine: Machine) -> None:
    text = "services: {web: {image: 'a:1', environment: [URL], command: '${TOKEN}'}}"
    spec = given(secrets={"URL": "u", "TOKEN": "t", "idle": "i"}, secrets_as_env=["URL", "TOKEN", "idle"])
    context = StackCheckContext(HostCheckContext(machine.host), replace(spec, sources={"docker-compose.yml": text}))
    assert problems(variables_set, context) == []
    assert (context.services["web"]["environment"], context.services["web"]["command"]) == ({"URL": "u"}, ["t"])
    assert [problem.where for problem in secrets_used.check(context)] == ["switchyard_stacks[shop].secrets.idle"]
    without = replace(context.spec, stack=replace(context.spec.stack, secrets_as_env=()))
    context = StackCheckContext(HostCheckContext(machine.host), without)
    assert len(problems(variables_set, context)) == 2


def test_a_message_of_compose_has_no_value_of_an_environment_file(machine: Machine) -> None:
    context = context_of(machine, {"docker-compose.yml": WEB, ".env": "BAD-hunter22 NAME=hunter23\nC=d"})
    message = str(context.failures["compose"])
    assert "Compose rejects docker-compose.yml" in message
    assert "hunter2" not in message
