"""Every screen on 1280×1024, the smallest screen: in each size of look.md and both languages, and with all within reach."""

import pytest
from ui_layout_reading import wrong_in

LOOKS = (
    "small-normal-zh",
    "small-normal-en",
    "small-elder-zh",
    "small-elder-en",
    "small-largest-zh",
    "small-largest-en",
    "small-low-en",
    "small-elder-low-zh",
    "small-elder-low-en",
)


@pytest.mark.parametrize("look", LOOKS)
def test_every_screen_can_be_read_and_pressed(look, qapp):
    wrong = wrong_in(look)
    assert not wrong, "\n".join(wrong)
