"""Where the paper does not come, code and number stand on the screen, in every look."""

from __future__ import annotations

import pytest
from ui_layout_reading import whole
from ui_window_showing import Shower, Shown, settle

from ui.samples import NUMBER

ROUNDS = 100  # a busy machine breaks a page into its parts later


@pytest.mark.parametrize(
    "look",
    [
        "normal-zh",
        "elder-zh",
        "normal-en",
        "largest-en",
        "landscape-normal-zh",
        "landscape-elder-zh",
        "landscape-largest-en",
        "small-normal-zh",
        "small-elder-en",
        "small-largest-en",
        "small-elder-low-en",
        "contrast-zh",
    ],
)
def test_number_and_code_can_be_photographed_together(show: Shower, look: str) -> None:
    shown = show("standby", look)
    states = ["paper_out", "unknown", "unavailable"]
    if "elder" in look or "largest" in look:
        states.append("declined")  # with ordinary type it is a picture beside the states
    for state in states:
        shown.show(f"accepted-{state}")
        for _ in range(ROUNDS):
            numbers = [item for item in whole(shown) if item.property("text") == grouped_number()]
            codes = [
                item for item in whole(shown) if item.metaObject().className().startswith("QrCode")
            ]
            if numbers and codes:
                break
            settle()
        assert numbers, state
        assert codes, state


@pytest.mark.parametrize("look", ["elder-zh", "largest-en", "landscape-elder-zh"])
def test_who_is_not_sure_of_the_paper_can_print_again_without_turning(
    show: Shower, look: str
) -> None:
    shown = show("accepted-unknown", look)
    assert shown.named("再打印一次" if look.endswith("zh") else "Print again")


@pytest.mark.parametrize("look", ["small-largest-en", "small-elder-zh", "largest-en"])
def test_the_number_is_on_the_first_page_where_paper_comes(show: Shower, look: str) -> None:
    shown = show("accepted-printed", look)
    until_whole(shown, grouped_number())


def until_whole(shown: Shown, words: str) -> None:
    for _ in range(ROUNDS):
        if any(item.property("text") == words for item in whole(shown)):
            return
        settle()
    raise AssertionError(words)


def grouped_number() -> str:
    return " ".join(NUMBER[at : at + 4] for at in range(0, len(NUMBER), 4))
