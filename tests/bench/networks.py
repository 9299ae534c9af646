"""How many networks fit on this server: of Docker's own pools, and of the pool of this collection.

    scripts/python tests/bench/networks.py --stacks 40

Creates networks until Docker's pools are used up, then those of the stacks in addition, and one container that joins
the network of every stack, as the proxy does. Removes everything again; nothing else on the server changes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import docker

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.switchyard.stacks.plugins.module_utils import names  # noqa: E402
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import networks  # noqa: E402
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine  # noqa: E402

PROJECT = "netbench"
LABEL = f"{names.LABEL}project={PROJECT}"


def of_stack(stack: str) -> list[networks.DesiredNetwork]:
    """The networks of a stack with a route, a database accessory and a tenant of PostgreSQL."""
    labels = names.labels(project=PROJECT, stack=stack, environment="prod")
    default = names.network(PROJECT, stack, "default", "prod")
    front, back = names.front(PROJECT, stack, "prod"), names.back(PROJECT, stack, "prod")
    desired = [(default, False), (f"{default}.internal", True), (front, True), (back, True)]
    return [networks.DesiredNetwork(name, labels, internal, 6) for name, internal in desired]


def fill_docker_pools(client: docker.DockerClient) -> int:
    """Create networks without a subnet until Docker has none left; return how many."""
    count = 0
    while True:
        try:
            client.networks.create(f"{PROJECT}-user-{count}", labels={f"{names.LABEL}project": PROJECT})
        except docker.errors.APIError as error:
            print(f"Docker's own pools: {count} networks more, then: {error.explanation}")
            return count
        count += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stacks", type=int, default=40, help="stacks (40)")
    parser.add_argument("--keep-docker-pools", action="store_true", help="do not use up Docker's own pools first")
    parser.add_argument("--pool", default="10.201.0.0/16", help="the pool (10.201.0.0/16)")
    parser.add_argument("--image", default="switchyard/redis:8.0", help="image of the container that joins them")
    options = parser.parse_args()
    engine, client = Engine(), docker.from_env()
    with tempfile.TemporaryDirectory() as folder:
        try:
            if not options.keep_docker_pools:
                fill_docker_pools(client)
            begin = time.monotonic()
            for number in range(options.stacks):
                networks.ensure(engine, Path(folder), of_stack(f"s{number:03d}"), options.pool)
            made = [name for name in engine.networks_in_use() if name.startswith(f"{PROJECT}-s")]
            seconds = time.monotonic() - begin
            print(
                f"{options.stacks} stacks: {len(made)} networks in {seconds:.1f} s ({seconds / len(made):.3f} s each)"
            )
            begin = time.monotonic()
            proxy = client.containers.run(
                options.image,
                ["sleep", "600"],
                entrypoint="",
                name=f"{PROJECT}-proxy",
                detach=True,
                labels={f"{names.LABEL}project": PROJECT},
            )
            for number in range(options.stacks):
                engine.connect(names.front(PROJECT, f"s{number:03d}", "prod"), proxy.name)
            print(f"one container in {options.stacks} more networks: {time.monotonic() - begin:.1f} s")
            begin = time.monotonic()
            proxy.restart(timeout=0)
            print(f"its restart: {time.monotonic() - begin:.1f} s")
            left = networks.plan_of(networks.read_book(Path(folder)), engine.networks_in_use()).count_free()
            print(f"left in {options.pool}: {left} networks")
        finally:
            for container in client.containers.list(all=True, filters={"label": LABEL}):
                container.remove(force=True)
            for network in client.networks.list(filters={"label": LABEL}):
                network.reload()
                # An engine may keep the endpoint of a container that is gone.
                for endpoint in (network.attrs["Containers"] or {}).values():
                    network.disconnect(endpoint["Name"], force=True)
                network.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
