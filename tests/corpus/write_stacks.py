"""Writes the cases with the key ``released`` as stacks that the scenario ``corpus`` of Molecule releases.

    scripts/python tests/corpus/write_stacks.py FOLDER REGISTRY

FOLDER gets one folder per stack, ``stacks.json`` for the inventory and ``expected.json`` for the check on the server.
An overlay next to the first Compose file gives each service an image of the tests. PostgreSQL and Redis are real;
the program ``serve`` is in the place of what has a route or runs once, and everything else waits for its end.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from case_files import CASES, Mapping, load, write_files

OVERLAY = "corpus.yml"
VERSION = "CORPUS_VERSION"
PROGRAM = Path(__file__).parent / "serve"

# The images of the tests, by the last word of an image of a case.
STORES = {"postgres": "postgres:17", "redis": "redis:8.0"}
PASSWORDS = {"POSTGRES_PASSWORD_FILE", "POSTGRES_PASSWORD"}
APPLICATION = "bookings:1.0.0"

# Of a mode that lets each user write: a volume takes it from the folder of the image.
RUNS = "/var/tmp"

# Without arguments, the shell would ignore the signal that ends it.
WAIT = ["sh", "-c", "trap 'exit 0' TERM; sleep infinity & wait", "sh"]

# Seconds; the cases have values for real applications.
QUICK = {"drain": 0, "worker_min_ready": 0.2, "keep_releases": 2}


def overlay(case: Mapping, services: Mapping, registry: str) -> Mapping:
    """Return the Compose file that replaces the images of a case; ``services`` are those of the normalised file."""
    jobs = case["runs"].get("jobs", [])
    found = {name: _service(name, service, case, registry) for name, service in services.items()}
    runs = {"volumes": {"corpus-runs": {}}} if jobs else {}
    return {"services": found, **runs}


def _service(name: str, given: Mapping, case: Mapping, registry: str) -> Mapping:
    store = next((image for word, image in STORES.items() if re.search(rf"\b{word}\b", given["image"])), None)
    changed: Mapping = {"image": f"{registry}/switchyard/{store or APPLICATION}"}
    if given.get("healthcheck"):
        changed["healthcheck"] = {"interval": "1s", **({} if store else {"test": ["CMD", "true"]})}
    if store:
        ready = store.startswith("redis") or PASSWORDS & set(given.get("environment") or ())
        return changed if ready else {**changed, "environment": {"POSTGRES_PASSWORD": "corpus"}}
    ports = sorted({route["port"] for route in case["stack"]["routes"] if route["service"] == name})
    once = name in case["runs"].get("jobs", [])
    if not ports and not once:
        return {**changed, "entrypoint": WAIT}
    environment = {"CORPUS_PORTS": " ".join(map(str, ports)), "CORPUS_ONCE": name if once else ""}
    asked = case["released"].get(name, {})
    questions = {key: list(asked.get(key, ())) for key in ("files", "writes")}
    version = {} if once else {VERSION: f"${{{VERSION}}}", "CORPUS_QUESTIONS": json.dumps(questions)}
    mounts = ["./serve:/usr/local/bin/serve:ro"]
    if case["runs"].get("jobs"):
        mounts.append(f"corpus-runs:{RUNS}{'' if once else ':ro'}")
    # An entry point that is a file of the case starts the program itself.
    own = {mount["target"] for mount in given.get("volumes", [])} & set(given.get("entrypoint") or ())
    entrypoint = {} if own else {"entrypoint": ["serve"]}
    return {**changed, **entrypoint, "environment": {**environment, **version}, "volumes": mounts}


def write_stack(name: str, case: Mapping, folder: Path, registry: str) -> tuple[Mapping, Mapping]:
    """Write the files of a case; return its stack in the inventory, and what is expected of it."""
    compose = case["stack"].get("compose", ["docker-compose.yml"])
    write_files(case["files"], folder)
    top = (folder / compose[0]).parent
    variables = case["stack"].get("variables", {})
    known = {**variables, **case["stack"].get("secrets", {}), VERSION: "1"}
    shutil.copy(PROGRAM, top / "serve")
    files = overlay(case, _services([folder / file for file in compose], known), registry)
    (top / OVERLAY).write_text(json.dumps(files, indent=2))
    compose = [*compose, str((top / OVERLAY).relative_to(folder))]
    stack = {
        **case["stack"],
        **QUICK,
        "name": name,
        "source": {"path": str(folder)},
        "compose": compose,
        "variables": {**variables, VERSION: "{{ corpus_version }}"},
    }
    services = _services([folder / file for file in compose], known)
    for service in services.values():
        (service.get("environment") or {}).pop(VERSION, None)
    routes = [
        {
            "host": route["hosts"][0],
            "path": route.get("path", "/"),
            "expected": case["released"].get(route["service"], {}),
        }
        for route in case["stack"]["routes"]
    ]
    return stack, {"runs": case["runs"], "changed": case.get("changed", {}), "services": services, "routes": routes}


def _services(files: list[Path], variables: t.Mapping[str, str]) -> dict[str, Mapping]:
    """Return the services of Compose files as Docker Compose reads them."""
    args = ["docker", "compose", *(f"--file={file}" for file in files), "config", "--format=json"]
    environment = {"PATH": os.environ["PATH"], **variables}
    answer = subprocess.run(args, check=True, capture_output=True, text=True, env=environment).stdout
    # The output is a Compose file again, where a dollar sign is written twice.
    services: dict[str, Mapping] = json.loads(answer.replace("$$", "$"))["services"]
    return services


def main(folder: Path, registry: str) -> None:
    """Write every released case."""
    cases = {path.stem: load(path) for path in sorted(CASES.glob("*.yml"))}
    shutil.rmtree(folder, ignore_errors=True)
    written = {
        name: write_stack(name, case, folder / name, registry) for name, case in cases.items() if "released" in case
    }
    stacks = [stack for stack, _expected in written.values()]
    expected = {name: expected for name, (_stack, expected) in written.items()}
    (folder / "stacks.json").write_text(json.dumps({"switchyard_stacks": stacks}, indent=2))
    (folder / "expected.json").write_text(json.dumps(expected, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
