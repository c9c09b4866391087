"""Attachments are kept whole, encrypted, and checked when they are read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cache_world import ok
from hypothesis import given
from hypothesis import strategies as st

from offline_cache.blobs import Blobs
from offline_cache.faults import StoreFault, StoreFaultCode

PAGE = b"%PDF-1.7 household register " * 1000


@given(content=st.binary(max_size=4096))
def test_what_was_put_is_what_is_read(tmp_path_factory: object, content: bytes) -> None:
    blobs = Blobs(tmp_path_factory.mktemp("b"), bytes(32))  # type: ignore[attr-defined]
    name = ok(blobs.put(content))
    assert name == hashlib.sha256(content).hexdigest()
    assert blobs.get(name) == content
    assert ok(blobs.put(content)) == name
    assert list(blobs.names()) == [name]


def test_the_disk_shows_nothing_of_it(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, bytes(32))
    name = ok(blobs.put(PAGE))
    assert b"household" not in (tmp_path / name).read_bytes()
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    other = Blobs(tmp_path, b"k" * 32).get(name)
    assert isinstance(other, StoreFault) and other.code is StoreFaultCode.DAMAGED


@given(at=st.integers(0, 3000), bit=st.integers(0, 7))
def test_one_wrong_bit_is_found(tmp_path_factory: object, at: int, bit: int) -> None:
    folder = tmp_path_factory.mktemp("b")  # type: ignore[attr-defined]
    blobs = Blobs(folder, bytes(32))
    name = ok(blobs.put(PAGE[:2969]))
    kept = bytearray((folder / name).read_bytes())
    kept[at] ^= 1 << bit
    (folder / name).write_bytes(kept)
    found = blobs.get(name)
    assert isinstance(found, StoreFault) and found.code is StoreFaultCode.DAMAGED
    assert ok(blobs.put(PAGE[:2969])) == name  # putting it again mends it
    assert blobs.get(name) == PAGE[:2969]


def test_a_file_cannot_stand_in_for_another(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, bytes(32))
    first, second = ok(blobs.put(b"first")), ok(blobs.put(b"second"))
    (tmp_path / first).replace(tmp_path / second)
    found = blobs.get(second)
    assert isinstance(found, StoreFault) and found.code is StoreFaultCode.DAMAGED


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        Blobs(tmp_path, bytes(32)).get("../keys/database.key")


def test_a_writer_cut_off_leaves_nothing_that_counts(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, bytes(32))
    (tmp_path / f".{'a' * 64}.1234.tmp").write_bytes(b"half")
    assert list(blobs.names()) == []
    blobs.erase_leavings()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_said_so(tmp_path: Path) -> None:
    found = Blobs(tmp_path / "none", bytes(32)).get("0" * 64)
    assert isinstance(found, StoreFault) and found.code is StoreFaultCode.NOT_FOUND
    assert Blobs(tmp_path / "none", bytes(32)).erase("0" * 64) is None
