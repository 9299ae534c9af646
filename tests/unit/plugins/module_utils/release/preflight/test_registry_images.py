from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import COMPOSE, Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import RegistryError
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.registry_login import RegistryLogin
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import examine

IMAGE = "reg.example.org/web:9"
WHERE = "switchyard_stacks[shop].compose.services.web.image"
STILL_LIVE = "users still have the version that is live"


@pytest.fixture(autouse=True)
def _server(docker: Callable[[str], object], machine: Machine) -> None:
    docker(COMPOSE)


def found(machine: Machine, *errors: RegistryError, host: HostContext | None = None) -> list[tuple[str, ...]]:
    """Return what preflight reports of two images of one registry, which gives these answers."""
    images = [IMAGE, "reg.example.org/worker:9"]
    machine.engine.registry_errors = dict(zip(images, errors))
    spec = given(normalised(web={"image": images[0]}, worker={"image": images[1]}), workers=["worker"])
    problems = examine.run_preflight(host or machine.host, [spec], "deploy").problems
    return [(problem.where, problem.code, problem.message, problem.hint) for problem in problems]


def test_images_that_the_registry_has(machine: Machine) -> None:
    assert found(machine) == []
    assert set(machine.engine.logins) == {IMAGE, "reg.example.org/worker:9"}


def test_a_tag_that_does_not_exist_is_found_before_anything_changes(machine: Machine) -> None:
    assert found(machine, RegistryError("missing", "manifest unknown")) == [
        (
            WHERE,
            "compose.image_unknown",
            f"reg.example.org does not have {IMAGE} (manifest unknown)",
            f"Push it or correct its tag; {STILL_LIVE}",
        )
    ]


def test_a_wrong_password_and_a_missing_login(machine: Machine) -> None:
    refused = RegistryError("denied", "authentication required")
    ((_where, code, message, hint),) = found(machine, refused)
    assert (code, message) == (
        "compose.image_denied",
        f"reg.example.org refuses {IMAGE} (authentication required)",
    )
    assert hint == "Add a login for it to switchyard_image_registries"
    host = replace(machine.host, logins=(RegistryLogin("reg.example.org", "ci", "hunter2"),))
    vars(host).update(engine=machine.engine, proxy=machine.proxy)
    ((_where, _code, message, hint),) = found(machine, refused, host=host)
    assert hint == "Correct the user and the password in switchyard_image_registries"
    assert machine.engine.logins[IMAGE] == {"username": "ci", "password": "hunter2"}
    assert "hunter2" not in message


def test_a_registry_that_does_not_answer_is_asked_once_and_reported_once(machine: Machine) -> None:
    silent = RegistryError("unreachable", "connection refused")
    ((where, code, message, _hint),) = found(machine, silent, silent)
    assert (where, code) == ("server", "server.registry")
    assert message == f"reg.example.org does not answer this server, which does not have {IMAGE} (connection refused)"


def test_a_registry_is_not_asked_for_what_the_server_has(machine: Machine) -> None:
    machine.engine.registry = {IMAGE, "reg.example.org/worker:9"}
    for image in machine.engine.registry:
        machine.engine.pull(image)
    machine.engine.logins.clear()
    silent = RegistryError("unreachable", "connection refused")
    assert found(machine, silent, silent) == []
    assert machine.engine.logins == {}
