"""Compares the released cases of the corpus with what must hold; runs on the server.

    check_released.py EXPECTED PORT VERSION

EXPECTED is the file that tests/corpus/write_stacks.py writes. Prints the ids of the accessories by name as JSON, or
what differs, with exit code 1.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

LABEL = "io.switchyard."
PROJECT, ENVIRONMENT = "co", "corpus"
PARTS = {"routed": "color", "inner": "color", "worker": "workers", "accessory": "accessories"}

# Each name that is asked for, with every address that it has.
ASK = 'for name; do getent ahostsv4 "$name" | while read -r address _; do echo "$name $address"; done; done; true'


class Container:
    """A container of a released case, as the engine has it."""

    def __init__(self, inspected: dict) -> None:
        labels = inspected["Config"]["Labels"]
        self.inspected = inspected
        self.name = inspected["Name"].lstrip("/")
        self.stack, self.service = labels[LABEL + "stack"], labels[LABEL + "service"]
        self.part = PARTS.get(labels[LABEL + "role"], labels[LABEL + "role"])
        self.release = int(labels.get(LABEL + "release", 0))
        self.addresses = {one["IPAddress"] for one in inspected["NetworkSettings"]["Networks"].values()}

    def __str__(self) -> str:
        state = self.inspected["State"]["Status"]
        restarts = self.inspected["RestartCount"]
        return f"{self.part} {self.service} of release {self.release or 'any'}: {state}, {restarts} restarts"

    def addresses_of(self, names: list[str]) -> dict[str, set[str]]:
        """Return the addresses that names have inside of the container."""
        answer = run(["docker", "exec", self.name, "sh", "-c", ASK, "sh", *names])
        found: dict[str, set[str]] = {name: set() for name in names}
        for line in answer.splitlines():
            found[line.split()[0]].add(line.split()[1])
        return found


def run(command: list[str]) -> str:
    """Return the output of a command."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def containers() -> list[Container]:
    """Return every container of the stacks, also those that do not run."""
    labels = (f"project={PROJECT}", f"environment={ENVIRONMENT}")
    filters = [f"--filter=label={LABEL}{label}" for label in labels]
    ids = run(["docker", "ps", "--all", "--quiet", *filters, f"--filter=label={LABEL}stack"]).split()
    return [Container(inspected) for inspected in json.loads(run(["docker", "inspect", *ids]))]


def ask(host: str, path: str, port: str) -> dict:
    """Return the answer of a route through the proxy."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def answer_differences(route: dict, answer: dict, jobs: list[str], version: int) -> Iterator[str]:
    """Yield what of a route's answer is not as expected."""
    if answer["version"] != str(version):
        yield f"version {answer['version']}"
    expected = dict(route["expected"])
    for folder in expected.pop("writes", []):
        if not {f"version-{number + 1}" for number in range(version)} <= set(answer["writes"][folder]):
            yield f"{folder} has {answer['writes'][folder]}"
    for job in jobs:
        if answer["runs"].count(job) != version:
            yield f"{job} ran {answer['runs'].count(job)} times in {version} releases"
    for key, value in expected.items():
        actual = answer[key]
        if ({**actual, **value} if isinstance(value, dict) else value) != actual:
            yield f"{key} is {actual}, not {value}"


def part_differences(stack: dict, found: list[Container], version: int) -> Iterator[str]:
    """Yield what of the running containers is not as the case says: the idle color is warm, one-shots have ended."""
    runs = stack["runs"]
    colors = [("color", name, release + 1) for name in runs["color"] for release in range(version)]
    workers = [("workers", name, version) for name in runs.get("workers", [])]
    expected = {*colors, *workers, *(("accessories", name, 0) for name in runs.get("accessories", []))}
    lines = {f"{part} {name} of release {number or 'any'}: running, 0 restarts" for part, name, number in expected}
    actual = sorted(map(str, found))
    if sorted(lines) != actual:
        yield f"the containers are {actual}, not {sorted(lines)}"


