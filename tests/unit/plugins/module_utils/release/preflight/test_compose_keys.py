from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import allowances, compose_keys

pytestmark = pytest.mark.usefixtures("real_compose")


def messages(content: dict[str, t.Any]) -> list[str]:
    found = compose_keys.key_problems(content, "stacks[shop]")
    assert {problem.code.split(".")[0] for problem in found} <= {"compose"}
    return [str(problem) for problem in found]


def from_file(tmp_path: Path, text: str) -> dict[str, t.Any]:
    """What Compose itself makes of a file."""
    (tmp_path / "docker-compose.yml").write_text(text)
    return compose_cli.normalise(tmp_path, ["docker-compose.yml"], {})


def test_an_ordinary_file_has_no_problem() -> None:
    assert messages(normalised(web={"ports": [{"target": 80}], "build": {"context": "."}})) == []


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        (
            "{image: 'a:1', network_mode: 'service:db'}",
            "network_mode",
            "service:db is refused, also with allow: a",
        ),
        ("{image: 'a:1', ipc: 'service:db'}", "ipc", "service:db is refused, also with allow: a"),
        ("{image: 'a:1', volumes_from: [db]}", "volumes_from", "['db'] is refused, also with allow: a service is not"),
        ("{provider: {type: /usr/bin/id}}", "provider", "{'type': '/usr/bin/id'} is refused, also with allow: Compose"),
        ("{image: 'a:1', sysctls: {vm.swappiness: 1}}", "sysctls", "{'vm.swappiness': '1'} is refused, also"),
    ],
)
def test_a_refused_key_has_its_path_and_its_reason(tmp_path: Path, text: str, path: str, reason: str) -> None:
    (line,) = messages(from_file(tmp_path, f"services: {{web: {text}, db: {{image: 'b:1'}}}}"))
    assert line.startswith(f"stacks[shop].compose.services.web.{path}: {reason}")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network_mode", "container:po_vpn"),
        ("pid", "container:po_vpn"),
        ("ipc", "container:po_vpn"),
        ("volumes_from", "[container:other, 'container:po_vpn:ro']"),
        ("external_links", "[other, 'po_vpn:vpn']"),
    ],
)
def test_a_container_of_the_file_has_another_name_in_a_release(tmp_path: Path, key: str, value: str) -> None:
    text = f"services: {{web: {{image: 'a:1', {key}: {value}}}, vpn: {{image: 'b:1', container_name: po_vpn}}}}"
    content = from_file(tmp_path, text)
    (line,) = map(str, compose_keys.own_containers(content, "stacks[shop]"))
    assert line.startswith(f"stacks[shop].compose.services.web.{key}: ")
    assert "po_vpn" in line
    assert line.endswith(
        " is refused, also with allow: a service is not called by its own name in a release. Remove it, or give both "
        "programs one container."
    )
    # An allowance would not help.
    needed = allowances.problems(content, checked(routes=[{"service": "vpn", "port": 1, "hosts": ["a.org"]}]), "s")
    assert [problem.where for problem in needed if "po_vpn" in problem.message] == []
    assert (
        compose_keys.own_containers(
            from_file(tmp_path, text.replace("container_name: po_vpn", "container_name: x-y")), "s"
        )
        == []
    )


def test_a_config_of_a_variable_is_refused(tmp_path: Path) -> None:
    text = "services: {web: {image: 'a:1', configs: [motd]}}\nconfigs: {motd: {environment: MOTD}}"
    assert messages(from_file(tmp_path, text)) == [
        "stacks[shop].compose.configs.motd.environment: MOTD is refused, also with allow: the variable is not set on "
        "the server. Write content: with ${NAME} in it.",
    ]
