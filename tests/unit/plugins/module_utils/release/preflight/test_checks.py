"""Every check of a stack in release/preflight: a good case and at least one mistake each."""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import COMPOSE, HOST, Machine, given, normalised
from fakes_preflight import VOLUMES, StackCase, other_volume, set_attribute
from name_cases import NAME_CASES

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release import preflight
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput

Docker = Callable[[str], Callable[[], list[str]]]

STACK = "switchyard_stacks[shop]"


@pytest.fixture(autouse=True)
def _server(docker: Docker, machine: Machine) -> None:
    docker(COMPOSE)
    machine.engine.__init__(images=["reg/web:1", "reg/celery:1"])  # type: ignore[misc]


EXTERNAL = {
    **normalised(
        web={"networks": {"traefik": None}, "volumes": [{"type": "volume", "source": "media", "target": "/media"}]}
    ),
    "networks": {"traefik": {"name": "traefik", "external": True}, "unused": {"external": True}},
    "volumes": {"media": {"name": "old_media", "external": True}, "own": {"name": "stack_own"}},
}


SECRET = {"secrets": [{"source": "key"}]}


def static(*volumes: str) -> list[dict[str, t.Any]]:
    return [{"volume": volume, "hosts": [HOST], "path": f"/{volume}/"} for volume in volumes]


def paused_canary(machine: Machine) -> None:
    machine.released("blue")
    machine.released("green", state="paused", previous=1)
    machine.make_live("blue")
    machine.proxy.state = replace(machine.proxy.state, weights={"po.shop.prod": 5})


