"""Files that may not be read: the command line says which, exit 3, and answers the others."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from kiosk.entry.cli import app


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that this user may not look into; tests may run as root, who may everything."""
    folder = tmp_path / "closed"
    folder.mkdir()
    for name in ("a.png", "kiosk.toml"):
        (folder / name).write_bytes(b"")
    allowed, opened, listed, read = os.access, os.open, Path.iterdir, Path.read_bytes

    def refuse(path: object) -> None:
        if str(path).startswith(str(folder)):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    def access(path: str, mode: int, **how: bool) -> bool:
        return not str(path).startswith(str(folder)) and allowed(path, mode, **how)

    def open_(path: str, flags: int, *more: int, **how: int) -> int:
        refuse(path)
        return opened(path, flags, *more, **how)

    def iterdir(path: Path) -> object:
        refuse(path)
        return listed(path)

    def read_bytes(path: Path) -> bytes:
        refuse(path)
        return read(path)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(Path, "iterdir", iterdir)
    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    return folder


def answers(*arguments: object) -> tuple[int, list[dict[str, object]]]:
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("command", ["scan", "page"])
def test_a_picture_that_may_not_be_read_leaves_the_others_their_lines(
    command: str, closed: Path, tmp_path: Path
) -> None:
    good = tmp_path / "good.png"
    cv2.imwrite(str(good), np.full((200, 300, 3), 90, np.uint8))
    code, lines = answers(command, closed / "a.png", good)
    assert code == 3
    assert [(one.get("fault"), one["file"]) for one in lines] == [
        ("unreadable_path", str(closed / "a.png")),
        (None, str(good)),
    ]


def test_a_plate_that_may_not_be_read_is_not_bad_use(closed: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.png"
    cv2.imwrite(str(good), np.full((200, 300, 3), 90, np.uint8))
    code, (line,) = answers("page", good, "--plate", closed / "a.png")
    assert (code, line["fault"], line["file"]) == (3, "unreadable_path", str(good))


@pytest.mark.parametrize(
    "arguments",
    [("settings", "FILE"), ("cache", "--settings", "FILE"), ("diag", "--settings", "FILE")],
)
def test_settings_that_may_not_be_read_are_not_bad_use(
    arguments: tuple[str, ...], closed: Path
) -> None:
    file = str(closed / "kiosk.toml")
    code, (line,) = answers(*(file if one == "FILE" else one for one in arguments))
    assert (code, line["fault"], line["file"]) == (3, "unreadable_path", file)


def test_a_folder_of_items_that_may_not_be_read_is_not_bad_use(closed: Path) -> None:
    code, (line,) = answers("catalogue", closed)
    assert (code, line["fault"]) == (3, "unreadable_path")


def test_what_diag_plate_cannot_do_is_bad_use_whatever_the_settings(tmp_path: Path) -> None:
    code, (line,) = answers("diag", "plate", "polish", "--settings", tmp_path / "none.toml")
    assert (code, line["fault"]) == (2, "bad_use")
