"""HAProxy without HAProxy: its master socket, its check of a configuration, and a state that both know."""

from __future__ import annotations

import contextlib
import socketserver
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fakes import HOST, FakeEngine, checked, serving

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import layout
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import driver
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import maps as haproxy_maps
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack

SHOP = routes_of_stack(checked(), "po", "prod", {"web": 1})
FILE = "50-po.shop.prod-green.cfg"
STATE = ProxyState(
    {"po.shop.prod": "blue", "po-blog-prod": "green"},
    {
        ("po.shop.prod", "blue", f"{HOST}/"): "web",
        ("po.shop.prod", "green", f"{HOST}/"): "web",
        ("po-blog-prod", "green", "blog.org/"): "site",
    },
)


@dataclass
class FakeMaster:
    """HAProxy's master socket: what it answers was captured from HAProxy 3.0."""

    path: Path
    workers: list[str] = field(default_factory=lambda: ["12"])
    maps: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    stat: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    reload_answer: str = "Success=1\n--\n[NOTICE]   (1) : New worker (12) forked\n[NOTICE]   (1) : Loading success.\n"
    refuse: dict[str, str] = field(default_factory=dict)
    before_answer: Callable[[str], None] = lambda line: None
    # The workers that pass their requests on, and those whose configuration knows nothing of it.
    passing_on: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    # The front end of each session that is open.
    sessions: list[str] = field(default_factory=list)

    def content(self, worker: str, name: str) -> dict[str, str]:
        return self.maps.setdefault(worker, {key: {} for key in haproxy_maps.MAPS})[name]

    def answer(self, line: str) -> str:
        self.log.append(line)
        self.before_answer(line)
        if line == "show proc":
            head = "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
            head += "1               master          1 [failed: 0]   0d00h00m02s     3.0.11-1+deb13u5\n# workers\n"
            rows = [
                f"{pid}              worker          {n}               0d00h00m02s     3.0.11-1+deb13u5\n"
                for n, pid in enumerate(self.workers)
            ]
            return head + "".join(rows[:1]) + "# old workers\n" * bool(rows[1:]) + "".join(rows[1:]) + "# programs\n\n"
        if line == "reload":
            return self.reload_answer + "\n"
        prefix, _, command = line.partition(" ")
        worker = prefix[2:]
        if worker not in self.workers:
            return f"Can't find the target PID matching the prefix '{prefix}'\n"
        for words, refusal in self.refuse.items():
            if command.startswith(words):
                return refusal + "\n\n"
        return self.of_worker(worker, command) + "\n"

    def of_worker(self, worker: str, command: str) -> str:
        words, _, payload = command.partition(" <<\n")
        verb = words.split()[:2]
        if verb == ["show", "stat"]:
            return self.stat.get(worker, "# pxname,svname,scur,stot,econ,status,\n")
        if verb == ["show", "sess"]:
            return "".join(f"0x55: proto=tcpv4 src=172.20.0.2:1 fe={name} be=x flags=0x\n" for name in self.sessions)
        if verb == ["show", "servers"]:
            return "1\n# be_id be_name srv_id srv_name srv_addr\n3 po.shop.prod_web_blue 1 web1 172.18.0.4\n"
        if verb == ["set", "server"]:
            return "IP changed from '172.18.0.4' to '172.18.0.5' by 'stats socket command'\n"
        if words == f"show map {haproxy_maps.OLD_WORKER}" and worker in self.older:
            return "Unknown map identifier. Please use #<id> or <file>.\n"
        if words == f"show map {haproxy_maps.OLD_WORKER}":
            return "0x7fd70c841280 worker yes\n" if worker in self.passing_on else ""
        if words == f"add map {haproxy_maps.OLD_WORKER} worker yes":
            self.passing_on.append(worker)
            return ""
        name = Path(words.split()[-1]).stem
        current = self.content(worker, name)
        if verb == ["show", "map"]:
            return "".join(f"0x7fd70c8412{n:02x} {key} {value}\n" for n, (key, value) in enumerate(current.items()))
        if verb == ["prepare", "map"]:
            self.maps[worker][f"next {name}"] = {}
            return "New version created: 2\n"
        if verb == ["add", "map"]:
            self.maps[worker][f"next {name}"] = dict(row.split(" ", 1) for row in payload.splitlines())
        if verb == ["commit", "map"]:
            self.maps[worker][name] = self.maps[worker].pop(f"next {name}")
        return ""

    @contextlib.contextmanager
    def listening(self) -> Iterator[FakeMaster]:
        master = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(master.answer(self.rfile.read().decode().rstrip("\n")).encode())

        with serving(socketserver.ThreadingUnixStreamServer(str(self.path), Handler)):
            yield self


class Check:
    """Replaces ``haproxy -c``: reports the errors that it was given, and notes what it was shown."""

    def __init__(self) -> None:
        self.validate_config: str | None = None
        self.staged: list[dict[str, str]] = []
        self.folder = Path()

    def __call__(self, command: list[str]) -> tuple[int, str]:
        assert command == ["haproxy", "-c", "-f", f"{layout.CONFIG_ROOT}/staged"]
        self.staged.append({path.name: path.read_text() for path in self.folder.glob("*.cfg")})
        return (1, self.validate_config) if self.validate_config else (0, "Configuration file is valid")


def made(folder: Path, check: Check, **more: t.Any) -> driver.HAProxy:
    engine = FakeEngine()
    engine.inside = check
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80, **more}
    return driver.HAProxy(folder, settings, engine)  # type: ignore[arg-type]


def load_state(master: FakeMaster, state: ProxyState) -> None:
    for worker in master.workers:
        master.maps[worker] = haproxy_maps.maps_of(state)


def loaded_state(master: FakeMaster, worker: str = "12") -> ProxyState:
    return haproxy_maps.state_of(master.maps[worker])


def switch(color: str | None) -> t.Callable[[ProxyState], ProxyPlan]:
    return lambda state: Proxy.plan_switch(state, "po.shop.prod", color)
