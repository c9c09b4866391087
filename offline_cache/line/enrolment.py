"""How a terminal becomes known to its hub, and what it keeps of that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from offline_cache.faults import StoreFault
from offline_cache.hub_keys import HubKeysFile, parse_seal_keys
from offline_cache.keys import Keys
from offline_cache.line.client import HubClient
from offline_cache.line.failures import Failure
from offline_cache.line.identity import (
    DeviceKey,
    Identity,
    OneTimeCode,
    fits,
    pinned_authority,
    read_identity,
    write_identity,
)
from offline_cache.store import StorePlaces


class EnrolmentFaultCode(StrEnum):
    WRONG_HUB = "wrong_hub"  # who answers there is not the hub that gave the code
    BAD_ANSWER = "bad_answer"  # a certificate or keys that cannot be used


@dataclass(frozen=True, slots=True)
class EnrolmentFault:
    code: EnrolmentFaultCode
    detail: str


class EnrolmentFiles:
    """What enrolment gave, on the disk: certificate and authority, and the keys to seal to."""

    def __init__(self, places: StorePlaces, database_key: bytes) -> None:
        self._places = places
        self._hub_keys = HubKeysFile(places.hub_keys, database_key)

    def read(self) -> Identity | StoreFault:
        return read_identity(self._places.enrolment)

    def write(self, identity: Identity) -> StoreFault | None:
        return write_identity(self._places.enrolment, identity)

    def keep_seal_keys(self, terminal: str, told: object) -> StoreFault | None:
        """Keys that this version does not understand change nothing."""
        keys = parse_seal_keys(told)
        return self._hub_keys.write(terminal, keys) if keys else None


def enrol(
    hub: HubClient, files: EnrolmentFiles, keys: Keys, code: OneTimeCode, software: str
) -> Identity | Failure | EnrolmentFault | StoreFault:
    """Spend a one-time code; what was there before stays when anything is wrong.

    The code carries a pin of the hub's authority: whoever stands between us and the hub cannot
    pretend to be it.
    """
    hub.use_nobody()
    told = hub.authority()
    if isinstance(told, Failure):
        return told
    ca = pinned_authority(told, code.pin)
    if ca is None:
        return EnrolmentFault(
            EnrolmentFaultCode.WRONG_HUB, "the hub at this address is not the one of this code"
        )
    hub.use_authority(ca)
    key = DeviceKey(keys.device)
    answer = hub.enrol(code.code, key.request(), keys.public_key, software)
    if isinstance(answer, Failure):
        return answer
    identity = Identity(answer.terminal, answer.certificate, answer.ca)
    if not fits(identity, key) or not parse_seal_keys(answer.seal_keys):
        return EnrolmentFault(EnrolmentFaultCode.BAD_ANSWER, "the hub's answer cannot be used")
    failed = files.keep_seal_keys(answer.terminal, answer.seal_keys) or files.write(identity)
    return failed if failed is not None else identity
