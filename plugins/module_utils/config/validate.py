# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory may say of a stack, checked in one pass.

``check`` returns every problem at once and, when there are none, the stacks with all defaults filled in. It needs
neither Ansible nor a server. DESIGN.md section 4 is the source of the keys.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t
from dataclasses import dataclass, field

from .. import names
from ..errors import Problem
from . import canary_steps

# PostgreSQL cuts identifiers at 63 bytes (manual, 4.1.1), and so does DNS with a label (RFC 1035, 2.3.4).
LONGEST_NAME = 63

# A name of a header (RFC 9110, 5.1: a token), and a value that a configuration file can hold as one line of text.
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$&'*+.^_`|~-]+\Z")
HEADER_VALUE = re.compile(r"[\x20-\x7e]*\Z")
SIZE = re.compile(r"(?P<number>\d+)(?P<unit>[kmg]?)\Z")

# What a proxy answers with by itself: two of them would contradict each other.
RESERVED_HEADERS = (
    "connection",
    "content-length",
    "location",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "www-authenticate",
)

REQUIRED = object()

UNKNOWN = "unknown key"


@dataclass(frozen=True)
class Key:
    """One key of a mapping: its type in words, its default (or REQUIRED), and what is inside."""

    type: str
    default: t.Any = None
    keys: dict[str, Key] = field(default_factory=dict)
    least: float | None = None
    choices: tuple[t.Any, ...] = ()


HEALTH = {
    "path": Key("text", "/"),
    "status": Key("integer", 200),
    "successes": Key("integer", 3, least=1),
    "interval": Key("number", 0.1, least=0.01),
    "request_timeout": Key("number", 5, least=0.1),
    "timeout": Key("number", 60, least=1),
}

JOB = {
    "service": Key("text", REQUIRED),
    "command": Key("command", REQUIRED),
    "timeout": Key("number", 900, least=1),
}

# What guards a migration, besides the command itself.
MIGRATE = {
    **JOB,
    "kind": Key("text", None, choices=("expand", "contract", "breaking")),
    "check": Key("command", None),
    "database": Key("text", None),
    "backup": Key("text", "restore", choices=("restore", "read", "none")),
    "lock_timeout": Key("number", 5, least=0.1),
    "retries": Key("integer", 5, least=0),
    "verify": Key("mapping", None, {"query": Key("text", REQUIRED), "answer": Key("text", REQUIRED)}),
}

# The kinds for which the old version is stopped: it would not work on the new schema.
STOPS = ("contract", "breaking")

# The keys that mean nothing without a database on the shared server.
OF_DATABASE = ("kind", "database", "verify")

RATE = {
    "requests": Key("number", REQUIRED, least=0.001),
    "seconds": Key("number", 1, least=0.001),
    "burst": Key("integer", 0, least=0),
}

# What holds on a way in, besides where it leads (proxies/rules.py).
RULES = {
    "https": Key("text", "both", choices=("both", "redirect")),
    "hsts": Key("integer", 0, least=0),
    "allow": Key("addresses", []),
    "basic_auth": Key("text", None),
    "rate": Key("mapping", None, RATE),
    "body_max": Key("size", None, least=1),
    "timeout": Key("number", None, least=0.1),
    "headers": Key("headers", {}),
}

STATIC = {
    "volume": Key("text", REQUIRED),
    "hosts": Key("texts", REQUIRED),
    "path": Key("text", REQUIRED),
}

STACK: dict[str, Key] = {
    "name": Key("text", REQUIRED),
    "source": Key("mapping", REQUIRED, {"path": Key("text", REQUIRED)}),
    "compose": Key("texts", ["docker-compose.yml"]),
    "files": Key("texts", []),
    "variables": Key("variables", {}),
    "strategy": Key("text", "blue_green", choices=("blue_green", "canary", "recreate", "in_place")),
    "canary": Key("steps", canary_steps.DEFAULT),
    "routes": Key(
        "mappings",
        [],
        {
            "service": Key("text", REQUIRED),
            "port": Key("integer", REQUIRED, least=1),
            "hosts": Key("texts", REQUIRED),
            "path": Key("text", "/"),
            "health": Key("mapping", {}, HEALTH),
            **RULES,
        },
    ),
    "static": Key("mappings", [], STATIC),
    "workers": Key("texts", []),
    "accessories": Key("texts", []),
    "migrate": Key("mapping", None, MIGRATE),
    "after_migrate": Key("mappings", [], JOB),
    "smoke": Key(
        "mappings",
        [],
        {
            "path": Key("text", "/"),
            "status": Key("integer", 200),
            "contains": Key("text", None),
            "host": Key("text", None),
            "request_timeout": Key("number", 10, least=0.1),
        },
    ),
    "drain": Key("number", 30, least=0),
    "drain_long": Key("number", 0, least=0),
    "keep_old": Key("boolean", True),
    "keep_releases": Key("integer", 5, least=2),
    "settle": Key("number", 2, least=0),
    "secrets": Key("variables", {}),
    "secrets_owner": Key("integer", None, least=0),
    "postgres": Key(
        "mapping",
        None,
        {
            "password": Key("text", REQUIRED),
            "ro_password": Key("text", None),
            "backup_password": Key("text", None),
            "connections": Key("variables", {}),
            "timeouts": Key("variables", {}),
        },
    ),
    "redis": Key("mapping", None, {"password": Key("text", REQUIRED), "databases": Key("numbers", REQUIRED)}),
}


