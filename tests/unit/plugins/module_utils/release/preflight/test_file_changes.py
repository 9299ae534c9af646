from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes import HOST, checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.file_changes import (
    Notice,
    file_changes,
)

QUIET = {"restart": "always", "logging": {"driver": "local"}}

COMPOSE = """
services:
  web:
    image: reg/web:1
    build: .
    container_name: website
    hostname: website
    restart: always
    logging: {driver: local}
    ports: ["8080:8000", "53:53/udp", "25"]
    links: ["db:database", "cache"]
    labels: {traefik.enable: "true", team: a, io.switchyard.color: green}
    networks: {default: {aliases: [www, site]}}
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_started}
      mail: {condition: service_started}
  mail: {image: "reg/mail:1", restart: always, logging: {driver: local}}
  cache: {image: "reg/cache:1"}
  db:
    image: reg/db:1
    restart: always
    logging: {driver: local}
    hostname: db
    volumes: ["data:/data", "plain:/plain"]
networks: {default: {enable_ipv6: true}}
volumes: {data: {name: old_data}, plain: {}}
"""


def shown(notice: Notice) -> str:
    return ": ".join(filter(None, (notice.where, notice.value, notice.message)))


@pytest.mark.usefixtures("real_compose")
def test_every_change_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    content = compose_cli.normalise(tmp_path, ["docker-compose.yml"], {})
    found = file_changes(content, checked(accessories=["db"], workers=["mail"]), "stacks[shop]")
    assert sorted(map(shown, found)) == sorted(
        f"stacks[shop].compose.{line}"
        for line in (
            "networks.default.enable_ipv6: True: the network is created by its name and internal only",
            "services.cache.logging: json-file with 3 files of 10m is added",
            "services.cache.restart: unless-stopped is added",
            "services.web.build: not built: image has a fixed tag and is pulled; pull_policy: build builds it",
            "services.web.container_name: website: the release names containers; in the stack, the name resolves as a "
            "host name",
            "services.web.depends_on: mail service_started: not waited for: a release starts it later",
            "services.web.hostname: website: an alias that resolves to the own color, not the container's own name",
            "services.web.labels: traefik.enable: left out, because only the proxy may route requests",
            "services.web.labels: io.switchyard.color: left out, because only releases set labels of this family",
            "services.web.ports: 8080:8000/tcp: not published: requests arrive through the routes of the proxy",
            "services.web.ports: 53:53/udp: not published: only containers of the stack reach it",
            "services.web.ports: 25/tcp: not published: only containers of the stack reach it",
            "volumes.data.name: old_data: not used: the volume has a name of this environment, unless it is external",
        )
    )


def test_a_file_that_a_release_takes_as_it_is_has_no_notice() -> None:
    content = normalised(web=QUIET, celery={**QUIET, "depends_on": {"beat": {}}}, beat=QUIET)
    assert file_changes(content, checked(workers=["celery", "beat"]), "stacks[shop]") == []


def test_a_port_of_a_route_is_reached_through_the_proxy() -> None:
    ports = [{"target": 8000, "published": "80", "protocol": protocol} for protocol in ("tcp", "udp")]
    routes = [{"service": "web", "port": 8000, "hosts": [HOST]}]
    found = file_changes(normalised(web={**QUIET, "ports": ports}), checked(routes=routes), "stacks[shop]")
    assert [(notice.value, notice.message) for notice in found] == [
        ("80:8000/tcp", "not published: requests arrive through the routes of the proxy"),
        ("80:8000/udp", "not published: only containers of the stack reach it"),
    ]


def test_the_one_shots_are_named_with_their_reason_and_their_place() -> None:
    ended = {"condition": "service_completed_successfully"}
    quiet = {"logging": {"driver": "local"}}
    content = normalised(
        web={**QUIET, "depends_on": {"seed": ended}},
        seed={**quiet, "restart": "on-failure"},
        migrate={**quiet, "restart": "no", "depends_on": {"keys": ended}},
        keys=quiet,
        site={**quiet, "deploy": {"restart_policy": {"condition": "none"}}},
        watch={**quiet, "deploy": {"restart_policy": {"condition": "none"}}},
    )
    stack = checked(migrate={"service": "migrate"}, after_migrate=[{"service": "site"}])
    found = file_changes(content, stack, "stacks[shop]")
    assert list(map(shown, found)) == [
        f"stacks[shop].compose.services.{line}"
        for line in (
            "seed.restart: on-failure: left out: what runs once is not started again",
            "seed: a one-shot, because of service_completed_successfully in web: it runs once per release, before the "
            "color starts",
            'migrate: a one-shot, because of restart: "no": it runs once per release, as migrate',
            "keys: a one-shot, because of service_completed_successfully in migrate: it runs once per release, before "
            "migrate",
            "site: a one-shot, because of condition: none in deploy.restart_policy: it runs once per release, as "
            "after_migrate[0]",
        )
    ]


def test_a_one_shot_next_to_a_database_may_be_the_migration() -> None:
    ended = {"condition": "service_completed_successfully"}
    content = normalised(web={**QUIET, "depends_on": {"init": ended}}, init={"logging": {"driver": "local"}})
    (notice,) = file_changes(content, checked(postgres={"password": "p"}), "stacks[shop]")
    assert notice.message.endswith(", without a backup: if it changes the schema, name it under migrate")


def test_a_service_that_only_jobs_name_has_no_container_of_its_own() -> None:
    content = normalised(web=QUIET, tool={"logging": {}}, seed={**QUIET, "restart": "no"})
    jobs = {
        "migrate": {"service": "tool", "command": ["x"]},
        "after_migrate": [{"service": "tool", "command": ["y"]}, {"service": "seed"}],
    }
    found = file_changes(content, checked(**jobs), "stacks[shop]")
    assert [shown(one) for one in found if ".tool" in one.where] == [
        "stacks[shop].compose.services.tool: it has no container of its own, and only migrate and after_migrate[0] uses"
        " its image. If it runs on as well, write tool under inner, workers or accessories too"
    ]
    assert [one.where for one in found if "no container" in one.message] == ["stacks[shop].compose.services.tool"]
    assert (
        file_changes(normalised(web=QUIET, tool=QUIET), checked(inner=["tool"], **jobs | {"after_migrate": []}), "")
        == []
    )


def test_a_restart_with_another_part_is_said() -> None:
    def after(*others: str) -> dict[str, t.Any]:
        waits = {"condition": "service_started", "restart": True}
        return {**QUIET, "depends_on": dict.fromkeys(others, waits)}

    content = normalised(
        web=after("db", "api", "celery"),
        api=QUIET,
        celery=after("db", "api"),
        db=after("store", "api"),
        store=QUIET,
    )
    stack = checked(workers=["celery"], accessories=["db", "store"], inner=["api"])
    later = "not waited for: a release starts it later"
    live = "no restart of the live color: each release starts the next one, after the accessories"
    assert [(one.where, one.value, one.message) for one in file_changes(content, stack, "s")] == [
        ("s.compose.services.web.depends_on", "db restart", live),
        ("s.compose.services.web.depends_on", "celery service_started", later),
        ("s.compose.services.web.depends_on", "celery restart", live),
        ("s.compose.services.db.depends_on", "api service_started", later),
        ("s.compose.services.db.depends_on", "api restart", "not restarted: an accessory outlives releases"),
    ]
