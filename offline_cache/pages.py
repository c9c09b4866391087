"""Reads the rows of a damaged database from its pages, one by one, past whatever is broken.

SQL stops at the first bad page, and finds nothing at all when the first one is bad. Here every page is
decrypted and checked by itself, and every leaf gives the records on it. A page that fails its check
costs what stood on it and nothing else.

Source: the file format of SQLite (sqlite.org/fileformat2.html) and the design of SQLCipher 4
(zetetic.net/sqlcipher/design). A page: AES-256-CBC, then 16 bytes of initialisation vector and the
HMAC-SHA-256 over both and the page's number, little endian. The first 16 bytes of the file are the
salt, and the first page begins after them.
"""

from __future__ import annotations

import hashlib
import hmac
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

IV_BYTES: Final = 16
HMAC_BYTES: Final = 32
RESERVED_BYTES: Final = IV_BYTES + HMAC_BYTES
# What the tree leaves free at the end of a page: SQLCipher's default, also with a shorter HMAC.
TREE_RESERVED_BYTES: Final = 80
SALT_BYTES: Final = 16
FILE_HEADER_BYTES: Final = 100  # of the first page, before its tree begins
WAL_HEADER_BYTES: Final = 32
FRAME_HEADER: Final = struct.Struct(">IIIIII")
LEAF_TABLE: Final = 0x0D
LEAF_INDEX: Final = 0x0A
INNER_INDEX: Final = 0x02
MOST_OVERFLOW_PAGES: Final = (
    2000  # the largest body has a tenth of that; a damaged chain has no end
)

Value = int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Record:
    """One row, or one entry of an index (`rowid` None), as it stands in the file."""

    rowid: int | None
    values: tuple[Value, ...]


