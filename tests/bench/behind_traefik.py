"""What our environment costs an existing Traefik and the application behind it: make bench-behind-traefik.

Clients of the existing application send requests from before the installation until after the removal. In that
time our proxy is installed behind that Traefik, releases run under load, and maintenance is turned on and off. Exits
with 0 only when no request failed, and when Traefik and the existing application still run in the same containers.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hosts import HOST, PLAY, PROXIES, ROOT, hosts, load, run, setting, table

EXISTING = ("existing-traefik", "existing-web")


@contextlib.contextmanager
def clients(host: str, result: Path, url: str = "", rate: int = 100) -> Iterator[None]:
    """Send requests while the context is open, to the existing Traefik or another URL; the result gets the counts."""
    command = load(url or setting("behind-traefik", "test_host_proxy_url"), host)
    command += ["--rate", str(rate), "--result", str(result)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    time.sleep(1)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            # On a busy machine the load is late, and still sends what was due by now.
            process.wait(timeout=300)
        finally:
            process.kill()


def identity() -> str:
    """The identity and start time of the existing containers."""
    fields = "{{.Name}} {{.Id}} {{.State.StartedAt}}"
    inspect = ["docker", "inspect", "--format", fields, *EXISTING]
    return run("ssh", "-F", "tests/test_hosts/.state/ssh_config", "server1", " ".join(f"'{word}'" for word in inspect))


def row(name: str, result: Path) -> tuple[str, ...]:
    """A row of the table."""
    counts = json.loads(result.read_text(encoding="utf-8"))["normal"]
    return name, str(counts["sent"]), str(counts["failed"]), f"{counts['longest_gap']['seconds']:.3f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10, help="releases (10)")
    parser.add_argument("--keep", action="store_true", help="use existing test hosts, and keep them")
    options = parser.parse_args()
    play = [*PLAY, "-e", f"@{PROXIES / 'behind-traefik.yml'}"]
    with hosts(options.keep), tempfile.TemporaryDirectory() as name:
        other, ours = Path(name, "other"), Path(name, "ours")
        run(*play, "tests/bench/switch_loop/existing_traefik.yml")
        before = identity()
        with clients("existing.localhost", other):
            run(*play, "molecule/proxy/converge.yml")
            run(*play, "deploy.yml", "-e", "bench_version=1.0.0")
            with clients(HOST, ours):
                for number in range(options.count):
                    version = ("2.0.0", "1.0.0")[number % 2]
                    run(*play, "deploy.yml", "-e", f"bench_version={version}")
                    print(f"release {number + 1}: {version}", flush=True)
            for state in ("on", "off"):
                run(*play, "maintenance.yml", "-e", f"state={state}")
                print(f"maintenance {state}", flush=True)
            run(*play, "retire.yml", "-e", "confirm_environment=bench")
            print("environment removed", flush=True)
            time.sleep(2)
        same = identity() == before
        rows = [("clients of", "requests", "failed", "longest gap")]
        rows += [row("our application", ours), row("the existing application", other)]
    print(table(rows))
    print(f"{' and '.join(EXISTING)}: {'the same containers, never restarted' if same else 'replaced or restarted'}")
    return 0 if same and all(entry[2] == "0" for entry in rows[1:]) else 1


if __name__ == "__main__":
    sys.exit(main())
