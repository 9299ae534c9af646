"""Builds in Compose files as users have them, read by Docker Compose itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import examine
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput

OUTSIDE = "Choose source.path so that it contains the folder; a build reads no URL and no other image"


@pytest.fixture(autouse=True)
def _server(machine: Machine, real_compose: None) -> None:
    machine.engine.ensure_network("po-front-prod", False, {})


def spec_of(build: str, **contexts: str) -> StackInput:
    text = f"services: {{web: {{build: {build}}}}}\nsecrets: {{token: {{file: token}}}}"
    return replace(given(), sources={"docker-compose.yml": text}, contexts=contexts)


def found(machine: Machine, spec: StackInput) -> list[tuple[str, str, str]]:
    problems = examine.run_preflight(machine.host, [spec], "deploy", 0).problems
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
        ("https://git.example.org/app.git", "https://git.example.org/app.git is not a folder of the source"),
        ("../../api", "../api is not a folder of the source"),
        ("{context: ./app, dockerfile: /etc/Dockerfile}", "/etc/Dockerfile is not a folder of the source"),
        ("{context: ./app, additional_contexts: {x: 'docker-image://x:1'}}", "docker-image://x:1 is not a folder"),
        ("{context: ./app, additional_contexts: {x: /srv}}", "/srv is not a folder of the source"),
    ],
)
def test_a_build_reads_its_own_source_only(machine: Machine, build: str, message: str) -> None:
    problems = found(machine, spec_of(build, app="a"))
    assert [(code, hint) for code, _message, hint in problems] == [("compose.build_context", OUTSIDE)]
    assert problems[0][1].startswith(message)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("privileged: true", "more rights"),
        ("ssh: [default]", "SSH key"),
        ("network: host", "only the server reaches"),
        ("entitlements: [network.host]", "more rights"),
    ],
)
def test_what_leaves_a_build_is_refused(machine: Machine, key: str, reason: str) -> None:
    ((code, message, _hint),) = found(machine, spec_of(f"{{context: ./app, {key}}}", app="a"))
    assert code == "compose.key_refused"
    assert reason in message


def test_a_secret_of_a_build_is_one_of_the_inventory(machine: Machine) -> None:
    spec = spec_of("{context: ./app, secrets: [token]}", app="a")
    assert [code for code, _message, _hint in found(machine, spec)] == ["stack.secret_without_value"]
    assert found(machine, replace(spec, secrets={"token": "hunter2"})) == []


def test_an_argument_of_a_build_is_not_a_secret(machine: Machine) -> None:
    secrets = {"token": "hunter2"}
    spec = spec_of("{context: ./app, args: {A: '${token}', B: b}, secrets: [token]}", app="a")
    spec = replace(spec, secrets=secrets, stack=given(secrets=secrets, secrets_as_env=["token"]).stack)
    ((code, message, hint),) = found(machine, spec)
    assert (code, hint) == ("compose.build_secret", "Read the secret in the build with build.secrets")
    assert message.startswith("it holds the secret token")
