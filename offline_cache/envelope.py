"""Sealing for the hub: what is sealed here can be opened with the hub's private key only.

Layout of an envelope, `ZW1`:

    3  b"ZW1"
    1  suite: 1 = aes256gcm+p256, 2 = sm4gcm+sm2
    8  key id: the first 8 bytes of SHA-256 over the hub public key's SPKI DER
    1  compression: 0 none, 1 zstd with the shipped dictionary
    2  length of the key part, big endian
    n  key part: suite 1 an ephemeral P-256 point, compressed; suite 2 an SM2 ciphertext
   12  nonce
    m  ciphertext and its tag of 16

Associated data: everything before the nonce, then the context, which says what the envelope is for
(`item_context`, `attachment_context`, `card_context`), so that none can stand in for another. Suite 1's key is
HKDF-SHA256 over the ECDH secret, salted with both points; suite 2's is random and goes in the key
part. Nothing in this folder opens an envelope: the terminal cannot.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from importlib.resources import files
from typing import Final

import zstandard
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.suites import Suite, SuiteId, Wrapped

MAGIC: Final = b"ZW1"
KEY_ID_BYTES: Final = 8
NONCE_BYTES: Final = 12
HEAD: Final = struct.Struct(">3sB8sBH")
NATIONAL_LIBRARY: Final = "tongsuopy"  # the extra `national`
DICTIONARY_FILE: Final = "applications-1.zdict"  # data/train_dictionary.py makes it
# With the dictionary, 3 gives 27 % of a body in 10 microseconds; 19 gives 24 % in a hundred times as
# much, which would be felt in every seal.
ZSTD_LEVEL: Final = 3


class Compression(IntEnum):
    NONE = 0
    ZSTD = 1


@dataclass(frozen=True, slots=True)
class SealKey:
    """A public key of the hub. `public_key` is SPKI DER.

    `id`: 8 bytes, by which the hub finds its private key.
    """

    suite: SuiteId
    public_key: bytes
    id: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", hashlib.sha256(self.public_key).digest()[:KEY_ID_BYTES])


class Aes256GcmP256:
    """Suite 1, by `cryptography`."""

    id: Final = SuiteId.AES256GCM_P256
    _INFO: Final = b"ZW1 aes256gcm+p256"

    def __init__(self) -> None:
        self._last: tuple[bytes, ec.EllipticCurvePublicKey] | None = None  # the hub has one key

    def wrap(self, public_key: bytes) -> Wrapped:
        recipient = self._loaded(public_key)
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        point = _compressed(ephemeral.public_key())
        secret = ephemeral.exchange(ec.ECDH(), recipient)
        salt = point + _compressed(recipient)
        key = HKDF(SHA256(), 32, salt=salt, info=self._INFO).derive(secret)
        return Wrapped(point, AESGCM(key))

    def _loaded(self, public_key: bytes) -> ec.EllipticCurvePublicKey:
        if self._last is not None and self._last[0] == public_key:
            return self._last[1]
        try:
            loaded = load_der_public_key(public_key)
        except UnsupportedAlgorithm as error:
            raise ValueError("an unknown curve") from error
        if not isinstance(loaded, ec.EllipticCurvePublicKey) or not isinstance(
            loaded.curve, ec.SECP256R1
        ):
            raise ValueError("not a P-256 key")
        self._last = (public_key, loaded)
        return loaded


class Envelopes:
    """Makes envelopes with the suites that this terminal has. One thread at a time."""

    def __init__(self, suites: Iterable[Suite]) -> None:
        self._suites = {suite.id: suite for suite in suites}
        self._ready: tuple[SealKey, Wrapped, bytes] | None = None
        self._zstd = zstandard.ZstdCompressor(
            level=ZSTD_LEVEL, dict_data=shipped_dictionary(), write_checksum=False
        )

    def choose(self, keys: Iterable[SealKey]) -> SealKey | StoreFault:
        """The first of the hub's keys that a suite at hand can seal to."""
        wanted: list[str] = []
        for key in keys:
            if key.suite in self._suites:
                return key
            wanted.append(key.suite.name.lower())
        if not wanted:
            return StoreFault(StoreFaultCode.NO_SEAL_KEY, "the hub's key is not known yet")
        return StoreFault(StoreFaultCode.NO_SUITE, f"the hub wants {', '.join(wanted)}")

    def prepare(self, to: SealKey) -> None:
        """Make the next content key and its nonce now, while nobody waits; they are used once."""
        suite = self._suites.get(to.suite)
        if suite is None or (self._ready is not None and self._ready[0] == to):
            return
        with contextlib.suppress(ValueError):  # a key that is none is told when it is sealed to
            self._ready = (to, suite.wrap(to.public_key), os.urandom(NONCE_BYTES))

    def seal(
        self, to: SealKey, context: bytes, content: bytes, *, compress: bool
    ) -> bytes | StoreFault:
        """The envelope. NO_SUITE or BAD_KEY when `to` is not a key that can be sealed to."""
        suite = self._suites.get(to.suite)
        if suite is None:
            return StoreFault(StoreFaultCode.NO_SUITE, f"no {to.suite.name.lower()} here")
        ready, self._ready = self._ready, None
        if ready is not None and ready[0] == to:
            _, wrapped, nonce = ready
        else:
            try:
                wrapped, nonce = suite.wrap(to.public_key), os.urandom(NONCE_BYTES)
            except ValueError:
                return StoreFault(StoreFaultCode.BAD_KEY, "the hub's key is not of its suite")
        compression = Compression.NONE
        if compress:
            smaller = self._zstd.compress(content)
            if len(smaller) < len(content):
                content, compression = smaller, Compression.ZSTD
        head = HEAD.pack(MAGIC, to.suite, to.id, compression, len(wrapped.key_part))
        before = head + wrapped.key_part
        return before + nonce + wrapped.cipher.encrypt(nonce, content, before + context)


def suites_at_hand() -> tuple[Suite, ...]:
    """Suite 1 always; suite 2 where the extra `national` is installed."""
    if importlib.util.find_spec(NATIONAL_LIBRARY) is None:
        return (Aes256GcmP256(),)
    from offline_cache.national import Sm4GcmSm2  # noqa: PLC0415 - loads a library of its own

    return (Aes256GcmP256(), Sm4GcmSm2())


def shipped_dictionary() -> zstandard.ZstdCompressionDict:
    """What applications have in common, so that a small one compresses like a large one."""
    return zstandard.ZstdCompressionDict(
        files("offline_cache").joinpath("data", DICTIONARY_FILE).read_bytes()
    )


def item_context(terminal: str, epoch: str, seq: int, kind: str, item_id: str) -> bytes:
    """What binds an envelope to its item."""
    return f"item\0{terminal}\0{epoch}\0{seq}\0{kind}\0{item_id}".encode()


def attachment_context(terminal: str) -> bytes:
    """What binds an envelope to the attachments of a terminal; its content is bound by its hash."""
    return b"attachment\0" + terminal.encode()


def card_context(terminal: str, dialogue: str) -> bytes:
    """What binds an envelope to one dialogue with a social card."""
    return f"card\0{terminal}\0{dialogue}".encode()


def _compressed(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
