"""What a backup and its verification cost compared with bare pg_dump and pg_restore: make bench-backup.

A database of pgbench's tables and large rows is backed up, verified and restored, by the code of the modules and by
the bare programs with the same format and compression, on a PostgreSQL in a container of its own. The restore itself
measures its outage, from the first login that it disables to the last one that it enables.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.switchyard.stacks.plugins.module_utils import progress
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    create,
    request,
    restore,
    restore_plan,
    verify,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import BackupStore
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.target import Target

OWNER = "bench_owner"
SHELL = """su postgres -c 'initdb -D /var/lib/postgresql/data/db --auth=trust --no-sync >/dev/null \\
    && exec postgres -D /var/lib/postgresql/data/db -c shared_buffers=256MB -c max_wal_size=4GB'"""


def docker(*args: str) -> str:
    """Run the Docker client and return its output. Exits with its error when it fails."""
    done = subprocess.run(["docker", *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(args)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


@contextlib.contextmanager
def server(name: str, image: str) -> Iterator[None]:
    """A PostgreSQL without a network, reachable through the socket in its container only."""
    options = ["--detach", "--name", name, "--network", "none", "--shm-size", "256m", "--entrypoint", "sh"]
    docker("run", *options, image, "-c", SHELL)
    try:
        deadline = time.monotonic() + 60
        while subprocess.run(["docker", "exec", name, "pg_isready", "-q"], check=False).returncode:
            if time.monotonic() > deadline:
                raise SystemExit("PostgreSQL does not start:\n" + docker("logs", name))
            time.sleep(0.2)
        yield
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], check=False, capture_output=True)


def exec_timed(name: str, *args: str) -> float:
    """Run a command in the server's container and return its seconds."""
    started = time.monotonic()
    docker("exec", "--user", "postgres", name, *args)
    return time.monotonic() - started


def sql(name: str, statement: str, database: str = "postgres", user: str = "postgres") -> str:
    """Run a statement and return its answer."""
    return docker("exec", "--user", "postgres", name, "psql", "-qAtU", user, "-c", statement, database).strip()


def fill(name: str, megabytes: int) -> int:
    """Create the database, half pgbench's tables and half large rows, and return its size in bytes."""
    sql(name, f"CREATE ROLE {OWNER} LOGIN")
    sql(name, f"CREATE DATABASE bench OWNER {OWNER}")
    # A scale of 1 is 15 MB.
    exec_timed(name, "pgbench", "-qiU", OWNER, "--scale", str(max(1, megabytes // 30)), "bench")
    rows = megabytes * 1024 // 2 // 64
    body = "string_agg(md5((number * 2048 + part)::text), '')"
    pages = f"SELECT number, (SELECT {body} FROM generate_series(1, 2048) part) AS body"
    sql(name, f"CREATE TABLE pages AS {pages} FROM generate_series(1, {rows}) AS number", "bench", OWNER)
    sql(name, "VACUUM ANALYZE", "bench")
    return int(sql(name, "SELECT pg_database_size('bench')"))


@contextlib.contextmanager
def shown_progress(folder: Path) -> Iterator[None]:
    """Print the progress of long steps, as the controller does. Exits when minutes of work report none."""
    finished, lines = threading.Event(), []

    def show() -> None:
        previous = None
        while not finished.wait(5):
            with contextlib.suppress(FileNotFoundError):
                report = progress.read(f"{(folder / progress.NAME).read_text(encoding='utf-8')}{time.time():.0f}")
                if report:
                    lines.append(progress.line("bench", "one", report, previous))
                    print(f"  {lines[-1]}", flush=True)
                previous = report

    started = time.monotonic()
    thread = threading.Thread(target=show)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
    if not lines and time.monotonic() - started > 120:
        raise SystemExit("Minutes of work reported no progress")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--image", default="switchyard/postgres:17")
    parser.add_argument("--name", default="switchyard-bench-postgres")
    parser.add_argument("--compare", choices=["content", "rows"], default="content")
    options = parser.parse_args()
    name = options.name
    with contextlib.ExitStack() as stack:
        stack.enter_context(server(name, options.image))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        size = fill(name, options.megabytes)
        print(f"database: {size >> 20} MiB")
        target = Target(container=name)
        backup = request.BackupRequest(
            name,
            "one",
            "bench",
            target,
            "bench",
            format="custom",
            verify_content=options.compare == "content",
            verify="none",
        )
        engine, store = Engine(), BackupStore(Path(folder), name, "one", "bench")
        dump = ["pg_dump", "--format=custom", "--compress=zstd:3", "--file=/tmp/dump", "bench"]
        load = ["pg_restore", "--exit-on-error", "--no-owner", "--single-transaction", "--dbname=copy", "/tmp/dump"]
        # One dump for warm caches, and then both in turn, so that neither gets the quieter minute.
        exec_timed(name, *dump)
        stack.enter_context(shown_progress(store.folder))
        bare, own = [], []
        for _round in range(2):
            bare.append(exec_timed(name, *dump))
            own.append((create.create_backup(engine, store, backup).seconds or {})["dump"])
        print_row("backup", min(own), "pg_dump", min(bare), 1.1)
        sql(name, f"CREATE DATABASE copy OWNER {OWNER} TEMPLATE template0")
        bare_load = exec_timed(name, *load)
        sql(name, "DROP DATABASE copy")
        stored = store.get("latest")
        started = time.monotonic()
        verify.verify(engine, store, stored, backup, "restore")
        print_row("verify: restore", time.monotonic() - started, "pg_restore", bare_load, 1.3)
        bare_read = exec_timed(name, "pg_restore", "--file=/dev/null", "/tmp/dump")
        started = time.monotonic()
        verify.verify(engine, store, stored, backup, "read")
        print_row("verify: read", time.monotonic() - started, "pg_restore to /dev/null", bare_read, 1.3)
        restore_request = restore_plan.RestoreRequest("latest", max_discarded_changes="unknown")
        seconds = restore.restore_backup(engine, store, backup, restore_request).seconds or {}
        outage = seconds["outage"] * 1000
        print(f"restore: {seconds['load']:.1f} s next to the old database, {outage:.0f} ms outage")
    print(f"memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB (at most 100)")


def print_row(what: str, own: float, program: str, bare: float, limit: float) -> None:
    """Print one comparison, in seconds."""
    print(f"{what}: {own:.2f} s, bare {program}: {bare:.2f} s, {own / bare:.2f} times (at most {limit})")


if __name__ == "__main__":
    main()
