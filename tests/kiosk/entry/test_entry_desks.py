"""The window's side of its children: whatever happens to them, every question is answered."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Literal

import pytest

from drivers.code_scanner.values import CodeScanned
from drivers.device import DeviceClass, Status, StatusChanged
from kiosk import sync_messages
from kiosk.channel import ChannelClosed, Frame
from kiosk.clock import SystemClock, local
from kiosk.documents import messages as vision_messages
from kiosk.documents.ring import FOLDER, PreviewWriter
from kiosk.entry.hub_desk import HubDesk
from kiosk.entry.store_desk import ReceiptHere
from kiosk.entry.vision_desk import VisionDesk
from kiosk.flow.effects import (
    AskPickup,
    CameraUse,
    CheckReceipt,
    HandOver,
    LookForEarlier,
    MakeDocuments,
    StartCamera,
    TakePage,
)
from kiosk.flow.events import (
    Delivered,
    DocumentsFailed,
    DocumentsMade,
    EarlierKnown,
    Found,
    HandedOver,
    LineChanged,
    PageNotTaken,
    PageTaken,
    PickupKnown,
    PlateSeen,
    ProgressKnown,
    ReceiptRefused,
    Scope,
)
from kiosk.flow.pages import Advice, ProgressKind
from offline_cache.outbox import Application, ItemState

SCOPE = Scope("s1", 3)
AT = datetime(2026, 11, 22, 1, 41, tzinfo=UTC)
NUMBER = "QS01261122003796"
EARLIER = LookForEarlier(SCOPE, "old_age_allowance", 30, "11010519491231002X")
RECEIPT = CheckReceipt(SCOPE, NUMBER, f"ZW1.{NUMBER}.AAAA")


class Wire:
    """What a desk sends and posts; `open` False: nobody is there."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, tuple[bytes, ...]]] = []
        self.posted: list[object] = []
        self.logged: list[str] = []
        self.corrections: list[float] = []
        self.open = True

    def send(self, message: bytes, blobs: tuple[bytes, ...]) -> ChannelClosed | None:
        if not self.open:
            return ChannelClosed("not running")
        self.sent.append((message, blobs))
        return None

    def log(self, event: str, /, **fields: object) -> None:
        self.logged.append(event)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def hub(wire: Wire) -> HubDesk:
    return HubDesk(
        send=wire.send,
        post=wire.posted.append,
        clock=SystemClock(),
        log=wire.log,
        correct=wire.corrections.append,
    )


def hub_says(hub: HubDesk, message: sync_messages.Answer) -> None:
    hub.on_frame(Frame(message.model_dump_json().encode()))


def asked(wire: Wire) -> sync_messages.AskEarlier | sync_messages.AskProgress:
    request = sync_messages.REQUEST.validate_json(wire.sent[-1][0])
    assert isinstance(request, sync_messages.AskEarlier | sync_messages.AskProgress)
    return request


def test_the_hub_knows_of_an_application_made_elsewhere(wire: Wire, hub: HubDesk) -> None:
    hub.ask_earlier(EARLIER, {})
    answer = sync_messages.Earlier(id=asked(wire).id, asked=True, number=NUMBER, accepted_at=AT)
    hub_says(hub, answer)
    assert wire.posted == [EarlierKnown(SCOPE, Found(NUMBER, AT, ProgressKind.RECEIVED, held=()))]
    hub_says(hub, answer)  # told twice, heard once
    assert len(wire.posted) == 1


def test_the_centre_is_asked_about_the_whole_of_the_last_day(wire: Wire, hub: HubDesk) -> None:
    hub.ask_earlier(EARLIER, {})
    request = asked(wire)
    assert isinstance(request, sync_messages.AskEarlier)
    since = local(request.since)
    assert since.time() == time.min
    today = local(SystemClock().utc()).date()
    assert timedelta(days=30) <= today - since.date() <= timedelta(days=31)  # midnight may pass


