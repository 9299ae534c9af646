# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx: decisions are empty files that it looks for with each request, so a switch is one file more or less.

Which stack and service a host and path lead to, and the rules there, are configuration: new routes are a reload.
Nothing that nginx says of a reload proves it (``-t`` and ``reload`` leave with 0 where the master then refuses), so
the configuration carries a mark that the workers answer with.

The flags of a stack (roles/proxy/templates/nginx.conf.j2 looks for them):

``<key>.live``            a color is live: blue, or green where ``<key>.green`` lies there as well
``<key>.to-green.<n>``    while blue is live, the clients with the number n get green; a weight of 25 is 0 to 24
``<key>.maintenance``     the page is shown
``<key>.hold``            requests wait; where nginx has no njs, they get the page as well
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import time
import typing as t
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

from ... import atomic_file, names
from ...engine import sockets
from ...errors import SwitchyardError
from ..driver import Plan, Proxy, Routing, State, Way
from ..process import running
from ..route_options import NONE, Rules
from . import route_options
from .route_options import expression, quoted, variable

if t.TYPE_CHECKING:
    from ...engine.docker_client import Container, Engine

# Where the folders of the server are mounted for the proxy; roles/proxy uses the same paths.
INSIDE = "/etc/switchyard"

FLAG = re.compile(r"(?P<key>.+)\.(?P<kind>live|green|maintenance|hold|to-(?P<color>blue|green)\.(?P<number>\d{1,2}))\Z")

# While this flag is there, every answer ends its connection.
CLOSING = "closing"

SOCKET_TIMEOUT = 5.0
# Seconds in which connections end by their own answers before a reload, and in which the reload must be proved.
QUIET = 2.0
LIMIT = 10.0
# nginx tells the old workers to leave 0.1 s after it started the new ones; until then both answer (ngx_reconfigure).
PROOFS = 10
POLL = 0.05
LOG_LINES = 2000


# --- flags ---


def flags_of(state: State) -> set[str]:
    """Return the flags that make nginx do this."""
    flags = {f"{key}.live" for key in state.live}
    flags |= {f"{key}.green" for key, color in state.live.items() if color == "green"}
    flags |= {f"{key}.{how}" for key, how in state.closed.items()}
    for key, percent in state.weights.items():
        if key in state.live:
            flags |= {f"{key}.to-{names.other(state.live[key])}.{number}" for number in range(percent)}
    return flags


def decided(flags: t.Iterable[str], routes: t.Mapping[Way, str], settled: bool = True) -> State:
    """Return what nginx does with these flags and routes."""
    found = {flag[0]: flag for flag in map(FLAG.match, flags) if flag}
    keys = {flag["key"]: flag for flag in found.values()}
    live = {key: "green" if f"{key}.green" in found else "blue" for key in keys if f"{key}.live" in found}
    weights = {}
    for key, color in live.items():
        # A client with the number n moves when its own flag is there.
        percent = sum(f"{key}.to-{names.other(color)}.{number}" in found for number in range(100))
        if percent:
            weights[key] = percent
    closed = {key: how for how in ("hold", "maintenance") for key in keys if f"{key}.{how}" in found}
    state = State(live=live, routes=routes, weights=weights, closed=closed)
    # The color of a stack that is not live says nothing; everything else that is left over does.
    told = {flag for flag in flags if not (flag.endswith(".green") and flag[: -len(".green")] not in live)}
    return State(state.live, state.routes, state.weights, state.closed, settled and told == flags_of(state))


def steps(seen: t.Collection[str], wanted: t.Collection[str]) -> list[tuple[str, bool]]:
    """Return the flags to change, in an order in which no request meets a color that nobody chose; True puts one there.

    nginx looks for ``.live`` before ``.green``, and only ``.live`` makes a color count: it goes first and comes last.
    A weight belongs to the color it leads to, so what is left of it means nothing once that color is live.
    """
    live = {flag[: -len(".live")] for flag in wanted if flag.endswith(".live")}

    def order(flag: str, there: bool) -> tuple[int, int]:
        found = FLAG.match(flag)
        kind = found["kind"] if found else ""
        number = int(found["number"] or 0) if found else 0
        if kind == "live":
            return (3, 0) if there else (0, 0)
        if kind == "green":
            return (2, 0)
        return (1, number) if there else (4, -number)

    new = [(flag, True) for flag in set(wanted) - set(seen)]
    old = [(flag, False) for flag in set(seen) - set(wanted)]
    idle = [flag for flag, _there in old if flag.endswith(".green") and flag[: -len(".green")] not in live]
    return sorted([*new, *(step for step in old if step[0] not in idle)], key=lambda step: (order(*step), step[0]))


