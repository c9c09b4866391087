"""The machine's lamps light where the page points, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drivers.io_board.values import Lamp
from kiosk.flow.lights import lights
from kiosk.flow.pages import (
    Accepted,
    Delivery,
    Page,
    PlaceIdCard,
    PrintState,
    Rating,
    Role,
    ScanProblem,
    ScanReceipt,
    Standby,
    TakeAway,
)
from kiosk.words import Words

NAME = Words((("zh", "高龄津贴申领"),))


def accepted(state: PrintState) -> Accepted:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Accepted(NAME, "QS01261122003796", "ZW1", at, Delivery.WAITING, state, NAME, 15, "")


@pytest.mark.parametrize(
    ("page", "lit"),
    [
        (PlaceIdCard(Role.APPLICANT), {Lamp.READER}),
        (ScanReceipt(ScanProblem.NONE, asking=False), {Lamp.SCANNER}),
        (Rating(NAME, 45), {Lamp.KEYPAD}),
        (accepted(PrintState.PRINTING), {Lamp.PRINTER}),
        (accepted(PrintState.PAPER_OUT), set()),
        (Standby((), True), set()),
        (
            TakeAway(True, True, receipt=True),
            {Lamp.READER, Lamp.PLATE, Lamp.FILL_LIGHT, Lamp.PRINTER},
        ),
        (TakeAway(False, None, receipt=False), {Lamp.FILL_LIGHT}),
        (TakeAway(False, False, receipt=False), set()),
    ],
)
def test_lamps_of_a_page(page: Page, lit: set[Lamp]) -> None:
    assert lights(page) == lit
