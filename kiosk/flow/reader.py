"""What lies on the card reader, as far as its events tell."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.device import DeviceClass, FaultCode, StatusChanged
from drivers.id_reader.values import (
    CardFailed,
    CardFound,
    CardPhoto,
    CardRead,
    CardRecord,
    CardRemoved,
)
from kiosk.availability import may_work
from kiosk.flow.events import Event


@dataclass(slots=True)
class CardOnReader:
    """`record` is the card that was read and still lies there."""

    watched: bool = False  # since somebody began to watch, `present` is the truth
    present: bool = False
    reading: bool = False
    lost: bool = False  # the reader is gone: nothing can be said of the card
    record: CardRecord | None = field(default=None, repr=False)
    photo: bytes = field(default=b"", repr=False)  # of `record`; b"": a placeholder is shown
    photos: int = 0  # how many came: each has a key of its own, so that none shows another's face

    @property
    def photo_key(self) -> str:
        """The key of `photo`; "" without one."""
        return f"card-photo-{self.photos}" if self.photo else ""

    def follow(self, event: Event) -> None:
        """What the reader says while nobody watches is an answer to somebody who has left."""
        match event:
            case CardFound() | CardRead() | CardPhoto() | CardFailed() | CardRemoved() if (
                not self.watched
            ):
                pass
            case CardPhoto(picture=picture):
                self.photo = picture if self.record is not None else b""
                self.photos += 1
            case CardFound():
                self.present, self.reading, self.record, self.photo = True, True, None, b""
            case CardRead(card=card):
                self.present, self.reading, self.record = True, False, card
            case CardFailed(fault=fault):
                lifted = fault.code in (FaultCode.CARD_LIFTED, FaultCode.NO_CARD)
                self.present, self.reading, self.record = not lifted, False, None
                self.photo = b""
            case CardRemoved():
                self.present, self.reading, self.record = False, False, None
                self.photo = b""
            case StatusChanged(device=DeviceClass.ID_READER, status=status):
                self.lost = not may_work(status)
                if self.lost:  # a card that still lies there is read anew when it is back
                    self.present, self.reading, self.record = False, False, None
                    self.photo = b""
            case _:
                pass

    def forget_person(self) -> None:
        """Only that something lies there is still known."""
        self.record, self.photo = None, b""
