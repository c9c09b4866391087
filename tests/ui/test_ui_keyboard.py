"""The pinyin keyboard: it writes names, and forgets every one of them."""

import os
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from ui_window_showing import Shown, seen, settle

from kiosk.flow.actions import Act
from ui.window import QML_FOLDER

EMPTY_DICTIONARY_BYTES = 40  # the header of the engine's user dictionary without a word in it


def press(shown: Shown, name: str) -> None:
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=shown.middle(name).toPoint())
    settle(20)


def spell(shown: Shown, letters: str) -> None:
    for letter in letters:
        press(shown, f"key_{letter}")


def offered(shown: Shown) -> list[str]:
    return [
        item.property("words")
        for item in shown.items()
        if item.objectName().startswith("cand_") and item.property("words") and seen(item)
    ]


def typed(shown: Shown) -> str:
    return next(item.property("text") for item in shown.items() if item.inherits("QQuickTextInput"))


def pick(shown: Shown, character: str) -> None:
    """Choose one character, turning the row of candidates as often as needed."""
    for _ in range(60):
        for item in shown.items():
            if (
                item.objectName().startswith("cand_")
                and item.property("words") == character
                and seen(item)
            ):
                press(shown, item.objectName())
                return
        press(shown, "cand_more")
    raise AssertionError(f"{character} is not offered")


def test_pinyin_becomes_a_name(show):
    shown = show("form-name")
    before = typed(shown)
    spell(shown, "zhang")
    assert "张" in offered(shown)
    pick(shown, "张")
    assert typed(shown) == before + "张"
    assert shown.actions[-1].act is Act.SET_FIELD
    assert shown.actions[-1].value == before + "张"


def test_the_long_key_takes_the_first_character_and_delete_takes_it_back(show):
    shown = show("form-name")
    before = typed(shown)
    spell(shown, "wang")
    first = offered(shown)[0]
    press(shown, "key_space")
    assert typed(shown) == before + first
    press(shown, "key_erase")
    assert typed(shown) == before


def test_a_dot_can_stand_in_a_name(show):
    shown = show("form-name")
    before = typed(shown)
    press(shown, "key_dot")
    assert typed(shown) == before + "·"


def test_a_rare_name_written_twice_is_not_offered_to_the_next_person(show):
    shown = show("form-name")
    for _ in range(2):
        spell(shown, "zhangbiao")
        pick(shown, "仗")
        pick(shown, "膘")
        assert typed(shown).endswith("仗膘")
    shown.window.wipe()
    shown.show("form-name")
    spell(shown, "zhangbiao")
    assert not any("仗膘" in word for word in offered(shown))
    learned = Path(os.environ["XDG_CONFIG_HOME"]) / "qtvirtualkeyboard" / "pinyin"
    for file in learned.glob("*"):
        assert file.stat().st_size <= EMPTY_DICTIONARY_BYTES


def test_what_was_half_spelled_is_gone_when_the_session_ends(show):
    shown = show("form-name")
    spell(shown, "zhangb")
    assert offered(shown)
    shown.window.wipe()
    settle()
    assert offered(shown) == []


def test_no_key_leads_anywhere_else(show):
    shown = show("form-name")
    keys = {
        item.objectName()
        for item in shown.items()
        if item.objectName().startswith("key_") and seen(item)
    }
    letters = {f"key_{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"}
    assert keys == letters | {"key_dot", "key_space", "key_erase"}


def test_every_text_field_tells_the_engine_not_to_learn():
    # what is typed into a field without these hints is learned after one use
    for path in QML_FOLDER.rglob("*.qml"):
        text = path.read_text(encoding="utf-8")
        if "TextInput {" in text or "TextEdit {" in text or "TextField {" in text:
            assert "Qt.ImhSensitiveData | Qt.ImhNoPredictiveText" in text, path
