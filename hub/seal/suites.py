"""The hub's private keys of both suites. A certified module (SDF, SKF) takes their place as another
`PrivateKey`; for an assessment under GB/T 39786 software is not enough."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from hub.seal.envelope import PrivateKey

KEY_ID_BYTES = 8
P256 = 1
SM2 = 2
SM4_KEY_BYTES = 16
NATIONAL_LIBRARY = "tongsuopy"  # the extra `national`
_INFO = b"ZW1 aes256gcm+p256"


@dataclass(frozen=True, slots=True)
class SealKey:
    """One key pair: what a terminal is told, and what opens."""

    suite: int
    public_key: bytes  # SPKI DER
    private: PrivateKey = field(repr=False)

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.public_key).digest()[:KEY_ID_BYTES]


class P256Key:
    """Suite 1: ECDH with P-256, HKDF-SHA256, AES-256-GCM."""

    suite = P256

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._point = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def opened(
        self, key_part: bytes, nonce: bytes, ciphertext: bytes, associated: bytes
    ) -> bytes | None:
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key_part)
        except ValueError:
            return None
        secret = self._key.exchange(ec.ECDH(), point)
        key = HKDF(SHA256(), 32, salt=key_part + self._point, info=_INFO).derive(secret)
        try:
            return AESGCM(key).decrypt(nonce, ciphertext, associated)
        except InvalidTag:
            return None


class Sm2Key:
    """Suite 2: SM2 for a random SM4 key, SM4-GCM for the content, by Tongsuo.

    The released library offers SM2 decryption only through the functions of its OpenSSL.
    """

    suite = SM2

    def __init__(self, key: Any) -> None:
        self._key = key

    def opened(
        self, key_part: bytes, nonce: bytes, ciphertext: bytes, associated: bytes
    ) -> bytes | None:
        from tongsuopy.crypto.ciphers.aead import SM4GCM  # noqa: PLC0415 (an extra)
        from tongsuopy.crypto.exceptions import InvalidTag as NotAuthentic  # noqa: PLC0415

        key = self._decrypted(key_part)
        if key is None or len(key) != SM4_KEY_BYTES:
            return None
        try:
            return bytes(SM4GCM(key).decrypt(nonce, ciphertext, associated))
        except NotAuthentic:
            return None

    def _decrypted(self, content: bytes) -> bytes | None:
        """EVP_PKEY_decrypt(3), twice: first it tells the room it needs."""
        backend = self._key._backend
        lib, ffi = backend._lib, backend._ffi
        context = lib.EVP_PKEY_CTX_new(self._key._evp_pkey, ffi.NULL)
        if context == ffi.NULL:
            return None
        context = ffi.gc(context, lib.EVP_PKEY_CTX_free)
        length = ffi.new("size_t *")
        size = len(content)
        try:
            if (
                lib.EVP_PKEY_decrypt_init(context) != 1
                or lib.EVP_PKEY_decrypt(context, ffi.NULL, length, content, size) != 1
            ):
                return None
            out = ffi.new("unsigned char[]", max(1, length[0]))
            if lib.EVP_PKEY_decrypt(context, out, length, content, size) != 1:
                return None
            return bytes(ffi.buffer(out, length[0]))
        finally:
            lib.ERR_clear_error()  # what was wrong with these bytes is not the next caller's


def suites_at_hand() -> tuple[int, ...]:
    """Suite 1 always; suite 2 where the extra `national` is installed."""
    return (P256,) if importlib.util.find_spec(NATIONAL_LIBRARY) is None else (P256, SM2)


def new_private_key(suite: int) -> bytes:
    """PEM, PKCS#8, not encrypted: the file's mode guards it, as it guards the database."""
    if suite == P256:
        key: Any = ec.generate_private_key(ec.SECP256R1())
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    from tongsuopy.crypto import serialization  # noqa: PLC0415
    from tongsuopy.crypto.asymciphers import ec as national  # noqa: PLC0415

    key = national.generate_private_key(national.SM2())
    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def read_private_key(suite: int, pem: bytes) -> SealKey:
    """Raises ValueError when it is not a key of this suite."""
    if suite == P256:
        key = load_pem_private_key(pem, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise ValueError("not a P-256 key")
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return SealKey(suite, public, P256Key(key))
    from tongsuopy.crypto import serialization  # noqa: PLC0415

    national_key = serialization.load_pem_private_key(pem, None)
    public = national_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return SealKey(suite, bytes(public), Sm2Key(national_key))
