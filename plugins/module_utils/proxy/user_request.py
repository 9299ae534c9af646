# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to an address of this server as users of a host send them, with TLS or without."""

from __future__ import annotations

import http.client
import ssl
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Response:
    """The answer to one request."""

    status: int
    headers: t.Mapping[str, str]
    body: str

    def redirects_to_https(self, host: str, path: str) -> bool:
        """Return whether the answer leads to the same host and path with https, and nowhere else."""
        if self.status not in REDIRECTS:
            return False
        location = urlsplit(self.headers.get("location", ""))
        target = (location.path or "/") + (f"?{location.query}" if location.query else "")
        return (location.scheme, location.hostname, target) == ("https", host, path)


class TlsConnection(http.client.HTTPConnection):
    """A connection with TLS that names a host. It accepts any certificate: preflight checks that."""

    def __init__(self, address: str, port: int, name: str, timeout: float) -> None:
        super().__init__(address, port, timeout=timeout)
        self.name = name

    def connect(self) -> None:
        """Connect. Raises OSError."""
        super().connect()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock, server_hostname=self.name)


def get(connection: http.client.HTTPConnection, path: str, headers: t.Mapping[str, str]) -> Response:
    """Send a GET request on a connection, which it closes, and return its answer. Raises OSError without an answer."""
    try:
        connection.request("GET", path, headers={**headers, "Connection": "close"})
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
        return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP answer: {error!r}") from error
    finally:
        connection.close()
