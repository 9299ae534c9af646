"""A series of releases between two versions of the bookings application, under load.

    scripts/python tests/bench/release_series.py                       20 releases with inventories/prod
    scripts/python tests/bench/release_series.py --count 4 --rollbacks 2

Needs the environment of `make demo` with one of the versions live. The load runs from before the first release until
after the last; then the application is asked for every acknowledged booking. Exits with 0 only when no request failed,
no booking was lost or doubled, and no task ran twice.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LOAD = [sys.executable, str(ROOT / "tests/bench/load.py")]
VERSIONS = ("1.0.0", "2.0.0")


def playbook(name: str, inventory: str, *args: str) -> float:
    """Run a playbook as a user does; return its seconds. Exits with its output when it fails."""
    started = time.monotonic()
    command = ["ansible-playbook", f"{name}.yml", "-i", inventory, *args]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")
    return time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="releases (20)")
    parser.add_argument("--rollbacks", type=int, default=0, help="rollbacks after them (0)")
    parser.add_argument("--inventory", default="inventories/prod")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--host", default="bookings.localhost")
    options = parser.parse_args()
    os.environ["PATH"] = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
    target = ["--url", options.url, "--host", options.host]

    with tempfile.TemporaryDirectory() as folder:
        result, ledger = Path(folder, "load.json"), Path(folder, "ledger")
        load = subprocess.Popen(
            [*LOAD, "run", *target, "--duration", "3600", "--result", str(result), "--ledger", str(ledger)],
            stdout=subprocess.DEVNULL,
        )
        try:
            for number in range(options.count):
                version = VERSIONS[number % 2]
                seconds = playbook("deploy", options.inventory, "-e", f"bookings_version={version}")
                print(f"release {number + 1:3d}: {version} in {seconds:.1f} s", flush=True)
            for number in range(options.rollbacks):
                print(f"rollback {number + 1:2d}: {playbook('rollback', options.inventory):.1f} s", flush=True)
            time.sleep(3)
        finally:
            load.send_signal(signal.SIGTERM)
            load.wait(timeout=60)
        counted = json.loads(result.read_text(encoding="utf-8"))
        checked = subprocess.run([*LOAD, "check", *target, "--ledger", str(ledger)], check=False)
    for kind in ("normal", "slow"):
        counts = counted[kind]
        print(f"{kind}: {counts['sent']} requests, {counts['failed']} failed, {counts['latency_ms']}")
    print(f"longest gap between two good answers: {counted['normal']['longest_gap']['seconds']} s")
    failed = counted["normal"]["failed"] + counted["slow"]["failed"]
    return 1 if failed or checked.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
