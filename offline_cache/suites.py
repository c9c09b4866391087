"""What is asked of the cryptography behind an envelope."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol


class SuiteId(IntEnum):
    AES256GCM_P256 = 1
    SM4GCM_SM2 = 2


class Cipher(Protocol):
    """Set up with one content key. Setting up costs more than encrypting a small content."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        """Ciphertext and 16 bytes of tag. It is used for one `nonce` of 12 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A fresh content key, set up, and what only the hub can get it back from."""

    key_part: bytes
    cipher: Cipher = field(repr=False)


class Suite(Protocol):
    """What is asked of a cryptographic module. A certified one (SDF, SKF) is plugged in here."""

    @property
    def id(self) -> SuiteId: ...

    def wrap(self, public_key: bytes) -> Wrapped:
        """A fresh content key for the holder of `public_key` (SPKI DER).

        Raises ValueError when that is no public key of this suite.
        """
        ...
