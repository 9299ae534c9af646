# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs of what a service is for, in its entry of the normalised Compose files. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.stacks.plugins.module_utils.config.grammar import REQUEST_TARGET, host_mistake
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import repository_of, tag_of

Service = t.Mapping[str, t.Any]

# TCP ports of protocols other than HTTP: SSH, mail, DNS, LDAP, HTTPS of its own, syslog, databases, queues, agents.
_NOT_HTTP = """
    21 22 23 25 53 88 110 111 123 143 161 389 443 445 465 514 587 636 853 873 993 995 1025 1433 1521 1883 2049 2181
    2222 2375 2376 3306 3389 4222 5044 5060 5222 5432 5433 5671 5672 5900 6379 6380 6432 8443 8883 9042 9092 9093 9300
    10050 10051 11211 15432 26257 27017 28015 50000
"""
NOT_HTTP = frozenset(_NOT_HTTP.split())

# Ports that web servers of frameworks use, the most usual one first.
USUAL_PORTS = (80, 8080, 8000, 3000, 5000, 8888, 9000)

# Images that answer HTTP on a port that their files often leave out (the pages of these images).
PORTS_OF_IMAGES = {
    "adminer": 8080,
    "caddy": 80,
    "ghost": 2368,
    "grafana": 3000,
    "httpd": 80,
    "nextcloud": 80,
    "nginx": 80,
    "phpmyadmin": 80,
    "wordpress": 80,
}

# Names of services that users usually reach, the most usual one first.
_WEB_NAMES = "proxy nginx web www frontend front app server site ui webapp api backend"
WEB_NAMES = tuple(_WEB_NAMES.split())

# Images of which both colors need the same container, with the reason.
SINGLE_IMAGES = {
    "alertmanager": "one process has its data open",
    "memcached": "both colors need one cache: it may hold sessions",
}

# Tools that change what other services keep.
ADMINISTRATION = frozenset(
    {"adminer", "flower", "mongo-express", "pgadmin4", "phpmyadmin", "portainer", "redis-commander", "redisinsight"}
)

# Words in the name or the command of what takes jobs from a queue, or starts them by the clock.
_WORKERS = """
    beat celery celerybeat clock consumers? cron crond cronjobs? delayed[_-]job dramatiq good_job horizon huey indexers?
    ingest jobs? jobs?:work mailer messenger:consume periodic queue queue:work resque rq rqworker runners? schedule
    schedule:work scheduler sidekiq solid_queue supercronic triggerer workers?
"""
# What collects logs and measures for others: one at a time, and without users.
_AGENTS = "agent alloy collector exporter filebeat fluent-?bit fluentd logstash promtail telegraf vector"

_MIGRATIONS = r"alembic db[:_-](?:init|migrate|migrations?|prepare|setup|upgrade) flyway liquibase migrat\w* prestart"


def _any_of(words: str) -> re.Pattern[str]:
    """Return the pattern of any of the words, as whole words."""
    return re.compile(rf"(?<![a-z])(?:{'|'.join(words.split())})(?![a-z])")


# Words in the name of what prepares something and ends.
_ONCE = r"bootstrap create\w* init initdb install migrat\w* prestart seed seeder seeds setup"

_WORKER, _AGENT, _MIGRATION, _ENDS = map(_any_of, (_WORKERS, _AGENTS, _MIGRATIONS, _ONCE))

