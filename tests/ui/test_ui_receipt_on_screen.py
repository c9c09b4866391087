"""Where the paper does not come, code and number stand on the screen, in every look."""

from __future__ import annotations

import pytest
from ui_window_showing import Shower, seen, settle

from ui.samples import NUMBER

ROUNDS = 100  # a busy machine breaks a page into its parts later


@pytest.mark.parametrize(
    "look",
    ["normal-zh", "elder-zh", "normal-en", "landscape-normal-zh", "small-normal-zh", "contrast-zh"],
)
@pytest.mark.parametrize("state", ["paper_out", "unknown", "unavailable"])
def test_number_and_code_can_be_photographed_together(show: Shower, look: str, state: str) -> None:
    shown = show(f"accepted-{state}", look)
    for _ in range(ROUNDS):
        visible = [item for item in shown.items() if seen(item)]
        numbers = [item for item in visible if item.property("text") == grouped_number()]
        codes = [item for item in visible if item.metaObject().className().startswith("QrCode")]
        if numbers and codes:
            break
        settle()
    assert numbers
    assert codes


def grouped_number() -> str:
    return " ".join(NUMBER[at : at + 4] for at in range(0, len(NUMBER), 4))
