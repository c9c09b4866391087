"""Encryption by a key that encrypts one thing only: dropping the key erases the thing for good."""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_NONCE: Final = bytes(12)  # a key is never used twice


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def encrypt(key: bytes, content: bytes, place: bytes) -> bytes:
    """AES-256-GCM; opens for the same `place` only."""
    return AESGCM(key).encrypt(_NONCE, content, place)


def decrypt(key: bytes, kept: bytes, place: bytes) -> bytes | None:
    """The content; None when it is not what was encrypted with this key for this place."""
    try:
        return AESGCM(key).decrypt(_NONCE, kept, place)
    except (InvalidTag, ValueError):
        return None
