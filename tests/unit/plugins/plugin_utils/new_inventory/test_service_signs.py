from __future__ import annotations

import typing as t

import pytest
from fakes_new_inventory import port

from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory import service_signs
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.service_signs import (
    agent_sign,
    end_sign,
    health_path,
    http_ports,
    migration_sign,
    port_of,
    proxy_hosts,
    worker_sign,
)

Service = dict[str, t.Any]


def check(*words: str) -> Service:
    return {"healthcheck": {"test": [*words]}}


@pytest.mark.parametrize(
    ("name", "service", "word"),
    [
        ("celery_beat", {}, "celery"),
        ("sidekiq", {}, "sidekiq"),
        ("tasks", {"command": ["python", "-m", "celery", "worker"]}, "celery"),
        ("jobs-of-mail", {"command": ["php", "artisan", "queue:work"]}, "jobs"),
        ("laravel", {"command": ["php", "artisan", "queue:work"]}, "queue"),
        ("cron", {"entrypoint": ["/cron.sh"]}, "cron"),
        ("Ingest-Consumer", {}, "ingest"),
        ("web", {"image": "reg.example.org/shop-worker:1"}, "worker"),
        ("web", {"command": ["gunicorn", "shop.wsgi"]}, None),
        ("web", {"command": ["gunicorn", "shop.wsgi", "--workers", "4", "--worker-class=gthread"]}, None),
        ("web", {"command": ["sh", "-c", "exec uvicorn shop:app --workers 4"]}, None),
        ("networker", {}, None),
        ("api", {"image": "ghcr.io/beatport/api:2"}, None),
    ],
)
def test_workers_by_a_word_in_the_name_the_command_or_the_image(name: str, service: Service, word: str | None) -> None:
    sign = worker_sign(name, service)
    assert (sign or "").startswith(f"the word {word} in its ") if word else sign is None


def test_agents_by_their_name() -> None:
    assert agent_sign("logstash", {})
    assert agent_sign("shipper", {"image": "reg.example.org/fluent-bit:3"})
    assert agent_sign("agency", {}) is None


@pytest.mark.parametrize(
    ("name", "service", "sign"),
    [
        ("migrate", {}, "the word migrate in its name"),
        ("prestart", {}, "the word prestart in its name"),
        ("setup", {"command": ["rails", "db:prepare"]}, "the word db:prepare in its command"),
        ("setup", {"command": ["alembic", "upgrade", "head"]}, "the word alembic in its command"),
        ("seed", {"command": ["load"]}, None),
        ("immigration", {}, None),
    ],
)
def test_migrations(name: str, service: Service, sign: str | None) -> None:
    assert migration_sign(name, service) == sign


def test_what_ends_has_a_name_that_says_it_and_is_not_restarted() -> None:
    assert end_sign("seeder", {"restart": "on-failure"})
    assert end_sign("create-buckets", {})
    assert end_sign("create-buckets", {"restart": "always"}) is None
    assert end_sign("setup", {"ports": [port(80)]}) is None
    assert end_sign("store", {"restart": "no"}) is None


def test_http_ports_are_published_and_the_usual_one_is_first() -> None:
    service = {"ports": [port(9443), port(9000), port(80), port(5432), port(443), port(53, "udp"), port(3000)]}
    assert http_ports(service) == [80, 3000, 9000, 9443]


@pytest.mark.parametrize(
    ("service", "value", "reason"),
    [
        (
            {"labels": {"traefik.http.services.a.loadbalancer.server.port": "8001"}, "ports": [port(80)]},
            8001,
            "the port in its label of Traefik",
        ),
        ({"ports": [port(8080)], "expose": ["9000"]}, 8080, "it publishes this port"),
        ({"ports": [port(8080), port(80)]}, 80, "it publishes this port, of 80, 8080"),
        ({"ports": [port(22)], "expose": ["8000/tcp"]}, 8000, "the port in its expose"),
        (check("CMD", "curl", "-f", "http://localhost:3001/up"), 3001, "its health check asks this port"),
        ({"image": "docker.io/library/nginx:1.27"}, 80, "the port of the image nginx"),
        ({"environment": {"VIRTUAL_PORT": "5000"}}, 5000, "VIRTUAL_PORT in its environment"),
    ],
)
def test_the_port_of_a_route_and_its_sign(service: Service, value: int, reason: str) -> None:
    assert port_of(service) == service_signs.Guess(value, reason)


@pytest.mark.parametrize("image", ["nextcloud:30-fpm-alpine", "reg.example.org/shop:1", ""])
def test_without_a_sign_there_is_no_port(image: str) -> None:
    assert port_of({"image": image, "ports": [port(5432)]}) is None


@pytest.mark.parametrize(
    ("test", "number", "path"),
    [
        ("curl --fail http://localhost:8000/healthz/ || exit 1", 8000, "/healthz/"),
        ("wget -qO- 'http://127.0.0.1:8000/up?full=1' | grep ok", 8000, "/up?full=1"),
        ("curl http://localhost/live", 80, "/live"),
        ("curl http://localhost:9000/live", 8000, None),
        ("curl http://other:8000/live", 8000, None),
        ("pg_isready", 8000, None),
    ],
)
def test_the_path_of_a_health_check_on_the_port_of_the_route(test: str, number: int, path: str | None) -> None:
    found = health_path(check("CMD-SHELL", test), number)
    assert (found and found.value) == path


def test_the_hosts_of_the_proxy_of_the_author() -> None:
    labels = {
        "traefik.enable": "true",
        "traefik.http.routers.a.rule": "Host(`a.example.org`, `A`) && PathPrefix(`/x`) || Host(`b.example.org`)",
    }
    found = proxy_hosts({"labels": labels})
    assert found
    assert found.value == ("a.example.org", "b.example.org")
    found = proxy_hosts({"environment": {"VIRTUAL_HOST": "c.example.org,d.example.org"}})
    assert found
    assert found.value == ("c.example.org", "d.example.org")
    # The domain is a variable without a value.
    found = proxy_hosts({"labels": {"traefik.http.routers.a.rule": "Host(`api.`)"}})
    assert found
    assert found.value == ()
    assert proxy_hosts({"labels": {**labels, "traefik.enable": "false"}}) is None
    assert proxy_hosts({"labels": {"team": "shop"}}) is None
