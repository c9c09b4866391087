"""Secure messaging with two-key triple DES, as the field's cards do it. Pure.

Source: JR/T 0025 (PBOC) on secure messaging, whose rules the social card's COS follows:

* a card's key is the master key diversified by eight bytes of its own;
* what is enciphered has its length before it and is padded with 80 00 … to whole blocks;
* a MAC is the first four bytes of the retail MAC (ISO/IEC 9797-1, algorithm 3, padding 2) over the
  command's header and data, begun with the card's challenge.

Cards of the third generation may want SM4 instead: then a region's own authority speaks for itself.
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

BLOCK_BYTES = 8
KEY_BYTES = 16
MAC_BYTES = 4
MAC_CHALLENGE_BYTES = 4


def enciphered(key: bytes, content: bytes) -> bytes:
    """Whole blocks, each by itself; a key of eight bytes makes it single DES."""
    work = _cipher(key).encryptor()
    return work.update(content) + work.finalize()


def card_key(master: bytes, own: bytes) -> bytes:
    """The key that the card whose eight bytes are `own` was given."""
    return enciphered(master, own) + enciphered(master, bytes(byte ^ 0xFF for byte in own))


def hidden(key: bytes, content: bytes) -> bytes:
    """`content` with its length, padded and enciphered, as a command's data."""
    return enciphered(key, _whole(bytes([len(content)]) + content))


def mac(key: bytes, challenge: bytes, header: bytes, data: bytes) -> bytes:
    """Of a command: header (CLA INS P1 P2), Lc with the MAC counted in, data."""
    length = bytes([len(data) + MAC_BYTES])
    text = _whole(header + length + data, always=True)
    left, right = key[:BLOCK_BYTES], key[BLOCK_BYTES:]
    state = challenge.ljust(BLOCK_BYTES, b"\0")
    for at in range(0, len(text), BLOCK_BYTES):
        mixed = bytes(a ^ b for a, b in zip(state, text[at : at + BLOCK_BYTES], strict=True))
        state = enciphered(left, mixed)
    work = _cipher(right).decryptor()
    return enciphered(left, work.update(state) + work.finalize())[:MAC_BYTES]


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    """With the first half once more at the end, as two-key triple DES is."""
    return Cipher(TripleDES((key * 3)[:24]), modes.ECB())  # noqa: S305 - the cards' own mode


def _whole(text: bytes, *, always: bool = False) -> bytes:
    if len(text) % BLOCK_BYTES == 0 and not always:
        return text
    text += b"\x80"
    return text + bytes(-len(text) % BLOCK_BYTES)
