"""What may be passed on to a social card, and what is known of it afterwards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.card_dialogue import ALLOWED, CHANGING, CardChange, Warden
from kiosk.identity.social_card import APPLICATION

SELECT = b"\x00\xa4\x04\x00\x0f" + APPLICATION + b"\x00"
CHALLENGE = bytes.fromhex("0084000008")
UNBLOCK = bytes.fromhex("842400000C") + bytes(12)


def test_a_password_reset_passes() -> None:
    warden = Warden(APPLICATION)
    assert warden.objection([SELECT, CHALLENGE]) == ""
    assert warden.objection([bytes.fromhex("0082000108") + bytes(8), CHALLENGE]) == ""
    assert warden.objection([UNBLOCK]) == ""


@pytest.mark.parametrize(
    "command",
    [
        "00A404000E315041592E5359532E4444463031",  # the payment applications of the same card
        "00A4040008A00000033301010100",
        "00A40000023F00",  # the master file, out of the application
        "00A4040000",
        "80A8000002830000",  # begin a payment
        "00D6000004AABBCCDD",  # write a file
        "00DC010404AABBCCDD",
        "80E2000000",
        "00200082063733393136",  # try a password
        "00240000087391647391640000",  # change one without secure messaging
        "80F20000",
        "FFCA000000",  # the reader itself
        "0084",  # no command
    ],
)
def test_nothing_else_passes_first_or_later(command: str) -> None:
    raw = bytes.fromhex(command)
    assert Warden(APPLICATION).objection([raw])
    warden = Warden(APPLICATION)
    assert warden.objection([SELECT]) == ""
    assert warden.objection([CHALLENGE, raw])


def test_the_application_is_selected_before_anything_is_said() -> None:
    for command in (CHALLENGE, UNBLOCK, bytes.fromhex("00A4020002EF05")):
        assert Warden(APPLICATION).objection([command])
        assert Warden(APPLICATION).objection([command, SELECT])


def test_a_region_with_another_application_is_held_to_that() -> None:
    other = bytes.fromhex("D15600000501")
    warden = Warden(other)
    assert warden.objection([SELECT])
    assert warden.objection([b"\x00\xa4\x04\x00\x06" + other]) == ""


def test_there_is_an_end_to_it() -> None:
    assert Warden(APPLICATION).objection([]) and Warden(APPLICATION).objection([SELECT] * 9)
    warden = Warden(APPLICATION)
    for _ in range(3):
        assert warden.objection([SELECT] * 8) == ""
    assert warden.objection([SELECT])
    assert Warden(APPLICATION).objection([SELECT + bytes(300)])


@pytest.mark.fault(20)
@given(st.lists(st.binary(max_size=300), max_size=12))
def test_whatever_a_hub_says_only_what_is_listed_passes(commands: list[bytes]) -> None:
    if Warden(APPLICATION).objection(commands) == "":
        assert commands[0][:4] == b"\x00\xa4\x04\x00"
        assert all((command[0], command[1]) in ALLOWED for command in commands)


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (0x9000, CardChange.CHANGED),
        (None, CardChange.UNKNOWN),
        (0x6581, CardChange.UNKNOWN),
        (0x6988, CardChange.NOT_CHANGED),
        (0x6983, CardChange.NOT_CHANGED),
        (0x63C2, CardChange.NOT_CHANGED),
    ],
)
def test_what_is_known_after_the_command_that_writes(
    status: int | None, change: CardChange
) -> None:
    warden = Warden(APPLICATION)
    assert warden.change is CardChange.NOT_CHANGED
    warden.answered(UNBLOCK, status)
    assert warden.change is change


@given(st.binary(min_size=4, max_size=20), st.sampled_from([0x9000, None, 0x6A82]))
def test_other_commands_change_nothing(command: bytes, status: int | None) -> None:
    warden = Warden(APPLICATION)
    warden.answered(command, status)
    assert command[1] in CHANGING or warden.change is CardChange.NOT_CHANGED
    warden.answered(UNBLOCK, 0x9000)
    warden.answered(SELECT, None)
    assert warden.change is CardChange.CHANGED, "once written it stays written"
