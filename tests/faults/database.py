"""What faults do to a release with a migration: make faults-database.

Puts the sample application with a proxy, a PostgreSQL and a Redis of their own on this machine's Docker Engine, under a
prefix and in a folder of their own, and goes through the faults below. Each one happens to a release under load; then
the same command is given once more, and nothing else is done. A line per fault says what the public saw, whether every
acknowledged booking is there once, and what stands afterwards. Leaves with 1 when something is not as it should be.

All of it is done at -vvvv with --diff, and each time no secret may stand where others see it; see secret_scan.py.

Needs root, a Docker Engine, and the images of scripts/images.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import planted_secrets
from secret_scan import SecretScan

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "bookings.localhost"
Run = subprocess.Popen[bytes]
SCRIPT = (ROOT / "tests/faults/migration.py").read_text(encoding="utf-8")


@dataclass
class World:
    """The servers of this run, and what was released to them."""

    folder: Path
    prefix: str
    port: int
    number: int = 1
    version: str = "1.0.0"
    # Commands that follow a migration
    after: tuple[list[str], ...] = ()

    @property
    def passwords(self) -> dict[str, str]:
        """The secrets of the inventory: words that stand nowhere else on this machine."""
        return {name: f"{self.prefix}-marker-{name}" for name in ("postgres", "redis", "django")}

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def shelf(self) -> Path:
        return self.root / "backups" / f"{self.prefix}-one" / "bookings"

    @property
    def stack(self) -> Path:
        return self.root / f"{self.prefix}-one" / "bookings"

    def inventory(self, migrate: dict, version: str) -> Path:
        """Write an inventory and return its path."""
        stack = {
            "name": "bookings",
            "source": {"path": str(ROOT / "examples/bookings")},
            "compose": ["docker-compose.yml", "prod.yml"],
            "variables": {"BOOKINGS_IMAGE": f"switchyard/bookings:{version}"},
            "routes": [{"service": "web", "port": 8000, "hosts": [HOST], "health": {"path": "/healthz/"}}],
            "workers": ["celery", "celery_beat"],
            "migrate": {"service": "web", **migrate},
            "after_migrate": [{"service": "web", "command": words} for words in self.after],
            "smoke": [{"path": "/", "contains": version}],
            "postgres": {"password": self.passwords["postgres"]},
            "redis": {"password": self.passwords["redis"], "databases": [0, 1]},
            "secrets": {"django_secret_key": self.passwords["django"]},
        }
        values = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "/usr/bin/python3",
            "switchyard_project": self.prefix,
            "switchyard_environment": "one",
            "switchyard_root": str(self.root),
            "switchyard_stacks": [stack],
            "proxy_image": "switchyard/haproxy:3.0",
            "proxy_traefik_pages_image": "switchyard/haproxy:3.0",
            "proxy_http_address": "127.0.0.1",
            "proxy_http_port": self.port,
            # A migration that stops the old version takes longer than a page should take.
            "proxy_hold_timeout": 90,
            "postgres_image": "switchyard/postgres:17",
            "redis_image": "switchyard/redis:8.0",
        }
        path = self.folder / "inventory.yml"
        path.touch(0o600)
        path.write_text(json.dumps({"all": {"hosts": {"this-machine": values}}}), encoding="utf-8")
        return path

    def play(self, playbook: str, migrate: dict, version: str) -> Run:
        """Start a playbook as a person would, in a session of its own."""
        log = (self.folder / "play.log").open("ab")
        environment = {**os.environ, "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"}
        command = ["ansible-playbook", "-vvvv", "--diff", "-i", str(self.inventory(migrate, version)), playbook]
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def migration(self, number: int, how: str, **more: object) -> dict:
        """Return a migration as the inventory has it."""
        words = ["python3", "-c", SCRIPT, str(number)]
        verify = {"query": "SELECT max(version) FROM schema_version", "answer": str(number)}
        kind = how.partition("-")[0]
        return {"command": [*words, how], "check": [*words, "check"], "kind": kind, "verify": verify, **more}

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Ask the server as its administrator."""
        inside = ["docker", "exec", "--user", "postgres", f"{self.prefix}-postgres"]
        words = [*inside, "psql", "-qAtc", statement, database]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def said(self) -> str:
        """Return what the last run printed last."""
        return (self.folder / "play.log").read_text(encoding="utf-8", errors="replace")

    # --- what stands ---

    def health(self) -> dict:
        """Ask the application as the public does."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/healthz/", headers={"Host": HOST})
        with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)
        return {}

    def look(self) -> None:
        """Begin with what stands."""
        self.version = self.health().get("version", self.version)
        schema = self.sql("SELECT max(version) FROM schema_version", "bookings_one")
        self.number = max(self.number, int(schema or 0))

    def wrong(self) -> list[str]:
        """Return everything that is not as it should be after the second run."""
        found = []
        version = self.health().get("version")
        if version != self.version:
            found.append(f"version {version} answers, not {self.version}")
        schema = self.sql("SELECT max(version) FROM schema_version", "bookings_one")
        if schema != str(self.number):
            found.append(f"the schema is {schema or 'unknown'}, not {self.number}")
        columns = "SELECT 1 FROM information_schema.columns WHERE table_name='places_booking' AND column_name='called'"
        if self.sql(columns, "bookings_one"):
            found.append("a half migrated column")
        shut = "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname LIKE 'bookings\\_one%'"
        closed = self.sql(f"{shut} AND NOT rolcanlogin AND rolname <> 'bookings_one_owner'")
        if closed:
            found.append(f"logins that are kept out: {closed}")
        left = [self.shelf / "lockout.json", self.shelf / "restore-journal.json", self.stack / "migration.json"]
        found += [f"{path.name} is left" for path in [*left, *self.shelf.glob("*.partial")] if path.exists()]
        guests = "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname ~ '__guest_'"
        copies = "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ '__restore_'"
        copies += " OR NOT datallowconn AND datname !~ '__before_|template0'"
        found += [f"{what} left" for what in (self.sql(guests), self.sql(copies)) if what]
        lock = json.loads((self.stack / "lock.json").read_text(encoding="utf-8"))
        if lock["lease"]:
            found.append("the lock is held")
        for role in ("job", "backup", "migrate"):
            words = ["docker", "ps", "-aq", "--filter", f"label=io.switchyard.project={self.prefix}"]
            label = ["--filter", f"label=io.switchyard.role={role}"]
            if subprocess.run([*words, *label], capture_output=True, text=True, check=False).stdout.strip():
                found.append(f"a container of the role {role} is left")
        return found


# --- what happens ----------------------------------------------------------------------------------------------


def until(condition: Callable[[], bool], seconds: float = 90, every: float = 0.01) -> None:
    """Wait for the moment at which a fault is to happen."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the moment for the fault never came")
        time.sleep(every)