STACK_CASES: dict[str, list[StackCase]] = {
    "source_folder": [
        StackCase(
            given(strategy="in_place", source={"path": "/missing"}),
            ".strategy",
            "/missing is not on the server",
            "Use in_place only with ansible_connection: local",
            "stack.in_place",
        )
    ],
    "compose_valid": [
        StackCase(
            replace(given(), sources={"../compose.yml": "{}"}),
            ".compose",
            "../compose.yml: leads out of the stack's folder",
            "Name files relative to source.path",
            "compose.invalid",
        )
    ],
    "variables_set": [
        StackCase(
            given(normalised(web={"environment": {"A": None, "B": "", "C": "1"}})),
            ".compose.services.web.environment.A",
            "has no value",
            "Write A in variables, or remove it",
            "compose.variable_not_set",
        )
    ],
    "services_exist": [
        StackCase(
            given(**stack),
            where,
            f"the Compose files have no service {service}",
            "Services there are: web",
            "compose.service_unknown",
        )
        for where, service, stack in (
            (".routes[0].service", "api", {"routes": [{"service": "api", "port": 80, "hosts": [HOST]}]}),
            (".workers", "celery", {"workers": ["celery"]}),
            (".accessories", "db", {"accessories": ["db"]}),
            (".inner", "cache", {"inner": ["cache"]}),
            (".allow", "tool", {"allow": {"tool": ["privileged"]}}),
            (".egress", "tool", {"egress": {"tool": False}}),
            (".migrate and after_migrate", "tool", {"after_migrate": [{"service": "tool", "command": ["x"]}]}),
        )
    ]
    + [
        StackCase(
            given(normalised(web={"scale": 0})),
            ".routes[0].service",
            "the service web has no container: its scale is 0",
            "Remove web from routes, or write another number in the Compose files",
            "compose.no_containers",
        ),
        StackCase(
            given(normalised(web={}, celery={"deploy": {"replicas": 0}}), workers=["celery"]),
            ".workers",
            "the service celery has no container: its scale is 0",
            "Remove celery from workers, or write another number in the Compose files",
            "compose.no_containers",
        ),
    ],
    "service_roles": [
        StackCase(
            given(normalised(web={}, celery={}, db={"image": "reg:5000/postgres:16"}), workers=["celery"]),
            ".compose.services.db",
            "has the image of a data store (postgres); two colors of it at the same time can destroy its data",
            "Write accessories: [db] for one container that outlives releases, workers: [celery, db] for one that "
            "each release replaces, or inner: [db] if it runs safely in both colors",
            "stack.service_undeclared",
        )
    ],
    "platforms": [
        StackCase(
            given(normalised(web={"platform": "linux/arm64/v8"})),
            ".compose.services.web.platform",
            "web needs linux/arm64/v8, and the server runs images of linux/amd64",
            "Remove platform, or build or choose an image for this server",
            "compose.platform",
        )
    ],
    "image_tags": [
        StackCase(
            given(normalised(web={"volumes": [{"type": "image", "source": "reg/data", "target": "/d"}]})),
            ".compose.services.web.volumes",
            "reg/data has no tag",
            "Write a fixed tag or a digest, as app:1.2",
            "compose.image_not_fixed",
        ),
        StackCase(
            given(normalised(web={"image": None})),
            ".compose.services.web.image",
            "is missing",
            "Name an image with a fixed tag, as registry/app:1.2, or add build",
            "compose.image_missing",
        ),
        *(
            StackCase(
                given(normalised(web={"image": image})),
                ".compose.services.web.image",
                f"{image} {reason}",
                "Write a fixed tag or a digest, as app:1.2",
                "compose.image_not_fixed",
            )
            for image, reason in (("app", "has no tag"), ("reg:5000/app:latest", "is tagged latest"))
        ),
    ],
    "build_sources": [
        StackCase(
            given(normalised(web={"image": None, "build": {"context": "/.switchyard-source/api"}})),
            ".compose.services.web.build.context",
            "api is not on the controller below the source, or its path has a variable",
            "Create the folder, or write its path without a variable",
            "compose.build_context",
        )
    ],
    "compose_keys": [
        StackCase(
            given(normalised(web={"provider": {"type": "x"}})),
            ".compose.services.web.provider",
            "{'type': 'x'} is refused, also with allow: Compose would start a program of the server as root",
            "Run it as a service",
            "compose.key_refused",
        )
    ],
    "network_modes": [
        StackCase(
            given(normalised(web={"network_mode": "bridge"})),
            ".compose.services.web.network_mode",
            "bridge leaves web without the network of the proxy, which sends it its requests",
            "Remove it",
            "compose.network_mode",
        )
    ],
    "allowances": [
        StackCase(
            given(allow={"web": ["gpu"]}),
            ".allow.web",
            "nothing in the Compose files needs gpu",
            "Remove it from allow",
            "stack.allow_unused",
        )
    ],
    "bind_mounts": [
        StackCase(
            given(normalised(web={"volumes": [{"type": "bind", "source": "/missing"}]})),
            ".compose.services.web.volumes",
            "/missing is not on the server",
            "Use a named volume, or create the path on the server",
            "compose.bind_mount_missing",
        )
    ],
    "writable_folders": [],
    "static_volumes": [
        StackCase(
            given(VOLUMES, static=static("static", volume)),
            ".static[1].volume",
            f"the Compose files make no volume {volume}",
            "Volumes there are: media, static",
            "compose.volume_unknown",
        )
        for volume in ("shared", "other")
    ],
    "secrets_used": [
        StackCase(
            given(normalised(web=SECRET)),
            ".secrets.key",
            "the Compose files use it, but it has no value",
            "Give it one, from a vault",
            "stack.secret_without_value",
        ),
        StackCase(
            given(secrets={"key": "x"}),
            ".secrets.key",
            "no service of the Compose files uses it",
            "Add it to a service's secrets, or to secrets_as_env",
            "stack.secret_not_used",
        ),
    ],
    "route_options_supported": [
        StackCase(
            given(),
            ".routes[0].response_timeout",
            "it waits 24 days at most",
            "Take it out, or take another proxy",
            "route.option_unsupported",
            set_attribute(
                "proxy.unsupported_options", lambda options: [("response_timeout", "it waits 24 days at most")]
            ),
        ),
        StackCase(
            given(routes=[{"service": "web", "port": 8000, "hosts": [HOST], "https": "redirect"}]),
            ".routes[0].https",
            "the proxy has no https port",
            "Set proxy_https_port, then run setup.yml",
            "route.no_https_port",
        ),
    ],
    "static_files": [
        StackCase(
            given(VOLUMES, static=static("static")),
            ".static",
            "this proxy serves no files of its own",
            "Give them a service that does, or take nginx in a container",
            "stack.static_unsupported",
        ),
        StackCase(
            given(VOLUMES, static=static("static", "media")),
            ".static[1].volume",
            "the proxy does not have the volume po-shop-media-prod",
            "Run setup.yml",
            "stack.static_volume",
            lambda machine: vars(machine.proxy).update(serves_files=True, volumes=lambda: ("po-shop-static-prod",)),
        ),
    ],
    "route_conflicts": [
        StackCase(
            given(),
            ".routes",
            f"{HOST}/ leads to po.blog.prod on this server",
            "Take another host name, or retire that stack first",
            "route.conflict",
            set_attribute("proxy.state", ProxyState({}, {("po.blog.prod", "blue", f"{HOST}/"): "site"})),
        ),
        StackCase(
            given(VOLUMES, static=static("static")),
            ".routes",
            f"{HOST}/static/ leads to po.blog.prod on this server",
            "Take another host name, or retire that stack first",
            "route.conflict",
            set_attribute("proxy.state", ProxyState({}, {("po.blog.prod", "blue", f"{HOST}/static/"): "site"})),
        ),
    ],
    "external_resources": [
        StackCase(
            given(EXTERNAL),
            ".compose.volumes.media",
            "the external volume 'old_media' does not exist on the server",
            "Create it with 'docker volume create', or remove external: the release creates one for the stack",
            "compose.external_missing",
            lambda machine: machine.engine.ensure_network("traefik", False, {}),
        ),
        StackCase(
            given(EXTERNAL),
            ".compose.networks.traefik",
            "the external network 'traefik' does not exist on the server",
            "Create it with 'docker network create', or remove external: the release creates one for the stack",
            "compose.external_missing",
            lambda machine: machine.engine.ensure_volume("old_media", "local", {}, {}),
        ),
    ],
    **NAME_CASES,
    "duplicate_resources": [],
    "paused_canary": [
        StackCase(
            given(),
            "",
            "release 2 waits at 5 % of the clients",
            "Go on with promote.yml, or take it back with rollback.yml",
            "release.canary_paused",
            paused_canary,
        )
    ],
}


