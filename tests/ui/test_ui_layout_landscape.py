"""Every screen on 1920×1080: in each size of look.md and both languages, and with all within reach."""

import pytest
from ui_layout_reading import wrong_in

LOOKS = (
    "landscape-normal-zh",
    "landscape-normal-en",
    "landscape-elder-zh",
    "landscape-elder-en",
    "landscape-largest-zh",
    "landscape-largest-en",
    "landscape-low-en",
    "landscape-elder-low-zh",
)


@pytest.mark.parametrize("look", LOOKS)
def test_every_screen_can_be_read_and_pressed(look, qapp):
    wrong = wrong_in(look)
    assert not wrong, "\n".join(wrong)
