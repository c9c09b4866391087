"""Room is looked at before a citizen begins; a reserve is kept for the one who is at work."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from offline_cache import disk
from offline_cache.disk import Disk, Room
from offline_cache.faults import StoreFault

Usage = namedtuple("Usage", "total used free")
MB = 1 << 20


class _Fake:
    """A disk of 1000 MB with so much free."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free_mb = 900
        monkeypatch.setattr(
            disk.shutil,
            "disk_usage",
            lambda _: Usage(1000 * MB, 0, self.free_mb * MB),
        )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> _Fake:
    return _Fake(monkeypatch)


def _disk(data: Path) -> Disk:
    return Disk(data, reserve_bytes=MB, full_free_bytes=10 * MB, tight_free_bytes=100 * MB)


@pytest.mark.parametrize(
    ("free_mb", "room"),
    [
        (900, Room.PLENTY),
        (302, Room.PLENTY),
        (299, Room.WARN),
        (101, Room.WARN),
        (99, Room.TIGHT),
        (11, Room.TIGHT),
        (9, Room.FULL),
        (0, Room.FULL),
    ],
)
def test_what_is_begun_depends_on_the_room(
    tmp_path: Path, fake: _Fake, free_mb: int, room: Room
) -> None:
    one = _disk(tmp_path)
    one.look()  # the reserve is made while there is room
    fake.free_mb = free_mb
    assert one.look() is room


def test_the_reserve_is_given_once_and_taken_back_when_there_is_room(
    tmp_path: Path, fake: _Fake
) -> None:
    one = _disk(tmp_path)
    assert one.look() is Room.PLENTY
    assert (tmp_path / "reserve").stat().st_size == MB
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= MB  # real room, not a hole
    fake.free_mb = 5
    assert one.release()
    assert not one.release()
    fake.free_mb = 6
    assert one.look() is Room.FULL  # nobody new begins on what the reserve gave
    assert not (tmp_path / "reserve").exists()
    fake.free_mb = 500
    assert one.look() is Room.PLENTY
    assert (tmp_path / "reserve").exists()


def test_a_disk_that_cannot_be_looked_at_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert isinstance(_disk(tmp_path / "file" / "data").look(), StoreFault)


def test_a_real_disk_without_room_for_the_reserve_is_full(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert Disk(tmp_path, reserve_bytes=free + MB).look() is Room.FULL
    assert not (tmp_path / "reserve").exists()
