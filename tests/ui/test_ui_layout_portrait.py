"""Every screen on 1080×1920, the screen most terminals have: in each size of look.md and both languages, and with all within reach."""

import pytest
from ui_layout_reading import wrong_in

LOOKS = (
    "normal-zh",
    "normal-en",
    "elder-zh",
    "elder-en",
    "largest-zh",
    "largest-en",
    "low-en",
    "elder-low-zh",
)


@pytest.mark.parametrize("look", LOOKS)
def test_every_screen_can_be_read_and_pressed(look, qapp):
    wrong = wrong_in(look)
    assert not wrong, "\n".join(wrong)
