"""Attachments are kept whole, unreadable without their own key, and checked when they are read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cache_world import HandClock, ok, seal, store_in
from hypothesis import given
from hypothesis import strategies as st

from offline_cache.blobs import Blobs
from offline_cache.faults import StoreFault, StoreFaultCode

ENVELOPE = b"ZW1 sealed to the hub " * 1000


@given(envelope=st.binary(max_size=4096))
def test_what_was_put_is_what_is_read(tmp_path_factory: object, envelope: bytes) -> None:
    blobs = Blobs(tmp_path_factory.mktemp("b"))  # type: ignore[attr-defined]
    kept = ok(blobs.put(envelope))
    assert kept.sha256 == hashlib.sha256(envelope).digest()
    assert blobs.get(kept.sha256, kept.key) == envelope
    assert blobs.has(kept.sha256)


def test_a_file_needs_its_own_key_and_is_private(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "attachments")
    kept, other = ok(blobs.put(ENVELOPE)), ok(blobs.put(b"another"))
    fault = blobs.get(kept.sha256, other.key)
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.DAMAGED
    for path in (tmp_path / "attachments").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert ENVELOPE[:22] not in path.read_bytes()
    assert (tmp_path / "attachments").stat().st_mode & 0o777 == 0o700
    assert kept.key.hex() not in repr(kept)


@pytest.mark.parametrize("at", [0, 3, 4, 5, 100, -1])
def test_a_changed_byte_is_found(tmp_path: Path, at: int) -> None:
    blobs = Blobs(tmp_path)
    kept = ok(blobs.put(ENVELOPE))
    path = tmp_path / kept.sha256.hex()
    changed = bytearray(path.read_bytes())
    changed[at] ^= 1
    path.write_bytes(changed)
    fault = blobs.get(kept.sha256, kept.key)
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.DAMAGED


def test_one_file_cannot_stand_in_for_another(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    one, two = ok(blobs.put(b"one")), ok(blobs.put(b"two"))
    (tmp_path / one.sha256.hex()).write_bytes((tmp_path / two.sha256.hex()).read_bytes())
    fault = blobs.get(one.sha256, two.key)
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.DAMAGED


def test_a_torn_file_is_found(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    kept = ok(blobs.put(ENVELOPE))
    path = tmp_path / kept.sha256.hex()
    for length in (0, 3, 10, 100):
        path.write_bytes(path.read_bytes()[:length])
        assert isinstance(blobs.get(kept.sha256, kept.key), StoreFault)


def test_what_is_not_there_or_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    missing = blobs.get(bytes(32), bytes(32))
    assert isinstance(missing, StoreFault) and missing.code is StoreFaultCode.NOT_FOUND
    assert blobs.erase(bytes(32)) is None
    with pytest.raises(ValueError):
        blobs.has(b"../../etc/passwd")
    (tmp_path / "file").write_bytes(b"")
    assert isinstance(Blobs(tmp_path / "file" / "folder").put(b"x"), StoreFault)


def test_leavings_of_a_cut_are_removed_and_nothing_else(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    kept = ok(blobs.put(ENVELOPE))
    (tmp_path / f".{kept.sha256.hex()}.0a0b.tmp").write_bytes(b"half")
    blobs.erase_leavings()
    assert [path.name for path in tmp_path.iterdir()] == [kept.sha256.hex()]
    assert list(blobs.names()) == [kept.sha256]


def test_half_a_paper_that_was_written_when_the_power_went_is_gone_after_the_next_start(
    tmp_path: Path,
) -> None:
    store = store_in(tmp_path, HandClock())
    ok(seal(store))
    whole = set(store.blobs.names())
    store.database.close()  # the power is gone
    (store.blobs.folder / f".{'0a' * 32}.0a0b.tmp").write_bytes(b"half of somebody's paper")
    store = store_in(tmp_path, HandClock())
    assert {path.name for path in store.blobs.folder.iterdir()} == {name.hex() for name in whole}
    store.close()
