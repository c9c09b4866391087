"""Encryption by a key that encrypts one thing only: dropping the key erases the thing for good."""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_NONCE: Final = bytes(12)  # a key is never used twice


class NewKey:
    """A new key, set up to encrypt one thing. Setting up costs more than encrypting a small one."""

    __slots__ = ("_cipher", "key")

    def __init__(self) -> None:
        self.key: Final = secrets.token_bytes(KEY_BYTES)
        self._cipher: AESGCM | None = AESGCM(self.key)

    def encrypt(self, content: bytes, place: bytes) -> bytes:
        """AES-256-GCM; opens for the same `place` only. Once: a second time is a bug."""
        cipher, self._cipher = self._cipher, None
        if cipher is None:
            raise RuntimeError("this key has encrypted its one thing")
        return cipher.encrypt(_NONCE, content, place)


def decrypt(key: bytes, kept: bytes, place: bytes) -> bytes | None:
    """The content; None when it is not what was encrypted with this key for this place."""
    try:
        return AESGCM(key).decrypt(_NONCE, kept, place)
    except (InvalidTag, ValueError):
        return None
