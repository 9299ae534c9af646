"""Certificates for tests.

    certificates.py FOLDER HOST...

writes the certificate with its key for the role proxy (https.yml, 0600), and for its clients (https.pem).
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(timezone.utc).replace(microsecond=0)


def self_signed(
    *hosts: str, begin: datetime | None = None, end: datetime | None = None, password: bytes | None = None
) -> dict[str, str]:
    """A self-signed certificate with its key, as an inventory has them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    until = end or NOW + timedelta(days=30)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin or min(NOW, until) - timedelta(days=1))
        .not_valid_after(until)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False)
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return {"certificate": certificate.decode(), "key": secret.decode()}


def issued(*hosts: str, ends: tuple[datetime, datetime] | None = None) -> dict[str, str]:
    """A certificate with its key and a chain of an intermediate and a root; ``ends`` are those of the first two."""
    until = NOW + timedelta(days=30)
    leaf_end, intermediate_end = ends or (until, until)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("leaf", "intermediate", "root")]
    keys = [ec.generate_private_key(ec.SECP256R1()) for name in names]
    chain = []
    for number, end in enumerate((leaf_end, intermediate_end, until)):
        issuer = min(number + 1, 2)
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[number])
            .issuer_name(names[issuer])
            .public_key(keys[number].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(NOW, end) - timedelta(days=1))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=number > 0, path_length=None), True)
        )
        if number == 0:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False)
        chain.append(builder.sign(keys[issuer], hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())
    lock = serialization.NoEncryption()
    secret = keys[0].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    return {"certificate": "".join(chain), "key": secret.decode()}


def main(folder: str, *hosts: str) -> None:
    pair = self_signed(*hosts)
    secret = os.open(Path(folder, "https.yml"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(secret, "w") as file:
        file.write(json.dumps({"proxy_certificates": [pair]}) + "\n")
    Path(folder, "https.pem").write_text(pair["certificate"])


if __name__ == "__main__":
    main(*sys.argv[1:])