def kill(world: World, running: Run) -> None:
    """Kill the controller and everything that it started on this machine."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def kill_controller(world: World, running: Run) -> None:
    """Kill the controller alone: what it started on the server goes on."""
    running.kill()
    running.wait()


def dumps(world: World) -> list[Path]:
    """Return the dumps that lie there, of backups that are whole."""
    return [path for path in world.shelf.glob("*Z-[0-9]*/dump") if ".partial" not in str(path)]


def at(moment: Callable[[World], bool], do: Callable[[World, Run], None]) -> Callable[[World, Run], None]:
    """Return what waits for a moment of a run, and then strikes."""

    def strike(world: World, running: Run) -> None:
        until(lambda: moment(world), every=0.001)
        do(world, running)

    return strike


def dumping(world: World) -> bool:
    """Whether pg_dump writes."""
    return any(world.shelf.glob("*Z-*.partial/dump"))


def spoil(how: Callable[[Path], None]) -> Callable[[World, Run], None]:
    """Return what spoils the next dump as soon as it has its name."""

    def strike(world: World, running: Run) -> None:
        before = set(dumps(world))
        until(lambda: bool(set(dumps(world)) - before), every=0.0005)
        how((set(dumps(world)) - before).pop())

    return strike


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 99 // 100)


def flip(path: Path) -> None:
    with path.open("r+b") as handle:
        handle.seek(path.stat().st_size // 2)
        byte = handle.read(1)
        handle.seek(-1, os.SEEK_CUR)
        handle.write(bytes([byte[0] ^ 1]))


def migrates(world: World) -> bool:
    """Whether the real migration is in its long step."""
    asked = "SELECT 1 FROM pg_stat_activity WHERE datname = 'bookings_one' AND query ~ '^SELECT pg_sleep'"
    return world.sql(asked) == "1"


def idle_runs(world: World) -> bool:
    """Whether the new version has been started."""
    newest = max((int(path.name) for path in (world.stack / "releases").glob("[0-9]*")), default=0)
    words = ["docker", "ps", "-q", "--filter", f"label=io.switchyard.project={world.prefix}"]
    words += ["--filter", "label=io.switchyard.role=routed", "--filter", f"label=io.switchyard.release={newest}"]
    return bool(subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip())


def swaps(world: World) -> bool:
    """Whether a restore is about to swap: its journal has the number of the new database."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads((world.shelf / "restore-journal.json").read_text(encoding="utf-8"))["new_oid"] is not None
    return False


