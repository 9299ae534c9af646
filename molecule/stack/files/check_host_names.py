"""What each container of the stacks ``left`` and ``right`` reaches by the names of molecule/stack/names.

Prints a line for each name that leads anywhere else than expected, and at the end the number of lookups. A name leads
to the services of the row in NAMES that share a network with the client: those of its own color, and what runs once.
"""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

LABEL = "io.switchyard."
PER_COLOR = ("web", "api", "search")
# Networks of each service in the Compose file.
NETWORKS = {
    "web": {"default", "front"},
    "api": {"default", "back"},
    "search": {"default"},
    "worker": {"default", "front"},
    "db": {"default", "back"},
    "redis": {"back"},
}
# A name, its services, and the networks that have it; the last column are its only clients.
NAMES = [
    *((service, [service], networks, None) for service, networks in NETWORKS.items()),
    ("the_web", ["web"], {"default", "front"}, None),
    ("site", ["web"], {"front"}, None),
    ("backend", ["api", "search"], {"default"}, None),
    ("the_db", ["db"], {"default", "back"}, None),
    ("postgres", ["db"], {"back"}, None),
    ("cache", ["redis"], {"back"}, None),
    ("api-host", ["api"], {"default", "back"}, None),
    ("db-host", ["worker"], {"default", "front"}, None),
    ("the-database", ["db"], {"default", "back"}, None),
    ("database", ["db"], {"default", "back"}, ["web"]),
    ("upstream", ["api"], {"default", "back"}, ["web"]),
    ("frontend", ["web"], {"default", "front"}, ["worker"]),
    ("unknown", [], set(), None),
]
LOOKUP = """
import concurrent.futures, json, socket, sys
def lookup(name):
    try:
        return sorted({item[4][0] for item in socket.getaddrinfo(name, 80, socket.AF_INET)})
    except OSError:
        return []
with concurrent.futures.ThreadPoolExecutor(len(sys.argv)) as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(lookup, sys.argv[1:])))))
"""
# What Docker does not know, it asks the server's own resolver, which may not answer.
QUICK = "RES_OPTIONS=timeout:2 attempts:1"


def docker(*args: str) -> str:
    return subprocess.run(["docker", *args], check=True, capture_output=True, text=True).stdout


def containers() -> list[dict]:
    """The running containers of both stacks."""
    names = docker("ps", "--quiet", "--filter", f"label={LABEL}stack").split()
    found = json.loads(docker("inspect", *names))
    return [one for one in found if one["Config"]["Labels"][f"{LABEL}stack"] in ("left", "right")]


def label(container: dict, name: str) -> str:
    return container["Config"]["Labels"].get(LABEL + name, "")


def expected(client: dict, owners: list[str], networks: set[str], all_containers: list[dict]) -> set[str]:
    """The addresses of the services that a client shares one of the networks with."""
    stack, color, service = (label(client, name) for name in ("stack", "color", "service"))
    if not color and service == "worker":
        # A worker belongs to the release of its own number.
        same = [one for one in all_containers if label(one, "release") == label(client, "release")]
        color = next(label(one, "color") for one in same if label(one, "color") and label(one, "stack") == stack)
    shared = NETWORKS[service] & networks
    found = set()
    for one in all_containers:
        name = label(one, "service")
        own_color = label(one, "color") in ("", color)
        if label(one, "stack") == stack and name in owners and own_color:
            parts = [f"-{stack}-{network}-" for network in shared & NETWORKS[name]]
            # Its own address is right on each of its networks, also on that of the proxy.
            own = one is client and parts
            for network, settings in one["NetworkSettings"]["Networks"].items():
                if own or any(part in network for part in parts):
                    found.add(settings["IPAddress"])
    return found


def answers_in(client: dict) -> dict[str, list[str]]:
    """The addresses of every name as a container resolves it."""
    command = ["exec", "--env", QUICK, client["Id"], "python3", "-c", LOOKUP]
    return json.loads(docker(*command, *(name for name, *_rest in NAMES)))


def main() -> None:
    every, lookups = containers(), 0
    with ThreadPoolExecutor(4) as pool:
        found_in = list(pool.map(answers_in, every))
    for client, answers in zip(every, found_in):
        accessory = label(client, "role") == "accessory"
        for name, owners, networks, only in NAMES:
            lookups += 1
            # An accessory outlives colors, so that it reaches what runs once only.
            reached = [one for one in owners if not accessory or one not in PER_COLOR]
            reached = reached if only is None or label(client, "service") in only else []
            right = expected(client, reached, networks, every)
            found = set(answers[name])
            # Docker answers from one of the networks that both share.
            if not found <= right or bool(found) != bool(right):
                print(f"{client['Name']} {name}: {sorted(found)}, expected of {sorted(right)}")
    print(f"{lookups} lookups in {len(every)} containers")


if __name__ == "__main__":
    main()
