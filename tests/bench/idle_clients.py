"""Clients that send their next request on a connection that was idle, like a browser whose user reads.

    idle.py --url https://127.0.0.1:8443 --host shop.localhost --stop-file /tmp/come-back --result /tmp/idle.json

Each opens a connection and sends a request, waits for the stop file, and sends another request on the same connection.
The result has the answer to that one: the status, or ``closed`` for a connection that the server had closed, after
which a browser opens a new one.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import ssl
import time
import urllib.parse
from collections import Counter
from pathlib import Path

LIMIT = 60.0


class Named(http.client.HTTPSConnection):
    """A connection to an address that has to present the certificate of a host."""

    def __init__(self, address: str, port: int, host: str, context: ssl.SSLContext) -> None:
        super().__init__(address, port, timeout=20, context=context)
        self.name, self.context = host, context

    def connect(self) -> None:
        """Connect, and verify the host's certificate."""
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self.context.wrap_socket(plain, server_hostname=self.name)


def connect(url: str, host: str, ca: str | None) -> http.client.HTTPConnection:
    """A connection to the address of the URL."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=20)
    return Named(parts.hostname or "", parts.port or 443, host, ssl.create_default_context(cafile=ca))


def ask(connection: http.client.HTTPConnection, host: str) -> str:
    """The status of the answer, or ``closed``."""
    try:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
    except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
        return "closed"
    return str(answer.status)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="address of the proxy")
    parser.add_argument("--host", required=True, help="the host to ask for")
    parser.add_argument("--ca", help="a certificate to trust")
    parser.add_argument("--count", type=int, default=10, help="clients (%(default)s)")
    parser.add_argument("--stop-file", type=Path, required=True, help="the second request waits for this file")
    parser.add_argument("--result", type=Path, required=True, help="file for the result, as JSON")
    options = parser.parse_args()
    connections = [connect(options.url, options.host, options.ca) for _client in range(options.count)]
    before = Counter(ask(connection, options.host) for connection in connections)
    # The next request must not open a new connection.
    for connection in connections:
        connection.auto_open = 0
    end = time.monotonic() + LIMIT
    while not options.stop_file.exists() and time.monotonic() < end:
        time.sleep(0.1)
    after = Counter(
        "closed" if connection.sock is None else ask(connection, options.host) for connection in connections
    )
    options.result.write_text(json.dumps({"before": before, "after": after}), encoding="utf-8")


if __name__ == "__main__":
    main()
