"""The hub's own small certificate authority, and its server certificate.

The terminals trust this authority and no other; its public key is pinned in the one-time code that
a technician types. Dates are judged by the programs of both sides, never by the handshake: a
terminal whose certificate ran out while the line was dead may still deliver, and a dead clock
battery strands nobody.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.numbers import TERMINAL_PATTERN
from hub.seal.keys import write_private

AUTHORITY_LIFE_D = 7300  # twenty years: outlives the terminals
SERVER_LIFE_D = 3650  # judged by the terminals' own rule; changed with `hub init --name` any time
TERMINAL_LIFE_D = 90
GRACE_D = 180  # an expired but known certificate may still deliver and renew
BACKDATED_S = 3600  # a terminal's clock may be behind
PIN_BYTES = 16
CSR_CHARACTERS_MAX = 4096
ALWAYS_NAMED = ("localhost",)
ALWAYS_ADDRESSED = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Issued:
    """A terminal's new certificate."""

    pem: str
    fingerprint: str
    not_after: datetime


class NotARequestError(ValueError):
    """The CSR is not one for a P-256 key, signed with it."""


@dataclass(frozen=True, slots=True)
class Authority:
    certificate: x509.Certificate
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode("ascii")

    @property
    def pin(self) -> str:
        """What the one-time code carries: base32 of the first 16 bytes of SHA-256 of the SPKI."""
        public = self.certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        digest = hashlib.sha256(public).digest()[:PIN_BYTES]
        return base64.b32encode(digest).decode("ascii").rstrip("=")

    def issue(self, terminal: str, key: ec.EllipticCurvePublicKey, now: datetime) -> Issued:
        """A client certificate for the terminal's key; of the request only the key is believed."""
        not_after = now + timedelta(days=TERMINAL_LIFE_D)
        certificate = (
            _builder(_name(terminal), self.certificate.subject, key, now, not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signing=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(_authority_id(self.certificate), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        der = certificate.public_bytes(Encoding.DER)
        pem = certificate.public_bytes(Encoding.PEM).decode("ascii")
        return Issued(pem, fingerprint(der), certificate.not_valid_after_utc)

    def issued(self, certificate: x509.Certificate) -> bool:
        """Whether this authority signed it."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def server_certificate(
        self, key: ec.EllipticCurvePublicKey, names: Sequence[str], now: datetime
    ) -> bytes:
        """PEM, for these names and addresses and always this machine's own."""
        certificate = (
            _builder(
                _name("hub"),
                self.certificate.subject,
                key,
                now,
                now + timedelta(days=SERVER_LIFE_D),
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signing=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([_general_name(name) for name in names]),
                critical=False,
            )
            .add_extension(_authority_id(self.certificate), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM)


def fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def requested_key(csr_pem: str) -> ec.EllipticCurvePublicKey:
    """The key of a certificate request. Raises NotARequestError."""
    if len(csr_pem) > CSR_CHARACTERS_MAX:
        raise NotARequestError
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode("ascii"))
        key = request.public_key()
        sound = request.is_signature_valid
    except Exception as wrong:
        raise NotARequestError from wrong
    if not sound or not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise NotARequestError
    return key


def terminal_named(certificate: x509.Certificate) -> str | None:
    """The terminal that a certificate of ours names."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        return None
    name = str(names[0].value)
    return name if re.fullmatch(TERMINAL_PATTERN, name) else None


# -- files ------------------------------------------------------------------------


def make_authority(folder: Path, now: datetime) -> bool:
    """The authority's key and certificate, unless they are there. Whether they were made."""
    if (folder / "ca.pem").exists():
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Self-service terminals' hub CA")
    certificate = (
        _builder(name, name, key.public_key(), now, now + timedelta(days=AUTHORITY_LIFE_D))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signing=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(folder / "ca.key", _private_pem(key))
    write_private(folder / "ca.pem", certificate.public_bytes(Encoding.PEM))
    return True


def make_server_certificate(folder: Path, names: Sequence[str], now: datetime) -> list[str]:
    """The server's key and a certificate for these names, unless it has one that names them all.
    What the certificate names now. ValueError if a name is none."""
    path = folder / "server.pem"
    before = _names_of(path) if path.exists() else []
    wanted = list(dict.fromkeys([*ALWAYS_NAMED, *ALWAYS_ADDRESSED, *before, *names]))
    if path.exists() and set(wanted) == set(before):
        return before
    authority = read_authority(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    content = authority.server_certificate(key.public_key(), wanted, now)
    path.unlink(missing_ok=True)
    write_private(path, _private_pem(key) + content)  # one file: key and certificate never differ
    named = [name for name in wanted if name not in (*ALWAYS_NAMED, *ALWAYS_ADDRESSED)]
    (folder / "names").unlink(missing_ok=True)
    write_private(folder / "names", "\n".join(named).encode("ascii"))
    return wanted


def read_authority(folder: Path) -> Authority:
    """Raises FileNotFoundError before `hub init`."""
    certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 (our own file)
    return Authority(certificate, key)


def _names_of(path: Path) -> list[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


# -- parts ------------------------------------------------------------------------


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - timedelta(seconds=BACKDATED_S))
        .not_valid_after(not_after.astimezone(UTC))
    )


def _usage(*, signing: bool) -> x509.KeyUsage:
    """For a server or terminal (`signing`), or for the authority."""
    return x509.KeyUsage(
        digital_signature=signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signing,
        crl_sign=not signing,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_id(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 (our own)
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
