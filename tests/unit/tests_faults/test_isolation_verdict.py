"""What may be reached is required, what may not is refused, and what was not tried is not right."""

from __future__ import annotations

import typing as t

import isolation_verdict
import pytest
import server_reach
from isolation_verdict import FOREIGN_LOGINS, FOREIGN_NAMES, HOST_PORTS, LOGINS, METADATA, NAMES, OTHERS, OWN


def network(environment: str, project: str = "side", stack: str = "") -> dict[str, t.Any]:
    return {"environment": environment, "project": project, "stack": stack, "internal": False}


def container(name: str, environment: str, project: str = "side", **ends: str) -> dict[str, t.Any]:
    networks = {on.replace("_", "-"): {"address": address, "names": ["db", name]} for on, address in ends.items()}
    own = {"name": name, "environment": environment, "project": project, "stack": "shop", "ports": [5432]}
    return {**own, "networks": networks}


STATE = {
    "networks": {"shop-prod": network("prod"), "shop-qual": network("qual"), "traefik": network("", "")},
    "containers": [
        container("shop-db-prod", "prod", shop_prod="10.1.0.2"),
        container("shop-db-qual", "qual", shop_qual="10.2.0.2"),
        container("side-postgres", "", shop_prod="10.1.0.3", shop_qual="10.2.0.3"),
        container("web", "", "", traefik="10.3.0.2"),
    ],
}
LOGIN = {
    "kind": "postgres",
    "user": "desk_prod",
    "environment": "prod",
    "stack": "desk",
    "server": "side-postgres",
}


def report(on: str, *got: list[t.Any]) -> dict[str, tuple[int, int, bool]]:
    """The lines with attempts: how many, how many succeeded, and whether that is right."""
    lines = isolation_verdict.lines(STATE, [LOGIN], [{"on": on, "networks": [on], "got": got}])
    return {line.what: (line.tried, line.reached, line.is_right()) for line in lines if line.tried}


@pytest.mark.parametrize(
    ("on", "address", "what", "allowed"),
    [
        ("shop-prod", "10.1.0.2", OWN, True),
        ("shop-prod", "10.1.0.3", OWN, True),
        ("shop-qual", "10.1.0.2", OTHERS["environment"], False),
        ("shop-qual", "10.1.0.3", OTHERS["server"], False),
        ("shop-qual", "10.3.0.2", OTHERS["foreign"], False),
        ("traefik", "10.1.0.2", OTHERS["outside"], False),
    ],
)
@pytest.mark.parametrize("got", ["reached", ""])
def test_a_port_is_reached_on_the_own_network_only(on: str, address: str, what: str, allowed: bool, got: str) -> None:
    assert report(on, ["tcp", address, 5432, got]) == {what: (1, bool(got), bool(got) == allowed)}


@pytest.mark.parametrize(
    ("name", "got", "expected"),
    [
        ("shop-db-prod", ["10.1.0.2"], {NAMES: (1, 1, True), FOREIGN_NAMES: (1, 0, True)}),
        ("shop-db-prod", [], {NAMES: (1, 0, False), FOREIGN_NAMES: (1, 0, True)}),
        ("db", ["10.1.0.2", "10.2.0.2"], {NAMES: (1, 1, True), FOREIGN_NAMES: (1, 1, False)}),
        ("shop-db-qual", [], {FOREIGN_NAMES: (1, 0, True)}),
        ("shop-db-qual", ["10.2.0.2"], {FOREIGN_NAMES: (1, 1, False)}),
    ],
)
def test_a_name_has_addresses_of_the_own_network_only(name: str, got: list[str], expected: object) -> None:
    assert report("shop-prod", ["name", name, got]) == expected


@pytest.mark.parametrize(
    ("on", "address", "got", "expected"),
    [
        ("shop-prod", "10.1.0.3", "logged in", {LOGINS: (1, 1, True)}),
        ("shop-qual", "10.2.0.3", "", {FOREIGN_LOGINS: (1, 0, True)}),
        ("shop-qual", "10.2.0.3", "logged in", {FOREIGN_LOGINS: (1, 1, False)}),
        # Another server than that of the login
        ("shop-prod", "10.1.0.2", "", {}),
    ],
)
def test_a_password_opens_the_own_environment_only(on: str, address: str, got: str, expected: object) -> None:
    assert report(on, ["postgres", address, 5432, "desk_prod", "secret", got]) == expected


def test_what_nothing_refuses_is_counted() -> None:
    assert report("shop-prod", ["tcp", "10.1.0.1", 22, "reached"]) == {HOST_PORTS: (1, 1, True)}


def test_a_login_of_another_stack_is_refused_on_the_network_of_a_stack() -> None:
    state = {**STATE, "networks": {**STATE["networks"], "shop-prod": network("prod", stack="shop")}}
    client = {"on": "shop-prod", "got": [["postgres", "10.1.0.3", 5432, "desk_prod", "secret", "logged in"]]}
    line = next(line for line in isolation_verdict.lines(state, [LOGIN], [client]) if line.what == FOREIGN_LOGINS)
    assert line.wrong == ["shop-prod -> postgres 10.1.0.3 5432 as desk_prod"]


@pytest.mark.parametrize(("internal", "well"), [(True, False), (False, True)])
def test_the_metadata_address_is_refused_on_internal_networks(internal: bool, well: bool) -> None:
    state = {**STATE, "networks": {"shop-prod": {**network("prod"), "internal": internal}}}
    client = {"on": "shop-prod", "got": [["page", "169.254.169.254", 80, "token"]]}
    line = next(line for line in isolation_verdict.lines(state, [LOGIN], [client]) if line.what == METADATA[internal])
    assert (line.tried, line.reached, line.is_right()) == (1, 1, well)


def test_what_was_not_tried_is_not_right() -> None:
    assert not any(line.is_right() for line in isolation_verdict.lines(STATE, [], []))


def test_networks_with_several_environments_or_stacks_are_found() -> None:
    meeting = container("a", "prod", front="10.4.0.2"), container("b", "qual", front="10.4.0.3")
    assert isolation_verdict.shared_networks({"containers": [*STATE["containers"], *meeting]}) == (["front"], [])
    other = {**container("c", "prod", shop_prod="10.1.0.9"), "stack": "desk"}
    assert isolation_verdict.shared_networks({"containers": [*STATE["containers"], other]}) == ([], ["shop-prod"])


def test_ports_for_other_addresses_are_those_that_listen() -> None:
    rows = [
        ("00000000:1F90", "0A"),
        ("0100007F:0050", "0A"),
        ("0B00007F:0035", "0A"),
        ("0200010A:1F91", "01"),
        ("0" * 32 + ":1538", "0A"),
        ("0" * 24 + "01000000:0051", "0A"),
    ]
    table = "\n".join(["  sl  local_address rem_address st", *(f"0: {local} 0:0 {state}" for local, state in rows)])
    assert server_reach.listening(table) == {8080, 0x1538}