def test_what_the_office_asks_for_comes_with_the_answer(wire: Wire, hub: HubDesk) -> None:
    hub.ask_earlier(EARLIER, {})
    answer = sync_messages.Earlier(
        id=asked(wire).id,
        asked=True,
        number=NUMBER,
        accepted_at=AT,
        state="needs_more",
        materials=("household_page",),
        note="户口簿首页不清楚",
    )
    hub_says(hub, answer)
    found = Found(NUMBER, AT, ProgressKind.NEEDS_MORE, "户口簿首页不清楚", ("household_page",))
    assert wire.posted == [EarlierKnown(SCOPE, found)]
    assert "户口簿" not in repr(answer) + repr(wire.posted)


def test_papers_that_wait_here_for_another_terminals_application_are_known(
    wire: Wire, hub: HubDesk
) -> None:
    """They are not asked for again."""
    hub.ask_earlier(EARLIER, {NUMBER: ("household_page",), "QS02261122003712": ("photo",)})
    answer = sync_messages.Earlier(
        id=asked(wire).id, asked=True, number=NUMBER, accepted_at=AT, state="needs_more"
    )
    hub_says(hub, answer)
    (known,) = wire.posted
    assert isinstance(known, EarlierKnown) and known.found is not None
    assert known.found.following == ("household_page",)


def test_papers_that_were_delivered_are_told_apart_from_their_application(
    wire: Wire, hub: HubDesk
) -> None:
    hub_says(hub, sync_messages.Delivered(number=NUMBER, papers=True))
    hub_says(hub, sync_messages.Delivered(number=NUMBER))
    assert wire.posted == [Delivered(NUMBER, papers=True), Delivered(NUMBER)]


def test_without_the_sync_process_a_citizen_is_not_kept_waiting(wire: Wire, hub: HubDesk) -> None:
    wire.open = False
    hub.ask_earlier(EARLIER, {})
    hub.check_receipt(RECEIPT, ReceiptHere(None, False))
    assert wire.posted == [
        EarlierKnown(SCOPE, None),
        ProgressKnown(SCOPE, NUMBER, ProgressKind.HUB_UNREACHABLE, None, None, None),
    ]


def test_what_was_asked_of_a_process_that_died_counts_as_out_of_reach(
    wire: Wire, hub: HubDesk
) -> None:
    hub.ask_earlier(EARLIER, {})
    hub.on_down("closed, exit -9")
    assert wire.posted == [
        LineChanged(False, None, 0),
        EarlierKnown(SCOPE, None),
    ]


def test_an_answer_for_a_citizen_who_has_gone_is_dropped(wire: Wire, hub: HubDesk) -> None:
    hub.ask_earlier(EARLIER, {})
    number = asked(wire).id
    hub.forget()
    hub_says(hub, sync_messages.Earlier(id=number, asked=True, number=NUMBER, accepted_at=AT))
    assert wire.posted == []


def test_a_receipt_that_waits_on_this_terminal_is_told_without_the_line(
    wire: Wire, hub: HubDesk
) -> None:
    here = Application(NUMBER, "old_age_allowance", AT, ItemState.SEALED)
    hub.check_receipt(RECEIPT, ReceiptHere(here, True))
    assert wire.posted == [
        ProgressKnown(SCOPE, NUMBER, ProgressKind.WAITING_HERE, "old_age_allowance", AT, None)
    ]
    assert wire.sent == []


@pytest.mark.parametrize("said", ["unknown_number", "hub_unreachable", ""])
@pytest.mark.parametrize("state", [ItemState.REFUSED, ItemState.HANDLED])
def test_a_receipt_of_what_the_centre_could_not_take_sends_its_holder_to_the_staff(
    wire: Wire,
    hub: HubDesk,
    state: ItemState,
    said: Literal["unknown_number", "hub_unreachable", ""],
) -> None:
    """Neither that it waits to be uploaded nor that nobody knows of it."""
    here = Application(NUMBER, "old_age_allowance", AT, state)
    hub.check_receipt(RECEIPT, ReceiptHere(here, True))
    if said:
        hub_says(hub, sync_messages.Progress(id=asked(wire).id, number=NUMBER, state=said))
    else:
        hub.on_down("closed, exit -9")
    assert wire.posted[-1] == ProgressKnown(
        SCOPE, NUMBER, ProgressKind.AT_STAFF, "old_age_allowance", AT, None
    )


