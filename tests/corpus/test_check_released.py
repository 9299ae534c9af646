"""The comparison of released cases finds what does not hold."""

from __future__ import annotations

import typing as t

import check_released
import pytest
from check_released import Container

LABEL = "io.switchyard."
SERVICES: dict[str, dict[str, t.Any]] = {
    "web": {"networks": {"front": {"aliases": ["www"]}, "back": None}, "links": ["db:database"], "hostname": "shop"},
    "mailer": {"networks": {"front": None}},
    "db": {"networks": {"back": None}},
}
CASE = {"runs": {"color": ["web"], "workers": ["mailer"], "accessories": ["db"]}, "services": SERVICES}


def container(service: str, role: str, release: int, address: str, status: str = "running") -> Container:
    labels = {"stack": "shop", "service": service, "role": role, **({"release": str(release)} if release else {})}
    return Container(
        {
            "Name": f"/{service}-{release}",
            "RestartCount": 0,
            "State": {"Status": status},
            "Config": {"Labels": {LABEL + key: value for key, value in labels.items()}},
            "NetworkSettings": {"Networks": {"n": {"IPAddress": address}}},
        }
    )


OLD, NEW = container("web", "routed", 1, "10.0.0.1"), container("web", "routed", 2, "10.0.0.2")
MAILER, DB = container("mailer", "worker", 2, "10.0.0.3"), container("db", "accessory", 0, "10.0.0.4")
ALL = [OLD, NEW, MAILER, DB]


@pytest.mark.parametrize(
    ("found", "version", "holds"),
    [
        (ALL, 2, True),
        ([NEW, MAILER, DB], 2, False),
        ([*ALL, container("init", "one-shot", 2, "")], 2, False),
        ([OLD, NEW, container("mailer", "worker", 1, "10.0.0.3"), DB], 2, False),
        ([OLD, NEW, MAILER, container("db", "accessory", 0, "10.0.0.4", "restarting")], 2, False),
    ],
)
def test_exactly_the_containers_of_the_case_run(found: list[Container], version: int, holds: bool) -> None:
    assert (list(check_released.part_differences(CASE, found, version)) == []) is holds


@pytest.mark.parametrize(
    ("asking", "name", "answer", "holds"),
    [
        (MAILER, "web", {"10.0.0.2"}, True),
        (MAILER, "web", {"10.0.0.1"}, False),
        (MAILER, "web", {"10.0.0.1", "10.0.0.2"}, False),
        (MAILER, "www", set(), False),
        (MAILER, "shop", {"10.0.0.2"}, True),
        (MAILER, "db", {"10.0.0.4"}, False),
        (NEW, "database", {"10.0.0.4"}, True),
        (NEW, "foreign", {"10.0.9.9"}, False),
        (DB, "web", {"10.0.0.2"}, False),
        (DB, "web", set(), True),
    ],
)
def test_a_name_leads_where_the_files_say(
    monkeypatch: pytest.MonkeyPatch, asking: Container, name: str, answer: set[str], holds: bool
) -> None:
    right = {"web": "10.0.0.2", "www": "10.0.0.2", "shop": "10.0.0.2", "mailer": "10.0.0.3", "database": "10.0.0.4"}
    right |= {"db": "10.0.0.4"} if asking is NEW else {}

    def addresses_of(self: Container, names: list[str]) -> dict[str, set[str]]:
        known = {} if asking is DB else right
        found = {one: {known[one]} if one in known else set() for one in names}
        assert name in found
        return {**found, name: answer}

    monkeypatch.setattr(Container, "addresses_of", addresses_of)
    differences = list(check_released.name_differences(CASE, asking, ALL, {"db", "foreign", "web"}))
    assert (differences == []) is holds, differences


def test_a_container_is_not_asked_for_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def addresses_of(self: Container, names: list[str]) -> dict[str, set[str]]:
        asked.extend(names)
        return {name: set() for name in names}

    monkeypatch.setattr(Container, "addresses_of", addresses_of)
    assert list(check_released.name_differences(CASE, NEW, [NEW], {"www", "shop", "web", "foreign"})) == []
    assert asked == ["foreign"]


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"version": "1"}, False),
        ({"arguments": ["serve", "--debug"]}, False),
        ({"environment": {"A": "2"}}, False),
        ({"writes": {"/data": ["version-2"]}}, False),
        ({"runs": ["init"]}, False),
        ({"runs": ["init", "init", "init"]}, False),
    ],
)
def test_the_answer_of_a_route_is_as_the_case_says(changes: dict[str, t.Any], holds: bool) -> None:
    route = {"expected": {"arguments": ["serve"], "environment": {"A": "1"}, "writes": ["/data"]}}
    writes = {"/data": ["other", "version-1", "version-2"]}
    answer = {"version": "2", "arguments": ["serve"], "environment": {"A": "1", "B": "1"}, "writes": writes}
    answer |= {"runs": ["init", "init"], **changes}
    assert (list(check_released.answer_differences(route, answer, ["init"], 2)) == []) is holds


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"command": ["serve"], "environment": {"A": "1"}, "stop_grace_period": "1m10s", "shm_size": "64"}, True),
        ({"command": ["work"]}, False),
        ({"environment": {"A": "2"}}, False),
        ({"stop_grace_period": "10s"}, False),
        ({"user": "app"}, False),
        ({"volumes": [{"target": "/data"}]}, True),
        ({"volumes": [{"target": "/data", "read_only": True}]}, False),
        ({"volumes": [{"target": "/lost"}]}, False),
    ],
)
def test_a_container_is_as_its_service_in_the_file(given: dict[str, t.Any], holds: bool) -> None:
    config = {"Cmd": ["serve"], "Entrypoint": None, "User": "", "Tty": False, "Env": ["A=1"], "StopTimeout": 70}
    mounts = [{"Destination": "/data", "RW": True}]
    inspected = {"Config": config, "HostConfig": {"ShmSize": 64}, "Mounts": mounts}
    assert (list(check_released.file_differences(given, [], inspected)) == []) is holds
