"""Scans on their way to a phone: sealed here with a key that only the phone is shown.

The hub keeps what it cannot read; the key stands behind the `#` of the address in the QR, which no
browser sends. Part of the sync process, on a thread and a connection of its own: a scan of some
megabytes takes longer than a question.
"""

from __future__ import annotations

import base64
import os
import queue
from dataclasses import dataclass, field
from typing import Final, assert_never

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kiosk import sync_messages as messages
from kiosk.channel import Channel
from offline_cache.line.client import HubClient
from offline_cache.line.enrolment import EnrolmentFiles
from offline_cache.line.failures import Failure, FailureKind
from offline_cache.line.identity import DeviceKey, Identity

MAGIC: Final = b"ZWP1"
NAME_BYTES: Final = 16  # nobody guesses one of 2^128 in ten minutes
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TRIES: Final = 2  # a connection that broke may have been the last of a line that is back

Request = messages.KeepPickup | messages.AskPickup


@dataclass(frozen=True, slots=True)
class SealedScan:
    """`content`: ZWP1, nonce, AES-256-GCM of the PDF with the name authenticated besides."""

    name: str
    key: bytes = field(repr=False)
    content: bytes = field(repr=False)

    def link(self, phone_url: str) -> str:
        """What the QR holds: everything that the phone needs, and the hub never all of it."""
        return f"{phone_url.rstrip('/')}/p/{self.name}#{_text(self.key)}"


def seal_scan(pdf: bytes) -> SealedScan:
    name, key, nonce = _text(os.urandom(NAME_BYTES)), os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
    return SealedScan(name, key, MAGIC + nonce + AESGCM(key).encrypt(nonce, pdf, name.encode()))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


class Pickups:
    """`put` from the reading thread, `run` on its own."""

    def __init__(
        self,
        channel: Channel,
        hub: HubClient,
        enrolment: EnrolmentFiles,
        key: DeviceKey,
        phone_url: str,
    ) -> None:
        self._channel = channel
        self._hub = hub
        self._enrolment = enrolment
        self._key = key
        self._phone_url = phone_url
        self._queue: queue.SimpleQueue[tuple[Request, bytes] | None] = queue.SimpleQueue()

    def put(self, request: Request, blobs: tuple[bytes, ...]) -> None:
        self._queue.put((request, blobs[0] if blobs else b""))

    def stop(self) -> None:
        self._queue.put(None)

    def run(self) -> None:
        while (asked := self._queue.get()) is not None:
            request, blob = asked
            identity = self._enrolment.read()
            if isinstance(identity, Identity):
                self._hub.use(identity, self._key)
            answer: messages.PickupKept | messages.PickupKnown
            match request:
                case messages.KeepPickup():
                    answer = self._keep(request, blob)
                case messages.AskPickup():
                    answer = self._ask(request)
                case _:
                    assert_never(request)
            self._channel.send(answer.model_dump_json().encode())

    def _keep(self, request: messages.KeepPickup, pdf: bytes) -> messages.PickupKept:
        number = request.id
        refused = messages.PickupKept(id=number)
        if not self._phone_url or not pdf:
            return refused
        scan = seal_scan(pdf)
        for _ in range(TRIES):
            failure = self._hub.keep_pickup(scan.name, scan.content, request.replaces)
            if failure is None:
                link = scan.link(self._phone_url)
                return messages.PickupKept(id=number, name=scan.name, link=link)
            if failure.kind is not FailureKind.TIMED_OUT:
                break
        return refused

    def _ask(self, request: messages.AskPickup) -> messages.PickupKnown:
        found = self._hub.pickup_state(request.name)
        known = "unknown" if isinstance(found, Failure) else found
        if known not in ("waiting", "fetched", "gone"):
            known = "unknown"
        return messages.PickupKnown.model_validate(
            {"id": request.id, "name": request.name, "state": known}
        )
