"""Opening what a terminal sealed: the `ZW1` envelope.

    3  b"ZW1"
    1  suite: 1 = aes256gcm+p256, 2 = sm4gcm+sm2
    8  key id: the first 8 bytes of SHA-256 over the hub public key's SPKI DER
    1  compression: 0 none, 1 zstd with a shipped dictionary
    2  length of the key part, big endian
    n  key part
   12  nonce
    m  ciphertext and its tag of 16

Associated data: everything before the nonce, then the context. Written from that agreement, not
with the terminals' code, so that a wrong codec cannot agree with itself. What cannot be opened is
a `SealFault`: the sender's bytes are never a reason for an exception.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Protocol

import zstandard

HEAD = struct.Struct(">3sB8sBH")
MAGIC = b"ZW1"
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_PART_BYTES_MAX = 512  # suite 1 has 33, suite 2 about 120
NOT_COMPRESSED = 0
ZSTD = 1
WINDOW_BYTES_MAX = 8 * 1_048_576  # what a frame may ask for before its content is seen
DICTIONARIES = Path(__file__).resolve().parent.parent / "data"


class SealFault(StrEnum):
    """Why bytes could not be opened."""

    NOT_AN_ENVELOPE = "not_an_envelope"
    UNKNOWN_SUITE = "unknown_suite"
    UNKNOWN_KEY = "unknown_seal_key"  # a key of another hub, or one that was not restored
    NOT_AUTHENTIC = "not_authentic"  # damaged, or sealed for another place than it came from
    NOT_UNPACKED = "not_unpacked"
    TOO_LARGE = "too_large_opened"


class PrivateKey(Protocol):
    """One of the hub's private keys: what a cryptographic module must offer."""

    @property
    def suite(self) -> int: ...

    def opened(
        self, key_part: bytes, nonce: bytes, ciphertext: bytes, associated: bytes
    ) -> bytes | None:
        """The content; None if it is not authentic."""
        ...


KeyRing = Mapping[bytes, PrivateKey]  # by key id


def open_envelope(
    sealed: bytes, context: bytes, keys: KeyRing, *, bytes_max: int
) -> bytes | SealFault:
    """The content of an envelope, unpacked, at most `bytes_max` of it."""
    if len(sealed) < HEAD.size + NONCE_BYTES + TAG_BYTES:
        return SealFault.NOT_AN_ENVELOPE
    magic, suite, key_id, compression, part_bytes = HEAD.unpack_from(sealed)
    begin = HEAD.size + part_bytes
    if (
        magic != MAGIC
        or part_bytes > KEY_PART_BYTES_MAX
        or compression not in (NOT_COMPRESSED, ZSTD)
        or len(sealed) < begin + NONCE_BYTES + TAG_BYTES
    ):
        return SealFault.NOT_AN_ENVELOPE
    if suite not in (1, 2):
        return SealFault.UNKNOWN_SUITE
    key = keys.get(key_id)
    if key is None or key.suite != suite:
        return SealFault.UNKNOWN_KEY
    content = key.opened(
        sealed[HEAD.size : begin],
        sealed[begin : begin + NONCE_BYTES],
        sealed[begin + NONCE_BYTES :],
        sealed[:begin] + context,
    )
    if content is None:
        return SealFault.NOT_AUTHENTIC
    if compression == ZSTD:
        return _unpacked(content, bytes_max)
    return content if len(content) <= bytes_max else SealFault.TOO_LARGE


def item_context(terminal: str, epoch: str, seq: int, kind: str, item_id: str) -> bytes:
    """What binds an envelope to one place of one queue; `item_id` as canonical text."""
    return "\0".join(("item", terminal, epoch, str(seq), kind, item_id)).encode()


def attachment_context(terminal: str) -> bytes:
    """What binds an envelope to a terminal's attachments."""
    return f"attachment\0{terminal}".encode()


def _unpacked(content: bytes, bytes_max: int) -> bytes | SealFault:
    """A frame says how much it holds before anything is unpacked; more than that never comes."""
    try:
        frame = zstandard.get_frame_parameters(content)
        if frame.content_size in (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR):
            return SealFault.NOT_UNPACKED
        if frame.content_size > bytes_max:
            return SealFault.TOO_LARGE
        unpack = zstandard.ZstdDecompressor(
            dict_data=_dictionaries().get(frame.dict_id), max_window_size=WINDOW_BYTES_MAX
        )
        return unpack.decompress(content, allow_extra_data=False)
    except zstandard.ZstdError:
        return SealFault.NOT_UNPACKED


@cache
def _dictionaries() -> dict[int, zstandard.ZstdCompressionDict]:
    """By the id that a frame names: terminals of several versions send at the same time."""
    read = (
        zstandard.ZstdCompressionDict(path.read_bytes())
        for path in sorted(DICTIONARIES.glob("*.zdict"))
    )
    return {dictionary.dict_id(): dictionary for dictionary in read}
