"""`kiosk scan` and `kiosk page`: one line a file, and exit codes that scripts can rely on."""

from __future__ import annotations

import errno
import json
from pathlib import Path

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


def test_what_cannot_be_written_is_named_and_not_the_picture(
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
    assert (folder["fault"], folder["file"]) == ("cannot_write", str(nowhere / "pages"))
    target = tmp_path / "full" / f"{paper.stem}.page.jpg"
    assert (disk["fault"], disk["file"]) == ("cannot_write", str(target))
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


def test_people_get_plain_lines(
    code: Path, paper: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan.run([code, paper], json=False) == 0
    assert page.run([paper], json=False) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("QR_CODE ZW1.测试")
    assert told[1].endswith("no code")
    assert ": page, " in told[2]