def check(
    stacks: t.Any, project: str, environment: str, variable: str = "switchyard_stacks"
) -> tuple[list[dict[str, t.Any]], list[Problem]]:
    """Return the stacks that can be looked at, with defaults filled in, and all problems of the inventory.

    They are only fit for a release when the list of problems is empty.
    """
    problems: list[Problem] = []
    for name, value, example in (
        ("switchyard_project", project, "a short prefix such as 'po'"),
        ("switchyard_environment", environment, "the environment's name such as 'prod'"),
    ):
        if not names.NAME_PART.match(str(value)):
            problems.append(Problem(name, f"{value!r} is no name", f"Write {example}: lower case, digits, - and _"))
    for name, value in (("switchyard_project", project), ("switchyard_environment", environment)):
        if "_" in str(value):
            # They stand on both sides of the stack in the names of Compose projects, and the environment in host names.
            problems.append(Problem(name, f"{value!r} has an underscore", "Write - instead"))
    if not isinstance(stacks, list) or not stacks:
        problems.append(Problem(variable, "there is no stack in it", "Write a list with at least one stack"))
        return [], problems
    usable: list[dict[str, t.Any]] = []
    for index, given in enumerate(stacks):
        where = f"{variable}[{_label(given, index)}]"
        found: list[Problem] = []
        stack = _mapping(given, STACK, where, found)
        # What is built wrongly cannot be looked at more closely; the other stacks still are.
        if stack is not None and all(problem.what == UNKNOWN for problem in found):
            _stack(stack, environment, where, found)
            usable.append(stack)
        problems += found
    _between(usable, project, environment, variable, problems)
    return usable, problems


def _label(stack: t.Any, index: int) -> str:
    name = stack.get("name") if isinstance(stack, dict) else None
    return name if isinstance(name, str) and name else str(index)


def _mapping(value: t.Any, keys: dict[str, Key], where: str, problems: list[Problem]) -> dict[str, t.Any] | None:
    """Return a mapping with its defaults; report what does not belong or is missing."""
    if not isinstance(value, dict):
        problems.append(Problem(where, "is not a mapping", f"Write it with the keys {_listed(keys)}"))
        return None
    for name in value:
        if name not in keys:
            close = difflib.get_close_matches(str(name), keys, n=1)
            hint = f"Did you mean '{close[0]}'" if close else f"Known keys are {_listed(keys)}"
            problems.append(Problem(f"{where}.{name}", UNKNOWN, hint))
    result = {}
    for name, key in keys.items():
        if value.get(name) is not None:
            result[name] = _value(value[name], key, f"{where}.{name}", problems)
        elif key.default is REQUIRED:
            problems.append(Problem(f"{where}.{name}", "is missing", f"Write {name}: <{key.type}>"))
        elif key.type == "mapping" and key.default is not None:
            result[name] = _mapping(key.default, key.keys, f"{where}.{name}", problems)
        else:
            result[name] = key.default
    return result


def _value(value: t.Any, key: Key, where: str, problems: list[Problem]) -> t.Any:
    """Return one value in its canonical form, or report what it should be."""
    if key.type == "mapping":
        return _mapping(value, key.keys, where, problems)
    if key.type == "mappings":
        if not isinstance(value, list):
            problems.append(Problem(where, "is not a list", "Write a list of mappings"))
            return []
        return [_mapping(item, key.keys, f"{where}[{index}]", problems) for index, item in enumerate(value)]
    convert, words = _TYPES[key.type]
    try:
        result = convert(value)
    except (TypeError, ValueError):
        problems.append(Problem(where, f"{_shown(value)} is not {words}", f"Write {words}"))
        return None
    if key.least is not None and result < key.least:
        problems.append(Problem(where, f"{result} is too small", f"Write {key.least} or more"))
    if key.choices and result not in key.choices:
        problems.append(Problem(where, f"{result!r} is not known", f"Write one of {_listed(key.choices)}"))
    return result


