"""The load client: an open loop of requests that counts each of them exactly and never sends one twice.

    load.py run --url http://127.0.0.1:8080 --host bookings.localhost --duration 60 --result r.json --ledger r.ledger
    load.py check --url http://127.0.0.1:8080 --host bookings.localhost --ledger r.ledger

`run` sends --rate requests a second over --connections keep-alive connections, GET and POST mixed, and keeps
--slow-clients busy with a slow path, until --duration (seconds) is over, SIGTERM or SIGINT comes, or --stop-file
appears. An https URL is TLS, which believes the certificates in --ca; --http 2 is HTTP/2, one request at a time on each
connection. A request has a time at which it is due; it is sent also when it is late, and its latency counts from the
time it was due. Leaves with 0 when no request failed, 1 when some did, 2 when the arguments are wrong.

What counts as failed: no connection (`connect`), the connection closed or reset after the first byte was sent
(`reset`), no whole answer within --timeout seconds (`timeout`), an answer that is no HTTP (`malformed`), a status of
400 or more (`status 503`). A server may close an idle connection: when the client sees that before it sends, it opens
a new one, and nothing failed (`reopened`). With HTTP/2 a server may also say that it has not begun with a request
(GOAWAY, REFUSED_STREAM); every client sends such a one again, and so does this one (`reopened` as well).

`check` asks the application for every booking that was acknowledged, and for its own counts. Leaves with 1 when
a booking was lost or doubled, an event overbooked, or a task or a beat's tick ran twice.

Times are in seconds since the start of the load (monotonic), latencies in milliseconds.
"""

from __future__ import annotations

import abc
import argparse
import asyncio
import contextlib
import itertools
import json
import secrets
import signal
import socket
import ssl
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import h11
from connection import TlsTransport, Transport, tls_context


class Failed(Exception):
    """A request that got no good answer. `str()` is the kind, as it is counted."""


@dataclass(frozen=True)
class Answer:
    status: int
    version: str
    body: bytes


@dataclass(frozen=True)
class Server:
    """Where requests go to, and how."""

    address: tuple[str, int]
    host: str
    timeout: float
    tls: ssl.SSLContext | None = None
    http2: bool = False

    def transport(self) -> Transport:
        return TlsTransport(self.address, self.tls, self.host.split(":")[0]) if self.tls else Transport(self.address)


class Connection(abc.ABC):
    """One keep-alive connection to the server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.transport: Transport | None = None
        self.reopened = 0

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()
            self.transport = None

    def closed_by_server(self) -> bool:
        """Whether the server has ended the idle connection (or sent something that nobody asked for)."""
        assert self.transport is not None
        return self.transport.waiting() is not None

    async def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Sends one request, once. Raises Failed when no whole answer comes."""
        if self.transport is not None and self.closed_by_server():
            self.close()
            self.reopened += 1
        try:
            async with asyncio.timeout(self.server.timeout):
                if self.transport is None:
                    await self.open()
                return await self.exchange(method, path, body)
        except TimeoutError:
            self.close()
            raise Failed("timeout") from None
        except OSError:
            self.close()
            raise Failed("reset") from None
        except BaseException:
            self.close()
            raise

    async def open(self) -> None:
        self.transport = self.server.transport()
        try:
            await self.transport.open()
        except TimeoutError:
            raise
        except OSError:
            raise Failed("connect") from None

    async def more(self) -> bytes:
        assert self.transport is not None
        data = await self.transport.receive()
        if not data:
            raise Failed("reset")
        return data

    @abc.abstractmethod
    async def exchange(self, method: str, path: str, body: bytes) -> Answer:
        """Sends a request and reads its answer. Raises Failed."""


class Http1Connection(Connection):
    """HTTP/1.1."""

    async def open(self) -> None:
        await super().open()
        self.http1 = h11.Connection(h11.CLIENT)

    async def exchange(self, method: str, path: str, body: bytes) -> Answer:
        headers = [("Host", self.server.host), ("User-Agent", "switchyard-load")]
        if body:
            headers.append(("Content-Type", "application/json"))
        if method == "POST":
            headers.append(("Content-Length", str(len(body))))
        events = [h11.Request(method=method, target=path, headers=headers), h11.Data(data=body), h11.EndOfMessage()]
        assert self.transport is not None
        await self.transport.send(b"".join(self.http1.send(event) or b"" for event in events))
        try:
            answer = await self.read_answer()
            # Bytes after the answer belong to no request.
            if self.http1.trailing_data[0]:
                raise Failed("malformed")
        except h11.RemoteProtocolError:
            raise Failed("malformed") from None
        if self.http1.our_state is h11.DONE and self.http1.their_state is h11.DONE:
            self.http1.start_next_cycle()
        else:
            self.close()
        return answer

    async def read_answer(self) -> Answer:
        """Reads one whole answer. Raises Failed when the connection ends before, also for one without a length."""
        status, version, content = 0, "none", b""
        while True:
            event = self.http1.next_event()
            if event is h11.NEED_DATA:
                self.http1.receive_data(await self.more())
            elif isinstance(event, h11.Response):
                status, fields = event.status_code, dict(event.headers)
                version = fields.get(b"x-app-version", b"none").decode("latin-1")
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                return Answer(status, version, content)


