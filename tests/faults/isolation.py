"""What containers of two environments reach on one server: make faults-isolation.

A client on each network of both environments, and on those of other owners, tries the containers, the databases, the
Redis servers and the names of all the others, with their passwords, the metadata address of a cloud, and the ports of
the server itself. It does so before and after a restore in one of the environments.

A line per kind of attempt: how many were made, how many succeeded, and whether that is right. What may succeed is tried
as well, by the same clients. Further lines show that the refused ends answer others, and that a planted hole is found.
Exits with 1 when something is not right. What the collection does not refuse (docs/networks.md) is in lines of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import typing as t
from pathlib import Path

import isolation_verdict
import two_environments as world
from isolation_verdict import OTHERS
from two_environments import ENVIRONMENTS, PROJECT, Steps, on_server, play, wrong_answers

from hosts import hosts  # isort: skip - two_environments sets the path

METADATA_ADDRESS, MARKER, AGENT = "169.254.169.254", "credentials-of-the-machine", 9100
SCRIPT = (world.ROOT / "tests/faults/server_reach.py").read_text(encoding="utf-8")
FETCH = "curl -s -m 20 --retry 20 --retry-delay 1 --retry-connrefused http://{}/"


def logins() -> list[dict[str, t.Any]]:
    """The logins of both environments: tests/faults/environments.yml has their passwords."""
    found = []
    for environment in ENVIRONMENTS:
        for stack in ("shop", "blog", "desk"):
            own = {"environment": environment, "stack": stack, "user": f"{stack}_{environment}", "port": 5432}
            password = f"marker-{environment}" + ("-postgres" if stack == "desk" else "")
            server = f"{PROJECT}-postgres" if stack == "desk" else f"{PROJECT}-{stack}-db-{environment}"
            found.append({"kind": "postgres", **own, "password": password, "server": server})
        own = {"environment": environment, "stack": "desk", "user": f"desk-{environment}", "port": 6379}
        server = f"{PROJECT}-own-redis-{environment}"
        found.append({"kind": "redis", **own, "password": f"marker-{environment}-redis", "server": server})
    return found


def address(server: str) -> str:
    """The address of a test host on the network between them."""
    return on_server("ip -4 -o addr show eth0", server).split()[3].partition("/")[0]


def start_outside() -> None:
    """Start a metadata service behind the server's gateway, and an agent on the server."""
    serve = "systemctl stop {0} 2> /dev/null; systemd-run --quiet --collect --unit={0} python3 -m http.server {1}"
    folder = f"mkdir -p /run/reach && echo {MARKER} > /run/reach/index.html"
    own = f"ip addr replace {METADATA_ADDRESS}/32 dev lo && {folder}"
    on_server(f"{own}; {serve.format('reach', 80)} --bind {METADATA_ADDRESS} --directory /run/reach", "server2")
    on_server(f"ip route replace {METADATA_ADDRESS}/32 via {address('server2')}")
    on_server(f"{folder}; {serve.format('reach', AGENT)} --directory /run/reach")


def controls(steps: Steps) -> None:
    """Show that the metadata service answers the server, and the agent another machine."""
    got = on_server(FETCH.format(METADATA_ADDRESS))
    steps.say("control: the server itself reaches the metadata address", 0, 1, 0, [] if MARKER in got else [got])
    got = on_server(FETCH.format(f"{address('server1')}:{AGENT}"), "server2")
    steps.say("control: another machine reaches the server's agent", 0, 1, 0, [] if MARKER in got else [got])


def attack(steps: Steps, when: str, hole: bool = False) -> None:
    """Let the clients try everything, and print a line for each kind of attempt."""
    request = {
        "project": PROJECT,
        "image": "registry.test:5000/switchyard/bookings:1.0.0",
        "metadata": METADATA_ADDRESS,
        "logins": logins(),
        "foreign": ["bridge", "traefik"],
        "holes": [joined_networks()] if hole else [],
    }
    state = json.loads(on_server(f"python3 - '{json.dumps(request)}'", stdin=SCRIPT))
    clients = [client for client in state["clients"] if len(client["networks"]) == 1]
    met, between_stacks = isolation_verdict.shared_networks(state)
    steps.good = steps.good and not met
    print(f"{when}: {len(clients)} networks; with several environments: {', '.join(met) or 'none'}", flush=True)
    print(f"{when}: with several stacks of an environment: {', '.join(between_stacks) or 'none'}", flush=True)
    for line in isolation_verdict.lines(state, logins(), clients):
        print(f"{when}: {line.what}: {line.tried} tried, {line.reached} succeeded, {verdict(line)}", flush=True)
        steps.good = steps.good and line.is_right()
    if hole:
        found = isolation_verdict.lines(state, logins(), [one for one in state["clients"] if len(one["networks"]) > 1])
        reached = next(line.reached for line in found if line.what == OTHERS["environment"])
        steps.say(f"control: a planted hole, {reached} ends", 0, 1, 0, [] if reached else ["it was not found"])


def verdict(line: isolation_verdict.Line) -> str:
    """Whether a line is right; otherwise what was wrong, as short as it can be."""
    if not line.tried:
        return "WRONG: not tried"
    if line.wrong:
        return f"{len(line.wrong)} WRONG: {'; '.join(line.wrong[:5])}"
    if line.allowed is None:
        return "NOT REFUSED, see docs/networks.md" if line.reached else "refused"
    return "right, all are allowed" if line.allowed else "right, none is allowed"


def joined_networks() -> list[str]:
    """A network of each environment."""
    list_networks = "docker network ls --format '{{{{.Name}}}}' --filter label=io.switchyard.environment={}"
    return [on_server(list_networks.format(environment)).split()[0] for environment in reversed(ENVIRONMENTS)]


def restore() -> list[str]:
    """Back up qual, and restore a database of an accessory and one of the shared server."""
    play("backup.yml", "qual")
    for stack in ("shop", "desk"):
        play("restore.yml", "qual", f"stack={stack}", "backup=latest", "max_discarded=unknown")
    return wrong_answers("1", "qual")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="use test hosts that exist, and keep them")
    options = parser.parse_args()
    world.end_with_clients()
    with hosts(options.keep), tempfile.TemporaryDirectory() as name:
        steps = Steps(Path(name))
        world.build(steps)
        start_outside()
        controls(steps)
        attack(steps, "before the restore", hole=True)
        prod = [world.host(stack, "prod") for stack in world.STACKS]
        steps.run("qual is backed up, and two databases restored", prod, restore)
        attack(steps, "after the restore")
    return 0 if steps.good else 1


if __name__ == "__main__":
    sys.exit(main())
