"""A throw-away certificate authority for the venues' host names, for clients that insist on TLS.

Its keys are made on this machine and stay in the folder that the user names (readable by the user alone); nobody
else's software trusts it, and nothing of it belongs into a repository.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mastertrading.domain.errors import OutputError

DOMAINS = (
    "binance.com",
    "binancefuture.com",
    "testnet.binance.vision",
    "binance.vision",
    "bybit.com",
    "bytick.com",
    "kucoin.com",
    "bingx.com",
)
LIFE = timedelta(days=90)
RENEW_BEFORE = timedelta(days=7)
SLACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of an authority and of what it signed: a good certificate, and one that has expired (fault N03)."""

    folder: Path

    @property
    def ca(self) -> Path:
        """What clients are told to trust."""
        return self.folder / "ca.pem"

    @property
    def leaf(self) -> Path:
        """The servers' certificate and key."""
        return self.folder / "server.pem"

    @property
    def expired(self) -> Path:
        """The same, no longer valid."""
        return self.folder / "expired.pem"

    def server_context(self, *, expired: bool = False) -> ssl.SSLContext:
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.expired if expired else self.leaf)
        return context

    def client_context(self) -> ssl.SSLContext:
        """For a client that trusts this authority, and no other."""
        return ssl.create_default_context(cafile=str(self.ca))


def certificates(folder: Path) -> Certificates:
    """The folder's certificates, made if there are none, if they end soon, or if they are no longer whole.

    Raises
    ------
    OutputError
        If they can't be written.
    """
    found = Certificates(folder)
    try:
        if not _still_good(found):
            _make(found)
    except OSError as error:
        raise OutputError(
            "the certificates can't be written", why=error.strerror or str(error), where=str(folder)
        ) from error
    return found


def _still_good(found: Certificates) -> bool:
    if not all(path.is_file() for path in (found.ca, found.leaf, found.expired)):
        return False
    try:
        ca, *others = (
            x509.load_pem_x509_certificate(path.read_bytes())
            for path in (found.ca, found.leaf, found.expired)
        )
        for one in others:
            one.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):  # a full disk, a kill, or two that began at once
        return False
    return ca.not_valid_after_utc > datetime.now(UTC) + RENEW_BEFORE


def _make(target: Certificates) -> None:
    target.folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key, now)
    _write(target.leaf, *_signed(ca, ca_key, now - SLACK, now + LIFE))
    _write(target.expired, *_signed(ca, ca_key, now - 2 * SLACK, now - SLACK))
    _write(target.ca, ca.public_bytes(Encoding.PEM))


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("mastertrading local exchange (test only)")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    built = _builder(name, name, key, now - 3 * SLACK, now + LIFE)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    built = built.add_extension(usage, critical=True)
    built = built.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    return built.sign(key, hashes.SHA256())


def _signed(
    ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, since: datetime, until: datetime
) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(name) for domain in DOMAINS for name in (domain, f"*.{domain}")]
    local = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    built = _builder(_name("local exchange"), ca.subject, key, since, until)
    built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    built = built.add_extension(x509.SubjectAlternativeName([*names, *local]), critical=False)
    built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    built = built.add_extension(issuer, critical=False)
    certificate = built.sign(ca_key, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), secret


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    since: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write(path: Path, *parts: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(b"".join(parts))
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
