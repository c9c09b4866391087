"""A citizen at a terminal without a screen: presses, lays down, takes away, waits.

Devices, store and centre answer only when the test lets them; the clock moves by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from drivers.code_scanner.values import CodeScanned
from drivers.device import DeviceClass, Fault, FaultCode, Status, StatusChanged
from drivers.id_reader.values import (
    CardFailed,
    CardFound,
    CardKind,
    CardRead,
    CardRecord,
    CardRemoved,
    number_check_digit,
)
from drivers.keypad.values import KeyPressed
from drivers.receipt_printer.values import Line, Pair, Printed, PrintFailed, QrCode, Text
from kiosk.catalogue.load import Catalogue, load
from kiosk.flow.actions import Act, Action, Stroke
from kiosk.flow.effects import (
    Effect,
    LookForDraft,
    LookForEarlier,
    MakeDocuments,
    Print,
    Seal,
    StartCamera,
    TakePage,
)
from kiosk.flow.events import (
    Delivered,
    DocumentsMade,
    DraftKnown,
    EarlierKnown,
    Event,
    Found,
    LineChanged,
    PageRead,
    PageTaken,
    PlateSeen,
    Sealed,
    StorageChanged,
)
from kiosk.flow.pages import (
    Accepted,
    Advice,
    CapturePage,
    CheckPage,
    ConfirmIdentity,
    Consent,
    Form,
    Home,
    Page,
    PlaceIdCard,
    ProgressKind,
    Review,
    ServiceGuide,
    Sign,
)
from kiosk.flow.view import View
from kiosk.log import load_catalogue
from kiosk.receipts.number import make, qr_text
from kiosk.session import Session
from kiosk.settings import Settings

P = TypeVar("P")
E = TypeVar("E")

STROKES: tuple[Stroke, ...] = (((0.1, 0.5), (0.4, 0.5)), ((0.6, 0.2), (0.6, 0.8)))
SIGNATURE = b"\x64" * 64
PDF = b"%PDF-1.7 made up"
PNG = b"\x89PNG made up"
PHONE = "13800138000"
ACCOUNT = "6228480402564890018"
RELATIVE = "赵小明"
PAGE_JPEG = b"\xff\xd8 household page"
ITEM = "old_age_allowance"
EARLIER = make("QS01", 355, datetime(2026, 11, 12, tzinfo=UTC))
EARLIER_QR = qr_text(EARLIER, SIGNATURE)
SHIPPED = load(None)


def number_of(birth: date, region: str = "440308", serial: str = "151") -> str:
    first = f"{region}{birth:%Y%m%d}{serial}"
    return first + number_check_digit(first)


def card(
    name: str = "张玉兰",
    birth: date = date(1944, 3, 5),
    serial: str = "152",
    *,
    valid_from: date | None = date(2010, 1, 1),
    valid_to: date | None = None,
    kind: CardKind = CardKind.RESIDENT,
) -> CardRecord:
    return CardRecord(
        kind=kind,
        name=name,
        sex_code="2",
        nation_code="01",
        birth=birth,
        address="广东省深圳市某某县清水镇东街8号",
        number=number_of(birth, serial=serial),
        issuer="某某县公安局",
        valid_from=valid_from,
        valid_to=valid_to,
    )


ELDER = card()
RELATIVE_CARD = card(RELATIVE, date(1975, 7, 1), "131", valid_to=date(2035, 1, 1))
CHILD_CARD = card("赵小小", date(2012, 7, 1), "133", valid_to=date(2035, 1, 1))


class HandClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 1, 41, tzinfo=UTC)
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def utc(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.seconds += seconds
        self.at += timedelta(seconds=seconds)


def installed() -> Settings:
    """A terminal with every device."""
    table = {
        "id_reader": {"url": "serial:///dev/idr"},
        "document_camera": {"url": "http://127.0.0.1/c"},
        "code_scanner": {"url": "serial:///dev/scan"},
        "receipt_printer": {"url": "tcp://127.0.0.1:9100"},
        "keypad": {"url": "serial:///dev/keys"},
    }
    return Settings.model_validate(table)


class Terminal:
    """The session with a recorder around it, and hands to use it."""

    def __init__(
        self,
        settings: Settings | None = None,
        catalogue: Catalogue | None = None,
        *,
        ready: bool = True,
    ) -> None:
        self.clock = HandClock()
        self.settings = settings or installed()
        self.effects: list[Effect] = []
        self.views: list[View] = []
        self.logged: list[tuple[str, dict[str, object]]] = []
        self._events = load_catalogue()
        self._serial = 0
        self.session = Session(
            settings=self.settings,
            catalogue=catalogue or SHIPPED,
            clock=self.clock,
            log=self._log,
            run=self.effects.append,
            changed=self.views.append,
        )
        if ready:
            for device in (
                DeviceClass.ID_READER,
                DeviceClass.DOCUMENT_CAMERA,
                DeviceClass.CODE_SCANNER,
                DeviceClass.RECEIPT_PRINTER,
                DeviceClass.KEYPAD,
            ):
                self.device(device, Status.READY)
            self.session.handle(StorageChanged(True, ""))

    def _log(self, event: str, /, **fields: str | int | float | bool | None) -> None:
        assert set(fields) <= self._events[event], (event, fields)
        self.logged.append((event, fields))

    # -- looking --------------------------------------------------------------

    @property
    def view(self) -> View:
        return self.session.view

    @property
    def page(self) -> Page:
        return self.session.view.page

    def sees(self, kind: type[P]) -> P:
        assert isinstance(self.page, kind), self.page
        return self.page

    def last(self, kind: type[E]) -> E:
        return next(effect for effect in reversed(self.effects) if isinstance(effect, kind))

    def all(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    # -- hands ----------------------------------------------------------------

    def press(
        self, act: Act, argument: str = "", *, value: str = "", strokes: tuple[Stroke, ...] = ()
    ) -> None:
        """A press by somebody who first looked at the page."""
        self.clock.forward(1)
        self.tap(act, argument, value=value, strokes=strokes)

    def tap(
        self, act: Act, argument: str = "", *, value: str = "", strokes: tuple[Stroke, ...] = ()
    ) -> None:
        """A press at once."""
        self.session.act(Action(act, self.view.serial, argument, value, strokes))

    def double(self, act: Act, argument: str = "", **more: object) -> None:
        """An old hand: the second tap comes 200 ms after the first, wherever the page went."""
        self.clock.forward(1)
        self.tap(act, argument, **more)  # type: ignore[arg-type]
        self.clock.forward(0.2)
        self.tap(act, argument, **more)  # type: ignore[arg-type]

    def wait(self, seconds: float, step: float = 0.25) -> None:
        for _ in range(round(seconds / step)):
            self.clock.forward(step)
            self.session.tick()

    def hear(self, event: Event) -> None:
        self.session.handle(event)

    def device(self, device: DeviceClass, status: Status) -> None:
        self.hear(StatusChanged(device, status, "", self.clock.utc()))

    def line(self, *, online: bool, stopped: bool = False) -> None:
        self.hear(LineChanged(online, self.clock.utc() - timedelta(minutes=2), 0, stopped))

    # -- things ---------------------------------------------------------------

    def lay_card(self, record: CardRecord) -> None:
        self.hear(CardFound())
        self.wait(1)
        self.hear(CardRead(record))

    def card_fails(self, code: FaultCode) -> None:
        self.hear(CardFound())
        self.hear(CardFailed(Fault(code)))

    def lift_card(self) -> None:
        self.hear(CardRemoved())

    def plate(
        self, advice: Advice = Advice.GOOD, *, paper: bool = True, steady: bool = True
    ) -> None:
        scope = self.last(StartCamera).scope
        self.hear(PlateSeen(scope, advice, (), (), paper, steady))

    def page_taken(
        self,
        advice: Advice = Advice.GOOD,
        *,
        image: str = "page-1",
        fingerprint: int = 0,
        to_be_read: bool = False,
    ) -> None:
        scope = self.last(TakePage).scope
        page = PageTaken(scope, image, advice, 2480, 3508, PAGE_JPEG, (), fingerprint, to_be_read)
        self.hear(page)

    def page_read(
        self, image: str = "page-1", *, is_paper: bool = True, whole: bool = True, **fields: str
    ) -> None:
        session = self.last(TakePage).scope.session
        lines = ("常住人口登记卡", *fields.values())
        self.hear(PageRead(session, image, whole, is_paper, tuple(fields.items()), lines))

    def scan(self, data: bytes) -> None:
        self.hear(CodeScanned(data))

    def key(self, key: str) -> None:
        self.hear(KeyPressed(key))

    # -- answers --------------------------------------------------------------

    def no_past(self) -> None:
        """Neither a draft nor an earlier application."""
        self.hear(DraftKnown(self.last(LookForDraft).scope, None, None, None))
        self.hear(EarlierKnown(self.last(LookForEarlier).scope, None))

    def known_before(
        self,
        *,
        centre_asked: bool = False,
        days_ago: float = 10,
        state: ProgressKind = ProgressKind.RECEIVED,
        **more: Any,
    ) -> None:
        """No draft; an application that this terminal keeps (`qr_text`) or the centre knows of."""
        self.hear(DraftKnown(self.last(LookForDraft).scope, None, None, None))
        self.known_before_only(centre_asked=centre_asked, days_ago=days_ago, state=state, **more)

    def known_before_only(
        self,
        *,
        centre_asked: bool = False,
        days_ago: float = 10,
        state: ProgressKind = ProgressKind.RECEIVED,
        **more: Any,
    ) -> None:
        """The same without a word about a draft."""
        at = self.clock.utc() - timedelta(days=days_ago)
        found = Found(EARLIER, at, state, **more)
        self.hear(EarlierKnown(self.last(LookForEarlier).scope, found, centre_asked))

    def centre_knows(
        self, number: str = "", *, days_ago: float = 10, state: ProgressKind, **more: Any
    ) -> None:
        """The centre's answer, after this terminal's own; "": of the same application."""
        at = self.clock.utc() - timedelta(days=days_ago)
        found = Found(number or EARLIER, at, state, **more)
        self.hear(EarlierKnown(self.last(LookForEarlier).scope, found))

    def documents(self) -> None:
        self.wait(1)
        self.hear(DocumentsMade(self.last(MakeDocuments).scope, PDF, PNG))

    def seal(self, serial: int = 37) -> str:
        number = make("QS01", serial, self.clock.utc())
        scope = self.last(Seal).scope
        self.hear(Sealed(scope, number, qr_text(number, SIGNATURE), self.clock.utc()))
        return number

    def delivered(self, number: str, *, papers: bool = False) -> None:
        self.hear(Delivered(number, papers))

    def printed(self) -> None:
        self.hear(Printed(self.last(Print).job))

    def print_fails(self, code: FaultCode) -> None:
        self.hear(PrintFailed(self.last(Print).job, Fault(code)))

    # -- the usual way, as far as `until` -------------------------------------

    def type(self, code: str, text: str) -> None:
        for end in range(1, len(text) + 1):
            self.tap(Act.SET_FIELD, code, value=text[:end])

    def go_to(self, until: type[Page], *, record: CardRecord = ELDER) -> None:  # type: ignore[valid-type]
        """An elder who does everything right and stops when `until` is shown."""
        ways: list[tuple[type[object], Callable[[], None]]] = [
            (Home, lambda: self.press(Act.START)),
            (ServiceGuide, lambda: self.press(Act.CHOOSE_ITEM, ITEM)),
            (Consent, lambda: self.press(Act.BEGIN)),
            (PlaceIdCard, lambda: self.press(Act.AGREE)),
            (ConfirmIdentity, lambda: self.lay_card(record)),
            (Form, self._confirm),
            (CapturePage, self.fill_form),
            (CheckPage, self._take_page),
            (Review, lambda: self.press(Act.KEEP_PAGE)),
            (Sign, lambda: self.press(Act.NEXT)),
            (Accepted, self._submit),
        ]
        for kind, way in ways:
            way()
            assert isinstance(self.page, kind), self.page
            if kind is until:
                return
        raise AssertionError(f"never reached {until}")

    def go_to_camera(self) -> None:
        """As far as the card, for an item whose papers come before its form."""
        self.go_to(ConfirmIdentity)
        self._confirm()

    def _confirm(self) -> None:
        self.press(Act.CONFIRM_IDENTITY)
        self.no_past()

    def fill_form(self) -> None:
        self.type("phone", PHONE)
        self.press(Act.NEXT)
        self.type("relative_name", RELATIVE)
        self.press(Act.NEXT)
        self.type("account", ACCOUNT)
        self.press(Act.NEXT)

    def _take_page(self) -> None:
        self.wait(1)
        self.plate()
        self.page_taken()

    def _submit(self) -> None:
        self.press(Act.SIGN_STROKES, strokes=STROKES)
        self.press(Act.SUBMIT)
        self.documents()
        self.seal()


def shown_text(lines: tuple[Line, ...]) -> str:
    """What a person reads on the paper."""
    rows: list[str] = []
    for line in lines:
        match line:
            case Text(text=text):
                rows.append(text)
            case Pair(label=label, value=value):
                rows.append(f"{label} {value}")
            case QrCode(text=text):
                rows.append(f"[{text}]")
            case _:
                rows.append("")
    return "\n".join(rows)
