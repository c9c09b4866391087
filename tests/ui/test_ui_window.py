"""The window: shows what the session says, gives every press back once, lets nobody out."""

from dataclasses import replace
from typing import get_args

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt, QUrl
from PySide6.QtGui import QAccessible, QDesktopServices, QGuiApplication, QPointingDevice
from PySide6.QtTest import QTest
from ui_window_showing import seen, settle

from kiosk.flow import pages
from kiosk.flow.actions import Act
from kiosk.flow.view import LeaveQuestion, Overlay, Preferences
from ui import samples
from ui.window import SCREENS_FOLDER, screen_of, sheet_of


def test_every_page_has_a_sample_a_screen_and_a_model():
    shown = {type(one.view.page) for one in samples.samples()}
    assert shown == set(get_args(pages.Page))
    for one in samples.samples():
        name, _ = screen_of(one.view.page)
        assert (SCREENS_FOLDER / f"{name}.qml").exists()


def test_every_overlay_has_a_sample_and_a_sheet():
    shown = {type(one.view.overlay) for one in samples.samples() if one.view.overlay}
    assert shown == set(get_args(Overlay))
    for one in samples.samples():
        if one.view.overlay is not None:
            name, _ = sheet_of(one.view.overlay)
            assert (SCREENS_FOLDER / f"{name}.qml").exists()


def test_a_finger_down_shows_at_once_and_acts_when_it_leaves(show):
    shown = show("service_guide")
    begin = shown.named("开始办理")
    at = shown.middle("开始办理").toPoint()
    QTest.mousePress(shown.window, Qt.MouseButton.LeftButton, pos=at)
    assert begin.property("down") is True
    assert begin.property("sunk") == 1
    assert shown.actions == []
    QTest.mouseRelease(shown.window, Qt.MouseButton.LeftButton, pos=at)
    assert begin.property("down") is False
    assert [action.act for action in shown.actions] == [Act.BEGIN]


def test_a_screen_reader_is_told_what_stands_in_a_field_and_no_more(show):
    shown = show("form")
    fields = [
        item
        for item in shown.items()
        if seen(item) and item.metaObject().className().startswith(("Field", "NameField"))
    ]
    assert fields
    for field in fields:
        told = QAccessible.queryAccessibleInterface(field)
        assert told.text(QAccessible.Text.Name) == field.property("label")
        assert told.text(QAccessible.Text.Value) == field.property("value")


def test_a_touch_acts_like_a_press(show):
    shown = show("service_guide")
    device = QTest.createTouchDevice()
    at = shown.middle("开始办理").toPoint()
    QTest.touchEvent(shown.window, device).press(0, at, shown.window).commit()
    assert shown.named("开始办理").property("down") is True
    QTest.touchEvent(shown.window, device).release(0, at, shown.window).commit()
    assert [action.act for action in shown.actions] == [Act.BEGIN]
    assert isinstance(device, QPointingDevice)


def test_a_finger_that_slides_off_does_nothing(show):
    shown = show("service_guide")
    at = shown.middle("开始办理").toPoint()
    QTest.mousePress(shown.window, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseMove(shown.window, at - QPoint(0, 400))
    QTest.mouseRelease(shown.window, Qt.MouseButton.LeftButton, pos=at - QPoint(0, 400))
    assert shown.actions == []


def test_two_presses_are_two_actions_of_the_same_page(show):
    # the session makes one act of them: it drops what was pressed on a page that is gone
    shown = show("service_guide")
    at = shown.middle("开始办理").toPoint()
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=at)
    assert [(action.act, action.page_serial) for action in shown.actions] == [(Act.BEGIN, 1)] * 2


def test_a_press_carries_the_serial_of_its_own_page(show):
    shown = show("service_guide")
    shown.show("consent")
    QTest.mouseClick(
        shown.window, Qt.MouseButton.LeftButton, pos=shown.middle("我同意，继续").toPoint()
    )
    assert [(action.act, action.page_serial) for action in shown.actions] == [(Act.AGREE, 2)]


@pytest.mark.parametrize(
    ("words", "act"),
    [
        ("首页", Act.GO_HOME),
        ("English", Act.TOGGLE_LANGUAGE),
        ("字大小", Act.SHOW_TEXT_SIZES),
        ("声音", Act.TOGGLE_VOICE),
        ("长辈版", Act.TOGGLE_ELDER),
        ("低位", Act.TOGGLE_LOW_REACH),
        ("帮助", Act.SHOW_HELP),
    ],
)
def test_the_seven_tools_are_on_every_page(show, words, act):
    shown = show("review")
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=shown.middle(words).toPoint())
    assert [action.act for action in shown.actions] == [act]


def test_any_touch_is_reported_even_beside_every_button(show):
    shown = show("standby")
    shown.touches.clear()
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=QPoint(5, 700))
    assert len(shown.touches) == 1


