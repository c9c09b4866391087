"""What a hub may have passed to a social card, and what is known of the card afterwards. Pure.

A terminal has no key of any card and changes none by itself: it passes on what the holder of the keys
says. That must not make it a tool against other cards, or other applications of the same card: the
first command selects the social application, and only the commands of a password reset pass.

Sources: ISO 7816-4 (commands), JR/T 0025 (PIN UNBLOCK 24, RELOAD PIN 5E), LD/T 32.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

COMMANDS_A_STEP_MAX: Final = 8
COMMANDS_MAX: Final = 24  # a reset takes five or six
STEPS_MAX: Final = 10
COMMAND_BYTES_MAX: Final = 5 + 255 + 1  # a short APDU
SELECT: Final = 0xA4
DONE: Final = 0x9000
MEMORY_FAILED: Final = (0x6581, 0x6400, 0x6500)  # the card itself does not know what is written
CHANGING: Final = frozenset({0x24, 0x5E})  # PIN UNBLOCK, RELOAD PIN
ALLOWED: Final = frozenset(  # class, instruction
    {
        (0x00, SELECT),
        (0x00, 0x82),  # EXTERNAL AUTHENTICATE
        (0x00, 0x84),  # GET CHALLENGE
        (0x00, 0x88),  # INTERNAL AUTHENTICATE
        (0x00, 0xB2),  # READ RECORD
        (0x84, 0x24),  # with secure messaging only
        (0x80, 0x5E),
        (0x84, 0x5E),
    }
)
BY_NAME, FILE_HERE = 0x04, 0x02  # P1 of SELECT


class CardChange(StrEnum):
    """What is known of the password on the card."""

    NOT_CHANGED = "not_changed"
    CHANGED = "changed"
    UNKNOWN = "unknown"  # the card went while it was written


class Warden:
    """Follows one dialogue. `application`: the AID of this region's social application."""

    def __init__(self, application: bytes) -> None:
        self._application = application
        self._passed = 0
        self.change = CardChange.NOT_CHANGED

    def objection(self, commands: Sequence[bytes]) -> str:
        """Why these are not passed on, for the log; "" when all of them may be."""
        if not 0 < len(commands) <= COMMANDS_A_STEP_MAX:
            return f"{len(commands)} commands in one step"
        if self._passed + len(commands) > COMMANDS_MAX:
            return "too many commands"
        for number, command in enumerate(commands, start=self._passed):
            wrong = self._wrong(command, first=number == 0)
            if wrong:
                return wrong
        self._passed += len(commands)
        return ""

    def answered(self, command: bytes, status_word: int | None) -> None:
        """What the card said to one that was passed on; None: nothing, it is gone or mute."""
        if command[1] not in CHANGING:
            return
        if status_word == DONE:
            self.change = CardChange.CHANGED
        elif status_word is None or status_word in MEMORY_FAILED:
            self.change = CardChange.UNKNOWN

    def _wrong(self, command: bytes, *, first: bool) -> str:
        if not 4 <= len(command) <= COMMAND_BYTES_MAX:
            return f"a command of {len(command)} bytes"
        named = f"{command[0]:02X} {command[1]:02X}"
        if (command[0], command[1]) not in ALLOWED:
            return f"{named} is not allowed"
        if command[1] == SELECT:
            name = command[5 : 5 + command[4]] if len(command) > 5 else b""
            by_name = command[2] == BY_NAME and name == self._application
            file_here = command[2] == FILE_HERE and len(name) == 2 and not first
            return "" if by_name or file_here else f"{named} of something else"
        return f"{named} before the application is selected" if first else ""