def kill_postgres(world: World, running: Run) -> None:
    """Kill PostgreSQL itself; Docker starts it again."""
    words = ["docker", "inspect", "--format", "{{.State.Pid}}", f"{world.prefix}-postgres"]
    os.kill(int(subprocess.run(words, capture_output=True, text=True, check=True).stdout), signal.SIGKILL)


@contextlib.contextmanager
def small_disk(world: World) -> Iterator[None]:
    """Put the backups on a disk that is full as soon as something is written."""
    kept = world.folder / "kept"
    world.shelf.mkdir(parents=True, exist_ok=True)
    shutil.copytree(world.shelf, kept)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0700", "none", str(world.shelf)], check=True)
    try:
        for path in kept.iterdir():
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, world.shelf / path.name)
        yield
    finally:
        subprocess.run(["umount", str(world.shelf)], check=True)
        shutil.rmtree(kept)


def fill(world: World, running: Run) -> None:
    """Leave no room."""
    with contextlib.suppress(OSError), (world.shelf / "filler").open("wb") as handle:
        while True:
            handle.write(bytes(1 << 20))
            handle.flush()


@contextlib.contextmanager
def locked(world: World, seconds: int) -> Iterator[None]:
    """Hold a lock that lets the application work, and no migration."""
    hold = "BEGIN; SET application_name = 'report'; LOCK TABLE places_booking IN ACCESS SHARE MODE;"
    hold += f" SELECT pg_sleep({seconds})"
    words = ["docker", "exec", "--user", "postgres", f"{world.prefix}-postgres", "psql", "-qAtc", hold, "bookings_one"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as session:
        until(lambda: world.sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'report'") == "1")
        try:
            yield
        finally:
            world.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'report'")
            session.wait(timeout=30)


@contextlib.contextmanager
def wrong_password(world: World) -> Iterator[None]:
    """Give the migrator another password than the server knows."""
    path = world.root / "postgres/logins/bookings_one_migrator.key"
    good = path.read_text(encoding="utf-8")
    path.write_text("not-the-password", encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(good, encoding="utf-8")


@contextlib.contextmanager
def no_database(world: World) -> Iterator[None]:
    """Stop PostgreSQL for everybody."""
    subprocess.run(["docker", "stop", f"{world.prefix}-postgres"], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "start", f"{world.prefix}-postgres"], check=True, capture_output=True)
        until(lambda: world.sql("SELECT 1") == "1")


@dataclass(frozen=True)
class Fault:
    """One fault: how the migration goes, what happens while it does, and what its error has to say.

    ``may_fail`` says why the public may see failures: the fault itself takes something away that no release can give.
    """

    name: str
    how: str = "expand"
    strike: Callable[[World, Run], None] | None = None
    around: Callable[[World], contextlib.AbstractContextManager[None]] | None = None
    says: str = ""
    settings: dict = field(default_factory=dict)
    may_fail: str = ""


FAULTS = {
    "half": Fault("a migration fails half way, expand", "expand-half", says="division by zero"),
    "breaking-half": Fault("the same, breaking: its rehearsal fails", "breaking-half", says="was the rehearsal"),
    "unrehearsed-half": Fault(
        "the same, not rehearsed: restored by swap",
        "breaking-half",
        says="is as in the backup",
        settings={"backup": "read"},
    ),
    "lock": Fault(
        "a lock that is not given up",
        around=lambda world: locked(world, 120),
        says="report",
        settings={"lock_timeout": 1, "retries": 1},
    ),
    "truncated": Fault("the dump is cut by 1 %", strike=spoil(cut), says="is not what was dumped"),
    "flipped": Fault("a bit of the dump flips", strike=spoil(flip), says="is not what was dumped"),
    "disk": Fault(
        "the disk is full while dumping",
        around=small_disk,
        strike=at(dumping, fill),
        says="No space left on device",
    ),
    "password": Fault("a wrong password of the migrator", around=wrong_password, says="password authentication failed"),
    "unreachable": Fault(
        "the database is stopped", around=no_database, says="does not run", may_fail="the database was away"
    ),
    "killed-dump": Fault("everything killed (-9) during the dump", strike=at(dumping, kill)),
    "killed-migration": Fault(
        "the controller killed (-9) during the migration",
        "expand-slow",
        strike=at(migrates, kill_controller),
    ),
    "killed-breaking": Fault(
        "everything killed (-9) during a breaking one",
        "breaking-slow",
        strike=at(migrates, kill),
        settings={"backup": "read"},
    ),
    "killed-between": Fault(
        "everything killed (-9) between a breaking one and the switch",
        "breaking",
        strike=at(idle_runs, kill),
    ),
    "killed-swap": Fault(
        "everything killed (-9) inside the swap",
        "breaking-half",
        strike=at(swaps, kill),
        settings={"backup": "read"},
    ),
    "postgres-swap": Fault(
        "PostgreSQL killed (-9) inside the swap",
        "breaking-half",
        strike=at(swaps, kill_postgres),
        settings={"backup": "read"},
    ),
}


# --- the run ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def load(world: World, result: Path, ledger: Path) -> Iterator[None]:
    """Book while something else is done."""
    words = [sys.executable, str(ROOT / "tests/bench/load.py"), "run", "--url", f"http://127.0.0.1:{world.port}"]
    words += ["--host", HOST, "--rate", "25", "--post-every", "4", "--slow-clients", "0", "--connections", "10"]
    # Requests that wait for a migration are answered late, and not lost.
    words += ["--timeout", "120", "--duration", "600", "--result", str(result), "--ledger", str(ledger)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            time.sleep(1)
            yield
            time.sleep(1)
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(timeout=150)


def counted(world: World, ledger: Path, result: Path) -> dict:
    """Ask the application for every booking that it acknowledged."""
    words = [sys.executable, str(ROOT / "tests/bench/load.py"), "check", "--url", f"http://127.0.0.1:{world.port}"]
    words += ["--host", HOST, "--ledger", str(ledger), "--result", str(result), "--settle", "20"]
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return json.loads(result.read_text(encoding="utf-8"))


def suffer(world: World, scan: SecretScan, fault: Fault) -> tuple[str, ...]:
    """Let a fault happen to a release under load, give the command again, and return the line of the table."""
    world.number += 1
    before, after = world.version, {"1.0.0": "2.0.0", "2.0.0": "1.0.0"}[world.version]
    kind = fault.how.partition("-")[0]
    result, ledger, check = (world.folder / f"{world.number}.{name}" for name in ("load", "ledger", "check"))
    (world.folder / "play.log").write_bytes(b"")
    wrong: list[str] = []
    with load(world, result, ledger):
        with fault.around(world) if fault.around else contextlib.nullcontext():
            running = world.play("deploy.yml", world.migration(world.number, fault.how, **fault.settings), after)
            if fault.strike:
                fault.strike(world, running)
            running.wait(timeout=300)
        killed = running.returncode < 0
        said = world.said()
        if not killed and (running.returncode == 0 or fault.says not in said):
            wrong.append(f"the first run left with {running.returncode} and did not say {fault.says!r}")
        waits = "taking it back failed as well" in said
        if not killed and not waits and not fault.may_fail and world.health().get("version") != before:
            wrong.append(f"{before} does not serve after the fault")
        wrong += [f"after the fault: {leak}" for leak in scan.found()]
        world.version = after
        second = world.play("deploy.yml", world.migration(world.number, kind, **fault.settings), after)
        if second.wait(timeout=300):
            wrong.append("the second run failed")
    seen = json.loads(result.read_text(encoding="utf-8"))["normal"]
    found = counted(world, ledger, check)
    wrong += [*world.wrong(), *scan.found()]
    if seen["failed"] and not fault.may_fail:
        wrong.append(f"{seen['failed']} requests failed")
    wrong += [f"{len(found[key])} bookings {key}" for key in ("lost", "doubled") if found[key]]
    (world.folder / f"{world.number}.log").write_text(world.said(), encoding="utf-8")
    world.look()
    failed = f"{seen['failed']}" + (f" ({fault.may_fail})" if fault.may_fail else "")
    return (
        fault.name,
        str(seen["sent"]),
        failed,
        f"{seen['longest_gap']['seconds']:.1f} s",
        str(found["acknowledged"]),
        str(found["acknowledged"] - len(found["lost"])),
        "; ".join(wrong) or "as it should be",
    )


HEAD = ("what was done", "requests", "failed", "longest gap", "acknowledged", "found", "after the second run")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"of {', '.join(FAULTS)}; default: all")
    parser.add_argument("--prefix", default="faults", help="of everything on the Docker Engine (faults)")
    parser.add_argument("--port", type=int, default=18190, help="of the proxy, on 127.0.0.1 (18190)")
    parser.add_argument("--folder", type=Path, help="use what stands there, and leave it standing")
    options = parser.parse_args()
    # What was begun is ended then, as with an interrupt.
    signal.signal(signal.SIGTERM, lambda *dummy: sys.exit(143))
    unknown = [name for name in options.faults if name not in FAULTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        folder.mkdir(exist_ok=True)
        world = World(folder.resolve(), options.prefix, options.port)
        planted_secrets.check_scan_finds_planted(world.prefix)
        if not options.folder:
            stack.callback(remove, world)
        scan = stack.enter_context(SecretScan(world.prefix, world.folder, world.passwords))
        rows: list[tuple[str, ...]] = []
        if world.health():
            world.look()
        else:
            rows.append(put_up(world, scan))
            print(" | ".join(rows[-1]), flush=True)
        for name in options.faults or FAULTS:
            rows.append(suffer(world, scan, FAULTS[name]))
            print(" | ".join(rows[-1]), flush=True)
    widths = [max(len(row[column]) for row in [HEAD, *rows]) for column in range(len(HEAD))]
    print()
    for row in [HEAD, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    looked = ", ".join(f"{number} x {kind}" for kind, number in sorted(scan.searched.items()))
    print(f"\nlooked for {len(scan.secrets)} secrets in: {looked}")
    return 1 if any(row[-1] != "as it should be" for row in rows) else 0


def put_up(world: World, scan: SecretScan) -> tuple[str, ...]:
    """Put up the servers, release both versions once, as either works on the schema of the second, and back up.

    Returns the line of the table.
    """
    print("putting up the servers", flush=True)
    django = ["python3", "manage.py", "migrate"]
    world.after = (["python3", "manage.py", "collectstatic", "--noinput"],)
    deploys = [("deploy.yml", version) for version in ("1.0.0", "2.0.0", "1.0.0")]
    for playbook, version in [("setup.yml", "1.0.0"), *deploys, ("backup.yml", "1.0.0")]:
        migrate = {"command": [*django, "--noinput"], "check": [*django, "--check"], "kind": "expand"}
        if world.play(playbook, migrate, version).wait(timeout=300):
            raise SystemExit(f"{playbook} failed:\n{world.said()[-4000:]}")
    world.after = ()
    return "nothing: three releases, a backup", "", "", "", "", "", "; ".join(scan.found()) or "as it should be"


def remove(world: World) -> None:
    """Remove everything of this run, by its label and prefix."""
    mine = f"label=io.switchyard.project={world.prefix}"
    for kind, list_words, drop in (
        ("container", ["ps", "-aq"], ["rm", "-fv"]),
        ("volume", ["volume", "ls", "-q"], ["volume", "rm"]),
        ("network", ["network", "ls", "-q"], ["network", "rm"]),
    ):
        found = subprocess.run(["docker", *list_words, "--filter", mine], capture_output=True, text=True, check=False)
        for name in found.stdout.split():
            done = subprocess.run(["docker", *drop, name], capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"the {kind} {shlex.quote(name)} stays: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
