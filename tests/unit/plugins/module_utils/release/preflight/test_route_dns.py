"""Whether the host names of routes lead to this server."""

from __future__ import annotations

import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest
from fakes import Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import route_dns
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import HostCheckContext

HOSTS = {"shop.example.org": "stacks[shop].routes[0].hosts"}

# The form of Linux: a trie, each local address below its own node, in the table of each rule again.
TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 203.0.113.0/24 2 0 1
        |-- 203.0.113.0
           /24 link UNICAST
        |-- 203.0.113.7
           /32 host LOCAL
        |-- 203.0.113.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
"""
INET6 = """20010db8000000000000000000000007 02 40 00 80     eth0
fe80000000000000000000000000cafe 02 40 20 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
"""


def answers(found: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the resolver give these addresses, errors, or an answer after an event."""

    def getaddrinfo(host: str, _port: None) -> list[t.Any]:
        answer = found[host]
        if isinstance(answer, threading.Event):
            answer.wait(10)
            return []
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in answer]

    monkeypatch.setattr(route_dns.socket, "getaddrinfo", getaddrinfo)


def test_a_name_that_leads_here_has_no_problem() -> None:
    own = {"10.0.0.5", "203.0.113.7"}
    assert route_dns.problems(HOSTS, {"shop.example.org": {"203.0.113.7"}}, own, "error") == []
    # Nothing is known of it.
    assert route_dns.problems(HOSTS, {}, own, "error") == []


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_a_name_that_leads_to_another_machine(severity: str) -> None:
    found = {"shop.example.org": {"198.51.100.9"}}
    (problem,) = route_dns.problems(HOSTS, found, {"10.0.0.5", "8.8.4.4"}, severity)
    assert (problem.where, problem.code, problem.severity) == (HOSTS["shop.example.org"], "route.dns", severity)
    assert problem.message == "shop.example.org leads to 198.51.100.9, and this server has 8.8.4.4"


def test_a_name_without_an_address() -> None:
    (problem,) = route_dns.problems(HOSTS, {"shop.example.org": None}, {"10.0.0.5"}, "warning")
    assert problem.message == "DNS has no address for shop.example.org"


def test_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(
        {
            "a.org": ["203.0.113.7"],
            "none.org": socket.gaierror(socket.EAI_NONAME, "not known"),
            "offline.org": socket.gaierror(socket.EAI_AGAIN, "try again"),
        },
        monkeypatch,
    )
    lookups = route_dns.Lookups.start(["a.org", "none.org", "offline.org", "shop.localhost", "a.test"])
    assert lookups.results() == {"a.org": {"203.0.113.7"}, "none.org": None}


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    event = threading.Event()
    answers({"slow.org": event, "a.org": ["203.0.113.7"]}, monkeypatch)
    begin = time.monotonic()
    assert route_dns.Lookups.start(["slow.org", "a.org"], limit=0.2).results() == {"a.org": {"203.0.113.7"}}
    assert time.monotonic() - begin < 5
    event.set()


def test_the_addresses_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/fib_trie").write_text(TRIE)
    (tmp_path / "net/if_inet6").write_text(INET6)
    assert route_dns.own_addresses(tmp_path) == {"203.0.113.7", "2001:db8::7"}
    assert route_dns.own_addresses(tmp_path / "none") == set()


def test_the_check_is_off_by_default_and_takes_further_addresses(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers({"shop.example.org": ["198.51.100.9"]}, monkeypatch)
    spec = given()

    def codes(**more: t.Any) -> list[str]:
        lookups = route_dns.Lookups.start(["shop.example.org"])
        context = HostCheckContext(machine.host, specs=[spec], lookups=lookups, **more)
        return [problem.code for problem in route_dns.check(context)]

    assert codes() == codes(dns="off") == []
    assert codes(dns="warning") == ["route.dns"]
    assert codes(dns="warning", addresses=["198.51.100.9"]) == []