def check_stack(name: str, machine: Machine, spec: StackInput, **more: t.Any) -> list[t.Any]:
    context = StackCheckContext(HostCheckContext(machine.host), spec, **more)
    return t.cast(t.Any, getattr(preflight, name)).check(context)  # type: ignore[no-any-return]


GOOD = given(
    normalised(
        web={**SECRET, "volumes": [{"type": "bind", "source": "/"}, {"type": "volume", "source": "static"}]},
        celery={"image": "reg/celery@sha256:" + "0" * 64},
    )
    | {"volumes": {"static": {}}},
    {"key": "x"},
    static=static("static"),
    workers=["celery"],
    allow={"web": ["/"]},
)


@pytest.mark.parametrize("name", [name for name in STACK_CASES if name != "source_folder"])
def test_a_good_stack_has_no_problem(name: str, machine: Machine) -> None:
    vars(machine.proxy).update(serves_files=True, volumes=lambda: ("po-shop-static-prod",))
    assert check_stack(name, machine, GOOD) == []
    other_volume(project="po", stack="shop", environment="prod")(machine)
    machine.deployed("blue", GOOD)
    assert check_stack(name, machine, GOOD) == []


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, cases in STACK_CASES.items() for case in cases])
def test_a_mistake_of_a_stack(name: str, case: StackCase, machine: Machine) -> None:
    case.arrange(machine)
    (problem,) = check_stack(name, machine, case.spec)
    assert (problem.where, problem.message) == (f"{STACK}{case.where}", case.message)
    assert (problem.hint, problem.code) == (case.hint, case.code)


def test_every_check_has_a_case() -> None:
    modules = {*preflight.STACK_CHECKS, *preflight.IN_PLACE_CHECKS}
    # A check with several kinds of problems has a file of its own.
    own_files = {path.stem[len("test_") :] for path in Path(__file__).parent.glob("test_*.py")}
    found = {check.__name__.rsplit(".", 1)[-1] for check in modules}
    assert found - own_files <= set(STACK_CASES) <= found
    assert [name for name, cases in STACK_CASES.items() if not cases] == ["writable_folders", "duplicate_resources"]


def test_the_files_of_a_stack_in_place_are_in_their_folder(machine: Machine) -> None:
    (machine.root / "docker-compose.yml").write_text("{}")
    spec = given(strategy="in_place", source={"path": str(machine.root)})
    assert check_stack("source_folder", machine, spec) == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            "echo 'services.web.imge is not allowed' >&2; exit 15",
            f"{STACK}.compose: Compose rejects docker-compose.yml: services.web.imge is not allowed. "
            "Try it with 'docker compose config'.",
        ),
        (
            "echo \"docker: 'compose' is not a docker command.\" >&2; exit 1",
            "server: The Compose plugin does not answer on this server. Run setup.yml.",
        ),
        (
            "echo 'services.web Additional property post_start is not allowed' >&2; exit 15",
            f"{STACK}.compose: Compose rejects docker-compose.yml: services.web Additional property post_start is not "
            "allowed. Docker Compose on this server is older than this key, or it has another place: update Compose, or"
            " move it.",
        ),
    ],
)
def test_what_compose_answers_to_the_files(answer: str, expected: str, machine: Machine, docker: Docker) -> None:
    docker(answer)
    assert [str(problem) for problem in check_stack("compose_valid", machine, given())] == [expected]


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/x86_64", "amd64", "Linux/AMD64/v2"])
def test_a_platform_of_the_server(machine: Machine, platform: str) -> None:
    assert check_stack("platforms", machine, given(normalised(web={"platform": platform}))) == []


def test_external_resources_that_exist(machine: Machine) -> None:
    machine.engine.ensure_network("traefik", False, {})
    machine.engine.ensure_volume("old_media", "local", {}, {})
    assert check_stack("external_resources", machine, given(EXTERNAL)) == []


def test_a_resource_that_an_earlier_stack_creates(machine: Machine) -> None:
    claims = {("volume", "po-shop-static-prod"): "switchyard_stacks[blog]", ("network", "po-shop-default-prod"): STACK}
    (problem,) = check_stack("duplicate_resources", machine, given(VOLUMES), claims=claims)
    assert (problem.where, problem.code) == (STACK, "name.duplicate")
    assert problem.message == "the volume po-shop-static-prod belongs to switchyard_stacks[blog] as well"


def test_a_canary_that_takes_its_steps_is_not_in_the_way(machine: Machine) -> None:
    paused_canary(machine)
    record = machine.ctx.records.get(2)
    assert record
    machine.ctx.records.save(record.updated(state="prepared"))
    assert check_stack("paused_canary", machine, given()) == []
