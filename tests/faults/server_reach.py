"""What containers on each network of a server reach: server_reach.py REQUEST

It runs on the server, as root. The request is JSON: ``project``, ``image`` (with Python, psycopg2 and redis),
``metadata`` (an address), ``logins`` (of PostgreSQL and Redis), ``foreign`` (networks of other owners) and ``holes``
(pairs of networks: a client on the first one joins the second one too).

A client is started on each network of the project and of the foreign owners. Each tries every port on which a container
of the server listens, at each of the container's addresses, every name of a container, each login at its server's
addresses, the metadata address, and the ports of the server itself that Docker does not publish for a container. Prints
as JSON what exists and what each client reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LABEL = "io.switchyard."
NAME = "reach-"
LISTENS = "0A"

# What a client runs: it reads the targets, and prints what it got of each.
CLIENT = r"""
import concurrent.futures, http.client, json, socket, sys
import psycopg2, redis

def tcp(host, port):
    try:
        socket.create_connection((host, port), 3).close()
    except ConnectionRefusedError:
        return "reached, nothing listens"
    except OSError:
        return ""
    return "reached"

def name(host):
    try:
        return sorted({entry[4][0] for entry in socket.getaddrinfo(host, 80, socket.AF_INET)})
    except OSError:
        return []

def page(host, port):
    try:
        connection = http.client.HTTPConnection(host, port, timeout=3)
        connection.request("GET", "/")
        return connection.getresponse().read(80).decode()
    except (OSError, http.client.HTTPException):
        return ""

def postgres(host, port, user, password):
    try:
        psycopg2.connect(host=host, port=port, user=user, dbname=user, password=password, connect_timeout=3).close()
    except psycopg2.Error:
        return ""
    return "logged in"

def cache(host, port, user, password):
    try:
        client = redis.Redis(host, port, 0, username=user, password=password, socket_connect_timeout=3)
        client.set("reach", "1")
    except redis.RedisError:
        return ""
    return "logged in"

kinds = {"tcp": tcp, "name": name, "page": page, "postgres": postgres, "redis": cache}
targets = json.load(sys.stdin)
with concurrent.futures.ThreadPoolExecutor(80) as pool:
    print(json.dumps(list(pool.map(lambda target: kinds[target[0]](*target[1:]), targets))))
"""


def docker(*words: str, text: str = "") -> str:
    """The output of a command of Docker."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, input=text, check=False)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(words[:4])}: {done.stderr}")
    return done.stdout.strip()


def listening(table: str) -> set[int]:
    """The ports of a table of sockets (proc(5), /proc/net/tcp) on which something listens for other addresses."""
    lines = (line.split() for line in table.splitlines()[1:])
    local = [line[1].rpartition(":") for line in lines if line[3] == LISTENS]
    # 127.0.0.0/8 and ::1, in the byte order of the machine
    return {int(port, 16) for address, _, port in local if address[-2:] != "7F" and address != "0" * 24 + "01000000"}


def ports_of(pid: int) -> list[int]:
    """The ports of a process's network namespace."""
    tables = [Path(f"/proc/{pid}/net/{kind}") for kind in ("tcp", "tcp6")]
    return sorted(set().union(*(listening(table.read_text()) for table in tables if table.exists())))


def published() -> set[int]:
    """The ports of the server that Docker publishes for containers: all clients may reach those."""
    every = json.loads(docker("inspect", *docker("ps", "--quiet").split()))
    ends = [end for one in every for ends in (one["NetworkSettings"]["Ports"] or {}).values() for end in ends or []]
    return {int(end["HostPort"]) for end in ends}


def read_containers() -> list[dict[str, t.Any]]:
    """The running containers: names, labels, addresses, other names and ports on which they listen."""
    found = []
    for one in json.loads(docker("inspect", *docker("ps", "--quiet").split())):
        networks = {
            name: {
                "address": ends["IPAddress"],
                "names": sorted({one["Name"].strip("/"), *(ends["Aliases"] or []), *(ends.get("DNSNames") or [])}),
            }
            for name, ends in one["NetworkSettings"]["Networks"].items()
            if ends["IPAddress"]
        }
        labels = one["Config"]["Labels"] or {}
        found.append(
            {
                "name": one["Name"].strip("/"),
                "project": labels.get(f"{LABEL}project", ""),
                "environment": labels.get(f"{LABEL}environment", ""),
                "stack": labels.get(f"{LABEL}stack", ""),
                "networks": networks,
                "ports": ports_of(one["State"]["Pid"]),
            }
        )
    return found


def read_networks() -> dict[str, dict[str, t.Any]]:
    """The networks with a bridge: whose they are, and whether they are internal."""
    found = {}
    for one in json.loads(docker("network", "inspect", *docker("network", "ls", "--quiet").split())):
        if one["Driver"] == "bridge":
            labels = one["Labels"] or {}
            found[one["Name"]] = {
                "project": labels.get(f"{LABEL}project", ""),
                "environment": labels.get(f"{LABEL}environment", ""),
                "stack": labels.get(f"{LABEL}stack", ""),
                "internal": one["Internal"],
            }
    return found


def targets_of(containers: list[dict[str, t.Any]], request: dict[str, t.Any]) -> list[list[t.Any]]:
    """What every client tries."""
    ends = [(one, network) for one in containers for network in one["networks"].values()]
    targets: list[list[t.Any]] = [["tcp", end["address"], port] for one, end in ends for port in one["ports"]]
    targets += [["name", name] for name in sorted({name for _one, end in ends for name in end["names"]})]
    targets += [
        [login["kind"], end["address"], login["port"], login["user"], login["password"]]
        for login in request["logins"]
        for one, end in ends
        if login["port"] in one["ports"]
    ]
    targets += [["page", request["metadata"], 80]]
    return targets + [["tcp", address, port] for address, port in request["host_ports"]]


def attack(client: dict[str, t.Any], image: str, number: int, targets: list[list[t.Any]]) -> dict[str, t.Any]:
    """Start a client on its networks, let it try the targets, and remove it."""
    name = f"{NAME}{number}"
    words = ["--name", name, "--network", client["networks"][0], image, "sleep", "300"]
    docker("run", "--detach", "--rm", "--entrypoint", "", *words)
    try:
        for more in client["networks"][1:]:
            docker("network", "connect", more, name)
        tried = json.loads(docker("exec", "--interactive", name, "python3", "-c", CLIENT, text=json.dumps(targets)))
    finally:
        docker("rm", "--force", name)
    return {**client, "got": [[*target, got] for target, got in zip(targets, tried)]}


def main() -> None:
    request = json.loads(sys.argv[1])
    containers, networks = read_containers(), read_networks()
    own = [name for name, one in networks.items() if one["project"] == request["project"] or name in request["foreign"]]
    # hostname(1): all addresses of the server but those of the loopback interface
    listed = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    addresses = [address for address in listed if ":" not in address]
    ports = sorted({*ports_of(1)} - published())
    request["host_ports"] = [[address, port] for address in addresses for port in ports]
    targets = targets_of(containers, request)
    clients: list[dict[str, t.Any]] = [{"on": name, "networks": [name]} for name in sorted(own)]
    clients += [{"on": pair[0], "networks": pair} for pair in request["holes"]]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda item: attack(item[1], request["image"], item[0], targets), enumerate(clients)))
    print(json.dumps({"containers": containers, "networks": networks, "host_ports": ports, "clients": got}))


if __name__ == "__main__":
    main()
