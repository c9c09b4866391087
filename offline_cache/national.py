"""Suite 2, the national profile: SM2 for the key, SM4-GCM for the content, by Tongsuo.

For an assessment under GB/T 39786 software is not enough: a certified module takes this place as
another `Suite`. SM2's ciphertext is ASN.1 (C1, C3, C2), as GB/T 35276 has it. The released library
offers SM2 encryption only through the functions of its OpenSSL, hence the few lines of C's manner.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from tongsuopy.crypto import serialization
from tongsuopy.crypto.asymciphers import ec
from tongsuopy.crypto.ciphers.aead import SM4GCM
from tongsuopy.crypto.exceptions import UnsupportedAlgorithm

from offline_cache.suites import SuiteId, Wrapped

SM4_KEY_BYTES: Final = 16


class Sm4GcmSm2:
    """Suite 2."""

    id: Final = SuiteId.SM4GCM_SM2

    def wrap(self, public_key: bytes) -> Wrapped:
        try:
            recipient = serialization.load_der_public_key(public_key)
        except (UnsupportedAlgorithm, TypeError) as error:
            raise ValueError("an unknown kind of key") from error
        if not isinstance(recipient, ec.EllipticCurvePublicKey) or not isinstance(
            recipient.curve, ec.SM2
        ):
            raise ValueError("not an SM2 key")
        key = secrets.token_bytes(SM4_KEY_BYTES)
        return Wrapped(_sm2_encrypt(recipient, key), SM4GCM(key))


def _sm2_encrypt(recipient: Any, content: bytes) -> bytes:
    """EVP_PKEY_encrypt(3), twice: first it tells the room it needs. Raises ValueError."""
    lib, ffi = recipient._backend._lib, recipient._backend._ffi
    context = lib.EVP_PKEY_CTX_new(recipient._evp_pkey, ffi.NULL)
    if context == ffi.NULL:
        raise ValueError("no context for SM2")
    context = ffi.gc(context, lib.EVP_PKEY_CTX_free)
    length = ffi.new("size_t *")
    size = len(content)
    if (
        lib.EVP_PKEY_encrypt_init(context) != 1
        or lib.EVP_PKEY_encrypt(context, ffi.NULL, length, content, size) != 1
    ):
        raise ValueError("SM2 refuses this key")
    out = ffi.new("unsigned char[]", length[0])
    if lib.EVP_PKEY_encrypt(context, out, length, content, size) != 1:
        raise ValueError("SM2 encryption failed")
    return bytes(ffi.buffer(out, length[0]))
