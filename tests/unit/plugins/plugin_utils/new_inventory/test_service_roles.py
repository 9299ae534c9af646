from __future__ import annotations

import typing as t

import pytest
from fakes_new_inventory import app_of, port, volume, waits

from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.service_roles import propose_roles

Services = dict[str, dict[str, t.Any]]


def roles(services: Services, **values: t.Any) -> dict[str, str]:
    return {name: one.role for name, one in propose_roles(app_of(services, **values)).items()}


def test_a_web_application_with_its_queue_and_its_database() -> None:
    services: Services = {
        "web": {"ports": [port(8000)], "depends_on": waits(db="healthy", migrate="completed_successfully")},
        "migrate": {"depends_on": waits(db="healthy")},
        "celery": {"command": ["celery", "worker"]},
        "db": {"image": "postgres:17", "ports": [port(5432)]},
        "cache": {"image": "memcached:1.6"},
        "thumbor": {},
    }
    assert roles(services) == {
        "web": "routed",
        "migrate": "one-shot",
        "celery": "worker",
        "db": "accessory",
        "cache": "accessory",
        "thumbor": "inner",
    }


@pytest.mark.parametrize(
    ("services", "routed"),
    [
        ({"api": {"ports": [port(8000)]}, "front": {"ports": [port(3000)]}}, ["api", "front"]),
        ({"smtp": {"ports": [port(25)]}, "app": {"expose": ["8000"]}}, ["app"]),
        ({"redis": {"image": "redis:8", "ports": [port(6379)]}, "main": {}}, ["main"]),
        ({"worker": {"ports": [port(8080)]}, "web": {}}, ["web"]),
        ({"flower": {"command": ["celery", "flower"], "ports": [port(5555)]}, "web": {}}, ["flower"]),
        ({"one": {}, "two": {"depends_on": waits(one="started")}}, ["two"]),
        ({"one": {}, "two": {"image": "nginx:1.27"}}, ["two"]),
        ({"api": {"labels": {"traefik.enable": "true"}}, "mail": {"ports": [port(8025)]}}, ["api"]),
        ({"db": {"image": "postgres:17"}}, []),
    ],
)
def test_the_services_that_users_reach(services: Services, routed: list[str]) -> None:
    assert [name for name, role in roles(services).items() if role == "routed"] == routed


def test_two_colors_of_what_serves_another_protocol_would_run_at_once() -> None:
    services: Services = {
        "web": {"ports": [port(80)]},
        "zabbix": {"ports": [port(10051)]},
        "vpn": {"network_mode": "host"},
    }
    assert roles(services) == {"web": "routed", "zabbix": "worker", "vpn": "worker"}


def test_what_keeps_data_is_not_run_twice_unless_the_application_does_it_anyway() -> None:
    services: Services = {
        "web": {"ports": [port(80)], "volumes": [volume("uploads")], "depends_on": waits(app="started")},
        "app": {"volumes": [volume("uploads")]},
        "ledger": {"volumes": [volume("ledger")]},
        "report": {"image": "reg.example.org/web:1", "volumes": [volume("reports")]},
        "reader": {"volumes": [volume("uploads", read_only=True)]},
        "pages": {"volumes": [volume("pages")]},
        "writer": {"volumes": [volume("pages")]},
    }
    services["web"]["volumes"].append(volume("pages", read_only=True))
    services["web"]["depends_on"].update(waits(pages="started"))
    volumes: dict[str, t.Any] = {"uploads": {}, "ledger": {}, "reports": {}, "pages": {}}
    assert roles(services, volumes=volumes) == {
        "web": "routed",
        "app": "inner",
        "ledger": "accessory",
        "report": "worker",
        "reader": "inner",
        # The web server only reads the pages, and needs one of those that write them.
        "pages": "inner",
        "writer": "accessory",
    }


def test_a_folder_that_a_service_writes_counts_as_its_data() -> None:
    services: Services = {"web": {"ports": [port(80)]}, "wiki": {}}
    assert roles(services, written={"wiki-data": ("wiki",)}) == {"web": "routed", "wiki": "accessory"}


def test_a_service_that_a_migration_waits_for_starts_before_it() -> None:
    services: Services = {
        "web": {"ports": [port(80)], "depends_on": waits(migrate="completed_successfully")},
        "migrate": {"depends_on": waits(search="healthy")},
        "search": {"depends_on": waits(discovery="healthy")},
        "discovery": {},
    }
    found = propose_roles(app_of(services))
    assert {name: one.role for name, one in found.items()} == {
        "web": "routed",
        "migrate": "one-shot",
        "search": "accessory",
        "discovery": "accessory",
    }
    assert found["search"].reason == "migrate (one-shot) starts only when it is healthy"


def test_a_service_that_the_color_waits_for_starts_with_it() -> None:
    services: Services = {"web": {"ports": [port(80)], "depends_on": waits(queue="healthy")}, "queue": {}}
    assert roles(services) == {"web": "routed", "queue": "inner"}


def test_what_waits_for_a_one_shot_cannot_be_an_accessory() -> None:
    services: Services = {
        "web": {"ports": [port(80)], "depends_on": waits(init="completed_successfully")},
        "init": {},
        "files": {"volumes": [volume("files")], "depends_on": waits(init="completed_successfully")},
        "db": {"image": "postgres:17", "depends_on": waits(init="completed_successfully")},
    }
    found = roles(services, volumes={"files": {}})
    assert (found["files"], found["db"]) == ("worker", "accessory")


def test_every_role_has_a_reason() -> None:
    services: Services = {"web": {}, "migrate": {"command": ["up"]}, "off": {"scale": 0}, "exporter": {}}
    found = propose_roles(app_of(services))
    assert {name: one.role for name, one in found.items()} == {
        "web": "routed",
        "migrate": "job",
        "off": "inner",
        "exporter": "worker",
    }
    assert all(one.reason for one in found.values())
