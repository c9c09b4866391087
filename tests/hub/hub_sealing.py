"""Sealing as a terminal does, for tests of the hub. Written from the agreement of the two sides."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from functools import cache
from pathlib import Path
from typing import Any

import zstandard
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

DICTIONARY = Path(__file__).resolve().parents[2] / "hub" / "data" / "applications-1.zdict"


@cache
def _packer() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(
        level=3, dict_data=zstandard.ZstdCompressionDict(DICTIONARY.read_bytes())
    )


def sealed(public_key: str, context: bytes, content: bytes, *, pack: bool = True) -> bytes:
    """A ZW1 envelope of suite 1 to a key as the hub tells it (base64 of SPKI DER)."""
    der = base64.b64decode(public_key)
    recipient = load_der_public_key(der)
    assert isinstance(recipient, ec.EllipticCurvePublicKey)
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    point = _point(ephemeral.public_key())
    key = HKDF(SHA256(), 32, salt=point + _point(recipient), info=b"ZW1 aes256gcm+p256").derive(
        ephemeral.exchange(ec.ECDH(), recipient)
    )
    head = b"ZW1" + bytes([1]) + hashlib.sha256(der).digest()[:8] + bytes([pack])
    head += len(point).to_bytes(2, "big") + point
    nonce = secrets.token_bytes(12)
    inner = _packer().compress(content) if pack else content
    return head + nonce + AESGCM(key).encrypt(nonce, inner, head + context)


def item_context(terminal: str, epoch: str, seq: int, kind: str, item_id: str) -> bytes:
    return b"\0".join(text.encode() for text in ("item", terminal, epoch, str(seq), kind, item_id))


def item_content(body: Any, attachments: list[dict[str, Any]]) -> bytes:
    return json.dumps({"body": body, "attachments": attachments}, ensure_ascii=False).encode()


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