def seconds(duration: str) -> int:
    """Return the seconds of a duration such as ``1m0s``."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


def file_differences(given: dict, changed: list[str], inspected: dict) -> Iterator[str]:
    """Yield what of a container is not as its service in the file."""
    config, host = inspected["Config"], inspected["HostConfig"]
    mounts = {mount["Destination"]: not mount["RW"] for mount in inspected["Mounts"]}
    pairs = {
        "command": (given.get("command"), config["Cmd"]),
        "entrypoint": (given.get("entrypoint"), config["Entrypoint"]),
        "user": (given.get("user"), config["User"]),
        "tty": (given.get("tty"), config["Tty"]),
        "shm_size": (int(given.get("shm_size", 0)), host["ShmSize"]),
        "stop_grace_period": (seconds(given.get("stop_grace_period", "")), config.get("StopTimeout")),
        "healthcheck": ((given.get("healthcheck") or {}).get("test"), (config.get("Healthcheck") or {}).get("Test")),
    }
    yield from (
        f"{key} is {actual}, not {value}" for key, (value, actual) in pairs.items() if value and value != actual
    )
    environment = dict(line.split("=", 1) for line in config["Env"])
    for name, value in (given.get("environment") or {}).items():
        if environment.get(name) != value:
            yield f"{name} is {environment.get(name)}, not {value}"
    for mount in [] if "volumes" in changed else given.get("volumes", []):
        if mount["target"] not in mounts or mount.get("read_only", False) > mounts[mount["target"]]:
            yield f"{mount['target']} is not among {mounts}"


def names_of(stack: dict, service: str, target: str) -> set[str]:
    """Return every name by which a service reaches another one: on the networks of both, and by links."""
    services = stack["services"]
    shared = set(services[service].get("networks") or ()) & set(services[target].get("networks") or ())
    if not shared:
        return set()
    given = services[target]
    aliases = [alias for name in shared for alias in (given["networks"][name] or {}).get("aliases", [])]
    links = [link.split(":") for link in services[service].get("links", [])]
    linked = [link[-1] for link in links if link[0] == target]
    return {target, given.get("container_name", target), given.get("hostname", target), *aliases, *linked}


def name_differences(stack: dict, container: Container, found: list[Container], foreign: set[str]) -> Iterator[str]:
    """Yield the names that lead a container to another address than docs/compose.md says under 'Names of services'."""
    expected: dict[str, set[str]] = {}
    for target in found:
        of_color = target.part == "color"
        reached = not (of_color and container.part == "accessories")
        if target is container or (of_color and reached and target.release != container.release):
            continue
        for name in names_of(stack, container.service, target.service):
            expected.setdefault(name, set()).update(target.addresses if reached else ())
    own = {container.service, *names_of(stack, container.service, container.service)}
    expected = {**{name: set() for name in foreign - own}, **expected}
    for name, addresses in container.addresses_of(sorted(expected)).items():
        if not addresses <= expected[name] or len(addresses) != bool(expected[name]):
            yield f"{container.name}: {name} is {sorted(addresses)}, not one of {sorted(expected[name])}"


def differences(stack: dict, found: list[Container], foreign: set[str], port: str, version: int) -> Iterator[str]:
    """Yield what of a released case does not hold."""
    for route in stack["routes"]:
        where = f"{route['host']}{route['path']}"
        try:
            answer = ask(route["host"], route["path"], port)
        except OSError as error:
            yield f"{where}: {error}"
        else:
            lines = answer_differences(route, answer, stack["runs"].get("jobs", []), version)
            yield from (f"{where}: {line}" for line in lines)
    yield from part_differences(stack, found, version)
    for container in found:
        given, changed = stack["services"][container.service], stack["changed"].get(container.service, [])
        lines = file_differences(given, changed, container.inspected)
        yield from (f"{container.name}: {line}" for line in lines)
        # One container of each part asks for the names of all stacks.
        first = container is next(one for one in found if one.part == container.part)
        yield from name_differences(stack, container, found, foreign if first else set())


def main(file: str, port: str, version: int) -> int:
    """Compare every stack; return the exit code."""
    with open(file, encoding="utf-8") as content:
        stacks = json.load(content)
    found = containers()
    foreign = {name for stack in stacks.values() for name in stack["services"]}
    lines = []
    for name, stack in stacks.items():
        own = [container for container in found if container.stack == name]
        lines += [f"{name}: {line}" for line in differences(stack, own, foreign, port, version)]
    accessories = {one.name: one.inspected["Id"] for one in found if one.part == "accessories"}
    print("\n".join(lines) or json.dumps(accessories))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
