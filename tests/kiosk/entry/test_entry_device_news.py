"""The centre is told what the devices are: once for each change that stood, and nothing personal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from drivers.device import DeviceClass, Identity, Settled, Status
from kiosk import sync_messages as messages
from kiosk.channel import ChannelClosed, Frame
from kiosk.documents import messages as vision_messages
from kiosk.entry.device_news import AGAIN_S, DeviceNews, DeviceWatch
from kiosk.entry.hub_desk import HubDesk
from kiosk.entry.vision_desk import VisionDesk
from offline_cache.line.failures import Failure, FailureKind

AT = datetime(2026, 11, 22, 1, 41, tzinfo=UTC)


class Hands:
    """Time, in the test's hands."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def utc(self) -> datetime:
        return AT + timedelta(seconds=self.now_s - 100.0)


@dataclass
class Reader:
    device: DeviceClass = DeviceClass.ID_READER
    settled: Settled | None = None
    identity: Identity | None = None


@dataclass
class Centre:
    told: list[list[str]] = field(default_factory=list)
    bodies: list[Mapping[str, object]] = field(default_factory=list)
    fails: Failure | None = None

    def tell_devices(self, devices: Sequence[Mapping[str, object]]) -> Failure | None:
        if self.fails is None:
            self.told.append([f"{one['device']} {one['status']}" for one in devices])
            self.bodies += devices
        return self.fails


@dataclass
class Log:
    events: list[str] = field(default_factory=list)
    fields: list[dict[str, object]] = field(default_factory=list)

    def __call__(self, event: str, /, **fields: object) -> None:
        self.events.append(event)
        self.fields.append(fields)


def told(status: Status = Status.READY, reason: str = "") -> messages.Devices:
    one = messages.Device(device="id_reader", status=str(status), reason=reason, since=AT)
    return messages.Devices(devices=(one,))


def test_what_has_stood_is_told_with_who_the_device_is() -> None:
    reader, clock, sent = Reader(), Hands(), list[messages.Devices]()
    watch = DeviceWatch([reader], sent.append, clock)
    watch.tick()
    assert sent == [], "nothing has stood yet"
    reader.settled = Settled(Status.POWERED_OFF, "does not answer" * 40, AT)
    reader.identity = Identity("SAM_V", "5.3-20260101-1")
    clock.now_s += 1
    watch.tick()
    [one] = sent[0].devices
    assert (one.device, one.status, one.since) == ("id_reader", "powered_off", AT)
    assert (one.model, one.serial) == ("SAM_V", "5.3-20260101-1")
    assert len(one.reason) == 200, "no more than the centre keeps"


def test_each_change_is_told_once() -> None:
    centre, clock = Centre(), Hands()
    news = DeviceNews(clock, Log())
    news.tell(centre)
    for status in (Status.READY, Status.READY, Status.DISCONNECTED):
        news.put(told(status))
        news.tell(centre)
        news.tell(centre)
    assert centre.told == [["id_reader ready"], ["id_reader disconnected"]]
    assert set(centre.bodies[0]) == {"device", "status", "reason", "since", "model", "serial"}
    assert centre.bodies[0]["since"] == "2026-11-22T01:41:00Z"


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind != FailureKind.BAD_REQUEST])
def test_what_did_not_arrive_is_told_again(kind: FailureKind) -> None:
    centre, news = Centre(fails=Failure(kind)), DeviceNews(Hands(), Log())
    news.put(told())
    news.tell(centre)
    centre.fails = None
    news.tell(centre)
    assert centre.told == [["id_reader ready"]]


def test_what_the_hub_will_not_have_is_not_told_for_ever() -> None:
    centre, log = Centre(fails=Failure(FailureKind.BAD_REQUEST, "invalid", 422)), Log()
    news = DeviceNews(Hands(), log)
    news.put(told())
    for _ in range(5):
        news.tell(centre)
    assert log.events == ["devices_not_told"]


def test_a_hub_restored_from_a_copy_knows_again_within_a_day() -> None:
    centre, clock = Centre(), Hands()
    news = DeviceNews(clock, Log())
    news.put(told())
    news.tell(centre)
    clock.now_s += AGAIN_S - 1
    news.tell(centre)
    assert len(centre.told) == 1
    clock.now_s += 2
    news.tell(centre)
    assert len(centre.told) == 2


def desk(sent: list[bytes]) -> HubDesk:
    def send(message: bytes, blobs: tuple[bytes, ...]) -> ChannelClosed | None:
        sent.append(message)
        return None

    return HubDesk(send=send, post=lambda _: None, clock=Hands(), log=Log(), correct=lambda _: None)


def test_a_new_sync_process_is_told_what_the_old_one_knew() -> None:
    sent: list[bytes] = []
    hub = desk(sent)
    hub.on_up()
    assert sent == []
    hub.tell_devices(told())
    hub.tell_devices(told())
    assert len(sent) == 1
    hub.on_down("killed")
    hub.on_up()
    assert [messages.REQUEST.validate_json(one) for one in sent] == [told(), told()]


def test_a_camera_with_a_loose_plug_is_told_of_only_when_it_has_settled() -> None:
    clock, log = Hands(), Log()
    eye = VisionDesk(
        installed=True,
        send=lambda message, blobs: None,
        post=lambda _: None,
        clock=clock,
        log=log,
        images=None,  # type: ignore[arg-type]  # no picture is taken
        ring=lambda _: None,
    )
    eye.start()

    def says(status: str) -> None:
        message = vision_messages.CameraStatus(status=status, reason="", model="HTTP camera")
        eye.on_frame(Frame(message.model_dump_json().encode()))
        eye.settle()

    for _ in range(3):
        says("ready")
        clock.now_s += 1
        says("disconnected")
        clock.now_s += 1
    assert eye.settled is None
    says("ready")
    clock.now_s += 3.5
    eye.settle()
    assert eye.settled is not None
    assert eye.settled.status is Status.READY
    assert eye.identity == Identity("HTTP camera")
    assert log.events.count("device_status") == 1
    assert log.events.count("device_identified") == 1
