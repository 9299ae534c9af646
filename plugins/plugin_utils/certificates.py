# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of an inventory: what is in them, and what is wrong with them. For the controller only."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.switchyard.stacks.plugins.module_utils.config.server_settings import ACCEPT
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

VARIABLE = "proxy_certificates"

IN_ORDER = "Write the server's certificate first, and each certificate before the one of its issuer"


@dataclass(frozen=True)
class CertificateWithKey:
    """A certificate with its chain and its key in PEM form, its host names, and when all of the chain is valid.

    ``part`` is the certificate that expires first, for messages.
    """

    names: tuple[str, ...]
    begin: datetime
    until: datetime
    content: str
    part: str

    def file(self, environment: str) -> str:
        """Return the name of its file. It changes with the content, so that the proxy loads a new certificate."""
        return f"{environment}.{hashlib.sha256(self.content.encode()).hexdigest()[:16]}.pem"


def read(given: t.Any, environment: str, now: datetime | None = None) -> tuple[list[CertificateWithKey], list[Problem]]:
    """Return the valid certificates of an inventory, and the problems of the others."""
    certificates: list[CertificateWithKey] = []
    problems: list[Problem] = []
    for index, item in enumerate(given):
        where = f"{VARIABLE}[{index}]"
        try:
            certificate = _parse(item)
        except ValueError as error:
            message, hint = error.args
            problems.append(Problem(where, message, hint, "certificate.invalid"))
            continue
        moment = now or datetime.now(timezone.utc)
        if certificate.until <= moment:
            message = f"{certificate.part} expired on {certificate.until:%Y-%m-%d}"
            problems.append(Problem(where, message, "Replace it by a new one", "certificate.expired"))
        elif certificate.begin > moment:
            message = (
                f"the certificate of {', '.join(certificate.names)} is only valid from {certificate.begin:%Y-%m-%d}"
            )
            problems.append(
                Problem(where, message, "Use one that is valid, or check the clock", "certificate.not_yet_valid")
            )
        elif certificate.file(environment) in [other.file(environment) for other in certificates]:
            problems.append(Problem(where, "occurs twice", "Remove one of them", "certificate.duplicate"))
        else:
            certificates.append(certificate)
    return certificates, problems


def conflicts(
    own: t.Iterable[CertificateWithKey], environment: str, others: t.Iterable[t.Mapping[str, t.Any]]
) -> list[Problem]:
    """Return the certificates for names for which another environment of the server has another certificate.

    ``others`` are those of other environments with their ``file``, ``names`` and ``until``. The proxy gives a client
    the first one that names its host, so that users of one environment would get the certificate of the other.
    """
    problems = []
    known = list(others)
    for certificate in own:
        digest = certificate.file(environment).partition(".")[2]
        for other in known:
            whose, _dot, other_digest = str(other["file"]).partition(".")
            shared = sorted(set(certificate.names) & set(other["names"]))
            if shared and whose != environment and other_digest != digest:
                valid = f"this one is valid until {certificate.until:%Y-%m-%d}, that until {str(other['until'])[:10]}"
                message = (
                    f"{', '.join(shared)} has another certificate in {whose}, and clients get one of them: {valid}"
                )
                hint = f"Use the same certificate, or {ACCEPT} and then the same in {whose}"
                problems.append(Problem(VARIABLE, message, hint, "certificate.conflict"))
    return problems


def _parse(item: t.Any) -> CertificateWithKey:
    """Return a certificate with its key. Raises ValueError(what is wrong, what to do) without a word of the key."""
    # ansible-core brings it to every controller; it is not there where plugins are only read, as for documentation.
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    if (
        not isinstance(item, dict)
        or not isinstance(item.get("certificate"), str)
        or not isinstance(item.get("key"), str)
    ):
        raise ValueError("is not a certificate with its key", "Write {certificate: <PEM>, key: <PEM>}")
    try:
        chain = x509.load_pem_x509_certificates(item["certificate"].encode())
    except ValueError:
        raise ValueError("the certificate is not in PEM form", "It begins with -----BEGIN CERTIFICATE-----") from None
    try:
        key = serialization.load_pem_private_key(item["key"].encode(), password=None)
    except TypeError:
        raise ValueError("the key has a password", "Take it off; a vault keeps the key") from None
    except ValueError:
        raise ValueError("the key is not in PEM form", "It begins with -----BEGIN PRIVATE KEY-----") from None
    leaf, own = chain[0], _public(key.public_key())
    fitting = [number for number, one in enumerate(chain, 1) if _public(one.public_key()) == own]
    if not fitting:
        raise ValueError(
            "the certificate does not belong to the key", "Write the key that the certificate was made for"
        )
    if fitting[0] != 1:
        raise ValueError(f"the certificate of the key is number {fitting[0]} of the chain", IN_ORDER)
    for number, (one, issuer) in enumerate(zip(chain, chain[1:]), 1):
        if not _issued(issuer, one):
            message = f"the chain is not in order: certificate {number + 1} ({issuer.subject.rfc4514_string()}) has not"
            raise ValueError(f"{message} issued certificate {number} ({one.subject.rfc4514_string()})", IN_ORDER)
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ValueError("the certificate names no host", "Clients only read its subjectAltName") from None
    hosts = tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))
    if not hosts:
        raise ValueError("the certificate names no host", "Clients only read its subjectAltName")
    content = f"{item['certificate'].strip()}\n{item['key'].strip()}\n"
    # Clients have the root themselves, and do not look at the one in the chain.
    counted = [leaf, *(one for one in chain[1:] if one.subject != one.issuer)]
    first = min(counted, key=lambda one: one.not_valid_after_utc)
    shown = f"the certificate of {', '.join(hosts)}"
    part = shown if first is leaf else f"{first.subject.rfc4514_string()} in the chain of {shown}"
    begin = max(one.not_valid_before_utc for one in counted)
    return CertificateWithKey(hosts, begin, first.not_valid_after_utc, content, part)


def _public(key: t.Any) -> bytes:
    """Return a public key in a form that can be compared."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _issued(issuer: t.Any, certificate: t.Any) -> bool:
    """Return whether a certificate has the signature of another one."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    except UnsupportedAlgorithm:
        # The names are all that can be compared.
        return bool(certificate.issuer == issuer.subject)
    return True
