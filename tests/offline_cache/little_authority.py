"""The tests' own certificate authority: small, quick, and willing to issue what is wrong."""

from __future__ import annotations

import base64
import functools
import hashlib
import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LATER = datetime(2036, 11, 20, tzinfo=UTC)


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class LittleAuthority:
    """One authority. `issued` keeps the fingerprints of what it gave to terminals."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    issued: list[str] = field(default_factory=list)

    @property
    def pem(self) -> str:
        return pem_of(self.certificate)

    @property
    def pin(self) -> str:
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        digest = hashlib.sha256(public).digest()[:16]
        return base64.b32encode(digest).decode().rstrip("=")

    def terminal(self, request: str, name: str, begins: datetime, ends: datetime) -> str:
        """A certificate for the key of a request, PEM."""
        asked = x509.load_pem_x509_csr(request.encode())
        assert asked.is_signature_valid
        given = self._sign(_name(name), asked.public_key(), begins, ends, ())
        self.issued.append(
            hashlib.sha256(given.public_bytes(serialization.Encoding.DER)).hexdigest()
        )
        return pem_of(given)

    def server(
        self,
        names: tuple[str, ...] = ("127.0.0.1",),
        begins: datetime = LONG_AGO,
        ends: datetime = LATER,
    ) -> bytes:
        """Key and certificate of a hub, PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(_name("hub"), key.public_key(), begins, ends, names)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return private + pem_of(certificate).encode()

    def _sign(
        self,
        subject: x509.Name,
        key: object,
        begins: datetime,
        ends: datetime,
        names: tuple[str, ...],
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.certificate.subject)
            .public_key(key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())


def make_authority(name: str = "little hub") -> LittleAuthority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(LONG_AGO)
        .not_valid_after(LATER + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    return LittleAuthority(key, certificate)


@functools.cache
def the_authority() -> LittleAuthority:
    """One for all tests that do not ask for more."""
    return make_authority()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
