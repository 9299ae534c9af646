"""The load client: an open loop of requests that counts each one exactly and sends none twice.

    load.py run --url http://127.0.0.1:8080 --host bookings.localhost --duration 60 --result r.json --ledger r.ledger
    load.py check --url http://127.0.0.1:8080 --host bookings.localhost --ledger r.ledger

`run` sends --rate requests a second over --connections keep-alive connections, GET and POST mixed, and keeps
--slow-clients busy with a slow path, until --duration (seconds) is over, SIGTERM or SIGINT arrives, or --stop-file
exists. An https URL uses TLS, which trusts the certificates in --ca; --http 2 is HTTP/2, one request at a time on each
connection. A request has a time at which it is due; it is sent also when it is late, and its latency counts from the
time it was due. Exits with 0 when no request failed, 1 when some did, 2 when the arguments are wrong.

What counts as failed: no connection (`connect`), the connection closed or reset after the first byte was sent
(`reset`), no whole answer within --timeout seconds (`timeout`), an answer that violates HTTP (`malformed`), a status of
400 or more (`status 503`). A server may close an idle connection: when the client sees that before it sends, it opens
a new one, and nothing failed (`reopened`). With HTTP/2 a server may also report that it did not process a request
(GOAWAY, REFUSED_STREAM); every client sends it again, and so does this one (`reopened` as well).

`check` asks the application for every acknowledged booking, and for its own counts. Exits with 1 when
a booking was lost or doubled, an event overbooked, or a task or a beat's tick ran twice.

Times are in seconds since the start of the load (monotonic), latencies in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from connection import tls_context
from http_client import Answer, Connection, Failed, Server, connect
from load_counts import Counts, summary, wall


class Load:
    """One run of the load."""

    def __init__(self, options: argparse.Namespace, ledger: IO[str] | None) -> None:
        self.options = options
        self.ledger = ledger
        self.name = secrets.token_hex(4)
        self.normal = Counts()
        self.slow = Counts()
        self.numbers = itertools.count()
        self.stopping = asyncio.Event()
        self.start = time.monotonic()
        self.clock = time.time()
        self.ended: float | None = None
        self.connections: list[Connection] = []

    def now(self) -> float:
        return time.monotonic() - self.start

    def stop(self) -> None:
        """End the load; requests that are due by now are still sent."""
        if self.ended is None:
            self.ended = self.now()
        self.stopping.set()

    async def pause(self, seconds: float) -> None:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), seconds)

    def connection(self) -> Connection:
        connection = connect(self.options.server)
        self.connections.append(connection)
        return connection

    async def request(
        self, counts: Counts, connection: Connection, due: float, request: tuple[str, str, bytes]
    ) -> bool:
        """Send one request and count it; whether it got a good answer."""
        method, path, body = request
        counts.sent += 1
        try:
            answer = await connection.ask(method, path, body)
            if answer.status >= 400:
                raise Failed(f"status {answer.status}")
        except Failed as kind:
            now = self.now()
            counts.bad(now, now - due, str(kind), f"{method} {path}")
            return False
        now = self.now()
        counts.good(now, now - due, answer.version)
        return True

    async def normal_client(self) -> None:
        """Take the next request that no other connection has taken, wait until it is due and send it."""
        connection = self.connection()
        options = self.options
        while True:
            number = next(self.numbers)
            due = number / options.rate
            # A load that has ended still sends what was due by then.
            if self.ended is None:
                await self.pause(due - self.now())
            if self.ended is not None and due > self.ended:
                break
            if number % options.post_every:
                path = options.get_path[number % len(options.get_path)]
                await self.request(self.normal, connection, due, ("GET", path, b""))
            elif options.bookings:
                await self.book(connection, due, number)
            else:
                await self.request(self.normal, connection, due, ("POST", options.post_path, b"{}"))
        connection.close()

    async def book(self, connection: Connection, due: float, number: int) -> None:
        key = f"{self.name}-{number}"
        booking = {"event": self.options.event, "name": f"Load client {self.name}", "key": key}
        request = ("POST", self.options.post_path, json.dumps(booking).encode())
        good = await self.request(self.normal, connection, due, request)
        if self.ledger:
            self.ledger.write(f"{'acknowledged' if good else 'unknown'} {key}\n")

    async def slow_client(self) -> None:
        """Request the slow path again after each answer. A failure is followed by a pause, so that a server that
        refuses at once does not get a thousand requests a second."""
        connection = self.connection()
        while self.ended is None:
            if not await self.request(self.slow, connection, self.now(), ("GET", self.options.slow_path, b"")):
                await self.pause(0.5)
        connection.close()

    async def watch(self) -> None:
        """End the load at its time or by the stop file, and print the progress."""
        options = self.options
        shown = 0.0
        while self.ended is None:
            over = options.duration and self.now() >= options.duration
            if over or (options.stop_file and options.stop_file.exists()):
                self.stop()
            elif options.progress and self.now() - shown >= 1:
                shown = self.now()
                latest = max(self.normal.versions, key=lambda name: self.normal.versions[name].last, default="none")
                failed = sum(self.normal.failed.values()) + sum(self.slow.failed.values())
                print(f"{shown:6.1f} s  {self.normal.sent} sent  {failed} failed  version {latest}", flush=True)
            remaining = options.duration - self.now() if options.duration else 0.2
            await self.pause(max(0.001, min(0.2, remaining)))

    async def run(self) -> dict:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        self.start, self.clock = time.monotonic(), time.time()
        cpu = time.process_time()
        async with asyncio.TaskGroup() as clients:
            for _ in range(self.options.connections):
                clients.create_task(self.normal_client())
            for _ in range(self.options.slow_clients):
                clients.create_task(self.slow_client())
            clients.create_task(self.watch())
        # A gap at the end counts too.
        self.normal.gap(self.ended or 0.0)
        return {
            "name": self.name,
            "started": wall(self.clock),
            "clock": self.clock,
            "seconds": round(self.now(), 3),
            "client_cpu_percent": round(100 * (time.process_time() - cpu) / self.now(), 1),
            "reopened": sum(connection.reopened for connection in self.connections),
            "normal": self.normal.report(self.clock),
            "slow": self.slow.report(self.clock),
        }


def run(options: argparse.Namespace) -> int:
    async def go() -> dict:
        with contextlib.ExitStack() as stack:
            ledger = stack.enter_context(options.ledger.open("w", buffering=1)) if options.ledger else None
            load = Load(options, ledger)
            load.normal.answers = stack.enter_context(options.answers.open("w")) if options.answers else None
            return await load.run()

    result = asyncio.run(go())
    if options.result:
        options.result.write_text(json.dumps(result, indent=2) + "\n")
    print(summary(result))
    return 1 if result["normal"]["failed"] or result["slow"]["failed"] else 0


def read(answer: Answer) -> dict:
    """The JSON of an answer. Raises Failed for a bad status."""
    if answer.status >= 400:
        raise Failed(f"status {answer.status}")
    return json.loads(answer.body)


async def check_bookings(options: argparse.Namespace) -> dict:
    """Compare the ledger with the application. Raises Failed when the application does not answer."""
    lines = [line.split() for line in options.ledger.read_text().splitlines()]
    keys = {outcome: [key for result, key in lines if result == outcome] for outcome in ("acknowledged", "unknown")}
    waiting = iter(keys["acknowledged"])
    lost: list[str] = []
    doubled: list[str] = []

    async def ask_all() -> None:
        connection = connect(options.server)
        for key in waiting:
            answer = await connection.ask("GET", f"{options.post_path}{key}/")
            if answer.status == 404:
                lost.append(key)
            elif read(answer)["requests"] > 1:
                doubled.append(key)
        connection.close()

    await asyncio.gather(*(ask_all() for _ in range(options.connections)))

    connection = connect(options.server)
    deadline = time.monotonic() + options.settle
    while True:
        stats = read(await connection.ask("GET", options.stats_path))
        if stats["confirmed"] == stats["bookings"] or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.5)
    connection.close()
    return {
        "acknowledged": len(keys["acknowledged"]),
        "unknown": len(keys["unknown"]),
        "lost": sorted(lost),
        "doubled": sorted(doubled),
        "unconfirmed": stats["bookings"] - stats["confirmed"],
        "stats": stats,
    }


# Counts of the application that must be 0.
NEVER = ("doubled_keys", "overbooked_events", "tasks_run_twice", "tasks_rescued", "beat_ticks_doubled")


def check(options: argparse.Namespace) -> int:
    try:
        result = asyncio.run(check_bookings(options))
    except Failed as kind:
        print(f"The application does not answer {options.server.host}: {kind}", file=sys.stderr)
        return 1
    if options.result:
        options.result.write_text(json.dumps(result, indent=2) + "\n")
    counts = {name: len(result[name]) for name in ("lost", "doubled")} | {"unconfirmed": result["unconfirmed"]}
    counts |= {name: result["stats"][name] for name in NEVER}
    print(f"{result['acknowledged']} bookings acknowledged, {result['unknown']} of unknown outcome")
    print(", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items()))
    return 1 if any(counts.values()) else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", required=True, help="where to connect to: http://ADDRESS:PORT")
    common.add_argument("--host", help="Host header; default: that of the URL")
    common.add_argument("--ca", help="file of trusted certificates; default: those of the system")
    common.add_argument("--http", choices=("1.1", "2"), default="1.1", help="version of HTTP (1.1)")
    common.add_argument("--connections", type=int, default=20, help="keep-alive connections (20)")
    common.add_argument("--timeout", type=float, default=15, help="seconds a request may take as a whole (15)")
    common.add_argument("--post-path", default="/api/bookings/", help="where to POST (/api/bookings/)")
    common.add_argument("--result", type=Path, help="JSON file for the result")

    parser = argparse.ArgumentParser(description="Load client; load.py's own text says what counts as failed.")
    modes = parser.add_subparsers(dest="mode", required=True)
    load = modes.add_parser("run", parents=[common], help="send load and count")
    load.add_argument("--duration", type=float, default=0, help="seconds; 0: until SIGTERM or the stop file (0)")
    load.add_argument("--stop-file", type=Path, help="the load ends when this file appears")
    load.add_argument("--rate", type=float, default=200, help="requests a second (200)")
    load.add_argument("--post-every", type=int, default=10, help="every how manieth request is a POST (10)")
    load.add_argument("--get-path", nargs="+", default=["/", "/version/"], help="paths to GET in turn (/ /version/)")
    load.add_argument("--no-bookings", dest="bookings", action="store_false", help="POST {} and keep no ledger")
    load.add_argument("--event", default="city-run", help="the event to book (city-run)")
    load.add_argument("--ledger", type=Path, help="file for the keys of the bookings")
    load.add_argument("--answers", type=Path, help="file for a line per good answer: when it came, which version")
    load.add_argument("--slow-clients", type=int, default=5, help="clients on the slow path (5)")
    load.add_argument("--slow-path", default="/slow/?seconds=2", help="/slow/?seconds=2")
    load.add_argument("--progress", action="store_true", help="print a line every second")

    after = modes.add_parser("check", parents=[common], help="compare the bookings with the application")
    after.add_argument("--ledger", type=Path, required=True, help="the ledger of the run")
    after.add_argument("--stats-path", default="/api/stats/", help="/api/stats/")
    after.add_argument("--settle", type=float, default=30, help="seconds that the last confirmations may take (30)")

    options = parser.parse_args(arguments)
    url = urlsplit(options.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        parser.error(f"--url {options.url}: write http://ADDRESS:PORT or https://ADDRESS:PORT")
    secure, http2 = url.scheme == "https", options.http == "2"
    port = url.port or (443 if secure else 80)
    # Resolved once, so that no look-up is measured.
    address = socket.getaddrinfo(url.hostname, port, type=socket.SOCK_STREAM)[0][4][:2]
    tls = tls_context(options.ca, "h2" if http2 else "http/1.1") if secure else None
    options.server = Server(address, options.host or url.netloc, options.timeout, tls, http2)
    if options.mode == "run" and (options.rate <= 0 or options.connections < 1 or options.post_every < 1):
        parser.error("--rate, --connections and --post-every must be above 0")
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    return run(options) if options.mode == "run" else check(options)


if __name__ == "__main__":
    sys.exit(main())
