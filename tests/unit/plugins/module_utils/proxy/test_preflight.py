from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from fakes import Machine, container

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import preflight
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.preflight import (
    PortUser,
    ProxyFacts,
    ProxyRequest,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext

SERVER = HostContext(Path("/srv/sy"), "po", "prod")
WANTED = ProxyRequest("haproxy", (("0.0.0.0", 80),))


def reported(seen: ProxyFacts, wanted: ProxyRequest = WANTED) -> list[str]:
    return [problem.message for problem in preflight.problems(SERVER, wanted, seen)]


def test_a_free_server_and_our_own_proxy_have_no_problem() -> None:
    assert reported(ProxyFacts()) == []
    ours = container("po-proxy", mounts={"/etc/switchyard/maps": "/srv/sy/proxy/maps", "/www": "/var/www"})
    settings = {"container": "po-proxy", "provider": "haproxy"}
    assert reported(ProxyFacts(ours, settings, {80: (PortUser("0.0.0.0", "po-proxy", "po"),)})) == []


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (PortUser("0.0.0.0", process="apache2", pid=812), "in use on 0.0.0.0 by apache2 (process 812)"),
        (PortUser("::", process="apache2", pid=812), "in use on [::] by apache2 (process 812)"),
        (PortUser("127.0.0.1"), "in use on 127.0.0.1 by an unknown process"),
        (PortUser("0.0.0.0", "traefik"), "in use on 0.0.0.0 by the container traefik"),
        (PortUser("0.0.0.0", "shop-proxy", "shop"), "by the container shop-proxy, the proxy of the project shop"),
    ],
)
def test_a_used_port_is_reported_with_its_holder(holder: PortUser, words: str) -> None:
    (what,) = reported(ProxyFacts(port_users={80: (holder, holder)}))
    assert what.startswith("the port 80 is in use on ")
    assert what.endswith(words)


@pytest.mark.parametrize("address", ["::", "2001:db8::1"])
def test_an_address_of_ipv6_is_for_a_package_only(address: str) -> None:
    wanted = ProxyRequest("haproxy", ((address, 80), (address, 443)))
    (problem,) = preflight.problems(SERVER, wanted, ProxyFacts())
    assert (problem.where, problem.code) == ("proxy_http_address", "proxy.address_family")
    unit = ProxyRequest("haproxy", wanted.ports, "po-proxy.service")
    assert preflight.problems(SERVER, unit, ProxyFacts()) == []


@pytest.mark.parametrize(
    ("version", "shown"), [("20.10.24+dfsg1", True), ("27.5.1", True), ("28.0.0", False), ("unknown", False)]
)
def test_an_engine_that_does_not_guard_its_containers_is_noticed(version: str, shown: bool) -> None:
    assert bool(preflight.notices(version)) is shown
    assert all(version in notice for notice in preflight.notices(version))


@pytest.mark.parametrize(
    ("address", "held", "clash"),
    [("127.0.0.1", "127.0.0.2", False), ("127.0.0.1", "127.0.0.1", True), ("127.0.0.1", "::", True)],
)
def test_another_address_of_the_server_is_not_a_conflict(address: str, held: str, clash: bool) -> None:
    seen = ProxyFacts(port_users={80: (PortUser(held, process="x", pid=1),)})
    assert bool(reported(seen, ProxyRequest("haproxy", ((address, 80),)))) is clash


def test_every_port_is_looked_at() -> None:
    users = {port: (PortUser("::", process="x", pid=1),) for port in (80, 443)}
    assert len(reported(ProxyFacts(port_users=users), ProxyRequest("haproxy", (("", 80), ("", 443))))) == 2


def test_two_projects_in_one_folder() -> None:
    assert reported(ProxyFacts(settings={"container": "shop-proxy", "provider": "nginx"})) == [
        "/srv/sy/proxy belongs to the container shop-proxy of another project"
    ]