class Pages:
    """The pages of one database file and its WAL, as they would be after recovery."""

    def __init__(self, path: Path, key: bytes, page_bytes: int, salt: bytes | None = None) -> None:
        """`key`: the raw 32 bytes; `salt` where it is known better than the file's first bytes.

        Raises OSError. Use it in a `with`.
        """
        with path.open("rb") as file:
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._key = key
        self._size = page_bytes
        self._sealed_end = page_bytes - RESERVED_BYTES
        self._usable = page_bytes - TREE_RESERVED_BYTES
        mask = bytes(byte ^ 0x3A for byte in salt or self._file[:SALT_BYTES])
        self._hmac_key = hashlib.pbkdf2_hmac("sha512", key, mask, 2, 32)
        self._newer = newer_pages(path.with_name(path.name + "-wal"), page_bytes)
        self.count = max([len(self._file) // page_bytes, *self._newer])
        self.bad: set[int] = set()  # numbers of pages, from 1, that failed their check

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def records(self) -> Iterator[Record]:
        """Every record of every whole page, in no order. Fills `bad`."""
        for number in range(1, self.count + 1):
            page = self.read(number)
            if page is not None:
                yield from self._records_on(page, FILE_HEADER_BYTES if number == 1 else 0)

    def read(self, number: int) -> bytes | None:
        """A page in the clear, without its reserved end; None when it is not what was written."""
        if number < 1 or number > self.count:
            return None
        raw = self._newer.get(number) or self._file[(number - 1) * self._size : number * self._size]
        if len(raw) != self._size:
            self.bad.add(number)
            return None
        if not any(raw):
            return None  # never written
        start = SALT_BYTES if number == 1 else 0
        sealed, iv = raw[start : self._sealed_end], raw[self._sealed_end : -HMAC_BYTES]
        mac = hmac.digest(self._hmac_key, sealed + iv + number.to_bytes(4, "little"), "sha256")
        if not hmac.compare_digest(mac, raw[-HMAC_BYTES:]):
            self.bad.add(number)
            return None
        decryptor = Cipher(algorithms.AES(self._key), modes.CBC(iv)).decryptor()
        return bytes(start) + decryptor.update(sealed) + decryptor.finalize()

    def _records_on(self, page: bytes, start: int) -> Iterator[Record]:
        kind = page[start]
        if kind not in (LEAF_TABLE, LEAF_INDEX, INNER_INDEX):
            return
        cells = int.from_bytes(page[start + 3 : start + 5])
        pointers = start + (12 if kind == INNER_INDEX else 8)
        for at in range(pointers, pointers + 2 * cells, 2):
            record = self._record(page, int.from_bytes(page[at : at + 2]), kind)
            if record is not None:
                yield record

    def _record(self, page: bytes, at: int, kind: int) -> Record | None:
        if kind == INNER_INDEX:
            at += 4
        size, at = _varint(page, at)
        rowid: int | None = None
        most_here = (self._usable - 12) * 64 // 255 - 23
        if kind == LEAF_TABLE:
            rowid, at = _varint(page, at)
            most_here = self._usable - 35
        payload = self._payload(page, at, size, most_here)
        return None if payload is None else Record(rowid, _values(payload))

    def _payload(self, page: bytes, at: int, size: int, most_here: int) -> bytes | None:
        """The whole record, gathered from its overflow pages; None when one of them is bad."""
        if size <= most_here:
            return page[at : at + size]
        least = (self._usable - 12) * 32 // 255 - 23
        here = least + (size - least) % (self._usable - 4)
        here = here if here <= most_here else least
        parts = [page[at : at + here]]
        following = int.from_bytes(page[at + here : at + here + 4])
        left = size - here
        for _ in range(MOST_OVERFLOW_PAGES):
            if left <= 0:
                return b"".join(parts)
            overflow = self.read(following)
            if overflow is None:
                return None
            parts.append(overflow[4 : 4 + min(left, self._usable - 4)])
            left -= self._usable - 4
            following = int.from_bytes(overflow[:4])
        return None


def newer_pages(wal: Path, page_bytes: int) -> dict[int, bytes]:
    """The newest committed version of each page in the WAL. What was not committed is not there.
    Raises OSError."""
    try:
        content = wal.read_bytes()
    except FileNotFoundError:
        return {}
    salts = content[16:24]
    committed: dict[int, bytes] = {}
    open_frames: dict[int, bytes] = {}
    frame_bytes = FRAME_HEADER.size + page_bytes
    for at in range(WAL_HEADER_BYTES, len(content) - frame_bytes + 1, frame_bytes):
        number, pages_after, *_ = FRAME_HEADER.unpack_from(content, at)
        if content[at + 8 : at + 16] != salts:
            break  # of an older round of the WAL
        open_frames[number] = content[at + FRAME_HEADER.size : at + frame_bytes]
        if pages_after:  # the last frame of a transaction
            committed.update(open_frames)
            open_frames.clear()
    return committed


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        byte = content[at + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + place + 1
    return value << 8 | content[at + 8], at + 9


def _values(payload: bytes) -> tuple[Value, ...]:
    """The columns of a record. Raises nothing: a page is whole, or it is not read at all."""
    header_bytes, at = _varint(payload, 0)
    body = header_bytes
    values: list[Value] = []
    while at < header_bytes:
        kind, at = _varint(payload, at)
        value, body = _value(payload, kind, body)
        values.append(value)
    return tuple(values)


_INTEGER_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _value(payload: bytes, kind: int, at: int) -> tuple[Value, int]:
    if kind in _INTEGER_BYTES:
        end = at + _INTEGER_BYTES[kind]
        return int.from_bytes(payload[at:end], signed=True), end
    match kind:
        case 0:
            return None, at
        case 7:
            return struct.unpack_from(">d", payload, at)[0], at + 8
        case 8 | 9:
            return kind - 8, at
        case _:
            end = at + (kind - 12) // 2
            content = payload[at:end]
            return (content if kind % 2 == 0 else content.decode("utf-8", "replace")), end
