"""What the centre is told of the devices: how they are, once it has stood for a while.

The window process collects (`DeviceWatch`), the sync process sends (`DeviceNews`). All devices are
told together and only when one has changed: a still terminal costs the line nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from drivers.device import Clock, DeviceClass, Identity, Log, Settled
from kiosk import sync_messages as messages
from offline_cache.line.failures import Failure, FailureKind

LOOK_S: Final = 1.0  # a status that has stood for three seconds is told within the fourth
AGAIN_S: Final = 86_400.0  # a hub that was restored from a copy knows again within a day
REASON_CHARACTERS: Final = 200  # as many as the centre keeps
NAME_CHARACTERS: Final = 100


class Watched(Protocol):
    """A device worker, or the desk of the camera."""

    @property
    def device(self) -> DeviceClass: ...

    @property
    def settled(self) -> Settled | None: ...

    @property
    def identity(self) -> Identity | None: ...


class Centre(Protocol):
    def tell_devices(self, devices: Sequence[Mapping[str, object]]) -> Failure | None: ...


class DeviceWatch:
    """Looks at the devices about once a second and tells `told` what they are; on one thread."""

    def __init__(
        self, devices: Sequence[Watched], told: Callable[[messages.Devices], None], clock: Clock
    ) -> None:
        self._devices = devices
        self._told = told
        self._clock = clock
        self._look_at_s = 0.0

    def tick(self) -> None:
        now_s = self._clock.monotonic()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + LOOK_S
        known = tuple(
            _facts(one.device, one.settled, one.identity)
            for one in self._devices
            if one.settled is not None
        )
        if known:
            self._told(messages.Devices(devices=known))


def _facts(device: DeviceClass, settled: Settled, identity: Identity | None) -> messages.Device:
    return messages.Device(
        device=str(device),
        status=str(settled.status),
        reason=settled.reason[:REASON_CHARACTERS],
        since=settled.since,
        model=identity.model[:NAME_CHARACTERS] if identity else "",
        serial=identity.serial[:NAME_CHARACTERS] if identity else "",
    )


class DeviceNews:
    """`put` from any thread, `tell` on the one that sends. Only the newest is ever told."""

    def __init__(self, clock: Clock, log: Log) -> None:
        self._clock = clock
        self._log = log
        self._lock = threading.Lock()
        self._newest: messages.Devices | None = None
        self._held: messages.Devices | None = None  # the hub has it, or will not have it
        self._held_at_s = 0.0

    def put(self, devices: messages.Devices) -> None:
        with self._lock:
            self._newest = devices

    def tell(self, hub: Centre) -> None:
        """Tell the hub what it does not know yet; what fails is told next time."""
        with self._lock:
            devices = self._newest
        now_s = self._clock.monotonic()
        if devices is None or (devices == self._held and now_s - self._held_at_s < AGAIN_S):
            return
        failed = hub.tell_devices([_body(one) for one in devices.devices])
        if isinstance(failed, Failure):
            if failed.kind is not FailureKind.BAD_REQUEST:
                return
            self._log("devices_not_told", reason=failed.code)
        self._held, self._held_at_s = devices, now_s


def _body(device: messages.Device) -> Mapping[str, object]:
    return device.model_dump(mode="json")
