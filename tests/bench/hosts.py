"""Shared by the benchmarks: the test hosts, the commands, the settings of the proxies and the table at the end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import typing as t
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
BENCH = ROOT / "tests/bench"
PROXIES = ROOT / "tests/test_hosts/proxies"
HOST = "benchmark.localhost"
PLAY = ["ansible-playbook", "-i", "molecule/inventory", "-e", "@tests/bench/stack.yml"]


def run(*command: str, **environment: str) -> str:
    """Run a command in the checkout and return its output. Exits with the output when the command fails."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


@contextlib.contextmanager
def hosts(keep: bool) -> Iterator[None]:
    """Create the test hosts, and remove them at the end; `keep` uses existing ones and leaves them running."""
    os.environ["PATH"] = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
    os.environ["MOLECULE_GLOB"] = "molecule/*/molecule.yml"
    print("creating the test hosts", flush=True)
    if not keep:
        run("molecule", "destroy", "-s", "default")
    run("molecule", "create", "-s", "default")
    try:
        yield
    finally:
        if not keep:
            run("molecule", "destroy", "-s", "default")


def setting(proxy: str, name: str) -> str:
    """A plain value from the variables file of a proxy; empty where the file does not set it."""
    settings: dict[str, t.Any] = yaml.safe_load((PROXIES / f"{proxy}.yml").read_text(encoding="utf-8"))
    return str(settings.get(name, ""))


def load(url: str, host: str = HOST) -> list[str]:
    """The command of a load on the application: GET and POST, no slow requests."""
    options = ["--no-bookings", "--post-path", "/", "--post-every", "4", "--get-path", "/", "/version"]
    return [
        sys.executable,
        str(BENCH / "load.py"),
        "run",
        "--url",
        url,
        "--host",
        host,
        "--slow-clients",
        "0",
        *options,
    ]


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
