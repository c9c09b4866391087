"""Who this terminal is at the hub: its key, its certificate, and the one authority it believes.

Everything here is X.509 as the hub's own small authority makes it (P-256, PEM). The secret is the
32 bytes of `offline_cache.keys`; it leaves this process for no file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import stat
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import make_private_folder, write_whole

CODE_CHARACTERS: Final = 8  # ABCD-EFGH, what the hub gives once
PIN_BYTES: Final = 16  # of the SHA-256 over the authority's public key
PIN_CHARACTERS: Final = 26  # those bytes in base32 without padding
# What a hand makes of base32: it has no 0, 1 or 8.
_MISREAD: Final = str.maketrans("018", "OIB")
_CURVE_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Identity:
    """`certificate` and `ca` are PEM; `ca` may hold two authorities while one takes over."""

    terminal: str
    certificate: str = field(repr=False)
    ca: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """What staff reads to the technician. `pin` tells our authority from anybody's."""

    code: str = field(repr=False)
    pin: bytes


class DeviceKey:
    """The P-256 key of this terminal's certificate. Never printed."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: 32 random bytes."""
        scalar = int.from_bytes(secret) % (_CURVE_ORDER - 1) + 1
        self._key = ec.derive_private_key(scalar, ec.SECP256R1())

    def __repr__(self) -> str:
        return "DeviceKey()"

    def request(self) -> str:
        """A certificate request, PEM. The name in it is only polite: the hub knows who asks."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "terminal")])
        request = x509.CertificateSigningRequestBuilder().subject_name(name)
        signed = request.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def pem(self) -> bytes:
        """The private key for the TLS library. Keep it off every disk."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def fits(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate is for this key."""
        return bool(certificate.public_key() == self._key.public_key())


def read_code(typed: str) -> OneTimeCode | None:
    """The code as typed: blanks, hyphens and small letters do not matter. None when it is none."""
    plain = re.sub(r"[\s\-]", "", typed).upper()
    code, pin = plain[:CODE_CHARACTERS], plain[CODE_CHARACTERS:].translate(_MISREAD)
    if not code.isascii() or not code.isalnum() or len(pin) != PIN_CHARACTERS:
        return None
    try:
        digest = base64.b32decode(pin + "=" * (-len(pin) % 8))
    except binascii.Error:
        return None
    return OneTimeCode(f"{code[:4]}-{code[4:]}", digest)


def pinned_authority(ca: str, pin: bytes) -> str | None:
    """Of the certificates in `ca` the one whose public key has this pin, PEM; None: nobody's."""
    for certificate in certificates_in(ca):
        public = certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        if hmac.compare_digest(hashlib.sha256(public).digest()[:PIN_BYTES], pin):
            return certificate.public_bytes(serialization.Encoding.PEM).decode()
    return None


def certificates_in(pem: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text; none when it is not one."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return ()


def fits(identity: Identity, key: DeviceKey) -> bool:
    """Whether what the hub gave can be used at all: a certificate for our key, an authority."""
    given = certificates_in(identity.certificate)
    return bool(given) and key.fits(given[0]) and bool(certificates_in(identity.ca))


def renewal_due(identity: Identity, now: datetime) -> bool:
    """Whether a third of the certificate's life is over, or it will never come."""
    given = certificates_in(identity.certificate)
    if not given:
        return True
    begins, ends = given[0].not_valid_before_utc, given[0].not_valid_after_utc
    return now >= begins + (ends - begins) / 3


def write_identity(path: Path, identity: Identity) -> StoreFault | None:
    """Whole or not at all, and on the disk when this returns None."""
    content = json.dumps(
        {"terminal": identity.terminal, "certificate": identity.certificate, "ca": identity.ca}
    ).encode()
    try:
        make_private_folder(path.parent)
        write_whole(path, content)
    except OSError as error:
        return fault_of_os_error(error, "enrolment")
    return None


def read_identity(path: Path) -> Identity | StoreFault:
    """NOT_FOUND when the terminal was never enrolled; BAD_MODE when others could change it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            return StoreFault(StoreFaultCode.BAD_MODE, f"enrolment has mode {mode:04o}, wants 0600")
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Identity(str(kept["terminal"]), str(kept["certificate"]), str(kept["ca"]))
    except OSError as error:
        return fault_of_os_error(error, "enrolment")
    except (ValueError, KeyError, TypeError, RecursionError):
        return StoreFault(StoreFaultCode.DAMAGED, "enrolment cannot be read")
