"""The sample application with its own proxy, PostgreSQL and Redis on this machine's Docker Engine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "bookings.localhost"
Run = subprocess.Popen[bytes]
SCRIPT = (ROOT / "tests/faults/migration.py").read_text(encoding="utf-8")


@dataclass
class Installation:
    """The servers of this run, and the version and schema that should be live."""

    folder: Path
    prefix: str
    port: int
    number: int = 1
    version: str = "1.0.0"
    # Commands of after_migrate
    after: tuple[list[str], ...] = ()

    @property
    def passwords(self) -> dict[str, str]:
        """The secrets of the inventory: words that are unique on this machine."""
        return {name: f"{self.prefix}-marker-{name}" for name in ("postgres", "redis", "django")}

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def store(self) -> Path:
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
            "after_migrate": [{"service": "web", "command": command} for command in self.after],
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
            # A migration that stops the old version takes longer than the default.
            "proxy_hold_timeout": 90,
            "postgres_image": "switchyard/postgres:17",
            "redis_image": "switchyard/redis:8.0",
        }
        path = self.folder / "inventory.yml"
        path.touch(0o600)
        path.write_text(json.dumps({"all": {"hosts": {"this-machine": values}}}), encoding="utf-8")
        return path

    def play(self, playbook: str, migrate: dict, version: str) -> Run:
        """Start a playbook as a user does, in a session of its own."""
        log = (self.folder / "play.log").open("ab")
        environment = {**os.environ, "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"}
        command = ["ansible-playbook", "-vvvv", "--diff", "-i", str(self.inventory(migrate, version)), playbook]
        command += ["-e", "accept_downgrade=true"]  # both versions in turn
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def migration(self, number: int, how: str, **more: object) -> dict:
        """A migration as the inventory has it; ``how`` is the argument of migration.py."""
        script = ["python3", "-c", SCRIPT, str(number)]
        schema_check = {"query": "SELECT max(version) FROM schema_version", "answer": str(number)}
        kind = how.partition("-")[0]
        commands = {"command": [*script, how], "check": [*script, "check"]}
        return {**commands, "kind": kind, "schema_check": schema_check, **more}

    def sql(self, statement: str, database: str = "postgres") -> str:
        """The answer to a query of PostgreSQL's superuser."""
        container = ["docker", "exec", "--user", "postgres", f"{self.prefix}-postgres"]
        command = [*container, "psql", "-qAtc", statement, database]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def output(self) -> str:
        """The output of the plays since the log was emptied."""
        return (self.folder / "play.log").read_text(encoding="utf-8", errors="replace")

    def health(self) -> dict:
        """The application's answer to a client; empty when it does not answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/healthz/", headers={"Host": HOST})
        with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)
        return {}

    def read_state(self) -> None:
        """Take over the version and schema that are live."""
        self.version = self.health().get("version", self.version)
        schema = self.sql("SELECT max(version) FROM schema_version", "bookings_one")
        self.number = max(self.number, int(schema or 0))

    def problems(self) -> list[str]:
        """Everything that is wrong after the second run, one sentence each."""
        problems = []
        version = self.health().get("version")
        if version != self.version:
            problems.append(f"version {version} answers, not {self.version}")
        schema = self.sql("SELECT max(version) FROM schema_version", "bookings_one")
        if schema != str(self.number):
            problems.append(f"the schema is {schema or 'unknown'}, not {self.number}")
        columns = "SELECT 1 FROM information_schema.columns WHERE table_name='places_booking' AND column_name='called'"
        if self.sql(columns, "bookings_one"):
            problems.append("a half migrated column")
        logins = "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname LIKE 'bookings\\_one%'"
        closed = self.sql(f"{logins} AND NOT rolcanlogin AND rolname <> 'bookings_one_owner'")
        if closed:
            problems.append(f"disabled logins: {closed}")
        files = [self.store / "lockout.json", self.store / "restore-journal.json", self.stack / "migration.json"]
        problems += [f"{path.name} remains" for path in [*files, *self.store.glob("*.partial")] if path.exists()]
        roles = "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname ~ '__temp_'"
        copies = "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ '__restore_'"
        copies += " OR NOT datallowconn AND datname !~ '__before_|template0'"
        problems += [f"{names} remains" for names in (self.sql(roles), self.sql(copies)) if names]
        lock = json.loads((self.stack / "lock.json").read_text(encoding="utf-8"))
        if lock["lock"]:
            problems.append("the lock is held")
        for role in ("job", "backup", "migrate"):
            command = ["docker", "ps", "-aq", "--filter", f"label=io.switchyard.project={self.prefix}"]
            label = ["--filter", f"label=io.switchyard.role={role}"]
            if subprocess.run([*command, *label], capture_output=True, text=True, check=False).stdout.strip():
                problems.append(f"a container of the role {role} remains")
        return problems