def test_below_a_sheet_nothing_can_be_pressed(show):
    shown = show("service_guide")
    at = shown.middle("开始办理").toPoint()
    home = shown.middle("首页").toPoint()
    shown.window.show_view(replace(shown.window.view, overlay=LeaveQuestion()))
    settle()
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=home)
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=QPoint(10, at.y()))
    assert shown.actions == []
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=shown.middle("继续办").toPoint())
    assert [action.act for action in shown.actions] == [Act.STAY]
    shown.window.show_view(replace(shown.window.view, overlay=None))
    settle()
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=home)
    assert shown.actions[-1].act is Act.GO_HOME


def test_another_language_changes_the_words_of_the_page_that_is_shown(show):
    shown = show("consent")
    assert shown.named("我同意，继续")
    view = shown.window.view
    shown.window.show_view(replace(view, preferences=Preferences(language="en")))
    settle()
    assert shown.named("I don't agree")
    assert shown.named("Help")


def test_switching_to_low_reach_keeps_every_press_in_the_lower_half(show):
    shown = show("place_id_card")
    view = shown.window.view
    shown.window.show_view(replace(view, preferences=Preferences(low_reach=True)))
    settle(80)
    for item in shown.items():
        if item.property("pressable") is True and item.isVisible() and item.opacity() > 0:
            assert item.mapToScene(QPoint(0, 0)).y() >= 1920 / 2 - 1, item.property("words")


def test_with_voice_on_the_title_is_read_and_stops_when_the_screen_changes(show):
    shown = show("consent")
    assert shown.spoken == []
    view = replace(shown.window.view, preferences=Preferences(voice=True))
    shown.window.show_view(view)
    assert shown.spoken[-1][0].startswith("您同意读取信息吗？")
    assert shown.spoken[-1][1] == "zh"
    hushed = len(shown.hushes)
    page = next(one.view.page for one in samples.samples() if one.name == "sign")
    shown.window.show_view(replace(view, page=page, serial=2))
    assert len(shown.hushes) > hushed
    assert shown.spoken[-1][0].startswith("请用手指签上您的名字")


def test_closing_keys_and_links_do_nothing(show):
    shown = show("home")
    window = shown.window
    window.close()
    assert window.isVisible()
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_F4, Qt.Key.Key_Menu, Qt.Key.Key_Tab):
        QTest.keyClick(window, key, Qt.KeyboardModifier.AltModifier)
        QTest.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
    QTest.mouseClick(window, Qt.MouseButton.RightButton, pos=QPoint(500, 500))
    window.open()
    assert QDesktopServices.openUrl(QUrl("https://example.org/"))  # swallowed by the window
    assert window.isVisible()
    assert shown.actions == []
    assert QGuiApplication.quitOnLastWindowClosed() is False
    assert not window.event(QEvent(QEvent.Type.None_))


def test_a_session_that_ends_takes_pictures_and_clipboard_with_it(show):
    shown = show("check_page")
    QGuiApplication.clipboard().setText("张玉兰")
    assert len(shown.images) > 0
    shown.window.wipe()
    assert len(shown.images) == 0
    assert QGuiApplication.clipboard().text() == ""


def test_a_value_that_changes_keeps_the_screen_and_its_finger(show):
    shown = show("place_id_card")
    before = shown.named("place_id_card")
    view = shown.window.view
    shown.window.show_view(replace(view, page=replace(view.page, seconds_left=3)))
    settle()
    assert shown.named("place_id_card") is before


def test_in_a_smaller_window_the_scene_keeps_its_coordinates_and_its_presses(show):
    shown = show("service_guide")
    shown.window.resize(540, 960)
    settle()
    begin = shown.named("开始办理")
    assert begin.height() >= 96  # its own, of the scene
    at = shown.middle("开始办理").toPoint()  # of the window
    assert at.y() < 960
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=at)
    assert [action.act for action in shown.actions] == [Act.BEGIN]


def test_a_picture_that_is_hidden_cannot_be_kept(show):
    shown = show("check_page-hidden")
    keep = shown.named("看得清，用这张")
    assert keep.property("available") is False
    assert keep.property("shownWords") == "先放回身份证"
    QTest.mouseClick(
        shown.window, Qt.MouseButton.LeftButton, pos=shown.middle("看得清，用这张").toPoint()
    )
    assert shown.actions == []
    view = shown.window.view
    shown.window.show_view(replace(view, page=replace(view.page, image=samples.IMAGE)))
    settle()
    QTest.mouseClick(
        shown.window, Qt.MouseButton.LeftButton, pos=shown.middle("看得清，用这张").toPoint()
    )
    assert [action.act for action in shown.actions] == [Act.KEEP_PAGE]