_BACKQUOTED = re.compile(r"[`\"']([^`\"']+)[`\"']")
_HOST_RULE = re.compile(r"(?<![A-Za-z])Host\(([^)]*)\)")
_URL = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|\$\$?\{?HOSTNAME\}?)(?::(?P<port>\d+))?(?P<path>/[^\s\"'|;&)<>]*)?"
)


@dataclass(frozen=True)
class Guess:
    """A value, and the sign that it was taken from, as a sentence without a full stop."""

    value: t.Any
    reason: str


def command_of(service: Service) -> str:
    """Return the entry point and the command of a service as one text."""
    words: list[str] = []
    for key in ("entrypoint", "command"):
        value = service.get(key) or []
        words += [value] if isinstance(value, str) else [str(word) for word in value]
    return " ".join(words)


def worker_sign(name: str, service: Service) -> str | None:
    """Return why a service seems to work on jobs, without users, or None."""
    return _sign(_WORKER, name, service, "it takes jobs from a queue, or starts them by the clock")


def agent_sign(name: str, service: Service) -> str | None:
    """Return why a service seems to collect logs or measures, or None."""
    return _sign(_AGENT, name, service, "it collects logs or measures")


def end_sign(name: str, service: Service) -> str | None:
    """Return why the command of a service seems to end by itself, or None."""
    restart = str(service.get("restart") or "no")
    found = _ENDS.search(name.lower())
    if not found or service.get("ports") or service.get("expose") or not restart.startswith(("no", "on-failure")):
        return None
    return f"the word {found[0]} in its name, and no restart after a success"


def _sign(pattern: re.Pattern[str], name: str, service: Service, meaning: str) -> str | None:
    image = repository_of(service.get("image") or "").rsplit("/", maxsplit=1)[-1]
    # An option, such as --workers 4 of a web server, says nothing.
    command = " ".join(word for word in command_of(service).split() if not word.startswith("-"))
    for part, text in (("name", name), ("command", command), ("image", image)):
        found = pattern.search(text.lower())
        if found:
            return f"the word {found[0]} in its {part}: {meaning}"
    return None


def migration_sign(name: str, service: Service) -> str | None:
    """Return why a service that runs once seems to change the schema of a database, or None."""
    for text, part in ((name, "name"), (command_of(service), "command")):
        found = _MIGRATION.search(text.lower())
        if found:
            return f"the word {found[0]} in its {part}"
    return None


def published_ports(service: Service) -> list[int]:
    """Return the TCP ports of the container that a service publishes."""
    ports = [port for port in service.get("ports") or () if port.get("protocol", "tcp") == "tcp"]
    return [int(port["target"]) for port in ports if port.get("target")]


def http_ports(service: Service) -> list[int]:
    """Return the published ports that may answer HTTP, the most usual one first."""
    found = [port for port in published_ports(service) if str(port) not in NOT_HTTP]
    return sorted(found, key=lambda port: USUAL_PORTS.index(port) if port in USUAL_PORTS else len(USUAL_PORTS))


def exposed_ports(service: Service) -> list[int]:
    """Return the ports of ``expose`` that may answer HTTP."""
    texts = [str(port).split("/", maxsplit=1)[0].split("-", maxsplit=1)[0] for port in service.get("expose") or ()]
    return [int(text) for text in texts if text.isdigit() and text not in NOT_HTTP]


def proxy_hosts(service: Service) -> Guess | None:
    """Return the host names by which a proxy of the author reaches a service, possibly none; None without a sign."""
    labels = service.get("labels") or {}
    rules = {key: str(value) for key, value in labels.items() if re.match(r"traefik\.http\.routers\..+\.rule\Z", key)}
    if str(labels.get("traefik.enable", "")).lower() == "false":
        return None
    hosts = [host for rule in rules.values() for part in _HOST_RULE.findall(rule) for host in _BACKQUOTED.findall(part)]
    if rules or str(labels.get("traefik.enable", "")).lower() == "true":
        return Guess(_valid(hosts), "its labels give it a route of Traefik")
    given = (service.get("environment") or {}).get("VIRTUAL_HOST")
    if given:
        return Guess(_valid(str(given).split(",")), "VIRTUAL_HOST in its environment gives it a route")
    return None


def _valid(hosts: t.Iterable[str]) -> tuple[str, ...]:
    """Return the names that a route may have: a rule may have variables without a value."""
    names = [host.strip() for host in hosts]
    return tuple(dict.fromkeys(name for name in names if "." in name and not host_mistake(name)))


def port_of(service: Service) -> Guess | None:
    """Return the port on which a service answers HTTP, or None."""
    labels, environment = service.get("labels") or {}, service.get("environment") or {}
    for key, value in labels.items():
        if re.match(r"traefik\.http\.services\..+\.loadbalancer\.server\.port\Z", key) and str(value).isdigit():
            return Guess(int(value), "the port in its label of Traefik")
    if str(environment.get("VIRTUAL_PORT") or "").isdigit():
        return Guess(int(environment["VIRTUAL_PORT"]), "VIRTUAL_PORT in its environment")
    published = http_ports(service)
    if published:
        others = f", of {', '.join(map(str, sorted(published)))}" if len(published) > 1 else ""
        return Guess(published[0], f"it publishes this port{others}")
    exposed = exposed_ports(service)
    if exposed:
        return Guess(exposed[0], "the port in its expose")
    checked = [url for url in _urls(service) if url["port"] and url["port"] not in NOT_HTTP]
    if checked:
        return Guess(int(checked[0]["port"]), "its health check asks this port")
    image = service.get("image") or ""
    name = repository_of(image).rsplit("/", maxsplit=1)[-1]
    if name in PORTS_OF_IMAGES and "fpm" not in tag_of(image):
        return Guess(PORTS_OF_IMAGES[name], f"the port of the image {name}")
    return None


def health_path(service: Service, port: int | None) -> Guess | None:
    """Return the path that the health check of a service asks on the port of its route, or None."""
    for url in _urls(service):
        path = url["path"] or "/"
        if (port is None or int(url["port"] or 80) == port) and REQUEST_TARGET.match(path) and "{" not in path:
            return Guess(path, "the path that its health check asks")
    return None


def _urls(service: Service) -> list[re.Match[str]]:
    test = (service.get("healthcheck") or {}).get("test") or []
    text = test if isinstance(test, str) else " ".join(map(str, test))
    return list(_URL.finditer(text))
