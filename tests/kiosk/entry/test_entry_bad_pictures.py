"""Pictures from outside may be anything: `kiosk scan` and `kiosk page` say what, and go on."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import segno
from PIL import Image as Pillow

from kiosk.documents.picture import PictureFault, read_picture
from kiosk.entry.commands import page, scan


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is so wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def saved(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


GREY = Pillow.new("L", (300, 200), 128)
PICTURES = {
    "empty": (b"", "not_a_picture"),
    "text": (b"<html>no picture</html>", "not_a_picture"),
    "cut": (saved(GREY, "PNG")[:60], "not_a_picture"),
    "bomb": (claiming(60_000, 60_000), "too_large"),
    "one column of 50 million": (claiming(1, 49_999_999), "too_large"),
    "one row of 50 million": (claiming(49_999_999, 1), "too_large"),
    "avif that is none": (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(400), "not_a_picture"),
    "texture of a game": (saved(Pillow.new("P", (64, 64)), "BLP")[:900], "not_a_picture"),
    "larger than any file of a camera": (bytes((64 << 20) + 1), "too_large"),
    "one-pixel": (saved(Pillow.new("RGB", (1, 1)), "PNG"), None),
    "one-row": (saved(Pillow.new("L", (900, 1)), "PNG"), None),
    "16-bit": (saved(Pillow.new("I;16", (300, 200), 30_000), "PNG"), None),
    "cmyk": (saved(Pillow.new("CMYK", (300, 200)), "JPEG"), None),
    "animated": (saved(GREY, "GIF", save_all=True, append_images=[GREY.rotate(9)]), None),
}


@pytest.mark.fault(24)
@pytest.mark.parametrize("name", PICTURES)
def test_a_bad_picture_has_a_clear_answer(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, fault = PICTURES[name]
    file = tmp_path / f"{name}.bin"
    file.write_bytes(data)
    for command in (scan, page):
        code = command.run([file], json=True)
        answer = json.loads(capsys.readouterr().out)
        assert answer["file"] == str(file)
        if fault is None:
            assert code == 0
            assert answer["ok"] is True
            assert answer.get("codes", []) == []
        else:
            assert code != 0
            assert answer["ok"] is False
            assert answer["fault"] == fault


def test_a_picture_file_never_starts_a_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostScript is a program, and Pillow would start ghostscript to draw it."""
    tools = tmp_path / "bin"
    tools.mkdir()
    started = tmp_path / "started"
    ghostscript = tools / "gs"
    ghostscript.write_text(f"#!/bin/sh\n: > {started}\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    file = tmp_path / "photo.jpg"
    file.write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n"
        b"0 0 100 100 rectfill\nshowpage\n%%EOF\n"
    )
    for command in (scan, page):
        assert command.run([file], json=True) == 4
        assert json.loads(capsys.readouterr().out)["fault"] == "not_a_picture"
    assert not started.exists()


@pytest.mark.parametrize("name", ["pipe", "device", "folder"])
def test_only_files_are_read_pipes_and_devices_are_not_waited_for(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe that nobody writes to hangs whoever opens it; /dev/zero never ends."""
    odd = {"pipe": tmp_path / "pipe", "device": Path("/dev/zero"), "folder": tmp_path}[name]
    if name == "pipe":
        os.mkfifo(odd)
    good = tmp_path / "good.png"
    good.write_bytes(saved(GREY, "PNG"))
    for command in (scan, page):
        assert command.run([odd, good], json=True) == 3
        first, second = map(json.loads, capsys.readouterr().out.splitlines())
        assert (first["fault"], first["file"]) == ("unreadable_path", str(odd))
        assert second["ok"] is True


def test_whatever_a_decoder_raises_is_a_fault_of_its_own_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, good = tmp_path / "odd.gif", tmp_path / "good.png"
    odd.write_bytes(saved(GREY, "GIF"))
    good.write_bytes(saved(GREY, "PNG"))

    def fail(*_: object) -> None:
        raise RuntimeError("a hole in a decoder")

    monkeypatch.setattr("PIL.GifImagePlugin.GifImageFile.load", fail)
    monkeypatch.setattr("PIL.GifImagePlugin.GifImageFile.load_prepare", fail)
    monkeypatch.setattr(cv2, "imdecode", decode_no_gif)
    for command in (scan, page):
        assert command.run([odd, good], json=True) == 4
        first, second = map(json.loads, capsys.readouterr().out.splitlines())
        assert (first["fault"], second["ok"]) == ("not_a_picture", True)


UNPACK = cv2.imdecode


def decode_no_gif(data: np.ndarray, way: int) -> np.ndarray | None:
    return None if bytes(data[:3]) == b"GIF" else UNPACK(data, way)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "GIF"])
def test_what_is_see_through_is_white_as_on_paper(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A code that a phone saved: black on a ground that is clear, and black if one forgets that."""
    code = io.BytesIO()
    segno.make("ZW1.clear", micro=False).save(code, kind="png", scale=6)
    printed = Pillow.open(code).convert("L")
    clear = Pillow.new("RGBA", printed.size)
    clear.putalpha(printed.point(lambda level: 255 - level))
    file = tmp_path / "code.bin"
    file.write_bytes(saved(clear, kind, **({"lossless": True} if kind == "WEBP" else {})))
    read = read_picture(file)
    assert not isinstance(read, PictureFault)
    assert read[0, 0].tolist() == [255, 255, 255]
    assert scan.run([file], json=True) == 0
    (found,) = json.loads(capsys.readouterr().out)["codes"]
    assert found["text"] == "ZW1.clear"


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    "data",
    [
        b"\x1b[2J\x07\x00\r\n",
        b"<script>alert(1)</script>",
        b"https://example.com/?x=1",
        bytes(range(128, 256)),
    ],
)
def test_whatever_a_code_says_is_only_told(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "code.png"
    segno.make(data, micro=False).save(str(file), scale=5, border=5)
    assert scan.run([file], json=True) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert [code["format"] for code in json.loads(line)["codes"]] == ["QR_CODE"]
    assert scan.run([file], json=False) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_the_largest_code_there_is_is_told_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits = "0123456789" * 708 + "012345678"  # 7,089: no QR code holds more
    file = tmp_path / "code.png"
    segno.make(digits, error="l", boost_error=False).save(str(file), scale=4, border=5)
    assert scan.run([file], json=True) == 0
    (code,) = json.loads(capsys.readouterr().out)["codes"]
    assert code["text"] == digits
