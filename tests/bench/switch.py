"""The time of a switch on each kind of proxy, on a test host, under load: make bench-switch.

A hundred keep-alive clients send GET and POST while the stack switches between its two colors. A row per proxy and
version of HTTP: requests, failed ones, and the time from the command to the last answer of the old color. HTTP/2 runs
over TLS, on the proxy's own port for https. Before that a canary of 25 % is measured with 5,000 requests without
cookies.
"""

from __future__ import annotations

import argparse
import bisect
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hosts import HOST, PLAY, PROXIES, ROOT, hosts, load, run, setting, table


def set_up(proxy: str, play: list[str], folder: Path) -> str:
    """Set up the proxy with two versions behind it; return the share of the clients that a canary of 25 % got."""
    run(*play, "tests/bench/switch_loop/existing_traefik.yml")
    run(*play, "molecule/proxy/converge.yml")
    run(*play, "deploy.yml", "-e", "bench_version=1.0.0")
    canary = ["bench_version=2.0.0", "bench_strategy=canary", "bench_canary='25/pause, 100'"]
    run(*play, "deploy.yml", *(word for value in canary for word in ("-e", value)))
    result = folder / f"{proxy}.share"
    load_options = ["--connections", "50", "--rate", "500", "--duration", "10", "--result", str(result)]
    run(*load(setting(proxy, "test_host_proxy_url")), *load_options)
    versions = json.loads(result.read_text(encoding="utf-8"))["normal"]["versions"]
    counts = {version: span["count"] for version, span in versions.items()}
    run(*play, "promote.yml")
    return f"{100 * counts['2.0.0'] / sum(counts.values()):.1f} %"


def measure(proxy: str, http: str, play: list[str], options: argparse.Namespace, folder: Path) -> tuple[str, ...]:
    """Switch under load; return a row of the table."""
    result, answers, switches = (folder / f"{proxy}.{http}.{name}" for name in ("load", "answers", "switches"))
    url = setting(proxy, "test_host_proxy_https_url" if http == "2" else "test_host_proxy_url")
    command = [*load(url), "--http", http, "--ca", str(folder / "https.pem"), "--connections", "100"]
    command += ["--rate", str(options.rate), "--result", str(result), "--answers", str(answers)]
    clients = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    time.sleep(1)
    try:
        settings = [f"switch_loop_count={options.count}", f"switch_loop_between={options.between}"]
        extra = [word for value in [*settings, f"switch_loop_result={switches}"] for word in ("-e", value)]
        run(*play, "tests/bench/switch_loop/play.yml", *extra)
    finally:
        clients.send_signal(signal.SIGTERM)
        clients.wait(timeout=60)
    counted = json.loads(result.read_text(encoding="utf-8"))
    seconds = last_old_answers(
        json.loads(switches.read_text(encoding="utf-8"))["began"],
        [line.split() for line in answers.read_text(encoding="utf-8").splitlines()],
        counted["clock"],
    )
    normal = counted["normal"]
    return (
        proxy,
        f"HTTP/{http}",
        str(len(seconds)),
        str(normal["sent"]),
        str(normal["failed"]),
        f"{1000 * statistics.median(seconds):.0f} ms",
        f"{1000 * max(seconds):.0f} ms",
        f"{normal['latency_ms']['p50']:.1f} ms",
        f"{normal['latency_ms']['p99']:.1f} ms",
        f"{normal['longest_gap']['seconds']:.3f} s",
    )


def last_old_answers(began: list[float], answers: list[list[str]], clock: float) -> list[float]:
    """For each switch the seconds from its command to the last answer of the old version.

    ``answers`` are times (seconds after ``clock``, the epoch time at which the load began) and versions, in order.
    """
    times = [clock + float(when) for when, _ in answers]
    seconds = []
    for begin, end in zip(began, [*began[1:], times[-1]]):
        first, after = bisect.bisect_left(times, begin), bisect.bisect_left(times, end)
        # The last answer before the command has the old version.
        old = answers[first - 1][1]
        last = [times[index] for index in range(first, after) if answers[index][1] == old]
        seconds.append(max(last, default=begin) - begin)
    return seconds


def main() -> int:
    known = sorted(path.stem for path in PROXIES.glob("*.yml"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="switches per proxy (100)")
    parser.add_argument("--between", type=float, default=0.3, help="seconds between two switches (0.3)")
    parser.add_argument("--rate", type=int, default=200, help="requests a second (200)")
    parser.add_argument("--only", nargs="+", choices=known, default=known, help="these proxies only")
    parser.add_argument("--keep", action="store_true", help="use existing test hosts, and keep them")
    options = parser.parse_args()

    heads = "proxy, speaks, switches, requests, failed, last old answer, worst, p50, p99, longest gap, canary of 25 %"
    rows = [tuple(heads.split(", "))]
    with hosts(options.keep), tempfile.TemporaryDirectory() as name:
        run(sys.executable, str(ROOT / "tests/test_hosts/certificates.py"), name, HOST)
        for proxy in options.only:
            play = [*PLAY, "-e", f"@{PROXIES / proxy}.yml", "-e", f"@{name}/https.yml"]
            share = set_up(proxy, play, Path(name))
            for http in ("1.1", "2") if setting(proxy, "test_host_proxy_https_url") else ("1.1",):
                print(f"{proxy}: {options.count} switches, HTTP/{http}", flush=True)
                rows.append((*measure(proxy, http, play, options, Path(name)), share))
    print(table(rows))
    return 1 if any(row[4] != "0" for row in rows[1:]) else 0


if __name__ == "__main__":
    sys.exit(main())
