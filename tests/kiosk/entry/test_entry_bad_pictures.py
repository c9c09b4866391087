"""Pictures from outside may be anything: `kiosk scan` and `kiosk page` say what, and go on."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import pytest
import segno
from PIL import Image as Pillow

from kiosk.entry.commands import page, scan


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
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
    "bomb": (bomb(), "too_large"),
    "larger than any file of a camera": (bytes((64 << 20) + 1), "too_large"),
    "one-pixel": (saved(Pillow.new("RGB", (1, 1)), "PNG"), None),
    "one-row": (saved(Pillow.new("L", (900, 1)), "PNG"), None),
    "16-bit": (saved(Pillow.new("I;16", (300, 200), 30_000), "PNG"), None),
    "cmyk": (saved(Pillow.new("CMYK", (300, 200)), "JPEG"), None),
    "animated": (saved(GREY, "GIF", save_all=True, append_images=[GREY.rotate(9)]), None),
}


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
