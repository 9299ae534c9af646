from __future__ import annotations

import typing as t

from fakes_new_inventory import app_of, port, volume, waits

from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_files import PLACEHOLDER
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.stack_proposal import (
    StackProposal,
    propose_stack,
)

Services = dict[str, dict[str, t.Any]]
WEB: dict[str, t.Any] = {"ports": [port(8000)]}
KIND = "<fill in: expand if the old version works on the new schema, else breaking>"


def proposal(services: Services, domain: str = "", **values: t.Any) -> StackProposal:
    return propose_stack(app_of(services, **values), "shop", "po", "qual", domain)


def hosts(found: StackProposal) -> list[tuple[str, ...]]:
    return [route.hosts.value for route in found.routes]


def test_the_host_of_a_route_is_open_until_a_domain_is_known() -> None:
    assert hosts(proposal({"web": WEB})) == [("<fill in: the host name of web, such as shop-qual.example.org>",)]
    assert hosts(proposal({"web": WEB}, "example.com")) == [("shop-qual.example.com",)]
    both = proposal({"web": WEB, "Admin_UI": WEB}, "example.com")
    assert hosts(both) == [("web-qual.example.com",), ("admin-ui-qual.example.com",)]


def test_a_route_has_what_the_labels_and_the_health_check_say() -> None:
    labels = {"traefik.http.routers.a.rule": "Host(`a.example.org`)"}
    test = {"test": ["CMD", "curl", "http://localhost:8000/up"]}
    (route,) = proposal({"web": {**WEB, "labels": labels, "healthcheck": test}}).routes
    assert (route.port.value, route.hosts.value, route.health.value) == (8000, ("a.example.org",), "/up")
    (route,) = proposal({"web": {}}).routes
    assert (route.port.value, route.health.value) == ("<fill in: the port on which web answers HTTP>", "/")


def test_a_web_server_that_migrates_when_it_starts_is_named() -> None:
    (route,) = proposal({"web": {**WEB, "command": ["sh", "-c", "manage.py migrate && gunicorn"]}}).routes
    assert "the word migrate in its command" in route.note


def test_a_tool_that_administers_others_is_named() -> None:
    (route,) = proposal({"db-admin": {"image": "docker.io/library/adminer:5"}}).routes
    assert route.port.value == 8080
    assert "allow_ips or basic_auth" in route.note


def test_a_migration_needs_a_database_that_is_backed_up() -> None:
    services: Services = {
        "web": {**WEB, "depends_on": waits(prestart="completed_successfully")},
        "prestart": {},
        "create-buckets": {"command": ["mc", "mb"]},
    }
    found = proposal(services)
    assert found.migrate is None
    assert [job.service for job in found.jobs] == ["create-buckets"]
    found = proposal({**services, "db": {"image": "postgres:17"}})
    assert found.postgres
    assert (found.postgres.name, found.postgres.value) == ("accessory", "db")
    assert found.migrate
    assert (found.migrate.service, found.migrate.command, found.migrate.kind) == ("prestart", (), KIND)
    assert [(job.service, job.command) for job in found.jobs] == [("create-buckets", ("mc", "mb"))]


def test_the_command_of_a_job_is_repeated_unless_its_file_says_that_it_ends() -> None:
    services: Services = {"web": WEB, "db": {"image": "postgres:17"}, "migrate": {"command": ["up"]}}
    found = proposal(services)
    assert found.migrate
    assert found.migrate.command == ("up",)
    found = proposal({**services, "migrate": {"command": ["up"], "restart": "no"}})
    assert found.migrate
    assert found.migrate.command == ()


def test_postgresql_by_its_data_and_on_the_shared_server() -> None:
    data = volume("data", target="/var/lib/postgresql/data")
    found = proposal({"web": WEB, "store": {"volumes": [data]}}, volumes={"data": {}})
    assert found.postgres
    assert found.postgres.value == "store"
    shared = proposal({"web": WEB, "db": {"image": "postgres:17"}}, shared=frozenset({"postgres", "redis"}))
    assert shared.postgres
    assert shared.postgres.name == "password"
    assert shared.redis
    assert shared.redis.value == "<fill in: a random password for redis>"
    assert proposal({"web": WEB}).postgres is None


def test_the_password_of_a_shared_server_has_a_key_of_its_own() -> None:
    services: Services = {"web": {**WEB, "secrets": [{"source": "postgres_password"}, {"source": "key"}]}}
    assert [one.name for one in proposal(services, shared=frozenset({"postgres"})).secrets] == ["key"]
    assert [one.name for one in proposal(services).secrets] == ["postgres_password", "key"]


def test_what_leaves_a_container_is_asked_for_and_what_no_release_does_is_named() -> None:
    services: Services = {
        "web": {**WEB, "privileged": True, "volumes": [{"type": "bind", "source": "/srv/media", "target": "/m"}]},
        "vpn": {"network_mode": "host"},
        "chat": {"models": ["x"], "image": "chat:latest"},
    }
    found = proposal(services, outside_files=(("web", "file /etc/app.env"),))
    assert [(service, allowance) for service, allowance, _meaning in found.allow] == [
        ("web", "file /etc/app.env"),
        ("web", "privileged"),
        ("web", "/srv/media"),
        ("vpn", "network_mode host"),
    ]
    assert [text.split(" ")[0] for text in found.refused] == ["services.chat.image:", "services.chat.models:"]


def test_no_image_is_built_with_the_inventory_in_it() -> None:
    app = app_of({"web": {**WEB, "image": "", "build": {"context": f"{PLACEHOLDER}/web"}}})
    for inventory, words in (("web/ops/inventories/prod", "write ops/inventories into .dockerignore"), ("prod", "")):
        hints = propose_stack(app, "shop", "po", "prod", "", app.folder / inventory).hints
        assert [words in hint for hint in hints] == ([True] if words else [])


def test_hints_for_the_reader() -> None:
    services: Services = {"web": {**WEB, "volumes": [volume("uploads")]}, "traefik": {"image": "traefik:3"}}
    found = proposal(services, volumes={"uploads": {}}, inactive={"shell": ("tools",)}, unread=("b.yml exists",))
    words = ["b.yml exists", "shell is not part", "traefik is a proxy", "no backup holds the volumes uploads"]
    assert [hint.startswith(start) for hint, start in zip(found.hints, words, strict=True)] == [True] * 4
