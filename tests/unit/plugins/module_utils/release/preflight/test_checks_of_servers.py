"""Every check of a server in release/preflight: a good case and at least one mistake each."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes import FakeEngine, Machine
from fakes_preflight import Arrange, fails, set_attribute

from ansible_collections.switchyard.stacks.plugins.module_utils.config import server_state
from ansible_collections.switchyard.stacks.plugins.module_utils.config.server_settings import SettingsRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.connection_failure import user_name
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError, ProxyUnavailable
from ansible_collections.switchyard.stacks.plugins.module_utils.release import preflight
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import HostCheckContext
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.inventory_facts import InventoryFacts


class HostCase(t.NamedTuple):
    """A server with a mistake, and the problem that the check returns: message, hint and code."""

    arrange: Arrange
    message: str
    hint: str
    code: str
    min_free: int = 0


def root_without_rights(machine: Machine) -> None:
    """Make the root folder a file, which not even root can enter."""
    file = machine.root / "a-file"
    file.touch(0o600)
    object.__setattr__(machine.host, "root", file)


def set_up_by_qual(machine: Machine) -> None:
    """Let another environment use the proxy on another port."""
    request = SettingsRequest("po", "qual", "anna@ci", 1.0, {"proxy": {"proxy_https_port": 443}})
    server_state.apply(machine.root, request)


INVENTORY = InventoryFacts(settings=SettingsRequest("po", "prod", "bob@desk", 2.0, {"proxy": {"proxy_https_port": 0}}))

HOST_CASES: dict[str, list[HostCase]] = {
    "root_rights": [
        HostCase(
            root_without_rights,
            f"The user {user_name()} cannot write ",
            "Set ansible_become: true for this server",
            "server.not_root",
        )
    ],
    "server_settings": [
        HostCase(
            set_up_by_qual,
            "it is 0 in prod, and 443 on the server, set by qual (anna@ci, 1970-01-01 00:00 UTC); qual uses it",
            "Write proxy_https_port: 443, best in one file for all inventories of the server, or run setup.yml with "
            "-e accept_server_change=true after a look at what it does to qual: the proxy loads another configuration, "
            "and is replaced where its image, ports, memory or user change: requests fail then",
            "server.setting_differs",
        )
    ],
    "engine_answers": [
        HostCase(
            set_attribute("engine.networks_in_use", fails(EngineError("No engine answers.", hint="Start Docker."))),
            "No engine answers",
            "Start Docker",
            "server.engine",
        ),
        HostCase(
            set_attribute("engine.networks_in_use", fails(ConnectionError("refused"))),
            "The container engine does not answer (refused)",
            "Run setup.yml",
            "server.engine",
        ),
    ],
    "disk_space": [
        HostCase(
            set_attribute("engine.folder", "/"),
            "/ has ",
            "Make room: 'docker system df' shows what of the engine uses it",
            "server.disk_space",
            min_free=2**60,
        )
    ],
    "proxy_answers": [
        HostCase(
            set_attribute("proxy.read", fails(ProxyUnavailable("The proxy does not answer on /run/master.sock."))),
            "The proxy does not answer on /run/master.sock",
            "Run setup.yml",
            "server.proxy",
        )
    ],
    "foreign_proxy_files": [
        HostCase(
            set_attribute("proxy.foreign", {"99-other.cfg": "unknown keyword 'fronted'."}),
            "the proxy would not load its folder: unknown keyword 'fronted'",
            "Ask their owner to fix these files, which this collection did not write: 99-other.cfg",
            "proxy.foreign_files",
        )
    ],
}


def check_host(name: str, context: HostCheckContext) -> list[t.Any]:
    return t.cast(t.Any, getattr(preflight, name)).check(context)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", HOST_CASES)
def test_a_good_server_has_no_problem(name: str, machine: Machine) -> None:
    assert check_host(name, HostCheckContext(machine.host, inventory=INVENTORY)) == []


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, cases in HOST_CASES.items() for case in cases])
def test_a_mistake_of_a_server(name: str, case: HostCase, machine: Machine) -> None:
    case.arrange(machine)
    problem, *_more = check_host(name, HostCheckContext(machine.host, case.min_free, inventory=INVENTORY))
    assert problem.message.startswith(case.message)
    assert (problem.hint, problem.code) == (case.hint, case.code)


def test_free_space_is_shown_with_what_is_asked_for(machine: Machine) -> None:
    machine.engine.folder = str(machine.root)
    (problem,) = check_host("disk_space", HostCheckContext(machine.host, 2**60))
    assert problem.message.startswith(f"{machine.root} has ")
    assert problem.message.endswith(" GiB free, 1073741824.0 GiB are asked for")


def test_an_environment_without_routes_needs_no_proxy(machine: Machine) -> None:
    machine.proxy.foreign = {"99-other.cfg": "unknown keyword"}
    machine.proxy.read = fails(ProxyUnavailable("It does not answer."))  # type: ignore[method-assign]
    context = HostCheckContext(machine.host, needs_proxy=False)
    root_without_rights(machine)
    for name in ("root_rights", "proxy_answers", "foreign_proxy_files"):
        assert check_host(name, context) == []


def test_every_check_has_a_case() -> None:
    found = {check.__name__.rsplit(".", 1)[-1] for check in preflight.HOST_CHECKS}
    # A check with several kinds of problems has a file of its own.
    own_files = {path.stem[len("test_") :] for path in Path(__file__).parent.glob("test_*.py")}
    assert found - own_files <= set(HOST_CASES) <= found
    assert all(HOST_CASES.values())


def test_a_server_without_an_engine_is_one_problem(machine: Machine) -> None:
    vars(machine.host).pop("engine")
    vars(machine.host)["engine"] = FakeEngine()
    machine.engine = machine.host.engine  # type: ignore[assignment]
    machine.engine.networks_in_use = fails(EngineError("No engine answers."))  # type: ignore[method-assign]
    context = HostCheckContext(machine.host)
    assert [problem.code for problem in check_host("engine_answers", context)] == ["server.engine"]