# --- configuration ---


def pattern(address: str) -> str:
    """Return an expression for everything that begins with a text."""
    return f'"~^{expression(address)}"'


def servers(routing: Routing, color: str) -> str:
    """Return where the services of one color are: a map entry per service, a name that Docker's DNS knows."""
    lines = [f"# {routing.stack} of {routing.environment}, {color}. Written by a release; changes here are lost."]
    lines += [
        f'"{routing.key}:{color}:{service}" {routing.server(service, color)}:{port};'
        for service, port in routing.services().items()
    ]
    return "\n".join(lines) + "\n"


def published(routing: Routing, color: str) -> dict[str, str]:
    """Return the same for services that are published on the server: a group of ports per service, and a map to them.

    Behind a group's name stands the port inside the container, for who counts its connections.
    """
    head = f"# {routing.stack} of {routing.environment}, {color}. Written by a release; changes here are lost.\n"
    entries, groups = head, head
    for service, port in routing.services().items():
        if not routing.published(service):
            continue
        group = f"{routing.key}_{service}_{color}"
        entries += f'"{routing.key}:{color}:{service}" {group}; # {port}\n'
        # What does not answer is asked again with the next request, as Docker's DNS would have it.
        members = "".join(f"    server {at} max_fails=0;\n" for at in routing.published(service))
        groups += f"upstream {group} {{\n{members}}}\n"
    return {_file(routing.key, color): entries, _file(routing.key, color, "upstream"): groups}


def ports_in(text: str) -> dict[str, int]:
    """Return the port inside the container of each service in the map entries of a color."""
    entries = re.finditer(r'^"[^"]*:([^":]+)" \S+(?::|; # )(\d+);?$', text, re.MULTILINE)
    return {found[1]: int(found[2]) for found in entries}


