"""Everything personal goes through here before it is kept: sealed to the hub, by its first key."""

from __future__ import annotations

from dataclasses import dataclass

from offline_cache.envelope import (
    Envelopes,
    SealKey,
    attachment_context,
    card_context,
    item_context,
)
from offline_cache.faults import StoreFault
from offline_cache.hub_keys import HubKeys, HubKeysFile


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom one application is sealed, and as which terminal."""

    terminal: str
    key: SealKey


class Sealer:
    """Seals to the hub as enrolment told it. One thread at a time."""

    def __init__(self, hub_keys: HubKeysFile, envelopes: Envelopes) -> None:
        self._hub_keys = hub_keys
        self._envelopes = envelopes
        self._last: tuple[HubKeys, Recipient] | None = None

    def recipient(self) -> Recipient | StoreFault:
        """NO_SEAL_KEY before enrolment, NO_SUITE when the hub wants what is not installed here."""
        known = self._hub_keys.read()
        if isinstance(known, StoreFault):
            return known
        if self._last is not None and self._last[0] is known:  # read anew when the file changed
            return self._last[1]
        key = self._envelopes.choose(known.keys)
        if isinstance(key, StoreFault):
            return key
        recipient = Recipient(known.terminal, key)
        self._last = (known, recipient)
        return recipient

    def prepare(self) -> None:
        """What of the next envelope can be made before its content is known."""
        to = self.recipient()
        if not isinstance(to, StoreFault):
            self._envelopes.prepare(to.key)

    def item(
        self,
        to: Recipient,
        content: bytes,
        *,
        epoch: str,
        seq: int,
        kind: str,
        item_id: str,
    ) -> bytes | StoreFault:
        """The envelope of an item, which opens in its own place only."""
        context = item_context(to.terminal, epoch, seq, kind, item_id)
        return self._envelopes.seal(to.key, context, content, compress=True)

    def card(self, to: Recipient, content: bytes, dialogue: str) -> bytes | StoreFault:
        """The envelope of what a dialogue with a social card needs; it is kept nowhere here."""
        context = card_context(to.terminal, dialogue)
        return self._envelopes.seal(to.key, context, content, compress=False)

    def attachment(self, to: Recipient, content: bytes) -> bytes | StoreFault:
        """The envelope of an attachment. Pages and pictures are compressed already."""
        context = attachment_context(to.terminal)
        return self._envelopes.seal(to.key, context, content, compress=False)
