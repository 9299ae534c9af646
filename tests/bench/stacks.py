"""Forty stacks on one server with the default settings of its engine: make bench-stacks.

Each stack has a web server, a Redis and two networks of its own. All of them are released with one command, asked once
through the proxy, and released again without a change. Prints the seconds, and counts the networks: those with a subnet
of the collection's pool, and those that take one of Docker's about 30. Exits with 0 when all stacks answer.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
import tempfile
import time
import typing as t
from collections.abc import Mapping, Sequence

from hosts import PROXIES, ROOT, hosts, run, setting

PLAY = ["ansible-playbook", "-i", "molecule/inventory", "-e", f"@{PROXIES / 'haproxy.yml'}"]
POOL = ipaddress.ip_network("10.201.0.0/16")
NETWORKS = "docker network inspect $(docker network ls -q --filter driver=bridge)"
SSH = ["ssh", "-F", "tests/test_hosts/.state/ssh_config", "server1"]


def names(count: int) -> list[str]:
    """The names of the stacks."""
    return [f"s{number:03d}" for number in range(count)]


def variables(count: int) -> dict[str, t.Any]:
    """The inventory's variables for a number of stacks."""
    images = {"BENCH_IMAGE": "{{ switchyard_registry }}/switchyard/bench-app:1.0.0", "REDIS_IMAGE": "{{ redis_image }}"}
    stack = {
        "source": {"path": str(ROOT / "tests/bench/small_stack")},
        "variables": images,
        "accessories": ["redis"],
        "drain": 1,
    }
    route = {"service": "web", "port": 8000, "health": {"path": "/healthz"}}
    stacks = [{**stack, "name": name, "routes": [{**route, "hosts": [f"{name}.localhost"]}]} for name in names(count)]
    return {"target": "servers", "switchyard_environment": "many", "switchyard_stacks": stacks}


def count_networks(inspected: Sequence[Mapping[str, t.Any]]) -> tuple[int, int]:
    """Return how many networks have a subnet of the pool, and how many have one of Docker's own."""
    subnets = [
        ipaddress.ip_network(config["Subnet"]) for one in inspected for config in one["IPAM"]["Config"] or [] if config
    ]
    ours = sum(subnet.version == 4 and subnet.subnet_of(POOL) for subnet in subnets)
    return ours, len(subnets) - ours


def timed(*words: str) -> float:
    """Run a command, and return its seconds. Exits with the output when it fails."""
    began = time.monotonic()
    run(*words)
    return time.monotonic() - began


def silent_stacks(count: int) -> list[str]:
    """Return the stacks that do not answer through the proxy."""
    url = setting("haproxy", "test_host_proxy_url")
    ask = ["curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", f"{url}/version"]
    return [name for name in names(count) if run(*ask, "-H", f"Host: {name}.localhost") != "200"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stacks", type=int, default=40, help="stacks (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="use existing test hosts, and keep them")
    options = parser.parse_args()
    with hosts(options.keep), tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(variables(options.stacks), file)
        file.flush()
        play = [*PLAY, "-e", f"@{file.name}"]
        print(f"setup.yml: {timed(*play, 'setup.yml'):.0f} s", flush=True)
        seconds = timed(*play, "deploy.yml")
        each = seconds / options.stacks
        print(f"deploy.yml, {options.stacks} stacks: {seconds:.0f} s, {each:.1f} s each", flush=True)
        ours, docker = count_networks(json.loads(run(*SSH, NETWORKS)))
        print(f"networks: {ours} with a subnet of {POOL}, {docker} of Docker's own pools", flush=True)
        silent = silent_stacks(options.stacks)
        answering = options.stacks - len(silent)
        print(f"{answering} of {options.stacks} stacks answer {', '.join(silent)}".rstrip(), flush=True)
        print(f"deploy.yml without a change: {timed(*play, 'deploy.yml'):.0f} s", flush=True)
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
