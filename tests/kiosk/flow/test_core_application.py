"""The old-age allowance, from the first press to the wiped start, in the citizen's words."""

from __future__ import annotations

from core_citizen import Terminal, shown_text

from kiosk.flow.actions import Act
from kiosk.flow.effects import AddRating, Print, Wipe
from kiosk.flow.pages import (
    Accepted,
    Delivery,
    PrintState,
    Rating,
    Standby,
    TakeAway,
)


def test_an_elder_applies_from_start_to_the_wiped_start() -> None:
    terminal = Terminal()
    terminal.line(online=False)
    terminal.go_to(Accepted)
    accepted = terminal.sees(Accepted)
    assert accepted.delivery is Delivery.WAITING
    paper = shown_text(terminal.last(Print).lines)
    assert "已受理，待上传" in paper
    terminal.printed()
    assert terminal.sees(Accepted).print_state is PrintState.PRINTED
    terminal.press(Act.NEXT)
    terminal.sees(Rating)
    terminal.press(Act.RATE, "5")
    assert terminal.last(AddRating).level == 5
    terminal.sees(TakeAway)
    assert terminal.all(Wipe)
    terminal.lift_card()
    terminal.plate(paper=False)
    terminal.wait(8)
    terminal.sees(Standby)
