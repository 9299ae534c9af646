"""Stand-ins for what only a server has: an engine, a proxy, HAProxy's master socket, an HTTP application.

They hold the same interfaces as the real ones and no logic of a test. What Docker and HAProxy really do is asked by
the Molecule scenarios.
"""

from __future__ import annotations

import contextlib
import json
import os
import socketserver
import ssl
import threading
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fakes_log import FakeProxyProcess

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.config import validate
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_roles
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import SubnetTaken
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import (
    Container,
    Image,
    LabelledImage,
    LabelledResource,
    NetworkInUse,
    RegistryError,
    ServerFacts,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.capabilities import ProxyCapabilities
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyPlan, ProxyState, StackRoutes
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext, StackContext
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput

HOST = "shop.example.org"

# What a command ``docker`` does for ``compose config`` where the files are in the normal form already.
COMPOSE = 'while [ $# -gt 0 ]; do if [ "$1" = --file ]; then cat "$2"; exit; fi; shift; done'


def written(**changes: t.Any) -> dict[str, t.Any]:
    """Return a stack as the inventory has it."""
    return {
        "name": "shop",
        "source": {"path": "shop"},
        "routes": [{"service": "web", "port": 8000, "hosts": [HOST]}],
        **changes,
    }


def checked(**changes: t.Any) -> Stack:
    """Return a stack as the modules get it."""
    stacks, problems = validate.check([written(**changes)], "po", "prod")
    assert not problems, problems
    return stacks[0].stack


def normalised(**services: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return Compose files as Compose normalises them; a service needs no more than what a test is about."""
    chosen = services or {"web": {}}
    return {
        "name": "stack",
        "networks": {"default": {"name": "stack_default"}},
        "services": {
            name: {"image": f"reg/{name}:1", "networks": {"default": None}, **service}
            for name, service in chosen.items()
        },
    }


def given(content: dict[str, t.Any] | None = None, secrets: dict[str, str] | None = None, **stack: t.Any) -> StackInput:
    """Return what the inventory gives of the stack; its Compose file is in the normal form already."""
    definition = checked(secrets=secrets or {}, **stack)
    sources = {"docker-compose.yml": json.dumps(content or normalised())}
    return StackInput(definition, sources, secrets or {}, "switchyard_stacks[shop]")


def container(name: str = "po-shop-web-prod-blue", **changes: t.Any) -> Container:
    """Return a container that runs."""
    labels = {"project": "po", "environment": "prod", "stack": "shop", **changes.pop("labels", {})}
    plain = Container(
        id=name,
        name=name,
        state="running",
        health=None,
        restarts=0,
        exit_code=0,
        labels=names.labels(**labels),
        addresses={"po-shop-prod.front": "127.0.0.1"},
        image="sha256:1",
    )
    return replace(plain, **changes)


def colored(color: str, release: int, fingerprint: str = "f", service: str = "web", **changes: t.Any) -> Container:
    """Return the container of a routed service."""
    labels = {"color": color, "release": release, "fingerprint": fingerprint, "service": service, "role": "routed"}
    return container(f"po-shop-{service}-prod-{color}", labels=labels, **changes)


def worker(release: int, fingerprint: str = "f", service: str = "celery", **changes: t.Any) -> Container:
    """Return the container of a worker."""
    labels = {"release": release, "fingerprint": fingerprint, "service": service, "role": "worker"}
    return container(f"po-shop-{service}-prod", labels=labels, **changes)


def shared_container(role: str, *networks: str) -> Container:
    """Return a container that all environments of the project share: it has no label of one."""
    labels = names.labels(project="po", role=role)
    return replace(container(f"po-{role}"), labels=labels, addresses=dict.fromkeys(networks, "127.0.0.1"))


class FakeEngine:
    """An engine that remembers."""

    def __init__(self, *existing: Container, images: t.Iterable[str] = (), root: str = "/") -> None:
        self.by_name = {one.name: one for one in existing}
        self.images = {name: Image(id=f"sha256:{name}", digest=None, user=os.getuid()) for name in images}
        self.made_networks: dict[str, dict[str, t.Any]] = {}
        self.made_volumes: dict[str, dict[str, t.Any]] = {}
        self.mounted: dict[str, tuple[str, ...]] = {}
        # The addresses in use on each network.
        self.addresses: dict[str, set[str]] = {}
        self.refused_subnets: set[str | None] = set()
        self.published: dict[int, dict[str, set[str]]] = {}
        self.removed: list[str] = []
        self.labelled_images: list[LabelledImage] = []
        self.written: dict[str, list[str]] = {}
        self.registry: set[str] = set()
        self.registry_errors: dict[str, RegistryError] = {}
        self.logins: dict[str, dict[str, str] | None] = {}
        self.folder = root
        self.version_text, self.memory = "28.0.1", 2**33
        # What a command in a container does: its exit code and its words.
        self.inside: Callable[[list[str]], tuple[int, str]] = lambda command: (0, "")

    def facts(self) -> ServerFacts:
        return ServerFacts(self.folder, self.version_text, self.memory)

    def root(self) -> str:
        return self.folder

    def containers(self, **labels: str) -> list[Container]:
        return [one for one in self.by_name.values() if all(one.label(k) == v for k, v in labels.items())]

    def container(self, name: str) -> Container | None:
        return self.by_name.get(name)

    def image(self, name: str) -> Image | None:
        known = {key: image for image in self.images.values() for key in (image.id, image.digest) if key}
        return self.images.get(name) or known.get(name)

    def images_of(self, **labels: str) -> list[LabelledImage]:
        return [one for one in self.labelled_images if all(one.label(k) == v for k, v in labels.items())]

    def images_in_use(self) -> set[str]:
        return {one.image for one in self.containers()}

    def remove_image(self, name: str) -> bool:
        self.removed.append(name)
        return True

    def logs(self, name: str, lines: int = 20, since: int | None = None, timestamps: bool = False) -> list[str]:
        return self.written.get(name, [])[-lines:]

    def exec(self, name: str, command: list[str]) -> tuple[int, str]:
        return self.inside(command)

    def networks_in_use(self) -> dict[str, NetworkInUse]:
        return {
            name: NetworkInUse(one["labels"], (one["subnet"],) if one.get("subnet") else (), one.get("internal", False))
            for name, one in self.made_networks.items()
        }

    def addresses_on(self, network: str) -> set[str]:
        return self.addresses.get(network, set())

    def networks_of(self, **labels: str) -> list[LabelledResource]:
        return self._kept(self.made_networks, labels, lambda one: one.addresses)

    def volumes_of(self, **labels: str) -> list[LabelledResource]:
        return self._kept(self.made_volumes, labels, lambda one: self.mounted.get(one.name, ()))

    def _kept(
        self, made: dict[str, dict[str, t.Any]], labels: dict[str, str], uses: Callable[[Container], t.Container[str]]
    ) -> list[LabelledResource]:
        found = [
            LabelledResource(
                name, one["labels"], tuple(sorted(user.name for user in self.by_name.values() if name in uses(user)))
            )
            for name, one in made.items()
        ]
        return [one for one in found if all(one.label(name) == value for name, value in labels.items())]

    def containers_publishing(self, port: int) -> dict[str, set[str]]:
        return self.published.get(port, {})

    def connect(self, network: str, container: str) -> None:
        (one,) = (one for one in self.containers() if one.name == container)
        self.start(replace(one, addresses={**one.addresses, network: "127.0.0.1"}))

    def disconnect(self, network: str, container: str) -> None:
        one = self.by_name[container]
        left = {name: address for name, address in one.addresses.items() if name != network}
        self.by_name[container] = replace(one, addresses=left)

    def remove_resource(self, kind: str, name: str) -> None:
        made = self.made_networks if kind == "network" else self.made_volumes
        del made[name]

    def environment(self, name: str) -> dict[str, str]:
        return {}

    def image_names(self, container: str) -> list[str]:
        return []

    def host_names(self, container: str) -> tuple[str, ...]:
        return (container,)

    def has_volume(self, name: str) -> bool:
        return name in self.made_volumes

    def names_in_use(self) -> dict[tuple[str, str], dict[str, str]]:
        made = {"network": self.made_networks, "volume": self.made_volumes}
        return {
            **{("container", one.name): dict(one.labels) for one in self.by_name.values()},
            **{(kind, name): one["labels"] for kind, ones in made.items() for name, one in ones.items()},
        }

    def version(self) -> str:
        return "28.5.1"

    def platform(self) -> str:
        return "linux/amd64"

    def load_images(self, archive: t.IO[bytes]) -> None:
        for name in archive.read().decode().split():
            self.images[name] = Image(id=f"sha256:{name}", digest=None, user=os.getuid())

    def registry_error(self, name: str, login: dict[str, str] | None = None) -> RegistryError | None:
        self.logins[name] = login
        return self.registry_errors.get(name)

    def pull(self, name: str, login: dict[str, str] | None = None) -> Image:
        self.logins[name] = login
        if name not in self.registry:
            raise EngineError(f"The image {name} cannot be pulled: not found.")
        self.images[name] = Image(id=f"sha256:{name}", digest=f"{name}@sha256:abc", user=os.getuid())
        return self.images[name]

    def create_network(self, name: str, internal: bool, labels: dict[str, str], subnet: str | None = None) -> None:
        if subnet in self.refused_subnets:
            raise SubnetTaken("Pool overlaps with other one on this address space")
        assert name not in self.made_networks
        self.made_networks[name] = {"internal": internal, "labels": labels, "subnet": subnet}

    def ensure_network(self, name: str, internal: bool, labels: dict[str, str]) -> None:
        """Let a network be there already."""
        self.made_networks.setdefault(name, {"internal": internal, "labels": labels})

    def ensure_volume(self, name: str, driver: str, options: dict[str, str], labels: dict[str, str]) -> bool:
        new = name not in self.made_volumes
        self.made_volumes.setdefault(name, {"driver": driver, "labels": labels})
        return new

    def remove(self, containers: t.Iterable[Container], timeout: int | None = None, volumes: bool = False) -> list[str]:
        chosen = sorted(one.name for one in containers)
        for name in chosen:
            del self.by_name[name]
        self.removed += chosen
        return chosen

    def stop(self, containers: t.Iterable[Container]) -> None:
        for one in containers:
            self.by_name[one.name] = replace(self.by_name[one.name], state="exited")

    def start_container(self, name: str) -> None:
        self.by_name[name] = replace(self.by_name[name], state="running")

    def rename(self, name: str, new: str) -> None:
        self.by_name[new] = replace(self.by_name.pop(name), name=new)

    def start(self, *containers: Container) -> None:
        self.by_name.update({one.name: one for one in containers})


class FakeProxy(Proxy):
    """A proxy whose running process is a pair of mappings."""

    own_file = "00-proxy.cfg"

    def __init__(self, state: ProxyState | None = None) -> None:
        self.state = state or ProxyState()
        self.capabilities = ProxyCapabilities()
        self.process: t.Any = FakeProxyProcess()
        self.ports = None
        self.files: dict[str, str] = {}
        self.plans: list[ProxyPlan] = []
        self.aimed: list[tuple[str, dict[str, str]]] = []
        self.busy: dict[str, list[int]] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        # What a color answers, asked for by name or because it is live.
        self.answer: Callable[[str, str], tuple[int, str]] = lambda color, path: (200, f"hello from {color}")
        self.stuck_on: str | None = None
        self.ignores_the_wish = False
        # Foreign files, and what the proxy says of each.
        self.foreign: dict[str, str] = {}
        # Where the pages are, and what users get instead of them when a proxy ignores its configuration.
        self.pages = Path("/nowhere")
        self.instead_of_page: tuple[int, str] | None = None
        self.always_closed = False

    def read(self) -> ProxyState:
        return self.state

    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        name = f"{routing.key}-{color}"
        content = json.dumps([routing.services(), dict(routing.replicas)], sort_keys=True)
        before = {name: self.files[name]} if name in self.files else {}
        return ProxyPlan(state, state.with_routes(routing, color), {name: content}, before)

    def foreign_files(self, state: ProxyState) -> list[str]:
        return list(self.foreign)

    def validate_config(self) -> str | None:
        return next(iter(self.foreign.values()), None)

    def files_of(self, key: str) -> list[str]:
        return [f"{key}-{color}" for color in names.COLORS]

    def plan_forget(self, state: ProxyState, key: str) -> ProxyPlan:
        there = {name: self.files[name] for name in self.files_of(key) if name in self.files}
        return ProxyPlan(state, state.without(key), dict.fromkeys(there), there)

    def apply(self, change: Callable[[ProxyState], ProxyPlan]) -> ProxyPlan:
        plan = change(self.state)
        self.plans.append(plan)
        self.state = plan.after
        everything = {**self.files, **plan.files}
        self.files = {name: content for name, content in everything.items() if content is not None}
        return plan

    def check_staged(self, files: t.Mapping[str, str | None]) -> str | None:
        return next(iter(self.foreign.values()), None)

    def load(self, plan: ProxyPlan, files: t.Mapping[str, str | None]) -> None:
        self.files.update({name: text for name, text in files.items() if text is not None})

    def activate(self, state: ProxyState) -> None:
        self.state = state

    def set_server_addresses(self, routing: StackRoutes, color: str, addresses: t.Mapping[str, str]) -> None:
        self.aimed.append((color, dict(addresses)))

    def in_flight(self, key: str, color: str) -> int:
        left = self.busy.get(color, [])
        return left.pop(0) if len(left) > 1 else sum(left)

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        return {f"{key}_web_{color}/web1": {"status": "UP", "in_flight": 0}}

    def request(
        self, host: str, path: str, color: str | None = None, timeout: float = 5.0, public: bool = False
    ) -> tuple[int, str | None, str]:
        self.asked.append((host, path, color))
        key = self.state.stack_of_route(host + path)
        if public and (self.always_closed or key in self.state.availability):
            page = self.pages / f"{key}.maintenance.html"
            page = page if page.exists() else self.pages / "maintenance.html"
            status, body = self.instead_of_page or (503, page.read_text())
            return status, None, body
        wish = None if self.ignores_the_wish else color
        answering = wish or self.stuck_on or self.state.live.get("po.shop.prod")
        if not answering:
            return 503, None, "no release yet"
        status, body = self.answer(answering, path)
        return status, None if public else answering, body

    def live(self) -> str | None:
        return self.state.live.get("po.shop.prod")


@dataclass
class Machine:
    """A server in a folder, with an engine and a proxy that remember, and one stack on it."""

    root: Path
    engine: FakeEngine = field(default_factory=FakeEngine)
    proxy: FakeProxy = field(default_factory=FakeProxy)

    def __post_init__(self) -> None:
        self.proxy.pages = self.root / "proxy" / "pages"
        self.proxy.pages.mkdir(parents=True, exist_ok=True)
        (self.root / "proxy" / "server-preview.key").write_text("key-of-this-server")
        self.host = HostContext(self.root, "po", "prod")
        # A cached property finds its value in the instance.
        vars(self.host).update(engine=self.engine, proxy=self.proxy)
        self.ctx: StackContext = self.host.stack("shop")
        self.ctx.folder.mkdir(parents=True)

    def lock(self, holder: str = "ann@laptop") -> int:
        """Take the stack's lock and return its token."""
        return self.ctx.lock.take(holder, "prepare", lambda: None).token

    def released(self, color: str, stack: Stack | None = None, **changes: t.Any) -> Record:
        """Leave the record and the container of a release on a color."""
        number = self.ctx.records.begin()
        values: dict[str, t.Any] = {
            "number": number,
            "color": color,
            "state": "live",
            "fingerprint": "f",
            "stack": stack or checked(),
            "holder": "ann@laptop",
            "started": 1.0,
            "containers": 1,
            **changes,
        }
        record = Record(**values)
        self.ctx.records.save(record)
        self.engine.start(colored(color, number, record.fingerprint))
        return record

    def make_live(self, color: str) -> None:
        """Make a color live, as it was before the test."""
        self.proxy.state = ProxyState({"po.shop.prod": color}, {("po.shop.prod", color, f"{HOST}/"): "web"})

    def deployed(self, color: str, given: StackInput, **changes: t.Any) -> Record:
        """Leave a live release that is just what is given, with everything running."""
        from ansible_collections.switchyard.stacks.plugins.module_utils.release import (
            fingerprint as release_fingerprint,
        )
        from ansible_collections.switchyard.stacks.plugins.module_utils.release import routes as release_routes

        self.make_live(color)
        content = json.loads(given.sources["docker-compose.yml"])
        counts = {name: compose_roles.replicas_of(content, name) for name in content["services"]}
        routing = release_routes.routes_of_stack(given.stack, "po", "prod", counts)
        self.proxy.apply(lambda state: self.proxy.plan_routes(state, routing, color))
        pinned = {name: image.pinned for name, image in self.engine.images.items()}
        fingerprint = release_fingerprint.fingerprint_of(self.ctx, content, given, pinned)
        return self.released(color, given.stack, fingerprint=fingerprint, images=pinned, **changes)


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Let a server answer in a thread until the block ends."""
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.005))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def application(
    answer: Callable[[str, t.Any], tuple[int, dict[str, str], str]], tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Serve HTTP on a free port, which is returned; ``answer`` gets the path and the headers of each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            status, headers, body = answer(self.path, self.headers)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_DELETE = do_GET

        def log_message(self, *words: t.Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield server.server_address[1]
