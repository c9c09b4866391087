"""Opens envelopes as the hub would: written from the layout, for tests only."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from tongsuopy.crypto import serialization as sm_serialization
from tongsuopy.crypto.asymciphers import ec as sm_ec
from tongsuopy.crypto.ciphers.aead import SM4GCM

from offline_cache.envelope import SealKey, shipped_dictionary
from offline_cache.suites import SuiteId

VECTORS = Path(__file__).parent / "data" / "envelopes.json"


@dataclass(frozen=True, slots=True)
class HubKeyPair:
    """A key pair as the hub keeps it; `private` is PKCS 8 DER."""

    suite: SuiteId
    private: bytes
    public: bytes

    @property
    def seal_key(self) -> SealKey:
        return SealKey(self.suite, self.public)


def make_key_pair(suite: SuiteId = SuiteId.AES256GCM_P256) -> HubKeyPair:
    if suite is SuiteId.SM4GCM_SM2:
        sm = sm_ec.generate_private_key(sm_ec.SM2())
        return HubKeyPair(
            suite,
            sm.private_bytes(
                sm_serialization.Encoding.DER,
                sm_serialization.PrivateFormat.PKCS8,
                sm_serialization.NoEncryption(),
            ),
            sm.public_key().public_bytes(
                sm_serialization.Encoding.DER, sm_serialization.PublicFormat.SubjectPublicKeyInfo
            ),
        )
    key = ec.generate_private_key(ec.SECP256R1())
    return HubKeyPair(
        suite,
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )


class CannotOpenError(Exception):
    """Not sealed to this key, not for this place, or not an envelope."""


def open_envelope(pair: HubKeyPair, context: bytes, envelope: bytes) -> bytes:
    """The content, or raises CannotOpenError."""
    try:
        return _open(pair, context, envelope)
    except Exception as error:
        raise CannotOpenError(type(error).__name__) from error


def _open(pair: HubKeyPair, context: bytes, envelope: bytes) -> bytes:
    assert envelope[:3] == b"ZW1"
    suite, key_id, compression = envelope[3], envelope[4:12], envelope[12]
    size = int.from_bytes(envelope[13:15], "big")
    key_part, before = envelope[15 : 15 + size], envelope[: 15 + size]
    nonce, sealed = envelope[15 + size : 27 + size], envelope[27 + size :]
    assert suite == pair.suite
    assert key_id == hashlib.sha256(pair.public).digest()[:8]
    if suite == 1:
        key = _p256_key(pair.private, key_part)
        content = AESGCM(key).decrypt(nonce, sealed, before + context)
    else:
        key = _sm2_decrypt(pair.private, key_part)
        content = SM4GCM(key).decrypt(nonce, sealed, before + context)
    if compression == 0:
        return content
    assert compression == 1
    return zstandard.ZstdDecompressor(dict_data=shipped_dictionary()).decompress(content)


def open_item(pair: HubKeyPair, context: bytes, envelope: bytes) -> dict[str, Any]:
    """The JSON inside an item's envelope: `body` and `attachments`."""
    opened: dict[str, Any] = json.loads(open_envelope(pair, context, envelope))
    return opened


def _p256_key(private: bytes, point: bytes) -> bytes:
    key = load_der_private_key(private, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    ours = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    secret = key.exchange(ec.ECDH(), theirs)
    return HKDF(SHA256(), 32, salt=point + ours, info=b"ZW1 aes256gcm+p256").derive(secret)


def _sm2_decrypt(private: bytes, sealed: bytes) -> bytes:
    key: Any = sm_serialization.load_der_private_key(private, None)
    lib, ffi = key._backend._lib, key._backend._ffi
    context = ffi.gc(lib.EVP_PKEY_CTX_new(key._evp_pkey, ffi.NULL), lib.EVP_PKEY_CTX_free)
    assert lib.EVP_PKEY_decrypt_init(context) == 1
    size = ffi.new("size_t *")
    assert lib.EVP_PKEY_decrypt(context, ffi.NULL, size, sealed, len(sealed)) == 1
    out = ffi.new("unsigned char[]", size[0])
    if lib.EVP_PKEY_decrypt(context, out, size, sealed, len(sealed)) != 1:
        raise ValueError("SM2 does not open this")
    return bytes(ffi.buffer(out, size[0]))
