"""Backs up, verifies and restores schemas drawn at random, and compares the catalogs before and after.

    scripts/python tests/schemas/run.py                 a fixed seed, as `make test` does
    scripts/python tests/schemas/run.py --seed 4711     one seed again
    scripts/python tests/schemas/run.py --for 600       after it, new seeds until the time is over

Each seed is drawn for a tenant of a shared server, who may not create everything, and for a dedicated server, whose
administrator may. PostgreSQL runs in a container without a network. The first difference ends the run with its seed.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

import catalog
import generate
import names

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import create, request, restore, restore_plan
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import BackupStore
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.target import Target

FIXED = 20261130
IMAGE = "switchyard/postgres:17"
SHELL = """exec su postgres -c 'initdb -D /var/lib/postgresql/data/db --auth=trust --no-sync >/dev/null \\
    && exec postgres -D /var/lib/postgresql/data/db -c fsync=off -c listen_addresses=127.0.0.1'"""
# Roles of a tenant, and of an application with a server of its own
OWNER, READERS = "tenant_owner", ['Reader of "all"', "app_ro"]


class Server:
    """A PostgreSQL in a container without a network."""

    def __init__(self, image: str) -> None:
        self.name = f"switchyard-schemas-{os.getpid()}"
        options = [
            "--detach",
            "--rm",
            "--name",
            self.name,
            "--network",
            "none",
            "--shm-size",
            "256m",
            "--entrypoint",
            "sh",
        ]
        subprocess.run(["docker", "run", *options, image, "-c", SHELL], check=True, stdout=subprocess.DEVNULL)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        # initdb starts no server that answers on the socket, so the first answer is the server's own.
        while subprocess.run(["docker", "exec", self.name, "pg_isready", "-q"], check=False).returncode:
            if time.monotonic() > deadline:
                raise SystemExit("PostgreSQL does not start")
            time.sleep(0.1)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *dummy: object) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], check=False, stdout=subprocess.DEVNULL)

    def sql(self, database: str, statements: t.Iterable[str], user: str = "postgres") -> str:
        """Run statements one by one and return their output. Exits with the first that fails."""
        args = [
            "docker",
            "exec",
            "--interactive",
            self.name,
            "psql",
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            user,
            database,
        ]
        text = "".join(f"{statement}\n;\n" for statement in statements)
        done = subprocess.run(args, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"The generated schema is not valid: {done.stderr}\n{_near(text, done.stderr)}")
        return done.stdout

    def catalog(self, database: str) -> list[str]:
        """Return the lines of a database."""

        def ask(query: str) -> list[str]:
            text = self.sql(database, [f"SELECT to_json(asked) FROM ({query}) AS asked(value)"])
            return [str(json.loads(line)["value"]) for line in text.splitlines() if line]

        return catalog.lines(ask)


def _near(text: str, error: str) -> str:
    """Return the lines of the statement that an error message of psql names."""
    found = re.search(r"<stdin>:(\d+)", error)
    number = int(found.group(1)) if found else 1
    return "\n".join(text.splitlines()[max(0, number - 5) : number + 2])


def check(server: Server, seed: int, dedicated: bool) -> str:
    """Back up and restore the schema of a seed; return what it had. Exits with the differences."""
    database = f"schema_{seed % 10**6}{'_own' if dedicated else ''}"
    schema = generate.Schema(seed, dedicated, READERS)
    owner = "postgres" if dedicated else OWNER
    server.sql("postgres", [f"CREATE DATABASE {database} OWNER {owner} TEMPLATE template0"])
    if not dedicated:
        # As the role postgres does: on a shared server, a restore admits the tenant's logins only.
        server.sql("postgres", [f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"])
    server.sql(database, schema.statements, user=owner)
    before = server.catalog(database)
    target = Target(container=server.name, dedicated=dedicated)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as root:
        store = BackupStore(Path(root), "schemas", "test", "shop", ("db", database) if dedicated else None)
        wanted = request.BackupRequest(
            "schemas", "test", "shop", target, database, accessory="db" if dedicated else None, format=_format(seed)
        )
        create.create_backup(Engine(), store, wanted)
        state = store.get("latest").state
        changes = restore_plan.RestoreRequest("latest", max_discarded_changes="unknown")
        result = restore.restore_backup(Engine(), store, wanted, changes)
    after = server.catalog(database)
    differences = list(difflib.unified_diff(before, after, "before", "after", lineterm="", n=0))
    if differences or state != "restored":
        raise SystemExit(f"{state}, and the restored database differs:\n" + "\n".join(differences[:60]))
    server.sql("postgres", [f"DROP DATABASE {database}", f'DROP DATABASE "{result.retained}"'])
    return f"{len(schema.statements)} statements, {len(before)} lines of catalog, {time.monotonic() - begin:.1f} s"


def _format(seed: int) -> str:
    return ("custom", "directory")[seed % 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, action="append", help="a seed; several are possible")
    parser.add_argument("--for", type=float, default=0, dest="seconds", help="seconds in which new seeds begin")
    parser.add_argument("--image", default=IMAGE)
    arguments = parser.parse_args()
    seeds = arguments.seed or [FIXED]
    end = time.monotonic() + arguments.seconds
    with Server(arguments.image) as server:
        statements = [f"CREATE ROLE {names.ident(role)}" for role in READERS]
        server.sql("postgres", [f"CREATE ROLE {OWNER} LOGIN", *statements])
        while seeds:
            seed = seeds.pop(0)
            for dedicated in (False, True):
                try:
                    done = check(server, seed, dedicated)
                except (SystemExit, SwitchyardError) as error:
                    raise SystemExit(f"seed {seed}, {'dedicated' if dedicated else 'tenant'}: {error}") from error
                sys.stdout.write(f"seed {seed}, {'dedicated' if dedicated else 'tenant'}: {done}\n")
                sys.stdout.flush()
            if not seeds and time.monotonic() < end:
                seeds.append(secrets.randbelow(10**6))


if __name__ == "__main__":
    main()
