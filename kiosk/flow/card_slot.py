"""What is in the smart card reader, as far as its events tell."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.card_reader.values import (
    SmartCard,
    SmartCardFailed,
    SmartCardInserted,
    SmartCardRead,
    SmartCardRemoved,
)
from drivers.device import DeviceClass, StatusChanged
from kiosk.availability import may_work
from kiosk.flow.events import CardPasswordLeaveKnown, Event


@dataclass(slots=True)
class CardSlot:
    """`content` is the card that was read and is still in."""

    watched: bool = False
    present: bool = False
    reading: bool = False
    failed: bool = False
    lost: bool = False  # the reader is gone: nothing can be said of the card
    card: int = 0  # which insertion
    content: SmartCard | None = field(default=None, repr=False)
    leave: CardPasswordLeaveKnown | None = None  # what the centre said of this card

    def follow(self, event: Event) -> None:
        match event:
            case SmartCardInserted() | SmartCardRead() | SmartCardFailed() | SmartCardRemoved() if (
                not self.watched
            ):
                pass  # an answer to somebody who has left
            case SmartCardInserted(card=card):
                self._empty()
                self.present, self.reading, self.card = True, True, card
            case SmartCardRead(card=card, content=content):
                self._empty()
                self.present, self.card, self.content = True, card, content
            case SmartCardFailed(card=card):
                self._empty()
                self.present, self.failed, self.card = True, True, card
            case SmartCardRemoved():
                self._empty()
            case CardPasswordLeaveKnown(card=card) if (
                self.content is not None and card == self.card
            ):
                self.leave = event
            case StatusChanged(device=DeviceClass.CARD_READER, status=status):
                self.lost = not may_work(status)
                if self.lost:
                    self._empty()
            case _:
                pass

    def _empty(self) -> None:
        self.present = self.reading = self.failed = False
        self.content = self.leave = None

    def forget_person(self) -> None:
        """Only that something is in there is still known."""
        self.content = self.leave = None