class Http2Connection(Connection):
    """HTTP/2: one request at a time."""

    async def open(self) -> None:
        # Here and below: the demo's environment has no h2.
        from http2 import Http2

        await super().open()
        assert self.transport is not None
        if self.server.tls and self.transport.protocol != "h2":
            raise Failed("no HTTP/2")
        self.http2 = Http2(self.transport, bool(self.server.tls))

    def closed_by_server(self) -> bool:
        assert self.transport is not None
        data = self.transport.waiting()
        return data is not None and self.http2.ends_idle(data)

    async def exchange(self, method: str, path: str, body: bytes) -> Answer:
        from http2 import Broken, NotTaken

        try:
            status, fields, content = await self.http2.exchange(method, self.server.host, path, body)
        except NotTaken:
            self.close()
            self.reopened += 1
            await self.open()
            return await self.exchange(method, path, body)
        except Broken as kind:
            raise Failed("malformed" if str(kind) == "malformed" else "reset") from None
        if self.http2.leaving:
            self.close()
        return Answer(status, fields.get("x-app-version", "none"), content)


def connect(server: Server) -> Connection:
    return Http2Connection(server) if server.http2 else Http1Connection(server)


@dataclass
class Span:
    """The answers of one version: how many, when the first one came and when the last."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass
class Counts:
    """What happened to the requests of one kind. Every request sent ends in `succeeded` or in `failed`."""

    sent: int = 0
    succeeded: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    failures: list[dict] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    versions: dict[str, Span] = field(default_factory=dict)
    last_good: float = 0.0
    longest_gap: float = 0.0
    longest_gap_at: float = 0.0
    answers: IO[str] | None = None

    def good(self, now: float, latency: float, version: str) -> None:
        self.succeeded += 1
        self.latencies.append(latency)
        self.gap(now)
        self.last_good = now
        span = self.versions.setdefault(version, Span(first=now))
        span.count += 1
        span.last = now
        if self.answers:
            self.answers.write(f"{now:.4f} {version}\n")

    def bad(self, now: float, latency: float, kind: str, request: str) -> None:
        self.failed[kind] = self.failed.get(kind, 0) + 1
        if len(self.failures) < 1000:
            self.failures.append({"at": round(now, 3), "after": round(latency, 3), "kind": kind, "request": request})

    def gap(self, now: float) -> None:
        if now - self.last_good > self.longest_gap:
            self.longest_gap, self.longest_gap_at = now - self.last_good, self.last_good

    def report(self, clock: float) -> dict:
        """The counts as they are written to the result. `clock`: the wall clock at time 0, seconds."""
        order = sorted(self.latencies)
        milliseconds = {
            f"p{percent}": round(1000 * order[min(len(order) - 1, len(order) * percent // 100)], 1)
            for percent in (50, 90, 99)
            if order
        }
        if order:
            milliseconds["max"] = round(1000 * order[-1], 1)
        return {
            "sent": self.sent,
            "succeeded": self.succeeded,
            "failed": sum(self.failed.values()),
            "failed_by_kind": self.failed,
            "failures": self.failures,
            "latency_ms": milliseconds,
            "longest_gap": {"seconds": round(self.longest_gap, 3), "from": round(self.longest_gap_at, 3)},
            "versions": {
                name: {
                    "count": span.count,
                    "first": round(span.first, 3),
                    "last": round(span.last, 3),
                    "first_clock": wall(clock + span.first),
                    "last_clock": wall(clock + span.last),
                }
                for name, span in sorted(self.versions.items(), key=lambda item: item[1].first)
            },
        }


def wall(clock: float) -> str:
    return datetime.fromtimestamp(clock, timezone.utc).isoformat(timespec="milliseconds")


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
        """Ends the load: what is due up to now is still sent."""
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
        """Sends one request and counts it. Says whether it got a good answer."""
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
        """Takes the next request that no other connection has taken, waits until it is due and sends it."""
        connection = self.connection()
        options = self.options
        while True:
            number = next(self.numbers)
            due = number / options.rate
            # Nobody stops us: wait. The load ended meanwhile: send it only if it was due by then.
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
        """Asks the slow path again as soon as it has its answer. After a failure it waits a moment: a server that
        refuses at once is not asked a thousand times a second."""
        connection = self.connection()
        while self.ended is None:
            if not await self.request(self.slow, connection, self.now(), ("GET", self.options.slow_path, b"")):
                await self.pause(0.5)
        connection.close()

    async def watch(self) -> None:
        """Ends the load at its time or by the stop file, and shows the progress."""
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
            left = options.duration - self.now() if options.duration else 0.2
            await self.pause(max(0.001, min(0.2, left)))

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
        # A silence at the end is a gap like any other.
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


def summary(result: dict) -> str:
    """The result in a few lines."""
    lines = []
    for kind in ("normal", "slow"):
        counts = result[kind]
        latency = "  ".join(f"{name} {value:g} ms" for name, value in counts["latency_ms"].items())
        kinds = ", ".join(f"{name}: {count}" for name, count in sorted(counts["failed_by_kind"].items()))
        lines.append(
            f"{kind:7}{counts['sent']} sent, {counts['failed']} failed{f' ({kinds})' if kinds else ''}  {latency}"
        )
    gap = result["normal"]["longest_gap"]
    lines.append(f"longest gap between good answers: {gap['seconds']:g} s, from {gap['from']:g} s on")
    lines += [
        f"version {name}: {span['count']} answers, {span['first']:g} s to {span['last']:g} s"
        for name, span in result["normal"]["versions"].items()
    ]
    return "\n".join(lines)


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
    """Compares the ledger with the application. Raises Failed when the application does not answer."""
    lines = [line.split() for line in options.ledger.read_text().splitlines()]
    keys = {outcome: [key for found, key in lines if found == outcome] for outcome in ("acknowledged", "unknown")}
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


# What must be 0 in the application's own counts.
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
    common.add_argument("--ca", help="file of certificates that are believed; default: those of the system")
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
    # Resolved once: a look-up for every connection would be part of what is measured.
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
