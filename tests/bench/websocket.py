"""Keeps one WebSocket open, sends a text every fifth of a second, and counts the answers.

    websocket.py --url http://127.0.0.1:8080 --host shop.localhost --path /echo --result w.json [--stop-file F]

Ends when the server closes the connection, after --duration seconds, or when the stop file appears. The result says
which of them, how long the connection was open, and how many answers of which version came. Exits with 1 when the
WebSocket was never open.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

PAUSE = 0.2
LIMIT = 10


def open_websocket(url: str, host: str, path: str) -> ClientConnection:
    """An open WebSocket to the address of the URL. Raises OSError or InvalidHandshake when there is none."""
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=LIMIT)
    # No pings: the application of the benchmarks answers texts only.
    options = {"compression": None, "proxy": None, "ping_interval": None, "close_timeout": 1}
    return connect(f"ws://{host}{path}", sock=connection, open_timeout=LIMIT, **options)


def talk(connection: ClientConnection, options: argparse.Namespace, answers: dict[str, int]) -> str:
    """Send texts and count the answers by version. Returns what ended it."""
    started = time.monotonic()
    while time.monotonic() - started < options.duration:
        if options.stop_file and options.stop_file.exists():
            return "stop file"
        try:
            connection.send(f"at {time.monotonic() - started:.1f}")
            version = str(connection.recv(timeout=LIMIT)).split(" ")[0]
        except ConnectionClosed:
            return "server"
        except TimeoutError:
            return "timeout"
        answers[version] = answers.get(version, 0) + 1
        time.sleep(PAUSE)
    return "duration"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--path", default="/echo")
    parser.add_argument("--duration", type=float, default=60)
    parser.add_argument("--stop-file", type=Path)
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    answers: dict[str, int] = {}
    started = time.time()
    try:
        connection = open_websocket(options.url, options.host, options.path)
    except (OSError, InvalidHandshake) as error:
        print(f"No WebSocket at {options.url}: {error}", file=sys.stderr)
        return 1
    with connection:
        ended = talk(connection, options, answers)
        seconds = round(time.time() - started, 3)
    result = {"begun": started, "seconds": seconds, "ended": ended, "answers": answers}
    options.result.write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
