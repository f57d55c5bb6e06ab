"""TLS: a certificate that the user brings, or one that is made here for a home network."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.server.errors import CertificateError
from nitropilot.server.store.paths import config_folder
from nitropilot.server.store.private import refuse_if_shared, write_private

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate, GeneralName

LIFETIME = timedelta(days=397)
"""The longest that browsers take."""
RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True)
class Tls:
    """A certificate with its key, known to belong together.

    Attributes:
        certificate: PEM file, with the chain if there is one.
        key: PEM file.
        fingerprint: SHA-256 of the certificate, as browsers show it.
        own: Whether it was made here.
    """

    certificate: Path
    key: Path
    fingerprint: str
    own: bool

    def context(self) -> ssl.SSLContext:
        """What a server needs; TLS 1.2 or newer.

        Raises:
            CertificateError: The files cannot be read or do not fit.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # Without a password of its own OpenSSL would ask for one on the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise CertificateError(
                f"cannot use {self.certificate} with {self.key}: {reason}",
                "give a PEM certificate and its unencrypted key, or --tls for one of our own",
            ) from None
        return context


def given(certificate: Path, key: Path) -> Tls:
    """A certificate that the user brings.

    Raises:
        CertificateError: The files are missing, damaged or not each other's.
    """
    tls = Tls(certificate, key, "", own=False)
    tls.context()
    return Tls(certificate, key, fingerprint_of(certificate), own=False)


def self_made(names: Sequence[str], folder: Path | None = None) -> Tls:
    """Our own certificate: the one from before, or a new one.

    A new one is made when there is none, when the old one ends within a month, and when it
    lacks one of the names; clients then have to be told its new fingerprint.

    Args:
        names: Names and addresses that it has to hold for.
        folder: Where it is kept.

    Raises:
        CertificateError: It cannot be kept.
        TokenFileError: Others can read its key.
    """
    folder = folder or config_folder()
    certificate, key = folder / "tls-certificate.pem", folder / "tls-key.pem"
    try:
        if key.exists():
            refuse_if_shared(key, "TLS key")
        if not _still_good(certificate, key, names):
            _make(certificate, key, names)
    except OSError as error:
        raise CertificateError(
            f"cannot keep a certificate in {folder}: {error.strerror}",
            "make the folder yours to write, or name another one in NITROPILOT_CONFIG",
        ) from error
    return Tls(certificate, key, fingerprint_of(certificate), own=True)


def fingerprint_of(path: Path) -> str:
    """SHA-256 of the first certificate in a PEM file, in pairs of hexadecimal digits."""
    return fingerprint(_first(path))


def fingerprint(der: bytes) -> str:
    """The same of a certificate's bytes."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _first(path: Path) -> bytes:
    text = path.read_text(encoding="ascii", errors="replace")
    end = "-----END CERTIFICATE-----"
    start = text.find("-----BEGIN CERTIFICATE-----")
    if start < 0 or end not in text[start:]:
        raise CertificateError(f"there is no certificate in {path}", "give a PEM file")
    return ssl.PEM_cert_to_DER_cert(text[start : text.index(end, start) + len(end)])


def _still_good(certificate: Path, key: Path, names: Sequence[str]) -> bool:
    from cryptography import x509

    if not certificate.exists() or not key.exists():
        return False
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        Tls(certificate, key, "", own=True).context()
        held = set(_names_in(found))
    except (ValueError, x509.ExtensionNotFound, CertificateError):
        return False
    lasts = found.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE
    return lasts and held >= {_general(name) for name in names}


def _names_in(certificate: Certificate) -> list[GeneralName]:
    from cryptography import x509

    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return list(extension.value)


def _general(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _make(certificate: Path, key: Path, names: Sequence[str]) -> None:
    """An ECDSA P-256 key and a certificate signed with it, for servers only."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "NitroPilot")])
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of a home network differ
        .not_valid_after(now + LIFETIME - timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(identifier, False)
    )
    signed = builder.sign(private, hashes.SHA256())
    encoded = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(key, encoded.decode("ascii"))
    write_private(certificate, signed.public_bytes(serialization.Encoding.PEM).decode("ascii"))