def _text(value: t.Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or str(value) == "":
        raise ValueError(value)
    return str(value)


def _boolean(value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _integer(value: t.Any) -> int:
    if isinstance(value, (bool, float)):
        raise ValueError(value)
    return int(value)


def _number(value: t.Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _list(convert: t.Callable[[t.Any], t.Any]) -> t.Callable[[t.Any], list[t.Any]]:
    def convert_all(value: t.Any) -> list[t.Any]:
        if not isinstance(value, list) or not value:
            raise ValueError(value)
        return [convert(item) for item in value]

    return convert_all


def _numbers(value: t.Any) -> list[int]:
    return [_integer(item) for item in (value if isinstance(value, list) else [value])]


def _variables(value: t.Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(value)
    return {str(name): str(item) if not isinstance(item, bool) else str(item).lower() for name, item in value.items()}


def _steps(value: t.Any) -> str:
    text = ", ".join(map(_text, value)) if isinstance(value, list) else _text(value)
    canary_steps.steps(text)
    return text


def _addresses(value: t.Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(value)
    return [str(ipaddress.ip_network(_text(item), strict=False)) for item in value]


def _size(value: t.Any) -> int:
    found = SIZE.match(_text(value).lower())
    if not found:
        raise ValueError(value)
    return int(found["number"]) * 1024 ** ("", "k", "m", "g").index(found["unit"])


def _headers(value: t.Any) -> dict[str, str]:
    headers = _variables(value)
    if not all(HEADER_NAME.match(name) and HEADER_VALUE.match(text) for name, text in headers.items()):
        raise ValueError(value)
    # Names that differ in their case only are one header (RFC 9110, 5.1).
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError(value)
    return headers


def _possibly_empty(convert: t.Callable[[t.Any], t.Any]) -> t.Callable[[t.Any], list[t.Any]]:
    return lambda value: [] if value == [] else _list(convert)(value)


_TYPES: dict[str, tuple[t.Callable[[t.Any], t.Any], str]] = {
    "text": (_text, "a text"),
    "boolean": (_boolean, "true or false"),
    "integer": (_integer, "a whole number"),
    "number": (_number, "a number"),
    "texts": (_possibly_empty(_text), "a list of texts"),
    "command": (_list(_text), "a command as a list of words, as [python3, manage.py, migrate]"),
    "numbers": (_numbers, "a whole number or a list of them"),
    "variables": (_variables, "a mapping of names and values"),
    "addresses": (_addresses, "a list of addresses or networks, as [192.0.2.7, 10.0.0.0/8]"),
    "size": (_size, "a size in bytes, or with k, m or g behind it, as 20m"),
    "headers": (_headers, "a mapping of header names, each once, and values in ASCII without line breaks"),
    "steps": (_steps, "steps of a canary, as 5/60s, 25/pause, 100"),
}


def _shown(value: t.Any) -> str:
    """Return a value as a message may show it: its kind, never a text that could be a secret."""
    return f"{type(value).__name__} {value!r}" if isinstance(value, (int, float)) else f"a {type(value).__name__}"


def _listed(words: t.Iterable[t.Any]) -> str:
    return ", ".join(str(word) for word in words)


def _stack(stack: dict[str, t.Any], environment: str, where: str, problems: list[Problem]) -> None:
    """Report what is wrong within one stack."""

    def problem(key: str, what: str, instead: str) -> None:
        problems.append(Problem(f"{where}.{key}", what, instead))

    if not names.NAME_PART.match(stack["name"]):
        problem("name", f"{stack['name']!r} is no name", "Use lower case, digits, - and _")
    if len(names.login(stack["name"], environment, "migrator")) > LONGEST_NAME:
        what = f"is too long with the environment behind it and its login _migrator ({LONGEST_NAME} at most)"
        problem("name", what, "Write a shorter one")
    if stack["strategy"] != "in_place" and not stack["routes"]:
        problem(
            "routes",
            f"{stack['strategy']} needs at least one",
            "Write [{service: web, port: 8000, hosts: [a.example.org]}]",
        )
    routed = {route["service"] for route in stack["routes"]}
    for kind, others in (("workers", routed), ("accessories", routed | set(stack["workers"]))):
        for service in sorted(others.intersection(stack[kind])):
            problem(kind, f"{service} also has a route or is a worker", "Name each service in one place only")
    for kind, index, way in _ways(stack):
        if not way["path"].startswith("/"):
            problem(f"{kind}[{index}].path", f"{way['path']!r} does not begin with /", f"Write /{way['path']}")
        for host in way["hosts"]:
            if host != host.lower() or "/" in host or ":" in host or " " in host:
                problem(f"{kind}[{index}].hosts", f"{host!r} is no host name", "Write only the name, in lower case")
    for index, route in enumerate(stack["routes"]):
        _rules(route, f"routes[{index}]", problem)
    hosts = {host for route in stack["routes"] for host in route["hosts"]}
    for index, smoke in enumerate(stack["smoke"]):
        if smoke["host"] and smoke["host"] not in hosts:
            problem(
                f"smoke[{index}].host", f"{smoke['host']} has no route here", f"Write one of {_listed(sorted(hosts))}"
            )
    if stack["migrate"]:
        _migrate(stack, problem)
    for name in ("postgres", "redis"):
        if stack[name] and f"{name}_password" in stack["secrets"]:
            problem(f"secrets.{name}_password", f"is made from {name}.password", "Take it out of secrets")


def _ways(stack: dict[str, t.Any]) -> t.Iterator[tuple[str, int, dict[str, t.Any]]]:
    """Yield every way in of a stack: the key it stands under, its place there, and itself."""
    for kind in ("routes", "static"):
        for index, way in enumerate(stack[kind]):
            yield kind, index, way


def _rules(route: dict[str, t.Any], where: str, problem: t.Callable[[str, str, str], None]) -> None:
    """Report what is wrong within the rules of a route."""
    if route["basic_auth"] and not names.NAME_PART.match(route["basic_auth"]):
        problem(f"{where}.basic_auth", f"{route['basic_auth']!r} is no name", "Write the name of a list in proxy_users")
    for name in route["headers"]:
        if name.lower() in RESERVED_HEADERS or name.lower().startswith("x-switchyard-"):
            problem(f"{where}.headers", f"{name} is set by the proxy itself", "Take it out; for HSTS write hsts")


def _migrate(stack: dict[str, t.Any], problem: t.Callable[[str, str, str], None]) -> None:
    """Report what is wrong with the guards of a migration."""
    migrate = stack["migrate"]
    if not stack["postgres"]:
        for key in OF_DATABASE:
            if migrate[key]:
                problem(
                    f"migrate.{key}", "the stack has no database on the shared server", "Write postgres, or no such"
                )
        return
    if stack["strategy"] != "in_place" and not migrate["kind"] and not migrate["check"]:
        problem(
            "migrate.kind",
            "is missing, and without check nobody knows whether a migration is pending",
            "Write expand (the old version works on the new schema), contract or breaking",
        )
    if migrate["kind"] in STOPS:
        if migrate["backup"] == "none":
            problem("migrate.backup", f"none is no way back from kind: {migrate['kind']}", "Write restore or read")
        if stack["strategy"] == "canary":
            what = f"{migrate['kind']} stops the old version, and a canary needs it"
            problem("migrate.kind", what, "Write strategy: blue_green for this release")


def _between(
    stacks: list[dict[str, t.Any]], project: str, environment: str, variable: str, problems: list[Problem]
) -> None:
    """Report what two stacks, or two routes, both claim."""
    claimed: dict[tuple[str, str], str] = {}

    def claim(kind: str, name: str, where: str, instead: str) -> None:
        first = claimed.setdefault((kind, name), where)
        if first is not where:
            problems.append(Problem(where, f"{kind} {name} belongs to {first} already", instead))

    for number, stack in enumerate(stacks):
        where = f"{variable}[{stack['name']}]"
        claim("stack", stack["name"], f"{variable}[{number}]", "Give each stack a name of its own")
        for kind, index, way in _ways(stack):
            for host in way["hosts"]:
                place = f"{where}.{kind}[{index}].hosts"
                claim("route", host + way["path"], place, "One host and path leads to one service")
        for service in sorted(
            {route["service"] for route in stack["routes"]} | {*stack["workers"], *stack["accessories"]}
        ):
            name = names.container(project, service, environment)
            instead = "Rename a service: containers are called <project>-<service>-<environment>"
            claim("container", name, f"{where}, service {service}", instead)
        if stack["postgres"]:
            database = names.database(stack["name"], environment)
            claim("database", database, f"{where}.postgres", "Rename a stack: in a database's name - becomes _")
        for database in (stack["redis"] or {}).get("databases", []):
            claim("Redis database", str(database), f"{where}.redis.databases", "Take a free one")


def without_secrets(stack: dict[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, str]]:
    """Return a checked stack with the names of its secrets only, and the secrets by name.

    The passwords of the shared servers are among them, as ``postgres_password`` and ``redis_password``.
    """
    secrets = dict(stack["secrets"])
    plain = {**stack, "secrets": sorted(secrets)}
    for server in ("postgres", "redis"):
        if stack[server]:
            secrets[f"{server}_password"] = stack[server]["password"]
            # What the logins may do is no part of a release, and their other passwords no secrets of the application.
            kept = {key: value for key, value in stack[server].items() if key != "password"}
            plain[server] = kept if server == "redis" and kept else {"used": True}
    return plain, secrets
