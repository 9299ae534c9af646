"""The lines that the watch gate reads in a second, its share of a core and its memory: make bench-watch.

A writer makes the engine's files of a proxy's container at a steady rate, with rotation as the role sets it, and half
of the lines are of another stack. The gate reads them as it does in a release: each second, with a verdict per
interval. The percentile that it finds is compared with the sorted times.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path += [str(CHECKOUT / ".collections"), str(CHECKOUT / "tests/unit")]

from fakes_log import request_line  # noqa: E402 - the path of the tests is set above

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.log_reader import (  # noqa: E402
    AccessLogReader,
    ContainerLogReader,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates.watch_verdict import (  # noqa: E402
    Tally,
    figures,
    newest,
)

KEYS = ("po.shop.prod", "po.blog.prod")
FILE_SIZE, FILES = 10_000_000, 5
LINES_A_SECOND, CORE, MEMORY = 10_000, 1.0, 100


def traefik_line(key: str, color: str, milliseconds: int, status: int) -> str:
    """Return a line as Traefik writes it."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e9):09}Z"
    return json.dumps(
        {
            "ClientHost": "192.0.2.1",
            "DownstreamContentSize": 512,
            "DownstreamStatus": status,
            "Duration": milliseconds * 1_000_000,
            "OriginDuration": milliseconds * 1_000_000,
            "OriginStatus": status,
            "RequestHost": "shop.example.org",
            "RequestMethod": "GET",
            "RequestPath": "/a/path/of/some/length",
            "RetryAttempts": 0,
            "RouterName": f"{key}:public:shop.example.org/@file",
            "ServiceName": f"{key}:{color}:web@file",
            "StartUTC": stamp,
            "TraceId": "e3b4176e6d9bfb52db0173cbee9250ad",
            "level": "info",
            "msg": "",
            "time": stamp,
        },
        separators=(",", ":"),
    )


def write(path: Path, kind: str, rate: int, seconds: float, times: list[int]) -> None:
    """Write lines at a rate, and rotate the files."""
    draw = random.Random(3)
    chosen = [int(draw.lognormvariate(3.5, 1)) for _ in range(5000)]
    file, size, done, begin = path.open("ab"), 0, 0, time.monotonic()
    while done < rate * seconds:
        batch = []
        for _ in range(rate // 50):
            milliseconds = chosen[done % len(chosen)]
            key, color = KEYS[done % 2], "green" if done % 4 else "blue"
            if kind == "traefik":
                line = traefik_line(key, color, milliseconds, 200)
            else:
                line = request_line(stack=key, color=color, ms=milliseconds + 1, upstream_ms=milliseconds)
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            batch.append(
                json.dumps({"log": line + "\n", "stream": "stdout", "time": f"{stamp}Z"}, separators=(",", ":"))
            )
            done += 1
        text = ("\n".join(batch) + "\n").encode()
        file.write(text)
        file.flush()
        size += len(text)
        if size > FILE_SIZE:
            file.close()
            for number in range(FILES - 1, 0, -1):
                older = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
                if older.exists():
                    older.replace(path.with_name(f"{path.name}.{number}"))
            file, size = path.open("ab"), 0
        time.sleep(max(0.0, begin + done / rate - time.monotonic()))
    file.close()


def read(path: Path, rate: int, seconds: float) -> dict[str, float]:
    """Read as the gate does, and return what it took."""
    path.touch()
    reader = AccessLogReader(
        lambda since, needle: ContainerLogReader(lambda: str(path), since, needle), KEYS[0], time.time() - 1
    )
    intervals, whole, expected = [Tally()], Tally(), rate * seconds / 2
    cpu, begin = time.process_time(), time.monotonic()
    looks, late = 0, 0.0
    while whole.requests < expected and time.monotonic() < begin + seconds + 30:
        for line in reader.read():
            intervals[-1].add(line)
            whole.add(line)
        if time.monotonic() > begin + 5 * (looks + 1):
            looks += 1
            count = newest(intervals, 50)
            del intervals[: len(intervals) - count]
            figures(intervals)
            intervals.append(Tally())
        time.sleep(1)
    took = time.monotonic() - begin
    late = max(0.0, took - seconds)
    return {
        "lines": whole.requests,
        "expected": expected,
        "p99": figures([whole]).p99_ms or 0,
        "cores": (time.process_time() - cpu) / took,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "late": late,
        "missed": reader.missed,
        "unreadable": reader.unreadable,
    }


def measure(kind: str, rate: int, seconds: float) -> dict[str, float]:
    """Return what one kind of line costs; the reader is a process of its own, for its memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proxy-json.log"
        context = multiprocessing.get_context("spawn")
        writer = context.Process(target=write, args=(path, kind, rate, seconds, []))
        with context.Pool(1) as pool:
            result = pool.apply_async(read, (path, rate, seconds))
            # The reader is ready before the first line.
            while not path.exists():
                time.sleep(0.05)
            writer.start()
            found = result.get()
            writer.join()
    return found


def right_p99(rate: int, seconds: float) -> int:
    """Return the 99th percentile of the times of the first stack, from all of them sorted."""
    draw = random.Random(3)
    chosen = [int(draw.lognormvariate(3.5, 1)) for _ in range(5000)]
    times = sorted(chosen[number % len(chosen)] for number in range(0, int(rate * seconds), 2))
    return times[math.ceil(len(times) * 0.99) - 1]


def main() -> int:
    """Measure, print a table, and fail where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=LINES_A_SECOND, help="lines a second")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    print("| lines of | lines/s | read of the stack | share of a core | MiB | p99 ms (sorted) |")
    print("|---|---|---|---|---|---|")
    failed = False
    for kind in ("haproxy", "traefik"):
        found, right = measure(kind, options.rate, options.seconds), right_p99(options.rate, options.seconds)
        print(
            f"| {kind} | {options.rate} | {found['lines']:.0f} of {found['expected']:.0f} | {found['cores']:.2f} "
            f"| {found['memory']:.0f} | {found['p99']:.0f} ({right}) |"
        )
        complete = found["lines"] == found["expected"] and not found["missed"] and not found["unreadable"]
        failed |= not complete or found["cores"] >= CORE or found["memory"] >= MEMORY or found["p99"] != right
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
