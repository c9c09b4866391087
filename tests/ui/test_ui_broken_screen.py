"""A screen that cannot be loaded is found when the terminal starts, never by a citizen."""

import shutil

import pytest
from ui_window_showing import Shown, sample

from ui import window
from ui.gallery import looks, view_in


def test_a_broken_screen_keeps_the_window_from_opening_and_is_named(qapp, tmp_path, monkeypatch):
    folder = tmp_path / "Screens"
    shutil.copytree(window.SCREENS_FOLDER, folder)
    broken = folder / "AcceptedScreen.qml"
    broken.write_text(broken.read_text(encoding="utf-8") + "\n}", encoding="utf-8")
    monkeypatch.setattr(window, "SCREENS_FOLDER", folder)
    look = next(looks())
    with pytest.raises(RuntimeError, match="AcceptedScreen"):
        Shown(look).open(view_in(sample("standby"), look, 1))
