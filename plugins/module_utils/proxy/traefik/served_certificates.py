# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates that Traefik serves: it reports no error for one that it cannot read."""

from __future__ import annotations

import contextlib
import socket
import ssl
import typing as t
from pathlib import Path

from ...errors import SwitchyardError
from ..capabilities import Certificate
from .api import API_TIMEOUT
from .dynamic_config import NO_HTTPS, Document, parse


def certificates_not_served(
    own_file: str | None,
    raw: Document,
    folder: Path,
    certificates: t.Iterable[Certificate],
    served: t.Callable[[str], bytes | None],
) -> list[str]:
    """Return a sentence for each certificate that Traefik does not serve.

    ``own_file`` is the text of the role's file that lists them, ``folder`` has their files, and ``served`` returns the
    certificate that Traefik serves for a host.
    """
    listed = parse(own_file).get("tls", {}).get("certificates", []) if own_file else []
    if not listed or any(NO_HTTPS in router.get("error", []) for router in raw["routers"].values()):
        return []
    paths = [folder / Path(entry["certFile"]).name for entry in listed]
    expected = {first_certificate(path.read_text(encoding="utf-8")) for path in paths}
    hosts = [certificate.names[0].replace("*", "any") for certificate in certificates]
    return [f"the certificate for {host} is not in use" for host in hosts if served(host) not in expected]


def served_certificate(address: str, port: int, host: str) -> bytes | None:
    """Return the certificate that a server shows for a host. Raises SwitchyardError when it does not answer."""
    # Its bytes are compared with the file; whether clients trust it does not matter here.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with contextlib.ExitStack() as stack:
            plain = stack.enter_context(socket.create_connection((address, port), API_TIMEOUT))
            return stack.enter_context(context.wrap_socket(plain, server_hostname=host)).getpeercert(True)
    except OSError as error:
        raise SwitchyardError(f"The proxy does not answer on https ({error}).") from error


def first_certificate(text: str) -> bytes:
    """Return the first certificate of a PEM file in the form in which a server shows it."""
    return ssl.PEM_cert_to_DER_cert(text[text.index(ssl.PEM_HEADER) :].partition(ssl.PEM_FOOTER)[0] + ssl.PEM_FOOTER)
