"""`kiosk scan` and `kiosk page`: one line a file, and exit codes that scripts can rely on."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import segno

from kiosk.entry.commands import page, scan


@pytest.fixture
def code(tmp_path: Path) -> Path:
    file = tmp_path / "code.png"
    segno.make("ZW1.测试", micro=False).save(str(file), scale=6)
    return file


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    file = tmp_path / "plain.png"
    cv2.imwrite(str(file), np.full((300, 400, 3), 90, np.uint8))
    return file


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    file = tmp_path / "paper.png"
    picture = np.full((600, 800, 3), 60, np.uint8)
    picture[60:540, 230:570] = 235
    for y in range(100, 500, 24):
        cv2.putText(picture, "REGISTER 0123456789", (250, y), 0, 0.7, (40, 40, 40), 2)
    cv2.imwrite(str(file), picture)
    return file


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_scan_tells_what_codes_say(code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan.run([code], json=True) == 0
    (answer,) = lines(capsys)
    assert answer["ok"] is True
    (one,) = answer["codes"]  # type: ignore[misc]
    assert (one["format"], one["text"], len(one["corners"])) == ("QR_CODE", "ZW1.测试", 4)
    assert isinstance(answer["ms"], float)


def test_nothing_found_is_done(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan.run([plain], json=True) == 0
    assert page.run([plain], json=True) == 0
    scanned, searched = lines(capsys)
    assert scanned["codes"] == []
    assert (searched["ok"], searched["found"], searched["advice"]) == (True, False, ["no_page"])


@pytest.mark.parametrize("command", [scan, page])
def test_the_highest_exit_code_of_all_files_counts(
    command: object, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff nothing")
    missing = tmp_path / "missing.jpg"
    assert command.run([missing, plain], json=True) == 3  # type: ignore[attr-defined]
    assert command.run([broken, missing, plain], json=True) == 4  # type: ignore[attr-defined]
    faults = [answer.get("fault") for answer in lines(capsys)]
    assert faults == ["unreadable_path", None, "not_a_picture", "unreadable_path", None]


def test_page_finds_straightens_and_judges(
    paper: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pages"
    assert page.run([paper], json=True, out=out) == 0
    assert page.run([paper], json=True, out=out) == 0
    first, second = lines(capsys)
    assert first["found"] is True
    corners = np.array(first["corners"])
    assert np.abs(corners - [[230, 60], [570, 60], [570, 540], [230, 540]]).max() < 2
    assert 0 <= first["confidence"] <= 1  # type: ignore[operator]
    assert first["page"] != second["page"]  # nothing is overwritten
    straight = cv2.imread(str(first["page"]))
    assert straight is not None
    assert abs(straight.shape[0] / straight.shape[1] - 2**0.5) < 0.03


def test_what_cannot_be_written_is_named_beside_the_picture(
    paper: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nowhere = tmp_path / "a file"
    nowhere.write_bytes(b"")
    assert page.run([paper], json=True, out=nowhere / "pages") == 4

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as half:
            half.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert page.run([paper], json=True, out=tmp_path / "full") == 4
    folder, disk = lines(capsys)
    assert (folder["fault"], folder["file"]) == ("cannot_write", str(paper))
    assert folder["path"] == str(nowhere / "pages")
    target = tmp_path / "full" / f"{paper.stem}.page.jpg"
    assert (disk["fault"], disk["file"], disk["path"]) == (
        "cannot_write",
        str(paper),
        str(target),
    )
    assert disk["detail"] == "No space left on device"
    assert not target.exists()  # no half of a page is left


def test_page_takes_a_picture_of_the_empty_plate(
    paper: Path, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.full((600, 800, 3), 60, np.uint8))
    assert page.run([paper], json=True, plate=empty) == 0
    assert lines(capsys)[0]["found"] is True
    assert page.run([paper], json=True, plate=tmp_path / "missing.png") == 3
    assert lines(capsys)[0]["fault"] == "unreadable_path"


def test_every_picture_has_its_line_when_the_plate_or_the_folder_cannot_be_used(
    paper: Path, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"nothing")
    missing = tmp_path / "missing.png"
    assert page.run([paper, plain], json=True, plate=missing) == 3
    assert [(one["file"], one["path"]) for one in lines(capsys)] == [
        (str(paper), str(missing)),
        (str(plain), str(missing)),
    ]
    assert page.run([paper, broken], json=True, plate=missing) == 4
    assert [one["fault"] for one in lines(capsys)] == ["unreadable_path", "not_a_picture"]
    assert page.run([paper, plain], json=True, out=broken) == 4
    assert [(one["fault"], one["file"]) for one in lines(capsys)] == [
        ("cannot_write", str(paper)),
        ("cannot_write", str(plain)),
    ]
    assert page.run([paper], json=False, plate=missing) == 3
    assert str(missing) in capsys.readouterr().out


def test_a_plate_of_one_pixel_is_none(
    paper: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dot = tmp_path / "dot.png"
    cv2.imwrite(str(dot), np.zeros((1, 1, 3), np.uint8))
    assert page.run([paper], json=True, plate=dot) == 4
    (answer,) = lines(capsys)
    assert (answer["fault"], answer["path"]) == ("not_a_picture", str(dot))


def test_a_name_that_leaves_no_room_for_more_is_a_fault_of_that_file(
    paper: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = tmp_path / ("l" * 249 + ".png")
    long.write_bytes(paper.read_bytes())
    assert page.run([long, paper], json=True, out=tmp_path / "pages") == 4
    first, second = lines(capsys)
    assert (first["fault"], first["file"], second["ok"]) == ("cannot_write", str(long), True)


@pytest.mark.parametrize("command", [scan, page])
def test_a_name_in_another_character_set_is_told_in_one_json_line(
    command: ModuleType, plain: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A stick from an old computer: names in GBK, which are no UTF-8."""
    odd = plain.with_name(os.fsdecode("名".encode("gbk") + b"\n\x1b[2J.png"))
    odd.write_bytes(plain.read_bytes())
    assert command.run([odd, odd.with_suffix(".none")], json=True) == 3
    for line in capsysbinary.readouterr().out.decode("utf-8").splitlines():
        name = json.loads(line)["file"]
        assert name.startswith(f"{plain.parent}/\\xc3\\xfb\n\x1b[2J.")
    assert command.run([odd, odd.with_suffix(".none")], json=False) == 3
    told = capsysbinary.readouterr().out
    assert b"\x1b" not in told
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize(
    ("turns", "advice"), [(0, None), (1, "sideways"), (2, "upside_down"), (3, "sideways")]
)
def test_a_page_that_lies_turned_is_written_upright(
    turns: int, advice: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its corners begin with the one that is top left on the page, as in its file."""
    picture = np.full((1400, 1400, 3), 50, np.uint8)
    picture[200:1200, 350:1050] = 235
    for y in range(280, 1150, 50):
        cv2.putText(picture, "REGISTER FORM 2345 ABRK", (390, y), 0, 1.4, (30, 30, 30), 3)
    upright = picture[200:1200, 350:1050]
    file = tmp_path / "turned.png"
    cv2.imwrite(str(file), np.rot90(picture, -turns))  # clockwise
    assert page.run([file], json=True, out=tmp_path / "pages") == 0
    (answer,) = lines(capsys)
    written = cv2.imread(str(answer["page"]))
    assert written is not None
    same = cv2.resize(written, (upright.shape[1], upright.shape[0]))
    assert np.corrcoef(same.ravel(), upright.ravel())[0, 1] > 0.9
    quality = answer["quality"]
    assert (quality["height_px"], quality["width_px"]) == written.shape[:2]  # type: ignore[index]
    corner = np.array([350.0, 200.0])  # the page's own, before it was turned
    for _ in range(turns):
        corner = np.array([1399 - corner[1], corner[0]])
    assert np.abs(np.array(answer["corners"])[0] - corner).max() < 2  # type: ignore[index]
    told = {"sideways", "upside_down"} & set(answer["advice"])  # type: ignore[call-overload]
    assert told == ({advice} if advice else set())


def test_people_get_plain_lines(
    code: Path, paper: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan.run([code, paper], json=False) == 0
    assert page.run([paper], json=False) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("QR_CODE ZW1.测试")
    assert told[1].endswith("no code")
    assert ": page, " in told[2]
