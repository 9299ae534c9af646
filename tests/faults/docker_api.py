"""Asks the Docker Engine over its socket: an answer takes milliseconds, so that what lives briefly can be looked at."""

from __future__ import annotations

import http.client
import json
import socket
import typing as t
from urllib.parse import urlencode

SOCKET = "/var/run/docker.sock"


class Connection(http.client.HTTPConnection):
    """HTTP over the engine's socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(SOCKET)


def opened(path: str, **query: object) -> http.client.HTTPResponse:
    """Return an answer that is read as it comes."""
    connection = Connection("localhost")
    connection.request("GET", f"{path}?{urlencode(query)}")
    return connection.getresponse()


def read(path: str, **query: object) -> bytes:
    """Return an answer."""
    with opened(path, **query) as answer:
        return answer.read()


def asked(path: str, **query: object) -> t.Any:
    """Return what an answer says."""
    return json.loads(read(path, **query))
