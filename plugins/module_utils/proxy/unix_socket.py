# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a proxy process over a unix socket."""

from __future__ import annotations

import http.client
import socket
import time
import typing as t

from ..errors import ProxyUnavailable

if t.TYPE_CHECKING:
    from pathlib import Path

# Seconds
TIMEOUT = 5.0
POLL = 0.05

# The address that the proxy takes for the client's (The PROXY protocol, 2.1): this server.
PROXY_LINE = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 1\r\n"


class ProxyProtocolConnection(http.client.HTTPConnection):
    """An HTTP connection over a unix socket, which begins with a line of the PROXY protocol."""

    def __init__(self, path: Path, timeout: float) -> None:
        """Take the path of the socket, and the timeout in seconds."""
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Connect. Raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))
        self.sock.sendall(PROXY_LINE)


def exchange(
    path: Path, request: str, timeout: float = TIMEOUT, half_close: bool = False, retry_refused: float = 0.0
) -> str:
    """Return everything that the process answers to a request until it closes the connection. Raises OSError.

    ``half_close`` ends the sending side after the request. ``retry_refused`` is for how many seconds a refused
    connection is tried again.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        _connect(connection, str(path), retry_refused)
        connection.sendall(request.encode())
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode("utf-8", "replace")


def ask(
    path: Path,
    request: str,
    log_command: str,
    timeout: float = TIMEOUT,
    half_close: bool = False,
    retry_refused: float = 0.0,
) -> str:
    """Return what ``exchange`` returns. Raises ProxyUnavailable that names ``log_command``."""
    try:
        return exchange(path, request, timeout, half_close, retry_refused)
    except OSError as error:
        raise ProxyUnavailable(
            f"The proxy does not answer on {path} ({error}).",
            hint=f"Read its log with '{log_command}', then run setup.yml.",
        ) from error


def _connect(connection: socket.socket, path: str, retry_refused: float) -> None:
    end = time.monotonic() + retry_refused
    while True:
        try:
            return connection.connect(path)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(POLL)
