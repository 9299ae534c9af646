"""Faults during a release with a migration, as a table: make faults-database.

Installs the sample application with its own proxy, PostgreSQL and Redis on this machine's Docker Engine, under a prefix
and in a folder of its own, and runs the faults of fault_points.py. Each fault strikes a release under load;
then the same command runs once more. A row of the table says what clients saw, whether every acknowledged booking is
there once, and what is wrong afterwards. Exits with 1 when something is.

Every play runs at -vvvv with --diff, and after each fault secret_scan.py searches for secrets in the wrong places.

Needs root, a Docker Engine, and the images of scripts/images.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import planted_secrets
from fault_points import FAULTS, Fault
from installation import HOST, ROOT, Installation
from secret_scan import SecretScan

LOAD = [sys.executable, str(ROOT / "tests/bench/load.py")]


@contextlib.contextmanager
def load(installation: Installation, result: Path, ledger: Path) -> Iterator[None]:
    """Send bookings while the context is open."""
    command = [*LOAD, "run", "--url", f"http://127.0.0.1:{installation.port}"]
    command += ["--host", HOST, "--rate", "25", "--post-every", "4", "--slow-clients", "0", "--connections", "10"]
    # Requests that are held during a migration are answered late.
    command += ["--timeout", "120", "--duration", "600", "--result", str(result), "--ledger", str(ledger)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            time.sleep(1)
            yield
            time.sleep(1)
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(timeout=150)


def check_bookings(installation: Installation, ledger: Path, result: Path) -> dict:
    """Ask the application for every acknowledged booking, and return what is lost or doubled."""
    command = [*LOAD, "check", "--url", f"http://127.0.0.1:{installation.port}"]
    command += ["--host", HOST, "--ledger", str(ledger), "--result", str(result), "--settle", "20"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return json.loads(result.read_text(encoding="utf-8"))


def run_fault(installation: Installation, scan: SecretScan, fault: Fault) -> tuple[str, ...]:
    """Run a release with a fault under load, run it again without, and return a row of the table."""
    installation.number += 1
    before, after = installation.version, {"1.0.0": "2.0.0", "2.0.0": "1.0.0"}[installation.version]
    kind = fault.how.partition("-")[0]
    result, ledger, check = (
        installation.folder / f"{installation.number}.{name}" for name in ("load", "ledger", "check")
    )
    (installation.folder / "play.log").write_bytes(b"")
    problems: list[str] = []
    with load(installation, result, ledger):
        with fault.around(installation) if fault.around else contextlib.nullcontext():
            running = installation.play(
                "deploy.yml", installation.migration(installation.number, fault.how, **fault.settings), after
            )
            if fault.strike:
                fault.strike(installation, running)
            running.wait(timeout=300)
        killed = running.returncode < 0
        output = installation.output()
        if not killed and (running.returncode == 0 or fault.says not in output):
            problems.append(f"the first run ended with {running.returncode} and without the text {fault.says!r}")
        needs_retry = "Reverting failed as well" in output
        if not killed and not needs_retry and not fault.may_fail and installation.health().get("version") != before:
            problems.append(f"{before} does not answer after the fault")
        problems += [f"after the fault: {leak}" for leak in scan.found()]
        installation.version = after
        second = installation.play(
            "deploy.yml", installation.migration(installation.number, kind, **fault.settings), after
        )
        if second.wait(timeout=300):
            problems.append("the second run failed")
    counts = json.loads(result.read_text(encoding="utf-8"))["normal"]
    bookings = check_bookings(installation, ledger, check)
    problems += [*installation.problems(), *scan.found()]
    if counts["failed"] and not fault.may_fail:
        problems.append(f"{counts['failed']} requests failed")
    problems += [f"{len(bookings[key])} bookings {key}" for key in ("lost", "doubled") if bookings[key]]
    (installation.folder / f"{installation.number}.log").write_text(installation.output(), encoding="utf-8")
    installation.read_state()
    failed = f"{counts['failed']}" + (f" ({fault.may_fail})" if fault.may_fail else "")
    return (
        fault.name,
        str(counts["sent"]),
        failed,
        f"{counts['longest_gap']['seconds']:.1f} s",
        str(bookings["acknowledged"]),
        str(bookings["acknowledged"] - len(bookings["lost"])),
        "; ".join(problems) or "as it should be",
    )


HEAD = ("fault", "requests", "failed", "longest gap", "acknowledged", "still there", "after the second run")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"of {', '.join(FAULTS)}; default: all")
    parser.add_argument("--prefix", default="faults", help="of everything on the Docker Engine (faults)")
    parser.add_argument("--port", type=int, default=18190, help="of the proxy, on 127.0.0.1 (18190)")
    parser.add_argument("--folder", type=Path, help="use the installation in this folder, and keep it")
    options = parser.parse_args()
    # The clean-up runs then, as after an interrupt.
    signal.signal(signal.SIGTERM, lambda *dummy: sys.exit(143))
    unknown = [name for name in options.faults if name not in FAULTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        folder.mkdir(exist_ok=True)
        installation = Installation(folder.resolve(), options.prefix, options.port)
        planted_secrets.check_scan_finds_planted(installation.prefix)
        if not options.folder:
            stack.callback(remove, installation)
        scan = stack.enter_context(SecretScan(installation.prefix, installation.folder, installation.passwords))
        rows: list[tuple[str, ...]] = []
        if installation.health():
            installation.read_state()
        else:
            rows.append(install(installation, scan))
            print(" | ".join(rows[-1]), flush=True)
        for name in options.faults or FAULTS:
            rows.append(run_fault(installation, scan, FAULTS[name]))
            print(" | ".join(rows[-1]), flush=True)
    widths = [max(len(row[column]) for row in [HEAD, *rows]) for column in range(len(HEAD))]
    print()
    for row in [HEAD, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    searched = ", ".join(f"{number} x {kind}" for kind, number in sorted(scan.searched.items()))
    print(f"\nsearched for {len(scan.secrets)} secrets in: {searched}")
    return 1 if any(row[-1] != "as it should be" for row in rows) else 0


def install(installation: Installation, scan: SecretScan) -> tuple[str, ...]:
    """Set up the servers, release both versions, each of which works with the second one's schema, and back up.

    Returns a row of the table.
    """
    print("setting up the servers", flush=True)
    django = ["python3", "manage.py", "migrate"]
    installation.after = (["python3", "manage.py", "collectstatic", "--noinput"],)
    deploys = [("deploy.yml", version) for version in ("1.0.0", "2.0.0", "1.0.0")]
    for playbook, version in [("setup.yml", "1.0.0"), *deploys, ("backup.yml", "1.0.0")]:
        migrate = {"command": [*django, "--noinput"], "check": [*django, "--check"], "kind": "expand"}
        if installation.play(playbook, migrate, version).wait(timeout=300):
            raise SystemExit(f"{playbook} failed:\n{installation.output()[-4000:]}")
    installation.after = ()
    return "none: three releases, a backup", "", "", "", "", "", "; ".join(scan.found()) or "as it should be"


def remove(installation: Installation) -> None:
    """Remove everything of this run, by its label."""
    label = f"label=io.switchyard.project={installation.prefix}"
    for kind, list_args, remove_args in (
        ("container", ["ps", "-aq"], ["rm", "-fv"]),
        ("volume", ["volume", "ls", "-q"], ["volume", "rm"]),
        ("network", ["network", "ls", "-q"], ["network", "rm"]),
    ):
        listed = subprocess.run(["docker", *list_args, "--filter", label], capture_output=True, text=True, check=False)
        for name in listed.stdout.split():
            done = subprocess.run(["docker", *remove_args, name], capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"the {kind} {shlex.quote(name)} was not removed: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
