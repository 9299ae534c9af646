"""What the benchmarks on test hosts share: the hosts, the commands, the kinds of proxy, and the table at the end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BENCH = ROOT / "tests/bench"
PROXIES = ROOT / "tests/test_hosts/proxies"
HOST = "benchmark.localhost"
PLAY = ["ansible-playbook", "-i", "molecule/inventory", "-e", "@tests/bench/stack.yml"]


def run(*command: str, **environment: str) -> str:
    """Runs a command in the checkout and returns what it printed. Ends the program with it when the command fails."""
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
    """Makes the test hosts, and removes them at the end; with `keep` those that stand are used and stay."""
    os.environ["PATH"] = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
    os.environ["MOLECULE_GLOB"] = "molecule/*/molecule.yml"
    print("making the test hosts", flush=True)
    if not keep:
        run("molecule", "destroy", "-s", "default")
    run("molecule", "create", "-s", "default")
    try:
        yield
    finally:
        if not keep:
            run("molecule", "destroy", "-s", "default")


def setting(proxy: str, name: str) -> str:
    """Returns a plain value of a proxy's file of variables, empty where it has none of this name."""
    lines = (PROXIES / f"{proxy}.yml").read_text(encoding="utf-8").splitlines()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith(f"{name}: ")), "")


def load(url: str, host: str = HOST) -> list[str]:
    """Returns the command of a load on the application, GET and POST, nothing slow."""
    asked = ["--no-bookings", "--post-path", "/", "--post-every", "4", "--get-path", "/", "/version"]
    return [sys.executable, str(BENCH / "load.py"), "run", "--url", url, "--host", host, "--slow-clients", "0", *asked]


def table(rows: list[tuple[str, ...]]) -> str:
    """Returns rows as aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
