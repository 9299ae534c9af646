"""Holds one WebSocket open, says something every fifth of a second, and counts what comes back.

    websocket.py --url http://127.0.0.1:8080 --host shop.localhost --path /echo --result w.json [--stop-file F]

Ends when the server closes it, after --duration seconds, or when the stop file appears; the result says which, how
long the connection stood, and how many answers of which version came. Leaves with 1 when it was never open.
Python's standard library only (RFC 6455).
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

PAUSE = 0.2


def connect(url: str, host: str, path: str) -> socket.socket:
    """Open the WebSocket. Raises OSError when the answer is not 101."""
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    connection.sendall(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = connection.recv(4096)
        if not more:
            break
        answer += more
    if b" 101 " not in answer.split(b"\r\n")[0]:
        raise OSError(f"no WebSocket: {answer[:200]!r}")
    return connection


def ask(connection: socket.socket, text: str) -> str | None:
    """Send a text and return what comes back; None when the server has closed the connection."""
    content, mask = text.encode(), os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(content))
    try:
        connection.sendall(bytes([0x81, 0x80 | len(content)]) + mask + masked)
        header = connection.recv(2, socket.MSG_WAITALL)
        if len(header) < 2 or header[0] != 0x81:
            return None
        return connection.recv(header[1], socket.MSG_WAITALL).decode()
    except OSError:
        return None


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
    begun = time.time()
    ended = "duration"
    with connect(options.url, options.host, options.path) as connection:
        while time.time() - begun < options.duration:
            if options.stop_file and options.stop_file.exists():
                ended = "stop file"
                break
            answer = ask(connection, f"at {time.time() - begun:.1f}")
            if answer is None:
                ended = "server"
                break
            version = answer.split(" ")[0]
            answers[version] = answers.get(version, 0) + 1
            time.sleep(PAUSE)
    result = {"begun": begun, "seconds": round(time.time() - begun, 3), "ended": ended, "answers": answers}
    options.result.write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
