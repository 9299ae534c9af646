"""What one client can do to another stack on each kind of proxy: make faults-clients.

Two stacks run behind a proxy with room for 1,024 connections. Clients of one of them are measured alone, and then while
each attack of attacks.py, from another server, hits the other stack. A line per attack: requests, failed ones, the
99th percentile alone and under the attack, and what the attacker got. During one attack a stack is released as well.
Exits with 0 when no request failed, and no percentile is more than twice the one alone (and 5 ms).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/bench"))

from hosts import PROXIES, hosts, load, run, setting, table  # noqa: E402

KINDS = ("wrong-passwords", "idle", "slow-headers", "slow-bodies", "huge-headers", "many-headers", "in-flight")
PLAY = ["ansible-playbook", "-i", "molecule/inventory", "-e", "@tests/faults/clients.yml"]
OTHER, ATTACKED, WITH_PASSWORD = "other.localhost", "attacked.localhost", "staff.localhost"
# Milliseconds that two measurements on one machine may differ by.
NOISE = 5.0


def measure(proxy: str, folder: Path, seconds: float) -> tuple[int, int, float]:
    """Send requests to the other stack: how many, how many failed, and the 99th percentile in milliseconds."""
    result = folder / "load.json"
    command = [*load(setting(proxy, "test_host_proxy_url"), OTHER), "--rate", "100", "--connections", "20"]
    subprocess.run(
        [*command, "--duration", str(seconds), "--result", str(result)],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        check=False,
    )
    normal = json.loads(result.read_text(encoding="utf-8"))["normal"]
    return normal["sent"], normal["failed"], normal["latency_ms"]["p99"]


@contextmanager
def attack(kind: str, port: str, seconds: float) -> Iterator[list[str]]:
    """Attack from the other server while the context is open; the list then has what the attacker got."""
    script = (ROOT / "tests/faults/attacks.py").read_text(encoding="utf-8")
    command = ["docker", "exec", "-i", "switchyard-test-server2", "python3", "-", kind, "switchyard-test-server1", port]
    process = subprocess.Popen(
        [*command, WITH_PASSWORD if kind == "wrong-passwords" else ATTACKED, "--seconds", str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(script)
    process.stdin.close()
    got: list[str] = []
    try:
        yield got
    finally:
        assert process.stdout
        answer = process.stdout.read()
        process.wait(timeout=60)
        got.append(shown(json.loads(answer or "{}")))


def shown(counts: t.Mapping[str, int]) -> str:
    """What an attacker got, the most frequent first."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def held(sent: int, failed: int, alone: float, under: float) -> bool:
    """Whether the other stack was served as without the attack."""
    return sent > 0 and failed == 0 and under <= max(2 * alone, alone + NOISE)


def rows_of(proxy: str, options: argparse.Namespace, folder: Path) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Set a proxy up, and yield a row of the table for each attack, and whether it held."""
    play = [*PLAY, "-e", f"@{PROXIES / proxy}.yml"]
    run(*play, "molecule/proxy/converge.yml")
    run(*play, "deploy.yml")
    port = setting(proxy, "proxy_http_port")
    _sent, _failed, alone = measure(proxy, folder, options.seconds)
    for kind in options.attacks:
        with attack(kind, port, options.seconds + 2) as got:
            # The connections of the attacker are open after a moment.
            subprocess.run(["sleep", "1.5"], check=True)
            sent, failed, under = measure(proxy, folder, options.seconds)
        row = (proxy, kind, str(sent), str(failed), f"{alone:.1f} ms", f"{under:.1f} ms", got[0])
        print("  ".join(row), flush=True)
        yield row, held(sent, failed, alone, under)
    with attack("idle", port, 60):
        run(*play, "deploy.yml", "-e", "clients_version=2.0.0")
    print(f"{proxy}: a release went on during an attack", flush=True)


def main() -> int:
    known = ["haproxy", "nginx", "traefik"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=known, default=known, help="these proxies only")
    parser.add_argument("--attacks", nargs="+", choices=KINDS, default=KINDS, help="these attacks only")
    parser.add_argument("--keep", action="store_true", help="use existing test hosts, and keep them")
    options = parser.parse_args()
    rows = [("proxy", "attack", "requests", "failed", "p99 alone", "p99 under attack", "the attacker got")]
    good = True
    with hosts(options.keep), tempfile.TemporaryDirectory() as name:
        for proxy in options.only:
            for row, well in rows_of(proxy, options, Path(name)):
                rows.append(row)
                good = good and well
    print(table(rows))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
