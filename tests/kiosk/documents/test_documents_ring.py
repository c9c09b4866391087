"""Previews cross from one process to the other whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.documents.ring import (
    FOLDER,
    PREFIX,
    SLOTS,
    PreviewReader,
    PreviewWriter,
    remove_ring,
    remove_stale_rings,
)


def opened(name: str) -> PreviewReader:
    reader = PreviewReader.open(name)
    assert reader is not None
    return reader


def test_the_newest_picture_is_seen_once() -> None:
    with PreviewWriter() as writer:
        reader = opened(writer.name)
        assert reader.newest() is None
        writer.write(4, 2, bytes(24))
        writer.write(2, 2, bytes(range(12)))
        frame = reader.newest()
        assert frame is not None
        assert (frame.number, frame.width, frame.height) == (2, 2, 2)
        assert frame.pixels == bytes(range(12))
        assert reader.newest(after=frame.number) is None
        reader.close()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 30)), min_size=1, max_size=3 * SLOTS))
def test_whatever_is_written_is_read(sizes: list[tuple[int, int]]) -> None:
    with PreviewWriter() as writer:
        reader = opened(writer.name)
        for number, (width, height) in enumerate(sizes, start=1):
            pixels = bytes([number]) * (width * height * 3)
            assert writer.write(width, height, pixels) == number
            frame = reader.newest(after=number - 1)
            assert frame is not None
            assert (frame.width, frame.height, frame.pixels) == (width, height, pixels)
        reader.close()


def test_a_torn_picture_is_never_shown() -> None:
    """Writer and reader race; every picture read is of one colour, and numbers only grow."""
    width, height = 640, 360
    done = threading.Event()
    with PreviewWriter() as writer:
        reader = opened(writer.name)

        def write() -> None:
            for number in range(1, 1200):
                writer.write(width, height, bytes([number % 251]) * (width * height * 3))
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        last, seen = 0, 0
        while not done.is_set():
            frame = reader.newest(after=last)
            if frame is None:
                continue
            assert frame.number > last
            assert frame.pixels == bytes([frame.number % 251]) * (width * height * 3)
            last, seen = frame.number, seen + 1
        thread.join()
        assert seen > 0
        reader.close()


def test_a_slot_that_is_being_written_is_not_read() -> None:
    """The writer stopped half way: the head of the slot says the new number, its tail does not."""
    with PreviewWriter() as writer:
        reader = opened(writer.name)
        number = writer.write(2, 1, b"abcdef")
        assert reader.newest() is not None
        size = (FOLDER / writer.name).stat().st_size
        slot = (size - 4096) // SLOTS
        with (FOLDER / writer.name).open("r+b") as file:
            file.seek(4096 + (number % SLOTS) * slot)
            file.write((number + SLOTS).to_bytes(8, "little"))
        assert reader.newest() is None
        reader.close()


def test_after_the_person_has_gone_nothing_of_the_pictures_is_left() -> None:
    with PreviewWriter() as writer:
        reader = opened(writer.name)
        for _ in range(SLOTS + 1):
            writer.write(8, 8, b"\xa5" * 192)
        writer.forget()
        assert reader.newest() is None
        assert b"\xa5" not in (FOLDER / writer.name).read_bytes()
        reader.close()


def test_the_file_is_for_this_user_only_and_gone_at_the_end() -> None:
    with PreviewWriter() as writer:
        path = FOLDER / writer.name
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


def test_a_reader_survives_the_death_of_the_writer_and_the_next_writer_cleans_up(
    root: Path,
) -> None:
    code = (
        "import os, sys\n"
        "from kiosk.documents.ring import PreviewWriter\n"
        "w = PreviewWriter(); w.write(1, 1, b'abc'); print(w.name, flush=True)\n"
        "sys.stdin.read(); os._exit(9)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    name = process.stdout.readline().strip()
    reader = opened(name)
    process.stdin.close()
    process.wait(30)
    process.stdout.close()
    frame = reader.newest()
    assert frame is not None
    assert frame.pixels == b"abc"
    assert (FOLDER / name).exists()
    remove_stale_rings()
    assert not (FOLDER / name).exists()
    assert reader.newest(after=frame.number) is None
    reader.close()
    assert PreviewReader.open(name) is None


@pytest.mark.parametrize("name", ["", "../etc/passwd", f"{PREFIX}1-zz", f"{PREFIX}1-{'0' * 16}"])
def test_a_name_that_is_none_of_ours_is_not_opened(name: str) -> None:
    assert PreviewReader.open(name) is None
    remove_ring(name)


def test_a_file_of_another_shape_is_not_opened() -> None:
    path = FOLDER / f"{PREFIX}{os.getpid()}-{'0' * 16}"
    path.write_bytes(bytes(100))
    try:
        assert PreviewReader.open(path.name) is None
    finally:
        path.unlink()


@pytest.mark.parametrize(("width", "height", "count"), [(0, 1, 0), (2, 2, 11), (1921, 1, 5763)])
def test_a_picture_that_lies_about_its_size_is_refused(width: int, height: int, count: int) -> None:
    with PreviewWriter() as writer, pytest.raises(ValueError, match="RGB"):
        writer.write(width, height, bytes(count))
