"""Attachments in parts (tus 1.0: creation, checksum with SHA-256), resumed where the hub stands.

A part starts at 16 KB, doubles while the line carries it in good time, halves when it is cut. What
the hub has is asked, never assumed, whenever anything went wrong; nothing starts again from zero
but what the hub itself threw away.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol

from offline_cache.faults import StoreFault
from offline_cache.line.client import Place
from offline_cache.line.failures import OF_THE_CONNECTION, Failure, FailureKind
from offline_cache.line.pacing import (
    FIRST_PART_BYTES,
    LEAST_PART_BYTES,
    MOST_PART_BYTES,
    Size,
)
from offline_cache.ports import Clock

WRONG_OFFSET: Final = 409
MISMATCH_OF_PART: Final = 460  # tus: the part's checksum
MISMATCH_OF_WHOLE: Final = 422  # the hub threw it away
GONE: Final = frozenset({404, 410})
MUDDLES_A_TURN: Final = 4  # offsets that do not agree: enough of them and somebody else looks at it
PLACES_KEPT: Final = 1000


class SealedBlobs(Protocol):
    """The attachments as they go over the line, by the SHA-256 of those bytes."""

    def sealed_bytes(self, sha256: str) -> int | StoreFault: ...

    def sealed_part(self, sha256: str, offset: int, count: int) -> bytes | StoreFault: ...


class UploadHub(Protocol):
    def begin_upload(self, sha256: str, length: int) -> Place | Failure: ...

    def upload_offset(self, place: Place) -> int | Failure: ...

    def send_part(self, place: Place, offset: int, part: bytes) -> int | Failure: ...


class Upload(Enum):
    DONE = "done"
    PARTLY = "partly"  # told to stop; it goes on from there


class Uploads:
    """One at a time; remembers where each stands at the hub."""

    def __init__(self, hub: UploadHub, blobs: SealedBlobs, clock: Clock) -> None:
        self._hub = hub
        self._blobs = blobs
        self._clock = clock
        self._size = Size(FIRST_PART_BYTES, LEAST_PART_BYTES, MOST_PART_BYTES)
        self._places: dict[str, Place] = {}

    @property
    def part_bytes(self) -> int:
        return self._size.bytes

    def send(self, sha256: str, go_on: Callable[[], bool]) -> Upload | Failure | StoreFault:
        """Send until it is whole, or `go_on` says no after a part.

        A `Failure` of the kind BAD_REQUEST means that the hub does not want it as it is.
        """
        length = self._blobs.sealed_bytes(sha256)
        if isinstance(length, StoreFault):
            return length
        last = Failure(FailureKind.GARBAGE, "offsets")
        for _ in range(MUDDLES_A_TURN):
            place = self._places.get(sha256)
            if place is None:
                begun = self._hub.begin_upload(sha256, length)
                if isinstance(begun, Failure):
                    return begun
                if begun.whole:
                    return Upload.DONE
                place = self._remember(sha256, begun)
                offset = begun.offset
            else:
                offset = None
            result = self._from_there(sha256, place, offset, length, go_on)
            if not isinstance(result, Failure) or result.kind is not FailureKind.BAD_REQUEST:
                if result is Upload.DONE:
                    self._places.pop(sha256, None)
                return result
            last = result
            if result.status in GONE or result.status == MISMATCH_OF_WHOLE:
                self._places.pop(sha256, None)
            elif result.status not in (WRONG_OFFSET, MISMATCH_OF_PART):
                return result
        return Failure(FailureKind.GARBAGE, last.code or "offsets", last.status)

    def _from_there(
        self,
        sha256: str,
        place: Place,
        known: int | None,
        length: int,
        go_on: Callable[[], bool],
    ) -> Upload | Failure | StoreFault:
        """From the hub's own offset to the end."""
        offset = self._hub.upload_offset(place) if known is None else known
        while not isinstance(offset, Failure):
            if offset >= length:
                return Upload.DONE if offset == length else Failure(FailureKind.GARBAGE, "offset")
            part = self._blobs.sealed_part(sha256, offset, min(self._size.bytes, length - offset))
            if isinstance(part, StoreFault):
                return part
            began = self._clock.monotonic()
            now_at = self._hub.send_part(place, offset, part)
            if isinstance(now_at, Failure):
                if now_at.kind in OF_THE_CONNECTION or now_at.status == MISMATCH_OF_PART:
                    self._size.cut()
                return now_at
            if now_at != offset + len(part):
                return Failure(FailureKind.BAD_REQUEST, "offset", WRONG_OFFSET)
            self._size.went(len(part), self._clock.monotonic() - began)
            offset = now_at
            if offset < length and not go_on():
                return Upload.PARTLY
        return offset

    def _remember(self, sha256: str, place: Place) -> Place:
        while len(self._places) >= PLACES_KEPT:
            self._places.pop(next(iter(self._places)))
        self._places[sha256] = place
        return place