class Table:
    """All routes of a server, as nginx looks them up: the longest host and path that a request begins with.

    An address counts for the public when the color that is live has it, or nothing is live of its stack. Where it
    does not count, the next shorter one does, which may be another stack's.
    """

    def __init__(self, routes: t.Mapping[Way, str], rules: t.Mapping[Way, Rules] | None = None) -> None:
        """Take the routes of a state, and their rules."""
        self.routes = routes
        longest_first = sorted(routes.items(), key=lambda item: (-len(item[0][2]), item[0]))
        self.ways = [
            route_options.Way(number, way, service, (rules or {}).get(way, NONE))
            for number, (way, service) in enumerate(longest_first, 1)
        ]
        self.owner = {address: key for key, _color, address in routes}
        # Longer ones first: the first expression that fits is the one that nginx takes.
        self.addresses = sorted(self.owner, key=lambda address: (-len(address), address))
        self.number = {address: number for number, address in enumerate(self.addresses, 1)}

    def next(self, address: str, color: str) -> str | None:
        """Return the address to look at instead, where a color that is live does not have this one."""
        key = self.owner[address]
        for other in self.addresses[self.number[address] :]:
            if address.startswith(other) and (self.owner[other] != key or (key, color, other) in self.routes):
                return other
        return None

    def instead(self) -> dict[tuple[str, str], str | None]:
        """Return the next address for each one that a color does not have."""
        return {
            (address, color): self.next(address, color)
            for address in self.addresses
            for color in names.COLORS
            if (self.owner[address], color, address) not in self.routes
        }

    def depth(self) -> int:
        """Return how many stacks nginx may have to look at before it knows whose a request is."""
        depth = dict.fromkeys(self.addresses, 1)
        for (address, _color), other in reversed(self.instead().items()):
            if other and self.owner[other] != self.owner[address]:
                depth[address] = max(depth[address], 1 + depth[other])
        return max(depth.values(), default=1)

    def maps(self) -> str:
        """Return the maps that the public's and the private way in read."""
        number = self.number
        return "\n".join(
            [
                variable("$sy_at", "$sy_first", [(pattern(at), f'"{number[at]}"') for at in self.addresses]),
                variable(
                    "$sy_number", "$sy_owner", [(f'"{number[at]}"', quoted(self.owner[at])) for at in self.addresses]
                ),
                variable(
                    '"$sy_number:$sy_live"',
                    "$sy_next",
                    [
                        (f'"{number[at]}:{color}"', f'"{number[other] if other else ""}"')
                        for (at, color), other in self.instead().items()
                    ],
                    default="$sy_number",
                ),
                variable(
                    '"$sy_wish:$sy_at"',
                    "$sy_private",
                    [(pattern(f"{way.color}:{way.address}"), quoted(way.key)) for way in self.ways],
                ),
                variable(
                    '"$sy_stack:$sy_color:$sy_at"',
                    "$sy_way",
                    [(pattern(f"{way.key}:{way.color}:{way.address}"), f'"{way.number}"') for way in self.ways],
                ),
                variable("$sy_way", "$sy_service", [(f'"{way.number}"', quoted(way.service)) for way in self.ways]),
            ]
        )

    def lookup(self) -> str:
        """Return what finds the stack of a request, and the color of it that is live."""
        lines = ["set $sy_number $sy_first;"]
        for _level in range(self.depth()):
            lines += [
                "set $sy_stack $sy_owner;",
                'set $sy_flags "";',
                f"if (-f {INSIDE}/flags/$sy_stack.live) {{ set $sy_flags blue; }}",
                f'if (-f {INSIDE}/flags/$sy_stack.green) {{ set $sy_flags "${{sy_flags}}green"; }}',
                "set $sy_live $sy_flagged;",
                "set $sy_number $sy_next;",
            ]
        return "\n".join([*lines, "set $sy_stack $sy_owner;", ""])


def admin(routes: t.Mapping[Way, str], mark: str) -> str:
    """Return the server behind the socket: what this configuration is, and the flags as nginx finds them."""
    told = [
        f"mark {mark}",
        *(f"route {' '.join(way[:2])} {quote(s)} {quote(way[2])}" for way, s in sorted(routes.items())),
    ]
    return "\n".join(
        [
            "server {",
            "    listen unix:/run/switchyard/admin.sock;",
            "    access_log off;",
            "    location = /state {",
            '        set $sy_told "";',
            *(rf'        set $sy_told "${{sy_told}}{line}\n";' for line in told),
            "        return 200 $sy_told;",
            "    }",
            "    location /flags/ {",
            f"        alias {INSIDE}/flags/;",
            "        autoindex on;",
            "        autoindex_format json;",
            "    }",
            "}",
            "",
        ]
    )