def test_what_staff_brought_to_the_centre_by_hand_is_told_as_the_centre_says(
    wire: Wire, hub: HubDesk
) -> None:
    here = Application(NUMBER, "old_age_allowance", AT, ItemState.HANDLED)
    hub.check_receipt(RECEIPT, ReceiptHere(here, True))
    answer = sync_messages.Progress(id=asked(wire).id, number=NUMBER, state="in_review")
    hub_says(hub, answer)
    assert wire.posted == [ProgressKnown(SCOPE, NUMBER, ProgressKind.IN_REVIEW, None, None, None)]


def test_a_forged_receipt_is_refused_here_and_by_the_hub(wire: Wire, hub: HubDesk) -> None:
    here = Application(NUMBER, "old_age_allowance", AT, ItemState.SEALED)
    hub.check_receipt(RECEIPT, ReceiptHere(here, False))
    hub.check_receipt(RECEIPT, ReceiptHere(None, False))
    hub_says(
        hub,
        sync_messages.Progress(id=asked(wire).id, number=NUMBER, state="signature_wrong"),
    )
    assert wire.posted == [ReceiptRefused(SCOPE, NUMBER), ReceiptRefused(SCOPE, NUMBER)]


def test_the_hubs_state_of_a_receipt_is_passed_on(wire: Wire, hub: HubDesk) -> None:
    hub.check_receipt(RECEIPT, ReceiptHere(None, False))
    hub_says(
        hub,
        sync_messages.Progress(
            id=asked(wire).id,
            number=NUMBER,
            state="granted",
            item="old_age_allowance",
            accepted_at=AT,
            changed_at=AT,
        ),
    )
    assert wire.posted == [
        ProgressKnown(SCOPE, NUMBER, ProgressKind.GRANTED, "old_age_allowance", AT, AT)
    ]


def test_the_line_and_deliveries_are_passed_on_and_nonsense_is_not(
    wire: Wire, hub: HubDesk
) -> None:
    hub_says(hub, sync_messages.Line(online=True, last_contact=AT, waiting=2, clock_off_s=-90))
    hub_says(hub, sync_messages.Delivered(number=NUMBER))
    hub.on_frame(Frame(b'{"kind": "delivered", "number": 7, "more": 1}'))
    assert wire.posted == [LineChanged(True, AT, 2), Delivered(NUMBER)]
    assert wire.corrections == [-90]  # the time that people are told is the hub's
    assert wire.logged == ["unexpected"]
    hub_says(hub, sync_messages.Line(online=False, last_contact=AT, waiting=2, stopped=True))
    assert wire.posted[-1] == LineChanged(False, AT, 2, stopped=True)


class Images:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, key: str, jpeg: bytes) -> None:
        self.kept[key] = jpeg

    def drop(self, key: str) -> None:
        self.kept.pop(key, None)

    def clear(self) -> None:
        self.kept.clear()


class Eye:
    """A vision desk with what it needs."""

    def __init__(self, wire: Wire) -> None:
        self.images = Images()
        self.rings: list[str | None] = []
        self.wire = wire
        self.desk = VisionDesk(
            installed=True,
            send=wire.send,
            post=wire.posted.append,
            clock=SystemClock(),
            log=wire.log,
            images=self.images,
            ring=self.rings.append,
        )

    def says(self, message: vision_messages.Answer, *blobs: bytes) -> None:
        self.desk.on_frame(Frame(message.model_dump_json().encode(), blobs))

    def last_request(self) -> vision_messages.Request:
        return vision_messages.REQUEST.validate_json(self.wire.sent[-1][0])


@pytest.fixture
def eye(wire: Wire) -> Eye:
    return Eye(wire)


