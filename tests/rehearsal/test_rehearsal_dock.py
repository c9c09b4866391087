"""The dock does what one's hands would do, through the control sockets only."""

from __future__ import annotations

import queue
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.dock.desk import Desk
from rehearsal.existing import ExistingTown
from rehearsal.town import Plan, Town

RECEIPT = b"\xca\xdc\xc0\xed\n\x1d(k\x0b\x001P0ZW1.TEST\x1d(k\x03\x001Q0\x1dVB\x00\x1dr\x01"


class Dock:
    def __init__(self, town: Town) -> None:
        self.told: queue.Queue[str] = queue.Queue()
        self.states: queue.Queue[dict[str, Any]] = queue.Queue()
        existing = ExistingTown.beside(town.settings_path)
        assert existing is not None
        self.town = town
        self.desk = Desk(existing, self.told.put, self.states.put)
        self.desk.start()

    def done(self) -> tuple[str, dict[str, Any]]:
        """What was said about the last press, and the state of the devices after it."""
        words = self.told.get(timeout=20)
        while True:
            state = self.states.get(timeout=20)
            if self.states.empty():
                return words, state


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    plan = Plan(
        virtual_screen=False,
        with_hub=False,
        with_terminal=False,
        haste=50,
        for_person=True,
        base=tmp_path_factory.mktemp("t"),
    )
    with Town(plan) as town:
        town.start()
        yield town


@pytest.fixture
def dock(town: Town) -> Iterator[Dock]:
    dock = Dock(town)
    yield dock
    dock.desk.stop()


def test_a_card_is_placed_and_lifted(dock: Dock) -> None:
    dock.desk.place_card(dock.desk.people["zhang_lan"])
    assert dock.done()[1]["id_reader"]["card"]
    dock.desk.ask("id_reader", "lift_card", "lifted")
    words, state = dock.done()
    assert words == "lifted"
    assert not state["id_reader"]["card"]


def test_the_register_page_is_laid_on_the_plate(dock: Dock) -> None:
    person = dock.desk.people["zhang_lan"]
    dock.desk.place_page(person, glare=True, dim=False, rotation=8)
    assert dock.done()[1]["camera"]["paper"]
    dock.desk.place_picture(
        dock.town.folder / "no such picture.png", glare=False, dim=False, rotation=0
    )
    words, state = dock.done()
    assert "not a picture" in words
    assert state["camera"]["paper"], "what lay there lies there still"


def test_a_device_that_is_unplugged_is_shown_so(dock: Dock) -> None:
    dock.desk.ask("keypad", "unplug", "out")
    assert not dock.done()[1]["keypad"]["plugged"]
    dock.desk.ask("keypad", "press", "pressed", key="5")
    assert "it is unplugged" in dock.done()[0]
    dock.desk.ask("keypad", "plug", "in")
    assert dock.done()[1]["keypad"]["plugged"]


def test_the_last_receipts_code_is_held_to_scanner_and_camera(dock: Dock) -> None:
    dock.desk.hold_receipt(scanner=True)
    assert "no receipt" in dock.done()[0]
    printer = dock.town.facts["receipt_printer"]
    with socket.create_connection((printer["host"], printer["port"]), timeout=10) as wire:
        wire.sendall(RECEIPT)
        assert wire.recv(1) == b"\x00"
    dock.desk.hold_receipt(scanner=True)
    words, state = dock.done()
    assert "scanned" in words
    assert state["code_scanner"]["said"] == 1
    assert state["receipt_printer"]["last"].endswith("receipt-001.png")
    dock.desk.hold_receipt(scanner=False)
    assert dock.done()[1]["camera"]["corners"]


def test_paper_and_lamps_are_shown_as_they_are(dock: Dock) -> None:
    dock.desk.ask("receipt_printer", "paper_out", "halfway", after_lines=12)
    state = dock.done()[1]
    assert state["receipt_printer"]["paper_left_mm"] == 45.0
    assert set(state["io_board"]["lamps"]) >= {"reader", "plate", "printer", "scanner", "keypad"}
    for do in ("refill", "tear"):
        dock.desk.ask("receipt_printer", do, do)
        state = dock.done()[1]
    assert state["receipt_printer"]["paper_left_mm"] == 50_000.0
    assert state["receipt_printer"]["in_slot"] == 0


def test_the_a4_printer_runs_out_and_is_refilled(dock: Dock) -> None:
    """It stands behind a cupsd of its own, to which the terminal of this town is sent."""
    dock.desk.ask("page_printer", "paper_out", "out")
    assert dock.done()[1]["page_printer"]["state"]["paper"] == 0
    dock.desk.ask("page_printer", "refill", "in")
    state = dock.done()[1]["page_printer"]
    assert state["state"]["paper"] > 0
    assert state["daemon"]
    settings = dock.town.settings_path.read_text(encoding="utf-8")
    assert 'url = "cups://A4"' in settings
    assert "phone_url" in settings


def test_a_town_without_a_hub_says_so(dock: Dock) -> None:
    dock.desk.set_hub(up=False)
    assert dock.done()[1]["town"]["hub"] is False


def test_settings_of_an_installed_terminal_open_no_dock(town: Town, tmp_path: Any) -> None:
    (tmp_path / "kiosk.toml").touch()
    assert ExistingTown.beside(tmp_path / "kiosk.toml") is None