def test_two_folders_of_one_project() -> None:
    other = container("po-proxy", mounts={"/etc/switchyard/maps": "/other-folder/proxy/maps"})
    (what,) = reported(ProxyFacts(other))
    assert what == "the container po-proxy has its files in /other-folder/proxy/maps, not below /srv/sy/proxy"


def test_another_kind_of_proxy() -> None:
    settings = {"container": "po-proxy", "provider": "nginx"}
    assert reported(ProxyFacts(settings=settings)) == ["the proxy of this server is nginx, and haproxy is asked for"]


# --- looking ---


@pytest.fixture
def existing(machine: Machine) -> Machine:
    """Give a server on which the proxy of the project runs."""
    (machine.root / "proxy" / "proxy.json").write_text(json.dumps({"container": "po-proxy", "provider": "haproxy"}))
    machine.engine.start(container("po-proxy"))
    return machine


def test_a_process_is_found_and_named(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = preflight.run_preflight(machine.host, ProxyRequest("haproxy", (("127.0.0.1", port),)))
        assert [f"(process {os.getpid()})" in problem.message for problem in found] == [True]
    assert preflight.run_preflight(machine.host, ProxyRequest("haproxy", (("127.0.0.1", port),))) == []


def test_a_container_is_found_and_named(machine: Machine) -> None:
    labels = names.labels(project="other", role="proxy")
    machine.engine.start(container("theirs", labels={"project": "other", "role": "proxy"}), container("web"))
    assert machine.engine.by_name["theirs"].labels.items() >= labels.items()
    machine.engine.published = {80: {"theirs": {"0.0.0.0"}}, 81: {"web": {"127.0.0.1"}}}
    found = preflight.run_preflight(machine.host, ProxyRequest("haproxy", (("0.0.0.0", 80), ("0.0.0.0", 81))))
    assert [problem.message.partition(" by ")[2] for problem in found] == [
        "the container theirs, the proxy of the project other",
        "the container web",
    ]


def test_a_foreign_file_is_reported_in_the_proxys_words(existing: Machine) -> None:
    assert preflight.run_preflight(existing.host, WANTED) == []
    existing.proxy.foreign = {"99-theirs.cfg": "unknown keyword 'fronted'."}
    (problem,) = preflight.run_preflight(existing.host, WANTED)
    assert problem.where == f"{existing.root}/proxy/conf.d"
    assert problem.message == "the proxy would not load its folder: unknown keyword 'fronted'"
    assert problem.hint.endswith("99-theirs.cfg")


def test_a_proxy_that_does_not_answer_is_put_right_by_the_role(
    existing: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> ProxyState:
        raise SwitchyardError("The proxy does not answer")

    monkeypatch.setattr(existing.proxy, "read", silent)
    assert preflight.run_preflight(existing.host, WANTED) == []


def test_a_proxy_that_does_not_run_is_not_asked(existing: Machine) -> None:
    existing.engine.stop([existing.engine.by_name["po-proxy"]])
    existing.proxy.foreign = {"99-theirs.cfg": "bad"}
    assert preflight.run_preflight(existing.host, WANTED) == []


def test_the_own_unit_of_a_package_may_use_its_port_and_others_may_not() -> None:
    own = PortUser("0.0.0.0", process="haproxy", pid=7, unit="po-proxy.service")
    request = ProxyRequest("haproxy", (("0.0.0.0", 80),), "po-proxy.service")
    assert reported(ProxyFacts(port_users={80: (own,)}), request) == []
    assert len(reported(ProxyFacts(port_users={80: (own,)}), ProxyRequest("haproxy", (("0.0.0.0", 80),)))) == 1
    other = PortUser("0.0.0.0", process="apache2", pid=8, unit="apache2.service")
    assert len(reported(ProxyFacts(port_users={80: (other,)}), request)) == 1
    # Our own container still uses the port, and a package is asked for.
    assert len(reported(ProxyFacts(port_users={80: (PortUser("0.0.0.0", "po-proxy", "po"),)}), request)) == 1
