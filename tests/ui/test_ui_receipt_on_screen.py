"""Where the paper does not come, code and number stand on the screen, in every look."""

from __future__ import annotations

import pytest
from PySide6.QtQuick import QQuickItem
from ui_layout_reading import whole
from ui_window_showing import Shower, settle

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
        "small-low-en",
        "landscape-low-zh",
    ],
)
def test_number_and_code_can_be_photographed_together(show: Shower, look: str) -> None:
    shown = show("standby", look)
    states = ["paper_out", "unknown", "unavailable"]
    if "elder" in look or "largest" in look:
        states.append("declined")  # with ordinary type it is a picture beside the states
    if look in ("elder-en", "elder-low-en", "small-low-en"):  # the longest words, most to be said
        states += ["to_follow_paper_out", "reprint_paper_out"]
    for state in states:
        shown.show(f"accepted-{state}")
        for _ in range(ROUNDS):
            items = shown.items()
            numbers = [item for item in items if is_number(item) and whole(item)]
            codes = [item for item in items if is_code(item) and whole(item)]
            if numbers and codes:
                break
            settle()
        assert numbers, state
        assert codes, state


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
    shown = show(sample, look)
    for _ in range(ROUNDS):
        if any(is_number(item) and whole(item) for item in shown.items()):
            return
        settle()
    raise AssertionError("it is not there")


def is_number(item: QQuickItem) -> bool:
    return bool(item.property("text") == grouped_number())


def is_code(item: QQuickItem) -> bool:
    return item.metaObject().className().startswith("QrCode")


def grouped_number() -> str:
    return " ".join(NUMBER[at : at + 4] for at in range(0, len(NUMBER), 4))
