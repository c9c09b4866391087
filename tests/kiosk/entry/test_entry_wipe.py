"""At the end of a session every place that may remember is emptied, whatever one of them does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kiosk.entry.runner import Devices, Runner
from kiosk.flow.effects import Seal, Wipe

PLACES = ["scanner", "keypad", "printer", "sheets", "voice", "cards", "vision", "hub", "window"]


class House:
    """Everything that is told of a wipe; `broken` has a bug."""

    def __init__(self, broken: str) -> None:
        self.emptied: list[str] = []
        self.logged: list[tuple[str, dict[str, object]]] = []
        self._broken = broken

    def empty(self, place: str) -> None:
        self.emptied.append(place)
        if place == self._broken:
            raise ValueError("11010519491231002X")

    def runner(self) -> Runner:
        def device(place: str) -> Any:
            return SimpleNamespace(
                submit=lambda _: self.empty(place), wanted=lambda _: self.empty(place)
            )

        desk: Any = lambda place: SimpleNamespace(forget=lambda: self.empty(place))  # noqa: E731
        return Runner(
            devices=Devices(
                id_reader=device("reader"),
                card_reader=device("slot"),
                code_scanner=device("scanner"),
                receipt_printer=device("printer"),
                page_printer=device("sheets"),
                keypad=device("keypad"),
                io_board=device("board"),
                voice=device("voice"),
            ),
            store=SimpleNamespace(),  # type: ignore[arg-type]
            cards=desk("cards"),
            vision=desk("vision"),
            images=SimpleNamespace(),  # type: ignore[arg-type]
            hub=desk("hub"),
            log=lambda event, /, **fields: self.logged.append((event, dict(fields))),
            wipe_window=lambda: self.empty("window"),
            volume_percent=50,
        )


def test_a_printer_is_looked_for_as_soon_as_a_receipt_will_be_needed() -> None:
    """Not only when it is to print: one that is known to be away is never asked to."""
    house, wanted = House(""), list[bool]()
    runner = house.runner()
    runner._devices.receipt_printer.wanted = wanted.append  # type: ignore[method-assign]
    runner._store = SimpleNamespace(perform=lambda _: None)  # type: ignore[assignment]
    runner.run(object.__new__(Seal))
    runner.run(Wipe("s1"))
    assert wanted == [True, False]


@pytest.mark.parametrize("broken", PLACES)
def test_one_place_that_fails_keeps_no_other_from_being_emptied(broken: str) -> None:
    house = House(broken)
    house.runner().run(Wipe("s1"))
    assert house.emptied == PLACES
    assert [event for event, _ in house.logged] == ["unexpected"]
    assert "11010519491231002X" not in str(house.logged)