def test_a_page_that_was_taken_is_shown_by_its_key_and_forgotten_at_the_end(
    wire: Wire, eye: Eye
) -> None:
    eye.desk.perform(StartCamera(SCOPE, CameraUse.PAGE))
    eye.desk.perform(TakePage(SCOPE))
    request = eye.last_request()
    assert isinstance(request, vision_messages.TakePage)
    eye.says(
        vision_messages.PageTaken(
            id=request.id,
            advice="good",
            trouble_area=(),
            width_px=800,
            height_px=600,
            fingerprint="0" * 64,
            to_be_read=True,
        ),
        b"jpeg",
    )
    (taken,) = wire.posted
    assert isinstance(taken, PageTaken)
    assert (taken.scope, taken.advice, taken.jpeg) == (SCOPE, Advice.GOOD, b"jpeg")
    assert eye.images.kept == {taken.image: b"jpeg"}
    eye.desk.forget()
    assert eye.images.kept == {}
    assert eye.last_request() == vision_messages.Forget()


def test_looks_at_the_plate_carry_the_step_that_wants_them(wire: Wire, eye: Eye) -> None:
    look = vision_messages.Plate(
        advice="glare", corners=(), trouble_area=(), paper=True, steady=False
    )
    eye.says(look)
    assert wire.posted == []  # nobody looks
    eye.desk.perform(StartCamera(SCOPE, CameraUse.PAGE))
    eye.says(look)
    assert wire.posted == [PlateSeen(SCOPE, Advice.GLARE, (), (), True, False)]


def test_a_code_is_passed_on_only_while_codes_are_wanted(wire: Wire, eye: Eye) -> None:
    eye.desk.perform(StartCamera(SCOPE, CameraUse.PAGE))
    eye.says(vision_messages.CodeSeen(format="QR_CODE"), b"ZW1.x")
    assert wire.posted == []
    eye.desk.perform(StartCamera(SCOPE, CameraUse.CODE))
    eye.says(vision_messages.CodeSeen(format="QR_CODE"), b"ZW1.x")
    assert wire.posted == [CodeScanned(b"ZW1.x")]


def test_when_the_vision_process_dies_the_citizen_is_told_and_it_goes_on_by_itself(
    wire: Wire, eye: Eye
) -> None:
    eye.says(vision_messages.Hello(ring="kiosk-preview-1", version="1"))
    eye.desk.perform(StartCamera(SCOPE, CameraUse.PAGE))
    eye.desk.perform(TakePage(SCOPE))
    eye.desk.perform(MakeDocuments(SCOPE, (b"jpeg",), ()))
    eye.desk.on_down("closed, exit -11")
    status = wire.posted[0]
    assert isinstance(status, StatusChanged)
    assert (status.device, status.status) == (DeviceClass.DOCUMENT_CAMERA, Status.STARTING)
    assert wire.posted[1] == PageNotTaken(SCOPE, Advice.CAMERA_LOST)
    assert isinstance(wire.posted[2], DocumentsFailed)
    assert eye.rings == ["kiosk-preview-1", None]
    eye.desk.on_up()
    assert eye.last_request() == vision_messages.StartLooking(use="page")


def test_pictures_of_a_vision_process_that_was_killed_are_removed_at_once(eye: Eye) -> None:
    with PreviewWriter() as ring:  # a process that is killed never gets to its own clean end
        ring.write(2, 1, b"RGBRGB")
        eye.says(vision_messages.Hello(ring=ring.name, version="1"))
        eye.desk.on_down("closed, exit -9")
        assert not (FOLDER / ring.name).exists()


def test_documents_come_back_as_they_were_made(wire: Wire, eye: Eye) -> None:
    eye.desk.perform(MakeDocuments(SCOPE, (b"one", b"two"), (((0.1, 0.2), (0.3, 0.4)),)))
    assert wire.sent[-1][1] == (b"one", b"two")
    request = eye.last_request()
    assert isinstance(request, vision_messages.MakeDocuments)
    assert request.strokes == (((0.1, 0.2), (0.3, 0.4)),)
    eye.says(vision_messages.DocumentsMade(id=request.id), b"%PDF", b"png")
    assert wire.posted == [DocumentsMade(SCOPE, b"%PDF", b"png")]


