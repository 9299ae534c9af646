"""The time of a release over SSH to a test host, under load: make bench-release.

The application is up after 1 s and has an endpoint of 2 s. The load is 200 requests a second over 20 keep-alive
connections and 5 clients on that endpoint. After several releases between two versions the table compares the medians
with the aims and with Kamal 2.12 for the same (both measured on two cores, images present on the server).
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from hosts import BENCH, HOST, PLAY, hosts, run, table

LOAD = [sys.executable, str(BENCH / "load.py"), "run", "--url", "http://127.0.0.1:18081", "--host", HOST]
LOAD += ["--no-bookings", "--post-path", "/", "--get-path", "/", "/version", "--slow-path", "/slow"]


def release(version: str, folder: Path) -> dict:
    """Release a version; return its seconds, the times of its tasks, and when the command started (epoch)."""
    timing = folder / "timing"
    timing.unlink(missing_ok=True)
    started = time.time()
    out = run(
        *PLAY,
        "deploy.yml",
        "-e",
        f"bench_version={version}",
        ANSIBLE_CALLBACK_PLUGINS=str(BENCH / "callback"),
        ANSIBLE_CALLBACKS_ENABLED="timing",
        TIMING_FILE=str(timing),
    )
    events = [json.loads(line) for line in timing.read_text(encoding="utf-8").splitlines()]
    return {"started": started, "whole": time.time() - started, "events": events, "out": out}


def measure(version: str, old: str, folder: Path) -> dict:
    """Release under load; return its times and the counts of the clients."""
    result = folder / "load.json"
    load = subprocess.Popen([*LOAD, "--duration", "300", "--result", str(result)], stdout=subprocess.DEVNULL)
    time.sleep(2)
    try:
        run_times = release(version, folder)
        time.sleep(3)
    finally:
        load.send_signal(signal.SIGTERM)
        load.wait(timeout=30)
    counted = json.loads(result.read_text(encoding="utf-8"))
    spans = counted["normal"]["versions"]
    last_old = datetime.fromisoformat(spans[old]["last_clock"]).timestamp()
    begins = [event for event in run_times["events"] if event["event"] == "begin"]
    ends = [event for event in run_times["events"] if event["event"] == "end"]
    parts = {"Ansible's start": begins[0]["time"] - run_times["started"]}
    previous = begins[0]["time"]
    for event in ends:
        name = event["action"].split(".")[-1] if event["remote"] else "the controller between them"
        parts[name] = parts.get(name, 0) + event["time"] - previous - event["waited"]
        if event["waited"]:
            parts["waiting for the application"] = parts.get("waiting for the application", 0) + event["waited"]
        previous = event["time"]
    parts["Ansible's end"] = run_times["started"] + run_times["whole"] - previous
    return {
        "whole": run_times["whole"],
        "new": last_old - run_times["started"],
        "calls": sum(event["remote"] for event in ends),
        "parts": parts,
        "requests": counted["normal"]["sent"] + counted["slow"]["sent"],
        "failed": counted["normal"]["failed"] + counted["slow"]["failed"],
        "gap": counted["normal"]["longest_gap"]["seconds"],
        "p99": counted["normal"]["latency_ms"]["p99"],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10, help="releases (10)")
    parser.add_argument("--keep", action="store_true", help="use existing test hosts, and keep them")
    options = parser.parse_args()

    with hosts(options.keep), tempfile.TemporaryDirectory() as name:
        run(*PLAY, "molecule/proxy/converge.yml")
        folder = Path(name)
        # Both colors once, so that the server has both images and every release replaces a warm color.
        for version in ("1.0.0", "2.0.0"):
            release(version, folder)
        releases = []
        for number in range(options.count):
            version, old = ("1.0.0", "2.0.0") if number % 2 == 0 else ("2.0.0", "1.0.0")
            releases.append(measure(version, old, folder))
            print(f"release {number + 1}: {releases[-1]['whole']:.2f} s, {releases[-1]['failed']} failed", flush=True)
        unchanged = [release(version, folder) for _ in range(3)]

    def median(key: str) -> float:
        return statistics.median(entry[key] for entry in releases)

    idle = statistics.median(entry["whole"] for entry in unchanged)
    print(
        "\n"
        + table(
            [
                ("", "measured", "aim", "Kamal 2.12"),
                ("whole command", f"{median('whole'):.2f} s", "5.5 s", "5.67 s"),
                ("all answers new after", f"{median('new'):.2f} s", "3.0 s", "3.10 s"),
                ("module calls", f"{median('calls'):.0f}", "12", "23 remote commands"),
                ("unchanged run", f"{idle:.2f} s", "4 s", ""),
                (
                    "failed requests",
                    f"{sum(entry['failed'] for entry in releases)} of {sum(entry['requests'] for entry in releases)}",
                    "0",
                    "0",
                ),
                ("longest gap, worst", f"{max(entry['gap'] for entry in releases):.3f} s", "", ""),
                ("p99 latency", f"{median('p99'):.1f} ms", "", ""),
            ]
        )
    )
    print("\nthe parts of the whole command (medians)")
    names = dict.fromkeys(name for entry in releases for name in entry["parts"])
    parts = {name: statistics.median(entry["parts"].get(name, 0) for entry in releases) for name in names}
    print(
        table(
            [
                (f"  {name}", f"{seconds:5.2f} s", f"{100 * seconds / median('whole'):3.0f} %")
                for name, seconds in parts.items()
            ]
        )
    )
    return 1 if sum(entry["failed"] for entry in releases) else 0


if __name__ == "__main__":
    sys.exit(main())
