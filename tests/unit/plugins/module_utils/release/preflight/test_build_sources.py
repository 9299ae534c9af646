"""Builds in Compose files as users have them, read by Docker Compose itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import examine
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput

OUTSIDE = "Choose source.path so that it contains the folder"


pytestmark = pytest.mark.usefixtures("real_compose")


def spec_of(build: str, **contexts: str) -> StackInput:
    text = f"services: {{web: {{build: {build}}}}}\nsecrets: {{token: {{file: token}}}}"
    return replace(given(), sources={"docker-compose.yml": text}, contexts=contexts)


def found(machine: Machine, spec: StackInput) -> list[tuple[str, str, str]]:
    problems = examine.run_preflight(machine.host, [spec], "deploy").problems
    return [(problem.code, problem.message, problem.hint) for problem in problems]


@pytest.mark.parametrize(
    "build",
    [
        "./app",
        "{context: ./app, dockerfile: docker/Dockerfile, target: web, args: {A: b}}",
        "{context: ./app, dockerfile: ../lib, additional_contexts: {lib: ./lib}}",
        "{context: ./app, dockerfile_inline: FROM scratch}",
        "{context: ./app, network: none, labels: {a: b}, shm_size: 1m, tags: ['a:1']}",
    ],
)
def test_a_build_of_the_own_source(machine: Machine, build: str) -> None:
    assert found(machine, spec_of(build, app="a", lib="b")) == []


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("../../api", "../../api is not in the source"),
        ("{context: ./app, dockerfile: ../../Dockerfile}", "../../Dockerfile is not in the source"),
        ("{context: ./app, additional_contexts: {x: ../lib}}", "../lib is not in the source"),
    ],
)
def test_a_build_reads_its_own_source_only(machine: Machine, build: str, message: str) -> None:
    problems = found(machine, spec_of(build, app="a"))
    assert [(code, hint) for code, _message, hint in problems] == [("compose.build_context", OUTSIDE)]
    assert problems[0][1].startswith(message)


@pytest.mark.parametrize(
    ("build", "key", "allowance"),
    [
        ("{context: ./app, privileged: true}", "privileged", "build_privileged"),
        ("{context: ./app, ssh: [default]}", "ssh", "build_ssh default"),
        ("{context: ./app, network: host}", "network", "build_network host"),
        ("{context: ./app, entitlements: [network.host]}", "entitlements", "build_entitlement network.host"),
        ("{context: ./app, dockerfile: /etc/Dockerfile}", "dockerfile", "build_context /etc/Dockerfile"),
        ("{context: ./app, additional_contexts: {x: /srv}}", "additional_contexts", "build_context /srv"),
        (
            "{context: ./app, additional_contexts: {x: 'docker-image://x:1'}}",
            "additional_contexts",
            "build_context docker-image://x:1",
        ),
        ("https://git.example.org/app.git#v1", "context", "build_context https://git.example.org/app.git#v1"),
        ("git@git.example.org:app.git", "context", "build_context git@git.example.org:app.git"),
        ("github.com/example/app", "context", "build_context github.com/example/app"),
    ],
)
def test_what_leaves_a_build_needs_its_allowance(machine: Machine, build: str, key: str, allowance: str) -> None:
    spec = spec_of(build, app="a")
    result = examine.run_preflight(machine.host, [spec], "deploy", 0)
    assert [(problem.code, problem.where) for problem in result.problems] == [
        ("compose.not_allowed", f"switchyard_stacks[shop].compose.services.web.build.{key}")
    ]
    assert result.problems[0].hint.startswith("Remove it, or write allow: {web: [")
    for service in ("web", "*"):
        stack = given(allow={service: [allowance]}).stack
        result = examine.run_preflight(machine.host, [replace(spec, stack=stack)], "deploy", 0)
        assert result.problems == []
        # What is allowed is part of the build.
        (image,) = result.builds["shop"]
        assert key in image.definition
        (notice,) = [one for one in result.notices if ".allow." in one.where]
        assert notice.message.startswith(f"{allowance} allows ")
    stack = given(allow={"web": ["build_ssh other"]}).stack
    codes = [code for code, _message, _hint in found(machine, replace(spec, stack=stack))]
    assert sorted(codes) == ["compose.not_allowed", "stack.allow_unused"]


@pytest.mark.parametrize(
    ("build", "code"),
    [
        ("{context: ./app, network: 'container:other'}", "compose.key_refused"),
        ("{context: ./app, additional_contexts: {x: 'service:api'}}", "compose.build_context"),
    ],
)
def test_what_a_build_cannot_have(machine: Machine, build: str, code: str) -> None:
    spec = spec_of(build, app="a")
    text = spec.sources["docker-compose.yml"].replace("services: {", "services: {api: {build: ./app}, ")
    problems = found(machine, replace(spec, sources={"docker-compose.yml": text}))
    assert [found_code for found_code, _message, _hint in problems] == [code]


@pytest.mark.parametrize("source", ["file: token", "file: /etc/shadow", "environment: HOME", "external: true"])
def test_a_secret_of_a_build_is_one_of_the_inventory(machine: Machine, source: str) -> None:
    spec = spec_of("{context: ./app, secrets: [token]}", app="a")
    text = spec.sources["docker-compose.yml"].replace("file: token", source)
    spec = replace(spec, sources={"docker-compose.yml": text})
    assert [code for code, _message, _hint in found(machine, spec)] == ["stack.secret_without_value"]
    assert found(machine, replace(spec, secrets={"token": "hunter2"})) == []


def test_an_argument_of_a_build_is_not_a_secret(machine: Machine) -> None:
    secrets = {"token": "hunter2"}
    spec = spec_of("{context: ./app, args: {A: '${token}', B: b}, secrets: [token]}", app="a")
    spec = replace(spec, secrets=secrets, stack=given(secrets=secrets, secrets_as_env=["token"]).stack)
    ((code, message, hint),) = found(machine, spec)
    assert (code, hint) == ("compose.build_secret", "Read the secret in the build with build.secrets")
    assert message.startswith("it holds the secret token")
