"""Proxies of every kind on this machine's engine, set up by the role, with a stack whose application answers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import typing as t
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certificates import self_signed

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.registry import open_proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import Route, StackRoutes

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KINDS = {"haproxy": "haproxy:3.0", "nginx": "nginx:1.26", "traefik": "traefik:3.7"}
ENVIRONMENT = "test"
# Of the user anna: "secret".
USERS = {"staff": {"anna": "$2b$05$94aRPZEmf5X/hM7ybVzjYO6zbbReIPvz6s7TTYHq9ehwqZ1xs1qFq"}}
APPLICATION = "switchyard/bench-app:1.0.0"
# Guards that stop the clients of the tests, and what a client then gets. The rate is used up by the first request.
GUARDS = {
    "allow": (RouteOptions(allow_ips=("192.0.2.0/24",)), 403),
    "auth": (RouteOptions(basic_auth=f"{ENVIRONMENT}.staff"), 401),
    "rate": (RouteOptions(rate_limit=Rate(1, 3600, 0)), 429),
    "body": (RouteOptions(max_body_size=4), 413),
}


def routes() -> tuple[Route, ...]:
    """The routes of the stack; the service ``other`` has the exact host below a wildcard."""
    found = [
        Route("web", 8000, "plain.test", "/"),
        Route("web", 8000, "xn--mnchen-3ya.test", "/"),
        Route("web", 8000, "*.wild.test", "/"),
        Route("web", 8000, "*.wild.test", "/admin/", GUARDS["allow"][0]),
        Route("other", 8000, "exact.wild.test", "/"),
    ]
    # Services without a container, with one that does not listen, and with an answer after its timeout.
    found += [Route("gone", 8000, "gone.test", "/"), Route("closed", 8001, "closed.test", "/")]
    found += [Route("web", 8000, "late.test", "/", RouteOptions(response_timeout=1))]
    found += [Route("web", 8000, "redirect.test", "/", RouteOptions(https="redirect"))]
    for name, (options, _status) in GUARDS.items():
        found += [Route("web", 8000, f"{name}.test", "/"), Route("web", 8000, f"{name}.test", "/admin/", options)]
    return tuple(found)


@dataclass(frozen=True)
class RealProxy:
    """A proxy that answers at ``http`` and ``https``."""

    kind: str
    http: tuple[str, int]
    https: tuple[str, int]
    proxy: Proxy


def _run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, **environment}, cwd=ROOT
    )
    assert not done.returncode, f"{' '.join(command)}\n{(done.stdout + done.stderr)[-6000:]}"
    return done.stdout


def _free_port() -> int:
    """Return a port of this machine that is free: two checkouts may test at the same time."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _set_up(kind: str, folder: Path, variables: t.Mapping[str, t.Any]) -> RealProxy:
    project, root = f"rf{kind[0]}{os.getpid()}", folder / kind
    root.mkdir()
    own = {
        "switchyard_project": project,
        "switchyard_root": str(root),
        "proxy_provider": kind,
        "proxy_image": f"switchyard/{KINDS[kind]}",
        "proxy_http_port": _free_port(),
        "proxy_https_port": _free_port(),
        "proxy_stacks": [{"name": name, "routes": [{"service": "web"}]} for name in ("forms", "watched")],
    }
    (root / "vars.json").write_text(json.dumps({**variables, **own}), encoding="utf-8")
    _run(
        str(Path(sys.executable).parent / "ansible-playbook"),
        *("-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}", "-e", f"@{root / 'vars.json'}"),
        str(HERE / "set_up.yml"),
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".collections"),
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
        ANSIBLE_NOCOLOR="1",
    )
    stack = StackRoutes(project, ENVIRONMENT, "forms", routes())
    network = names.front(project, "forms", ENVIRONMENT)
    for service in sorted({*stack.services()} - {"gone"}):
        name = stack.server(service, "blue")
        label = f"io.switchyard.project={project}"
        command = ["docker", "run", "--detach", "--name", name, "--network", network, "--label", label]
        command += [
            "--env",
            f"SERVICE={service}",
            "--volume",
            f"{HERE}/echo.py:/echo.py:ro",
            APPLICATION,
            "python3",
            "/echo.py",
        ]
        _run(*command)
    proxy = open_proxy(root, Engine())
    proxy.apply(lambda state: proxy.plan_routes(state, stack, "blue"))
    proxy.apply(lambda state: proxy.plan_switch(state, stack.key, "blue"))
    ports = int(t.cast(int, own["proxy_http_port"])), int(t.cast(int, own["proxy_https_port"]))
    return RealProxy(kind, ("127.0.0.1", ports[0]), ("127.0.0.1", ports[1]), proxy)


def _remove(kind: str, folder: Path) -> None:
    project = f"rf{kind[0]}{os.getpid()}"
    label = f"label=io.switchyard.project={project}"
    containers = _run("docker", "ps", "--all", "--quiet", "--filter", label).split()
    if containers:
        _run("docker", "rm", "--force", "--volumes", *containers)
    networks = _run("docker", "network", "ls", "--quiet", "--filter", label).split()
    if networks:
        _run("docker", "network", "rm", *networks)
    shutil.rmtree(folder / kind, ignore_errors=True)


@contextmanager
def real_proxies(folder: Path, kinds: t.Collection[str] = tuple(KINDS)) -> Iterator[dict[str, RealProxy]]:
    """Run a proxy of each kind, with a stack whose routes have every kind of guard, and remove them at the end."""
    variables = {
        "switchyard_environment": ENVIRONMENT,
        "proxy_http_address": "127.0.0.1",
        "proxy_https_address": "127.0.0.1",
        "proxy_traefik_pages_image": "switchyard/haproxy:3.0",
        "proxy_certificates": [self_signed("*.test", "*.wild.test")],
        "proxy_users": USERS,
    }
    try:
        with ThreadPoolExecutor() as pool:
            running = pool.map(lambda kind: _set_up(kind, folder, variables), kinds)
            yield {proxy.kind: proxy for proxy in running}
    finally:
        for kind in kinds:
            _remove(kind, folder)
