"""Which addresses the containers of the stacks ``left`` and ``right`` reach: those of their own networks only.

    check_isolation.py ADDRESS      an address outside of this server, which only services with a way out reach

Every container tries every address of every container of both stacks and of the proxy. A refused connection reaches its
target as well. Prints a line for each target that is reached although it must not be, or the other way round,
and at the end the counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

LABEL = "io.switchyard."
CONNECT = """
import concurrent.futures, json, socket, sys
def reaches(address):
    try:
        socket.create_connection((address, 8000), 2).close()
    except ConnectionRefusedError:
        pass
    except OSError:
        return False
    return True
with concurrent.futures.ThreadPoolExecutor(len(sys.argv)) as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(reaches, sys.argv[1:])))))
"""


def docker(*args: str) -> str:
    return subprocess.run(["docker", *args], check=True, capture_output=True, text=True).stdout


def inspect(*filters: str) -> list[dict]:
    """The running containers with a label."""
    ids = docker("ps", "--quiet", *(word for one in filters for word in ("--filter", f"label={LABEL}{one}"))).split()
    return json.loads(docker("inspect", *ids)) if ids else []


def addresses(container: dict) -> dict[str, str]:
    """The networks of a container with its address there."""
    return {name: one["IPAddress"] for name, one in container["NetworkSettings"]["Networks"].items()}


def main() -> None:
    outside = sys.argv[1]
    clients = [*inspect("stack=left"), *inspect("stack=right")]
    project = clients[0]["Config"]["Labels"][f"{LABEL}project"]
    servers = [*clients, *inspect("role=proxy", f"project={project}")]
    targets = {address: network for one in servers for network, address in addresses(one).items()}
    internal = docker("network", "ls", "--filter", "label=" + LABEL + "project", "--format", "{{.Name}} {{.Internal}}")
    open_networks = {line.split()[0] for line in internal.splitlines() if line.endswith(" false")}
    found = {True: 0, False: 0}

    def reached(client: dict) -> dict[str, bool]:
        return json.loads(docker("exec", client["Id"], "python3", "-c", CONNECT, outside, *targets))

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(reached, clients))
    for client, answer in zip(clients, answers):
        joined = set(addresses(client))
        for address, is_reached in answer.items():
            expected = bool(joined & open_networks) if address == outside else targets[address] in joined
            found[is_reached] += 1
            if is_reached != expected:
                network = targets.get(address, "outside")
                print(f"{client['Name']} {'reaches' if is_reached else 'does not reach'} {address} ({network})")
    print(f"{len(clients)} containers, {len(targets)} addresses: {found[True]} reached, {found[False]} not")


if __name__ == "__main__":
    main()
