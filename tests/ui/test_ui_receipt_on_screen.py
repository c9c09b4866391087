"""Where the paper does not come, code and number stand on the screen, in every look."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtQuick import QQuickItem
from ui_layout_reading import whole
from ui_window_showing import Shower, Shown, settle

from ui.samples import NUMBER

ROUNDS = 100  # a busy machine breaks a page into its parts later


@pytest.mark.parametrize(
    "look",
    [
        "normal-zh",
        "elder-zh",
        "largest-en",
        "landscape-normal-zh",
        "landscape-largest-en",
        "small-normal-zh",
        "small-largest-en",
        "small-elder-low-en",
        "low-zh",
        "elder-low-zh",
        "elder-low-en",
        "elder-en",
        "small-low-zh",
        "small-low-en",
        "landscape-low-zh",
        "landscape-low-en",
    ],
)
def test_number_and_code_can_be_photographed_together(show: Shower, look: str) -> None:
    shown = show("standby", look)
    states = ["paper_out", "unknown", "unavailable"]
    if "elder" in look or "largest" in look:
        states.append("declined")  # with ordinary type it is a picture beside the states
    if "low" in look or look in ("elder-en", "largest-en"):  # the least room
        states.append("reprint_paper_out")
    if look in ("elder-en", "elder-low-en", "small-low-en"):  # the longest words, most to be said
        states.append("to_follow_paper_out")
    for state in states:
        shown.show(f"accepted-{state}")
        assert stays(shown, is_number), state
        assert stays(shown, is_code), state


@pytest.mark.parametrize(
    "look",
    [
        "largest-en",
        "elder-low-en",
        "landscape-normal-en",
        "landscape-elder-en",
        "landscape-low-zh",
        "small-largest-en",
        "small-low-zh",
    ],
)
def test_who_comes_back_reads_the_number_without_turning(show: Shower, look: str) -> None:
    shown = show("earlier_application-asked_card_gone", look)
    assert stays(shown, is_number)


@pytest.mark.parametrize("look", ["small-low-zh", "elder-en"])
def test_that_no_receipt_came_out_stands_on_the_button_that_prints_it(
    show: Shower, look: str
) -> None:
    shown = show("earlier_application-waiting", look)
    told = [item for item in shown.items() if says_it_did_not_come_out(item)]
    assert told
    for item in told:
        assert is_on_a_button(item), item.property("text")


@pytest.mark.parametrize("look", ["elder-zh", "largest-en"])
def test_who_is_not_sure_of_the_paper_can_print_again_without_turning(
    show: Shower, look: str
) -> None:
    shown = show("accepted-unknown", look)
    assert shown.named("再打印一次" if look.endswith("zh") else "Print again")


@pytest.mark.parametrize(
    ("sample", "look"),
    [
        ("accepted-printed", "small-largest-en"),
        ("accepted-printed", "largest-en"),
        ("accepted-to_follow_printed", "elder-low-en"),
    ],
)
def test_the_number_is_on_the_first_page_where_paper_comes(
    show: Shower, sample: str, look: str
) -> None:
    assert stays(show(sample, look), is_number)


def stays(shown: Shown, wanted: Callable[[QQuickItem], bool]) -> bool:
    """Whether such an item is whole on the first page, also once the page was broken into parts."""
    in_a_row = 0
    for _ in range(ROUNDS):
        found = any(wanted(item) and whole(item) for item in shown.items())
        in_a_row = in_a_row + 1 if found else 0
        if in_a_row == 2:
            return True
        settle()
    return False


def says_it_did_not_come_out(item: QQuickItem) -> bool:
    text = str(item.property("text") or "")
    return item.isVisible() and ("没有打出来" in text or "not come out" in text)


def is_on_a_button(item: QQuickItem) -> bool:
    at: QQuickItem | None = item
    while at is not None:
        if at.property("pressable") is True:
            return True
        at = at.parentItem()
    return False


def is_number(item: QQuickItem) -> bool:
    return bool(item.property("text") == grouped_number())


def is_code(item: QQuickItem) -> bool:
    return item.metaObject().className().startswith("QrCode")


def grouped_number() -> str:
    return " ".join(NUMBER[at : at + 4] for at in range(0, len(NUMBER), 4))
