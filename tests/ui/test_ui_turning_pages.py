"""What does not fit on one screen is turned by buttons, and each turn shows what comes next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtQuick import QQuickItem
from PySide6.QtTest import QTest
from ui_layout_reading import clip_of, rect, whole
from ui_window_showing import Shower, Shown, seen, settle

from kiosk.flow.actions import Act
from kiosk.flow.pages import Form

ROUNDS = 100  # a busy machine breaks a page into its parts later
TURN_ON = {"zh": "下一页", "en": "More"}
READ_ON = {"zh": "看下一页", "en": "Read on"}


def frame(shown: Shown) -> QQuickItem:
    """The page itself."""
    return next(
        item
        for item in reversed(shown.items())
        if item.property("twoColumns") is not None and seen(item)
    )


def until(true: Callable[[], object]) -> None:
    for _ in range(ROUNDS):
        if true():
            return
        settle()
    raise AssertionError("it did not come")


def still(page: QQuickItem) -> None:
    """Wait until its pages are made: what is laid out late makes others."""
    before = None
    for _ in range(ROUNDS):
        now = [page.property(name) for name in ("pages", "wanted", "viewHeight")]
        if now == before:
            return
        before = now
        settle()


def press(shown: Shown, words: str) -> None:
    QTest.mouseClick(
        shown.window, Qt.MouseButton.LeftButton, pos=shown.middle(words).toPoint() + QPoint(0, -4)
    )


def texts(shown: Shown, *, now: bool) -> set[str]:
    """Every text of the page; with `now`, only what can be read without turning."""
    found = set()
    for item in shown.items():
        if not item.inherits("QQuickText") or not str(item.property("text")).strip():
            continue
        if not item.isVisible() or item.height() <= 0 or not inside(item, frame(shown)):
            continue
        room = clip_of(item)
        if now and not (seen(item) and room is not None and room.contains(rect(item).center())):
            continue
        found.add(str(item.property("text")))
    return found


def inside(item: QQuickItem, root: QQuickItem) -> bool:
    at: QQuickItem | None = item
    while at is not None and at is not root:
        at = at.parentItem()
    return at is root


@pytest.mark.parametrize(
    ("look", "sample"),
    [
        ("elder-zh", "review"),
        ("largest-en", "accepted-unknown"),
        ("largest-en", "consent"),
    ],
)
def test_whoever_turns_to_the_last_page_has_seen_every_word(
    show: Shower, look: str, sample: str
) -> None:
    shown = show(sample, look)
    page = frame(shown)
    until(lambda: page.property("pages") > 1)
    still(page)
    read = texts(shown, now=True)
    for number in range(1, page.property("pages")):
        before = texts(shown, now=True)
        press(shown, TURN_ON[look[-2:]])
        assert page.property("page") == number
        new = texts(shown, now=True) - before
        assert len(new) > 1, "a page came up blank"  # more than the 2 of 2/3
        read |= new
    assert {text for text in texts(shown, now=False) if " / " not in text} <= read


@pytest.mark.parametrize(
    ("look", "name"),
    [("small-largest-en", "张*兰"), ("landscape-largest-en", "张*兰"), ("small-elder-zh", "张*兰")],
)
def test_whoever_says_that_it_is_them_has_the_name_before_their_eyes(
    show: Shower, look: str, name: str
) -> None:
    shown = show("confirm_identity", look)
    still(frame(shown))
    assert frame(shown).property("page") == 0
    until(lambda: [i for i in shown.items() if i.property("shown") == name and whole(i)])


@pytest.mark.parametrize(
    ("look", "sample", "error"),
    [
        ("small-largest-en", "form-account_error", "One digit is wrong."),
        ("small-largest-zh", "form-account_error", "有一位对不上，请照着卡对一遍。"),
        ("small-largest-zh", "form", "只有10位，应是11位。"),
        ("elder-low-zh", "form", "只有10位，应是11位。"),
        (
            "small-largest-en",
            "form-name_error",
            "Please name the relative.",
        ),
    ],
)
def test_what_is_wrong_stands_beside_the_box_it_is_about(
    show: Shower, look: str, sample: str, error: str
) -> None:
    shown = show(sample, look)
    view = shown.window.view
    assert isinstance(view.page, Form)
    wrong = next(field.code for field in view.page.fields if field.error)
    shown.window.show_view(replace(view, page=replace(view.page, active=wrong)))  # it is corrected

    def both() -> bool:
        items = shown.items()
        said = any(i.property("text") == error and i.height() > 0 and whole(i) for i in items)
        boxes = [i.property("box") for i in items if i.property("error") == error]
        return said and all(whole(box) for box in boxes if box is not None and seen(box))

    until(both)
    still(frame(shown))
    assert both()


def test_the_columns_of_a_low_screen_begin_at_the_same_height(show: Shower) -> None:
    shown = show("home", "small-normal-zh")
    still(frame(shown))
    assert frame(shown).property("twoColumns") is True
    tops = [rect(shown.named(words)).top() for words in ("高龄津贴申领", "不会办？看这里")]
    assert tops[0] == tops[1]


def test_two_services_are_both_there_in_the_largest_type(show: Shower) -> None:
    shown = show("home", "small-largest-en")
    until(lambda: {"Old-age allowance", "Application progress"} <= set(pressable(shown)))
    still(frame(shown))
    assert {"Old-age allowance", "Application progress"} <= set(pressable(shown))


# -- what is agreed to is read first ------------------------------------------------------


@pytest.mark.parametrize(
    ("look", "sample", "agree", "act"),
    [
        ("largest-en", "consent", "I agree, go on", Act.AGREE),
        ("elder-zh", "review", "没错，去签名", Act.NEXT),
        ("small-largest-zh", "consent", "我同意，继续", Act.AGREE),
    ],
)
def test_nobody_agrees_to_what_they_have_not_seen(
    show: Shower, look: str, sample: str, agree: str, act: Act
) -> None:
    shown = show(sample, look)
    page = frame(shown)
    until(lambda: page.property("pages") > 1)
    until(lambda: READ_ON[look[-2:]] in pressable(shown))
    place = rect(shown.named(READ_ON[look[-2:]]))
    while page.property("page") + 1 < page.property("pages"):
        assert agree not in pressable(shown)
        press(shown, READ_ON[look[-2:]])
    # a second tap of a trembling hand
    QTest.mouseClick(shown.window, Qt.MouseButton.LeftButton, pos=place.center().toPoint())
    assert shown.actions == []
    until(lambda: agree in pressable(shown))
    assert rect(shown.named(agree)) == place  # nothing moves under the hand
    press(shown, {"zh": "上一页", "en": "Previous"}[look[-2:]])
    press(shown, agree)
    assert [action.act for action in shown.actions] == [act]


def test_what_stands_on_one_page_is_agreed_to_at_once(show: Shower) -> None:
    shown = show("standby")
    shown.show("consent")
    assert "看下一页" not in pressable(shown)
    press(shown, "我同意，继续")
    assert [action.act for action in shown.actions] == [Act.AGREE]


def pressable(shown: Shown) -> list[str]:
    return [
        str(item.property("words"))
        for item in shown.items()
        if item.property("pressable") is True and item.property("available") and seen(item)
    ]