def test_without_a_vision_process_nothing_waits_for_ever(wire: Wire, eye: Eye) -> None:
    wire.open = False
    eye.desk.perform(TakePage(SCOPE))
    assert wire.posted == [PageNotTaken(SCOPE, Advice.CAMERA_LOST)]


# -- a card's dialogue -------------------------------------------------------------------


def ask_card(hub: HubDesk, heard: list[sync_messages.CardSaid | None]) -> None:
    hub.ask_card("ab" * 16, 2, b"sealed", (b"\x90\x00",), ended="", reply=heard.append)


def test_a_step_of_a_cards_dialogue_is_asked_and_answered_once(wire: Wire, hub: HubDesk) -> None:
    heard: list[sync_messages.CardSaid | None] = []
    ask_card(hub, heard)
    request = sync_messages.REQUEST.validate_json(wire.sent[-1][0])
    assert isinstance(request, sync_messages.AskCard)
    assert (request.step, request.answers) == (2, ("9000",))
    said = sync_messages.CardSaid(id=request.id, outcome="done", step=3)
    hub_says(hub, said)
    hub_says(hub, said)
    assert heard == [said]


@pytest.mark.parametrize("how", ["closed", "down", "forgotten"])
def test_a_card_is_not_kept_waiting_for_a_process_that_is_gone(
    wire: Wire, hub: HubDesk, how: str
) -> None:
    heard: list[sync_messages.CardSaid | None] = []
    wire.open = how != "closed"
    ask_card(hub, heard)
    if how == "down":
        hub.on_down("closed, exit -9")
    if how == "forgotten":
        hub.forget()
    assert heard == [None]


# -- scans for a phone ----------------------------------------------------------------


def test_a_scan_goes_to_the_sync_process_and_its_link_comes_back(wire: Wire, hub: HubDesk) -> None:
    hub.hand_over(HandOver(SCOPE, b"%PDF-scan", "old"))
    message, blobs = wire.sent[-1]
    request = sync_messages.REQUEST.validate_json(message)
    assert isinstance(request, sync_messages.KeepPickup) and blobs == (b"%PDF-scan",)
    assert request.replaces == "old"
    hub_says(hub, sync_messages.PickupKept(id=request.id, name="n", link="https://h/p/n#k"))
    hub.ask_pickup(AskPickup(SCOPE, "n"))
    asked = sync_messages.REQUEST.validate_json(wire.sent[-1][0])
    assert isinstance(asked, sync_messages.AskPickup)
    hub_says(hub, sync_messages.PickupKnown(id=asked.id, name="n", state="fetched"))
    assert wire.posted == [
        HandedOver(SCOPE, "n", "https://h/p/n#k"),
        PickupKnown(SCOPE, "n", "fetched"),
    ]
    assert "#k" not in repr(wire.posted)


def test_a_scan_for_which_nobody_answers_counts_as_not_sent(wire: Wire, hub: HubDesk) -> None:
    hub.hand_over(HandOver(SCOPE, b"%PDF-scan"))
    hub.on_down("closed, exit -9")
    wire.open = False
    hub.hand_over(HandOver(SCOPE, b"%PDF-scan"))
    hub.ask_pickup(AskPickup(SCOPE, "n"))
    assert wire.posted[1:] == [
        HandedOver(SCOPE, "", ""),
        HandedOver(SCOPE, "", ""),
        PickupKnown(SCOPE, "n", "unknown"),
    ]


def test_a_link_for_a_citizen_who_has_gone_is_dropped(wire: Wire, hub: HubDesk) -> None:
    hub.hand_over(HandOver(SCOPE, b"%PDF-scan"))
    hub.forget()
    hub_says(hub, sync_messages.PickupKept(id=1, name="n", link="https://h/p/n#k"))
    assert wire.posted == []
