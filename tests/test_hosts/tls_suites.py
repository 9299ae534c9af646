"""The versions and cipher suites of TLS that a server accepts, one a line: tls_suites.py https://127.0.0.1:8443 HOST

Each suite that this Python's OpenSSL knows is offered alone, with TLS 1.2; then each other version of TLS.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import urllib.parse
import warnings
from collections.abc import Iterator

# OpenSSL offers old suites at this level only.
EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
TIMEOUT = 10.0


def context(version: ssl.TLSVersion, suites: str = EVERYTHING) -> ssl.SSLContext:
    """A client of one version of TLS."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_ciphers(suites)
    made.set_alpn_protocols(["h2", "http/1.1"])
    with warnings.catch_warnings():
        # Versions that are deprecated, and that a server must not accept.
        warnings.simplefilter("ignore")
        made.minimum_version = made.maximum_version = version
    return made


def negotiated(address: tuple[str, int], host: str, client: ssl.SSLContext) -> str:
    """The version, the suite and the protocol that a server takes; empty where it refuses."""
    with socket.create_connection(address, TIMEOUT) as plain:
        try:
            with client.wrap_socket(plain, server_hostname=host) as secured:
                return f"{secured.version()} {secured.cipher()[0]} {secured.selected_alpn_protocol()}"
        except (ssl.SSLError, ConnectionError):
            return ""


def suites() -> list[str]:
    """The names of all suites before TLS 1.3."""
    known = context(ssl.TLSVersion.TLSv1_2).get_ciphers()
    return [suite["name"] for suite in known if suite["protocol"] != "TLSv1.3"]


def accepted(address: tuple[str, int], host: str) -> Iterator[str]:
    """Yield what a server takes."""
    for name in suites():
        # OpenSSL names some suites that it was built without.
        with contextlib.suppress(ssl.SSLError):
            yield negotiated(address, host, context(ssl.TLSVersion.TLSv1_2, f"{name}:@SECLEVEL=0"))
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_3):
        yield negotiated(address, host, context(version))


def main() -> None:
    url, host = sys.argv[1:]
    parts = urllib.parse.urlsplit(url)
    print("\n".join(sorted(filter(None, accepted((parts.hostname or "", parts.port or 443), host)))))


if __name__ == "__main__":
    main()
