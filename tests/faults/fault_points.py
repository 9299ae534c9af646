"""The faults of `make faults-database`: when each of them strikes, and how."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from installation import Installation, Run


def until(condition: Callable[[], bool], seconds: float = 90, every: float = 0.01) -> None:
    """Wait for a condition. Raises TimeoutError when it did not hold within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition for the fault never held")
        time.sleep(every)


def kill(installation: Installation, running: Run) -> None:
    """Kill the controller, everything that it started on this machine, and the process of the release."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, FileNotFoundError, TypeError):
        lock = json.loads((installation.stack / "lock.json").read_text(encoding="utf-8"))["lock"]
        os.killpg(lock["server_process"]["id"], signal.SIGKILL)
    running.wait()


def kill_controller(installation: Installation, running: Run) -> None:
    """Kill the controller alone; its processes on the server continue."""
    running.kill()
    running.wait()


def dumps(installation: Installation) -> list[Path]:
    """The dumps of complete backups."""
    return [path for path in installation.store.glob("*Z-[0-9]*/dump") if ".partial" not in str(path)]


def when(
    condition: Callable[[Installation], bool], do: Callable[[Installation, Run], None]
) -> Callable[[Installation, Run], None]:
    """A function that waits for a condition during a run, and then does something."""

    def strike(installation: Installation, running: Run) -> None:
        until(lambda: condition(installation), every=0.001)
        do(installation, running)

    return strike


def is_dumping(installation: Installation) -> bool:
    """Whether pg_dump writes."""
    return any(installation.store.glob("*Z-*.partial/dump"))


def spoil(how: Callable[[Path], None]) -> Callable[[Installation, Run], None]:
    """A function that damages the next dump as soon as it has its name."""

    def strike(installation: Installation, running: Run) -> None:
        before = set(dumps(installation))
        until(lambda: bool(set(dumps(installation)) - before), every=0.0005)
        how((set(dumps(installation)) - before).pop())

    return strike


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 99 // 100)


def flip(path: Path) -> None:
    with path.open("r+b") as handle:
        handle.seek(path.stat().st_size // 2)
        byte = handle.read(1)
        handle.seek(-1, os.SEEK_CUR)
        handle.write(bytes([byte[0] ^ 1]))


def is_migrating(installation: Installation) -> bool:
    """Whether the migration is in its long step, and not its rehearsal."""
    query = "SELECT 1 FROM pg_stat_activity WHERE datname = 'bookings_one' AND query ~ '^SELECT pg_sleep'"
    return installation.sql(query) == "1"


def idle_color_runs(installation: Installation) -> bool:
    """Whether the new version has been started."""
    newest = max((int(path.name) for path in (installation.stack / "releases").glob("[0-9]*")), default=0)
    command = ["docker", "ps", "-q", "--filter", f"label=io.switchyard.project={installation.prefix}"]
    command += ["--filter", "label=io.switchyard.role=routed", "--filter", f"label=io.switchyard.release={newest}"]
    return bool(subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip())


def is_swapping(installation: Installation) -> bool:
    """Whether a restore is about to swap: its journal has the number of the new database."""
    with contextlib.suppress(OSError, ValueError):
        return (
            json.loads((installation.store / "restore-journal.json").read_text(encoding="utf-8"))["new_oid"] is not None
        )
    return False


def kill_postgres(installation: Installation, running: Run) -> None:
    """Kill PostgreSQL itself; Docker starts it again."""
    command = ["docker", "inspect", "--format", "{{.State.Pid}}", f"{installation.prefix}-postgres"]
    os.kill(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout), signal.SIGKILL)


@contextlib.contextmanager
def small_disk(installation: Installation) -> Iterator[None]:
    """Put the backups on a small disk."""
    copy = installation.folder / "kept"
    installation.store.mkdir(parents=True, exist_ok=True)
    shutil.copytree(installation.store, copy)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0700", "none", str(installation.store)], check=True)
    try:
        for path in copy.iterdir():
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, installation.store / path.name)
        yield
    finally:
        subprocess.run(["umount", str(installation.store)], check=True)
        shutil.rmtree(copy)


def fill(installation: Installation, running: Run) -> None:
    """Fill the disk."""
    with contextlib.suppress(OSError), (installation.store / "filler").open("wb") as handle:
        while True:
            handle.write(bytes(1 << 20))
            handle.flush()


@contextlib.contextmanager
def locked(installation: Installation, seconds: int) -> Iterator[None]:
    """Hold a lock that blocks a migration and not the application."""
    hold = "BEGIN; SET application_name = 'report'; LOCK TABLE places_booking IN ACCESS SHARE MODE;"
    hold += f" SELECT pg_sleep({seconds})"
    command = [
        "docker",
        "exec",
        "--user",
        "postgres",
        f"{installation.prefix}-postgres",
        "psql",
        "-qAtc",
        hold,
        "bookings_one",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as session:
        until(lambda: installation.sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'report'") == "1")
        try:
            yield
        finally:
            installation.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'report'")
            session.wait(timeout=30)


@contextlib.contextmanager
def wrong_password(installation: Installation) -> Iterator[None]:
    """Replace the stored password of the migrator by a wrong one."""
    path = installation.root / "postgres/logins/bookings_one_migrator.key"
    good = path.read_text(encoding="utf-8")
    path.write_text("not-the-password", encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(good, encoding="utf-8")


@contextlib.contextmanager
def no_database(installation: Installation) -> Iterator[None]:
    """Stop PostgreSQL."""
    subprocess.run(["docker", "stop", f"{installation.prefix}-postgres"], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "start", f"{installation.prefix}-postgres"], check=True, capture_output=True)
        until(lambda: installation.sql("SELECT 1") == "1")


@dataclass(frozen=True)
class Fault:
    """One fault: the kind of migration, what happens during it, and a text of its error message.

    ``may_fail`` is the reason why clients may see failures: the fault takes something away that no release can replace.
    """

    name: str
    how: str = "expand"
    strike: Callable[[Installation, Run], None] | None = None
    around: Callable[[Installation], contextlib.AbstractContextManager[None]] | None = None
    says: str = ""
    settings: dict = field(default_factory=dict)
    may_fail: str = ""


FAULTS = {
    "half": Fault("a migration fails half way, expand", "expand-half", says="division by zero"),
    "breaking-half": Fault("the same, breaking: its rehearsal fails", "breaking-half", says="was the rehearsal"),
    "unrehearsed-half": Fault(
        "the same, not rehearsed: restored by swap",
        "breaking-half",
        says="was restored from the backup",
        settings={"verify_backup": "read"},
    ),
    "lock": Fault(
        "a lock that is not given up",
        around=lambda installation: locked(installation, 120),
        says="report",
        settings={"lock_timeout": 1, "retries": 1},
    ),
    "truncated": Fault("the dump is cut by 1 %", strike=spoil(cut), says="is not what was dumped"),
    "flipped": Fault("a bit of the dump flips", strike=spoil(flip), says="is not what was dumped"),
    "disk": Fault(
        "the disk is full while dumping",
        around=small_disk,
        strike=when(is_dumping, fill),
        says="No space left on device",
    ),
    "password": Fault("a wrong password of the migrator", around=wrong_password, says="password authentication failed"),
    "unreachable": Fault(
        "the database is stopped", around=no_database, says="does not run", may_fail="the database was away"
    ),
    "killed-dump": Fault("everything killed (-9) during the dump", strike=when(is_dumping, kill)),
    "killed-migration": Fault(
        "the controller killed (-9) during the migration",
        "expand-slow",
        strike=when(is_migrating, kill_controller),
    ),
    "killed-breaking": Fault(
        "everything killed (-9) during a breaking one",
        "breaking-slow",
        strike=when(is_migrating, kill),
        settings={"verify_backup": "read"},
    ),
    "killed-between": Fault(
        "everything killed (-9) between a breaking one and the switch",
        "breaking",
        strike=when(idle_color_runs, kill),
    ),
    "killed-swap": Fault(
        "everything killed (-9) inside the swap",
        "breaking-half",
        strike=when(is_swapping, kill),
        settings={"verify_backup": "read"},
    ),
    "postgres-swap": Fault(
        "PostgreSQL killed (-9) inside the swap",
        "breaking-half",
        strike=when(is_swapping, kill_postgres),
        settings={"verify_backup": "read"},
    ),
}