def opened_by(key: str, private: t.Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return what lets a request in that carries a key, as files: nginx only knows digests.

    With ``X-Switchyard-Key`` it is this server's; else the header of the environment whose stack is asked for, with the
    value in ``private``. MD5 is what the module ``secure_link`` compares: from the digest of a random key nobody finds
    it, and what somebody thought of stands in a file that only nginx reads.
    """
    mine = [(rf'"~\.{expression(environment)}$"', *one) for environment, one in sorted(private.items())]
    hidden = sorted({header.lower(): header for _ending, header, _value in mine}.values())
    sent = [(at, f"$http_{name.lower().replace('-', '_')}") for at, name, _value in mine]
    maps = [
        variable("$sy_asked", "$sy_own_key", sent),
        variable("$sy_asked", "$sy_own_digest", [(at, f'"{_digest(value)}"') for at, _name, value in mine]),
        variable("$http_x_switchyard_key", "$sy_given_key", [('""', "$sy_own_key")], default="$http_x_switchyard_key"),
        variable("$http_x_switchyard_key", "$sy_digest", [('""', "$sy_own_digest")], default=f'"{_digest(key)}"'),
        # An application never sees them.
        "".join(f'proxy_set_header {header} "";\n' for header in hidden),
    ]
    return {KEYS: "\n".join(maps), KEY: "secure_link $sy_digest;\nsecure_link_md5 $sy_given_key;\n"}


def _digest(key: str) -> str:
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


# The parts of the configuration that are made here: for the whole of "http", and for the public server.
KEYS, KEY = "10-key.http", "10-key.server"
ROUTES, LOOKUP, PLACES = "40-routes.http", "40-routes.server", "40-rules.server"


def completed(
    contents: t.Mapping[str, str | None],
    routes: t.Mapping[Way, str],
    key: str,
    body_max: int = 0,
    private: t.Mapping[str, tuple[str, str]] | None = None,
) -> tuple[dict[str, str], str]:
    """Return a whole configuration with these routes, this key and the environments' own, and its mark.

    The rules of the routes are in the contents. ``body_max`` is what the role allows where none says it, 0 for any.
    """
    head = "# All routes of this server. Written by releases; changes here are lost.\n\n"
    there = {name: text for name, text in contents.items() if text is not None}
    rules = {
        (stack, color, at): held
        for stack, color in sorted({way[:2] for way in routes})
        for at, held in route_options.read(there.get(_file(stack, color, "json"), "{}")).items()
    }
    table = Table(routes, rules)
    made = route_options.Maps(table.ways, body_max)
    whole = {**there, **opened_by(key, private or {})}
    whole.update({LOOKUP: f"{head}{table.lookup()}", PLACES: f"{head}{made.server()}"})

    def marked(mark: str) -> dict[str, str]:
        return {**whole, ROUTES: f"{head}{table.maps()}\n{made.http()}\n{admin(routes, mark)}"}

    mark = hashlib.sha256(json.dumps(marked(""), sort_keys=True).encode()).hexdigest()[:16]
    return marked(mark), mark


def mark_in(text: str) -> str | None:
    """Return the mark in the configuration of the routes."""
    found = re.search(r"}mark (\w+)\\n", text)
    return found[1] if found else None


def told_in(answer: str) -> tuple[str, dict[Way, str]]:
    """Return the mark and the routes in what the running process tells of its configuration.

    Raises SwitchyardError for any other answer.
    """
    rows = [line.split(" ") for line in answer.splitlines()]
    if not rows or rows[0][0] != "mark" or any(len(row) != 5 for row in rows[1:]):
        raise SwitchyardError(f"The proxy did not tell its routes: {answer.strip()}. Look at its log, run setup.yml.")
    return rows[0][1], {(key, color, unquote(at)): unquote(service) for _route, key, color, service, at in rows[1:]}


class Nginx(Proxy):
    """The nginx that the role ``proxy`` put under ``folder``."""

    own_file = "00-proxy.conf"

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any], engine: Engine) -> None:
        """Take the role's folder and its settings, and the engine of the server."""
        super().__init__(folder, settings)
        self.running = running(settings, engine)
        # Into a container the role mounts volumes; a unit of the server does not have them.
        self.container = settings.get("container")
        self.serves_files = "unit" not in settings
        self.uid = settings.get("uid")
        self.quiet = float(settings.get("quiet", QUIET))
        self.body_max = int(settings.get("body_max", 0))
        self.engine = engine

    cannot = staticmethod(route_options.cannot)

    def volumes(self) -> t.Collection[str]:
        """Return the volumes that the role mounted."""
        container = self.engine.container(str(self.container))
        return container.volumes if container else ()

    def first_files(self) -> dict[str, str]:
        """Return the configuration without any route."""
        return completed({}, {}, self.key(), self.body_max, self.private())[0]

    def own_files(self, content: str) -> dict[str, str]:
        """Return the role's configuration, and what lets a request with a key in; see the interface."""
        return {**super().own_files(content), **opened_by(self.key(), self.private())}

    def write(self, path: Path, content: str | None) -> None:
        """Write a configuration file; see the interface. The digests of keys are nobody else's to read."""
        if path.name == KEYS and content is not None:
            atomic_file.write(path, content, 0o600, self.uid)
        else:
            atomic_file.put(path, content)

    # --- what the running process says ---

    def ask(self, path: str) -> str:
        """Return what nginx answers behind its socket. Raises SwitchyardError when it does not."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(SOCKET_TIMEOUT)
                connection.connect(str(self.folder / "run" / "admin.sock"))
                connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode("utf-8", "replace")
        except OSError as error:
            raise SwitchyardError(
                f"The proxy does not answer on {self.folder}/run/admin.sock ({error}). "
                f"Look at its log with '{self.running.log_command}', then run setup.yml."
            ) from error
        head, _blank, body = answer.partition("\r\n\r\n")
        if " 200 " not in head.split("\r\n")[0]:
            raise SwitchyardError(f"The proxy answers {path} with {head.splitlines()[:1]}. Run setup.yml.")
        return body

    def flags(self) -> set[str]:
        """Return the flags that nginx finds."""
        return {entry["name"] for entry in json.loads(self.ask("/flags/"))}

    def read(self) -> State:
        """Return what nginx does: with the routes of the configuration it runs, and the flags it finds now."""
        mark, routes = told_in(self.ask("/state"))
        return decided(self.flags(), routes, mark == mark_in(atomic_file.read(self.folder / "conf.d" / ROUTES) or ""))

    def in_flight(self, key: str, color: str) -> int:
        """Return the connections to a color's containers: nginx opens one per request and has no number of its own."""
        return sum(busy for _container, busy in self._busy(key, color))

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return the state and the connections of a color's containers."""
        return {
            container.name: {"status": container.state, "in_flight": busy} for container, busy in self._busy(key, color)
        }

    def _busy(self, key: str, color: str) -> t.Iterator[tuple[Container, int]]:
        project, stack, environment = key.split(".")
        ports = ports_in(atomic_file.read(self.folder / "conf.d" / _file(key, color)) or "")
        for one in self.engine.containers(project=project, stack=stack, environment=environment, color=color):
            port = ports.get(one.label("service"))
            if port:
                yield one, sockets.open_to(one.pid, port) if one.pid else 0

    # --- what should be ---

    def plan_routes(self, state: State, routing: Routing, color: str) -> Plan:
        """Return the plan that gives a color its routes and servers; see the interface."""
        wanted = {_file(routing.key, color): servers(routing, color)}
        if self.ports:
            wanted = published(routing, color)
        wanted[_file(routing.key, color, "json")] = route_options.written(routing)
        current = {name: atomic_file.read(self.folder / "conf.d" / name) for name in wanted}
        return Plan(
            before=state,
            after=state.with_routes(routing, color),
            files=wanted,
            # What is on disk counts only while it is what runs.
            files_before={name: text for name, text in current.items() if text is not None and state.settled},
        )

    def files_of(self, key: str) -> list[str]:
        """Return the names per color; see the interface."""
        return [_file(key, color, kind) for color in names.COLORS for kind in ("json", "map", "upstream")]

    # --- making it so ---

    def apply(self, change: t.Callable[[State], Plan]) -> Plan:
        """Plan and carry out, alone on this server; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            plan = change(self.read())
            if plan.before.routes != plan.after.routes or dict(plan.files) != dict(plan.files_before):
                self._configure(plan)
            if plan.changed:
                before = self._lying()
                try:
                    self._set_flags(flags_of(plan.after))
                    self._clean(plan)
                except (SwitchyardError, OSError):
                    with suppress(SwitchyardError, OSError):
                        self._set_flags(before)
                    raise
            return plan

    def _set_flags(self, wanted: set[str]) -> None:
        """Put flags there and take others away; proved by asking nginx."""
        folder = self.folder / "flags"
        for name, there in steps(self._lying(), wanted):
            if there:
                (folder / name).touch(mode=0o644)
            else:
                (folder / name).unlink(missing_ok=True)
        atomic_file.sync_folder(folder)
        left = steps(self.flags(), wanted)
        if left:
            raise SwitchyardError(
                f"The proxy does not see the flags in {folder} as they are ({left[0][0]}). Is the folder still mounted?"
            )

    def _clean(self, plan: Plan) -> None:
        """Take away the flags of stacks that nginx is to forget: a color that means nothing stays otherwise."""
        gone = plan.before.known() - plan.after.known()
        for name in self._lying():
            found = FLAG.match(name)
            if found and found["key"] in gone:
                (self.folder / "flags" / name).unlink(missing_ok=True)

    def _lying(self) -> set[str]:
        return {path.name for path in (self.folder / "flags").iterdir()}

    def _configure(self, plan: Plan) -> None:
        """Put a new configuration in place and reload; the one before is back when nginx does not take it over."""
        live = self.folder / "conf.d"
        before = _contents(live)
        given = {**before, **plan.files}
        wanted, mark = completed(given, plan.after.routes, self.key(), self.body_max, self.private())
        if before == wanted and self._mark() == mark:
            return
        told = self._try(wanted)
        if told:
            raise SwitchyardError(f"The proxy refuses the new configuration, the old one stays: {told}")
        changed = [name for name in {**before, **wanted} if wanted.get(name) != before.get(name)]
        for name in changed:
            self.write(live / name, wanted.get(name))
        # Where nothing is live, nobody is cut off.
        complaint = self._reload(mark, self.quiet if plan.before.live else 0)
        if complaint:
            for name in changed:
                self.write(live / name, before.get(name))
            raise SwitchyardError(f"The proxy refused the reload, the old configuration is back: {complaint}")

    def _try(self, contents: t.Mapping[str, str]) -> str | None:
        """Return what nginx says of a whole configuration; None where it is good."""
        staged = self.folder / "staged"
        for name in _contents(staged):
            (staged / name).unlink()
        for name, content in contents.items():
            self.write(staged / name, content)
        code, words = self._nginx("-t", "staged")
        told = "\n".join(_emergencies(words.splitlines())) or words
        return told.replace(f"{INSIDE}/staged", str(self.folder / "conf.d")) if code else None

    def complaint(self) -> str | None:
        """Return what nginx says of its files; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            return self._try(_contents(self.folder / "conf.d"))

    def _reload(self, mark: str, quiet: float) -> str | None:
        """Let nginx load its configuration; return None when it answers with this mark, or else why it does not.

        A worker that leaves closes the connections that wait for a request, maybe in the moment in which one comes.
        So connections end by their own answers beforehand, for a short while, and few are left that wait.
        """
        flag = self.folder / "flags" / CLOSING
        flag.touch(mode=0o644)
        try:
            time.sleep(quiet)
            logged = self._log()
            code, words = self._nginx("-s reload", "conf.d")
            if code:
                return words
            end, proofs = time.monotonic() + LIMIT, 0
            while proofs < PROOFS:
                proofs = proofs + 1 if self._mark() == mark else 0
                if time.monotonic() > end:
                    new = _emergencies(line for line in self._log() if line not in logged)
                    return "\n".join(new) or f"it still runs the one before, {LIMIT:g} s after the reload"
                if proofs < PROOFS:
                    time.sleep(POLL)
            return None
        finally:
            flag.unlink(missing_ok=True)

    def _mark(self) -> str:
        return told_in(self.ask("/state"))[0]

    def _log(self) -> list[str]:
        return self.running.logs(LOG_LINES)

    def _nginx(self, option: str, folder: str) -> tuple[int, str]:
        own = f"{INSIDE}/{folder}/{self.own_file}"
        return self.running.run(["nginx", "-e", "stderr", *option.split(), "-c", own])

    def aim(self, routing: Routing, color: str, addresses: t.Mapping[str, str]) -> None:
        """Do nothing: nginx asks Docker's DNS for a name when a request needs it, and forgets it after a second."""


def _file(key: str, color: str, kind: str = "map") -> str:
    return f"50-{key}-{color}.{kind}"


def _contents(folder: Path) -> dict[str, str]:
    """Return the files of a configuration; those that are being written begin with a dot."""
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir()) if not path.name.startswith(".")}


def _emergencies(lines: t.Iterable[str]) -> list[str]:
    """Return why nginx would not start, from its log: the lines of the level [emerg], without their time."""
    return list(dict.fromkeys(line.partition("[emerg] ")[2] for line in lines if "[emerg]" in line))
