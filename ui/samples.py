"""Made-up views: one for every page and its important variants, for the gallery and the tests.

People, addresses and numbers are made up; check digits are valid. What a service item says comes
from the catalogue that ships, so that the gallery shows the real wording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from drivers.id_reader.values import number_check_digit
from kiosk.catalogue.load import Catalogue, load
from kiosk.catalogue.model import Item, fill
from kiosk.evaluation.rating import load_reasons
from kiosk.flow import pages, view
from kiosk.flow.pages import Advice, Closure, Role, Words
from kiosk.flow.view import Line, Overlay, Preferences, View
from kiosk.identity import masking
from kiosk.receipts import number as receipt_number
from kiosk.session import page_name
from kiosk.settings import Settings
from ui.copy_samples import (
    LAID_OUT,
    copy_samples,
)
from ui.social_card_samples import LAID_OUT as CARD_LAID_OUT
from ui.social_card_samples import STEPS as CARD_STEPS
from ui.social_card_samples import card_samples

NOW = datetime(2026, 11, 22, 1, 41, tzinfo=UTC)  # 09:41 in Shanghai, a Sunday
IMAGE = "sample-page"  # the key under which the gallery keeps a drawn page
PHOTO = "sample-photo"  # and a drawn face

STEPS = ("identity", "form", "materials", "review", "sign", "submit")
VISIT_STEPS = {
    pages.Visit.APPLY: STEPS,
    pages.Visit.HAND_IN: ("identity", "materials", "review", "submit"),
}
NO_STEP = -1
LIKE_ANOTHER = frozenset(  # drawn as another sample is, with words that are not longer
    {
        "earlier_application-delivered", "earlier_application-asked", "accepted-reprint_declined",
        "earlier_application-in_review", "earlier_application-granted",
        "earlier_application-refused", "earlier_application-at_staff",
        "earlier_application-lacks", "earlier_application-papers_wait",
        "earlier_application-asked_without_note", "capture_page-go_on_without",
        "review-papers", "submitting-papers", "submit_problem-papers_disk_full",
        "submit_problem-papers_store", "submit_problem-papers_documents",
        "submit_problem-papers_unsure", "accepted-to_follow_declined", "accepted-papers_printed",
        "accepted-papers_jammed", "accepted-papers_cover_open", "accepted-papers_elsewhere_unavailable",
        "accepted-reprint_printed", "accepted-reprint_paper_out", "progress_result-at_staff",
    }
)  # fmt: skip

_SETTINGS = Settings()
_SIGNATURE = bytes(range(64))

# Strokes of a name written by a steady hand, 0..1 of the box.
_STROKES: tuple[tuple[pages.Point, ...], ...] = (
    ((0.12, 0.24), (0.22, 0.22), (0.21, 0.34)),
    ((0.12, 0.36), (0.21, 0.34)),
    ((0.13, 0.36), (0.11, 0.48), (0.21, 0.46), (0.20, 0.64), (0.17, 0.70), (0.15, 0.66)),
    ((0.34, 0.20), (0.30, 0.30), (0.27, 0.36)),
    ((0.24, 0.45), (0.38, 0.42)),
    ((0.29, 0.26), (0.29, 0.66), (0.34, 0.60)),
    ((0.29, 0.44), (0.34, 0.56), (0.40, 0.64)),
    ((0.46, 0.28), (0.62, 0.25)),
    ((0.47, 0.44), (0.61, 0.42)),
    ((0.54, 0.27), (0.54, 0.62)),
    ((0.44, 0.66), (0.65, 0.63)),
    ((0.58, 0.50), (0.61, 0.55)),
    ((0.77, 0.22), (0.80, 0.29)),
    ((0.90, 0.20), (0.86, 0.29)),
    ((0.74, 0.37), (0.91, 0.34)),
    ((0.76, 0.50), (0.88, 0.48)),
    ((0.71, 0.66), (0.95, 0.62)),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """`name` is fit for a file name: situation, then the variant.

    `laid_out`: False for one that is drawn like another with other words, not longer: it is read
    and shown in the gallery, but not drawn in every look once more.
    """

    name: str
    view: View
    laid_out: bool = True


def citizen_number(first_17: str) -> str:
    """Seventeen digits with their check character."""
    return first_17 + number_check_digit(first_17)


def _person(name: str, number: str, address: str, *, long_term: bool) -> pages.PersonCard:
    return pages.PersonCard(
        name_masked=masking.name(name),
        number_masked=masking.number(number),
        birth_year=int(number[6:10]),
        address_masked=masking.address(address),
        long_term=long_term,
        name=name,
        number=number,
        address=address,
    )


ELDER = _person(
    "张玉兰",
    citizen_number("44018319440312002"),
    "广东省清水县清水镇河东村东头组12号",
    long_term=True,
)
DAUGHTER = _person(
    "陈秀英",
    citizen_number("44018319720506004"),
    "广东省清水县清水镇河东村东头组12号",
    long_term=False,
)
PHONE = "13800138000"
NOTE = "户口簿首页拍得不清楚，请补拍一张；再补一张社保卡正面。"
LONGEST_NOTE = (NOTE * 8)[:200]  # as long as staff may write
ACCOUNT = "6217000010000136617"

NUMBER = receipt_number.make("QS01", 37, NOW)
QR_TEXT = receipt_number.qr_text(NUMBER, _SIGNATURE)


def _words(zh: str, en: str) -> Words:
    return Words((("zh", zh), ("en", en)))


def _item(catalogue: Catalogue, code: str) -> Item:
    item = catalogue.find(code)
    if item is None:
        raise LookupError(f"the shipped catalogue lacks {code}")
    return item


def _tile(item: Item, closed: Closure | None = None) -> pages.Tile:
    return pages.Tile(item.code, item.name.words, item.icon, item.minutes, item.bring.words, closed)


def _guide(item: Item, closed: Closure | None = None) -> pages.ServiceGuide:
    return pages.ServiceGuide(
        item=item.code,
        name=item.name.words,
        who=fill(item.who, item, _SETTINGS),
        result=fill(item.result, item, _SETTINGS),
        papers=tuple(
            pages.GuidePaper(paper.name.words, paper.note.words, paper.bring, paper.picture)
            for paper in item.papers
        ),
        minutes=item.minutes,
        days=item.days,
        department=item.department.words,
        closed=closed,
    )


def _consent(item: Item) -> pages.Consent:
    lines = item.consent.lines if item.consent else ()
    return pages.Consent(
        item.name.words,
        tuple(
            pages.ConsentLine(
                fill(line.what, item, _SETTINGS),
                fill(line.why, item, _SETTINGS),
                fill(line.kept, item, _SETTINGS),
            )
            for line in lines
        ),
    )


def _form(
    item: Item,
    code: str,
    active: str,
    values: dict[str, str],
    errors: dict[str, pages.FieldError] | None = None,
    *,
    hidden: bool = False,
    read: bool = False,
) -> pages.Form:
    form = item.form(code)
    longest = {pages.FieldKind.PHONE: 11, pages.FieldKind.ACCOUNT: 19}
    fields = []
    for part in form.fields:
        value = values.get(part.code, "")
        maximum = longest.get(part.kind, 30)
        fields.append(
            pages.FormField(
                code=part.code,
                kind=part.kind,
                label=part.label.words,
                required=part.required,
                value=value,
                missing=max(0, 11 - len(value)) if part.kind is pages.FieldKind.PHONE else 0,
                maximum=maximum,
                error=(errors or {}).get(part.code),
                options=tuple(
                    pages.FormOption(option.code, option.name.words) for option in part.options
                ),
                hidden=hidden and bool(value),
                read=read,
            )
        )
    return pages.Form(
        question=form.question.words,
        lead=form.lead.words,
        fields=tuple(fields),
        active=active,
        complete=False,
        number=item.forms.index(form) + 1,
        of=len(item.forms),
    )


def _choice_form() -> pages.Form:
    """No shipped item asks a choice yet; the screen must be ready for one."""
    return pages.Form(
        question=_words("怎么领结果？", "How do you want the result?"),
        lead=_words("选一个就行。", "Choose one."),
        fields=(
            pages.FormField(
                code="result",
                kind=pages.FieldKind.CHOICE,
                label=_words("领取方式", "Way"),
                required=True,
                value="text",
                options=(
                    pages.FormOption("text", _words("发短信给我", "By text message")),
                    pages.FormOption("counter", _words("到窗口取", "At the counter")),
                ),
            ),
        ),
        active="",
        complete=True,
    )


_CORNERS = ((0.17, 0.08), (0.87, 0.04), (0.90, 0.93), (0.15, 0.96))
_GLARE = ((0.57, 0.12), (0.83, 0.10), (0.83, 0.40), (0.57, 0.42))


def _capture(
    item: Item,
    advice: Advice,
    *,
    taking: bool = False,
    go_on: pages.GoOn = pages.GoOn.NO,
) -> pages.CapturePage:
    material = item.materials[0]
    seen = advice not in (Advice.NO_PAGE, Advice.CAMERA_LOST, Advice.CAMERA_STARTING)
    local_trouble = (Advice.GLARE, Advice.SHADOW, Advice.FINGER)
    return pages.CapturePage(
        material=material.name.words,
        advice=advice,
        corners=_CORNERS if seen else (),
        trouble_area=_GLARE if advice in local_trouble else (),
        lines=(pages.MaterialLine(material.code, material.name.words, taken=False, current=True),),
        taking=taking,
        go_on=go_on,
    )


def _capture_of_three() -> pages.CapturePage:
    first = _words("户口簿首页", "Register, first page")
    second = _words("户口簿本人页", "Register, own page")
    third = _words("居住证明", "Proof of residence")
    return pages.CapturePage(
        material=second,
        advice=Advice.GLARE,
        corners=_CORNERS,
        trouble_area=_GLARE,
        lines=(
            pages.MaterialLine("first", first, taken=True, current=False),
            pages.MaterialLine("own", second, taken=False, current=True),
            pages.MaterialLine("home", third, taken=False, current=False),
        ),
    )


def _capture_one_of_two() -> pages.CapturePage:
    """Two papers on the plate: the left one was taken, it is the right one's turn."""
    left = ((0.06, 0.2), (0.42, 0.2), (0.42, 0.8), (0.06, 0.8))
    right = ((0.52, 0.12), (0.94, 0.12), (0.94, 0.86), (0.52, 0.86))
    return replace(
        _capture_of_three(), advice=Advice.HOLD_STILL, corners=right, taken=(left,), trouble_area=()
    )


def _review(item: Item, taken: str, *, relative: bool) -> pages.Review:
    def line(zh: str, en: str, masked: str, full: str) -> pages.ReviewLine:
        return pages.ReviewLine(_words(zh, en), masked, full)

    groups = [
        pages.ReviewGroup(
            "identity",
            _words("申请人", "Applicant"),
            (
                line("姓名", "Name", ELDER.name_masked, ELDER.name),
                line("身份证号", "ID number", ELDER.number_masked, ELDER.number),
                line("年龄", "Age", "82", "82"),
                line("住址", "Address", ELDER.address_masked, ELDER.address),
            ),
        )
    ]
    if relative:
        groups.append(
            pages.ReviewGroup(
                "",
                _words("代办家人", "Relative who applies"),
                (
                    line("姓名", "Name", DAUGHTER.name_masked, DAUGHTER.name),
                    line("身份证号", "ID number", DAUGHTER.number_masked, DAUGHTER.number),
                ),
            )
        )
    groups += [
        pages.ReviewGroup(
            "contact",
            _words("怎么联系您", "How to reach you"),
            (
                line("本人手机号", "Your mobile number", masking.phone(PHONE), PHONE),
                line("家人手机号", "Relative's mobile number", "", ""),
            ),
        ),
        pages.ReviewGroup(
            "account",
            _words("钱发到哪里", "Where the money is sent"),
            (line("收款账号", "Account number", masking.account(ACCOUNT), ACCOUNT),),
        ),
        pages.ReviewGroup(
            "household_page",
            _words("材料", "Papers"),
            (line("户口簿本人页", "Household register page", taken, taken),),
            images=(IMAGE,),
        ),
    ]
    return pages.Review(tuple(groups))


def _review_papers(item: Item, taken: str) -> pages.Review:
    """Of papers handed in later: for which application, and which."""
    number = receipt_number.grouped(NUMBER)
    application = pages.ReviewGroup(
        "",
        item.name.words,
        (
            pages.ReviewLine(_words("受理号", "Receipt number"), number, number),
            pages.ReviewLine(_words("申请人", "Applicant"), ELDER.name_masked, ELDER.name),
        ),
    )
    papers = _review(item, taken, relative=False).groups[-1]
    return pages.Review((application, papers), pages.Visit.HAND_IN)


def _accepted(
    item: Item,
    delivery: pages.Delivery,
    print_state: pages.PrintState,
    *,
    phone: str = PHONE,
    may_rate: bool = True,
) -> pages.Accepted:
    return pages.Accepted(
        item_name=item.name.words,
        number=NUMBER,
        qr_text=QR_TEXT,
        accepted_at=NOW,
        delivery=delivery,
        print_state=print_state,
        department=item.department.words,
        days=item.days,
        phone_masked=masking.phone(phone),
        may_rate=may_rate,
    )


def _reasons(level: int, chosen: int) -> pages.RatingReasons:
    reasons = load_reasons().of_level(level)
    return pages.RatingReasons(
        level,
        tuple(
            pages.RatingReason(reason.code, reason.text, place < chosen)
            for place, reason in enumerate(reasons)
        ),
        seconds_left=52,
    )


def _progress(item: Item, kind: pages.ProgressKind) -> pages.ProgressResult:
    asked = kind not in (
        pages.ProgressKind.UNKNOWN_NUMBER,
        pages.ProgressKind.HUB_UNREACHABLE,
    )
    changed = asked and kind not in (
        pages.ProgressKind.WAITING_HERE,
        pages.ProgressKind.RECEIVED,
        pages.ProgressKind.AT_STAFF,
    )
    return pages.ProgressResult(
        number=NUMBER,
        kind=kind,
        item_name=item.name.words if asked else None,
        accepted_at=NOW if asked else None,
        changed_at=datetime(2026, 11, 24, 2, 5, tzinfo=UTC) if changed else None,
    )


def _pages(
    allowance: Item, progress: Item, everything: tuple[Item, ...], language: str
) -> Iterator[tuple[str, pages.Page, int]]:
    """Variant ("" for the plain one), page, and the step lit in the bar (NO_STEP: no bar)."""
    both = (_tile(allowance), _tile(progress))

    yield "", pages.Standby(both), NO_STEP
    yield (
        "one_closed",
        pages.Standby((_tile(allowance, Closure.READER), _tile(progress)), paper_receipt=False),
        NO_STEP,
    )
    yield "", pages.Home(both), NO_STEP
    yield "everything", pages.Home(tuple(_tile(item) for item in everything)), NO_STEP
    for closure in Closure:
        tiles = (_tile(allowance), _tile(progress, closure))
        if closure not in (Closure.SCANNER, Closure.LINE):
            tiles = (_tile(allowance, closure), _tile(progress))
        yield f"closed_{closure}", pages.Home(tiles), NO_STEP
    yield "", _guide(allowance), NO_STEP
    yield "closed", _guide(allowance, Closure.CAMERA), NO_STEP
    yield "", _consent(allowance), NO_STEP
    yield (
        "",
        pages.ConsentDeclined(
            allowance.name.words,
            _words(_SETTINGS.terminal.counter_zh, _SETTINGS.terminal.counter_en),
            _SETTINGS.terminal.help_phone,
        ),
        NO_STEP,
    )
    yield from _identity_pages(allowance)
    yield from _form_pages(allowance)
    yield from _paper_pages(allowance)
    yield from _submit_pages(allowance, language)
    yield from _closing_pages(allowance)
    for problem in pages.ScanProblem:
        variant = "" if problem is pages.ScanProblem.NONE else str(problem)
        yield variant, pages.ScanReceipt(problem), NO_STEP
    yield "asking", pages.ScanReceipt(asking=True), NO_STEP
    for kind in pages.ProgressKind:
        yield str(kind), _progress(allowance, kind), NO_STEP
    yield "", pages.OutOfService((Closure.STORAGE,)), NO_STEP
    yield (
        "two_reasons",
        pages.OutOfService((Closure.READER, Closure.SCANNER)),
        NO_STEP,
    )


def _identity_pages(item: Item) -> Iterator[tuple[str, pages.Page, int]]:
    yield (
        "",
        pages.PlaceIdCard(Role.APPLICANT, seconds_left=48, may_act_for_relative=True),
        0,
    )
    yield "reading", pages.PlaceIdCard(Role.APPLICANT, reading=True, seconds_left=48), 0
    yield "agent", pages.PlaceIdCard(Role.AGENT, seconds_left=57), 0
    yield "elder", pages.PlaceIdCard(Role.ELDER, seconds_left=51), 0
    for kind in pages.CardProblemKind:
        role = Role.ELDER if kind is pages.CardProblemKind.SAME_CARD else Role.APPLICANT
        young = kind is pages.CardProblemKind.TOO_YOUNG
        expired = kind is pages.CardProblemKind.EXPIRED
        yield (
            str(kind),
            pages.CardProblem(
                kind,
                role,
                minimum_age=80 if young else 0,
                eligible_from=date(2052, 5, 6) if young else None,
                valid_to=date(2026, 3, 1) if expired else None,
                may_act_for_relative=young,
            ),
            0,
        )
    yield (
        "too_young_elder",
        pages.CardProblem(
            pages.CardProblemKind.TOO_YOUNG,
            Role.ELDER,
            minimum_age=80,
            eligible_from=date(2028, 8, 8),
        ),
        0,
    )
    yield "", pages.ConfirmIdentity(Role.APPLICANT, ELDER, photo=PHOTO), 0
    yield "agent", pages.ConfirmIdentity(Role.AGENT, DAUGHTER), 0
    yield "elder_looking", pages.ConfirmIdentity(Role.ELDER, ELDER, looking=True), 0
    yield "", pages.DraftFound(item.name.words, NOW, minutes_left=11), 0
    earlier = pages.EarlierApplication(
        item.name.words, NUMBER, NOW, 30, pages.ProgressKind.WAITING_HERE, may_print=True
    )
    received = replace(earlier, state=pages.ProgressKind.RECEIVED)
    papers = replace(received, to_follow=(item.materials[0].name.words,), may_hand_in=True)
    asked = replace(papers, state=pages.ProgressKind.NEEDS_MORE, note=NOTE, printed=False)
    for variant, page in (
        ("waiting", replace(earlier, printed=False)),
        ("delivered", replace(received, may_print=False)),
        ("lacks", papers),
        ("asked", asked),
        ("asked_card_gone", replace(asked, card_there=False, note=LONGEST_NOTE)),
        ("papers_wait", replace(received, papers_wait=True)),
        ("asked_without_note", replace(asked, note="", may_print=False)),
        ("in_review", replace(received, state=pages.ProgressKind.IN_REVIEW)),
        ("granted", replace(received, state=pages.ProgressKind.GRANTED)),
        ("refused", replace(received, state=pages.ProgressKind.REFUSED, may_print=False)),
        ("at_staff", replace(received, state=pages.ProgressKind.AT_STAFF, may_print=False)),
    ):
        yield variant, page, 0


def _form_pages(item: Item) -> Iterator[tuple[str, pages.Page, int]]:
    yield (
        "",
        _form(
            item,
            "contact",
            "phone",
            {"phone": PHONE[:9], "relative_phone": "1390013800"},
            {"relative_phone": pages.FieldError.TOO_SHORT},
        ),
        1,
    )
    yield "empty", _form(item, "contact", "phone", {}), 1
    yield (
        "hidden",
        _form(item, "contact", "", {"phone": masking.phone(PHONE)}, hidden=True),
        1,
    )
    yield "name", _form(item, "relative", "relative_name", {"relative_name": "陈秀"}), 1
    yield (
        "name_error",
        _form(
            item,
            "relative",
            "",
            {"relative_name": ELDER.name},
            {"relative_name": pages.FieldError.SAME_AS_APPLICANT},
        ),
        1,
    )
    yield "account", _form(item, "account", "account", {"account": ACCOUNT[:13]}), 1
    yield "read", _form(item, "account", "account", {"account": ACCOUNT}, read=True), 1
    yield (
        "account_error",
        _form(
            item,
            "account",
            "account",
            {"account": ACCOUNT},
            {"account": pages.FieldError.BAD_CHECK},
        ),
        1,
    )
    yield "choice", _choice_form(), 1


def _paper_pages(item: Item) -> Iterator[tuple[str, pages.Page, int]]:
    for advice in Advice:
        yield str(advice), _capture(item, advice), 2
    yield "taking", _capture(item, Advice.GOOD, taking=True), 2
    yield "three_papers", _capture_of_three(), 2
    yield "one_of_two", _capture_one_of_two(), 2
    for go_on in (pages.GoOn.KEPT, pages.GoOn.LATER):
        yield f"go_on_{go_on}", _capture(item, Advice.NO_PAGE, go_on=go_on), 2
    without = replace(_capture_of_three(), advice=Advice.NO_PAGE, corners=(), trouble_area=())
    two = without.lines[:2]  # of papers handed in later one may be left out, never the only one
    yield "go_on_without", replace(without, lines=two, go_on=pages.GoOn.WITHOUT), 1
    material = item.materials[0].name.words
    yield "", pages.CheckPage(material, IMAGE, Advice.GOOD, kept_despite=False), 2
    glare = pages.CheckPage(material, IMAGE, Advice.GLARE, True, None, _GLARE)
    yield "glare", glare, 2
    for doubt in pages.Doubt:
        yield str(doubt), pages.CheckPage(material, IMAGE, Advice.GOOD, True, doubt), 2
    comparing = pages.CheckPage(material, IMAGE, Advice.GOOD, kept_despite=False, comparing=True)
    yield "comparing", comparing, 2
    yield "hidden", pages.CheckPage(material, "", Advice.GOOD, kept_despite=False), 2


def _submit_pages(item: Item, language: str) -> Iterator[tuple[str, pages.Page, int]]:
    taken = _words("1页，已拍好", "1 page, taken").get(language)  # said by the flow itself
    yield "", _review(item, taken, relative=False), 3
    yield "relative", _review(item, taken, relative=True), 3
    yield "papers", _review_papers(item, taken), 2
    statement = tuple(text.words for text in item.statement)
    yield "empty", pages.Sign(statement, ELDER.name_masked, empty=True), 4
    yield "changed", pages.Sign(statement, ELDER.name_masked, empty=True, changed=True), 4
    yield "", pages.Sign(statement, ELDER.name_masked, empty=False, strokes=_STROKES), 4
    papers = pages.Visit.HAND_IN
    yield "", pages.Submitting(item.name.words), 5
    yield "papers", pages.Submitting(item.name.words, papers), 3
    for kind in pages.SubmitProblemKind:
        yield str(kind), pages.SubmitProblem(kind), 5
        yield f"papers_{kind}", pages.SubmitProblem(kind, papers), 3
    waiting = pages.Delivery.WAITING
    yield "waiting", _accepted(item, waiting, pages.PrintState.PRINTING), 5
    yield (
        "sending",
        _accepted(item, pages.Delivery.SENDING, pages.PrintState.PRINTING, phone=""),
        5,
    )
    for state in pages.PrintState:
        yield str(state), _accepted(item, pages.Delivery.DELIVERED, state), 5
    yield (
        "paper_out_offline",
        _accepted(item, waiting, pages.PrintState.PAPER_OUT, may_rate=False),
        5,
    )
    paper = item.materials[0].name.words
    for state in (pages.PrintState.PRINTED, pages.PrintState.PAPER_OUT, pages.PrintState.DECLINED):
        page = replace(
            _accepted(item, waiting, state), to_follow=(paper,), follow_by=date(2026, 12, 22)
        )
        yield f"to_follow_{state}", page, 5
    for delivery, state in (
        (waiting, pages.PrintState.PRINTING),
        (pages.Delivery.DELIVERED, pages.PrintState.PRINTED),
        (pages.Delivery.SENDING, pages.PrintState.JAMMED),
        (waiting, pages.PrintState.COVER_OPEN),
    ):
        page = replace(_accepted(item, delivery, state, phone=""), visit=papers)
        yield f"papers_{state}", page, 3
    for state in (pages.PrintState.UNAVAILABLE, pages.PrintState.DECLINED):
        page = _accepted(item, pages.Delivery.DELIVERED, state, phone="")
        yield f"papers_elsewhere_{state}", replace(page, visit=papers, qr_text=""), 3
    for state in (
        pages.PrintState.PRINTING,
        pages.PrintState.PRINTED,
        pages.PrintState.PAPER_OUT,
        pages.PrintState.DECLINED,
    ):
        page = _accepted(item, pages.Delivery.DELIVERED, state, may_rate=False)
        yield f"reprint_{state}", replace(page, visit=pages.Visit.REPRINT), NO_STEP
    gone = replace(page, visit=pages.Visit.REPRINT, may_print_again=False)
    yield "reprint_card_gone", replace(gone, print_state=pages.PrintState.PAPER_OUT), NO_STEP


def _closing_pages(item: Item) -> Iterator[tuple[str, pages.Page, int]]:
    yield "", pages.Rating(item.name.words, seconds_left=45), NO_STEP
    yield "dissatisfied", _reasons(2, 2), NO_STEP
    yield "very_satisfied", _reasons(5, 0), NO_STEP
    yield "card", pages.TakeAway(True, True, receipt=True, thanks=True), NO_STEP
    yield "paper", pages.TakeAway(False, True, receipt=False), NO_STEP
    yield "receipt", pages.TakeAway(False, False, receipt=True), NO_STEP
    yield "unknown", pages.TakeAway(None, None, receipt=True), NO_STEP
    yield "done", pages.TakeAway(False, False, receipt=False), NO_STEP


def _overlays() -> Iterator[tuple[str, Overlay]]:
    yield "idle_warning", view.IdleWarning(seconds_left=18, of_seconds=30)
    yield "leave_question", view.LeaveQuestion()
    yield "help_sheet", view.HelpSheet("form", _SETTINGS.terminal.help_phone)
    yield "text_size_sheet", view.TextSizeSheet()


def _view(page: pages.Page, step: int, item_name: Words, names: tuple[str, ...] = STEPS) -> View:
    terminal = _SETTINGS.terminal
    match page:
        case pages.Accepted(delivery=pages.Delivery.WAITING):
            offline = True
        case pages.ProgressResult(kind=pages.ProgressKind.HUB_UNREACHABLE):
            offline = True
        case pages.Home(tiles=tiles):
            offline = any(tile.closed is Closure.LINE for tile in tiles)
        case _:
            offline = False
    header = view.Header(
        centre=_words(terminal.centre_zh, terminal.centre_en),
        terminal=_words(terminal.name_zh, terminal.name_en),
        now=NOW,
        line=Line.OFFLINE if offline else Line.ONLINE,
        minutes_since_contact=14 if offline else 2,
    )
    steps = view.StepBar(item_name, names, step) if step != NO_STEP else None
    return View(page, 1, True, None, Preferences(), header, steps)


def samples(language: str = "zh") -> tuple[Sample, ...]:
    """Every page with its variants, then every overlay above the form, then elder mode's home.

    `language`: of the few words that the flow itself says."""
    catalogue = load(None)
    allowance = _item(catalogue, "old_age_allowance")
    found: list[Sample] = []
    for variant, page, step in _pages(
        allowance, _item(catalogue, "progress_query"), catalogue.items, language
    ):
        name = f"{page_name(page)}-{variant}" if variant else page_name(page)
        visit = getattr(page, "visit", pages.Visit.APPLY)
        if isinstance(page, pages.CapturePage) and page.go_on is pages.GoOn.WITHOUT:
            visit = pages.Visit.HAND_IN  # offered only there; the page does not name the visit
        names = VISIT_STEPS.get(visit, STEPS)
        laid_out = name not in LIKE_ANOTHER
        found.append(Sample(name, _view(page, step, allowance.name.words, names), laid_out))
    password = _item(catalogue, "social_card_password")
    for variant, page, step in card_samples(password):
        name = f"{page_name(page)}-{variant}" if variant else page_name(page)
        laid_out = variant in CARD_LAID_OUT
        found.append(Sample(name, _view(page, step, password.name.words, CARD_STEPS), laid_out))
    copies, scan, forms = (
        _item(catalogue, code) for code in ("photocopy", "scan_to_phone", "print_forms")
    )
    for variant, page in copy_samples(copies, scan, forms, IMAGE):
        name = f"{page_name(page)}-{variant}" if variant else page_name(page)
        found.append(Sample(name, _view(page, NO_STEP, allowance.name.words), name in LAID_OUT))
    under = next(sample.view for sample in found if sample.name == "form")
    for name, overlay in _overlays():
        found.append(Sample(name, replace(under, overlay=overlay)))
    home = next(sample.view for sample in found if sample.name == "home")
    elder = Preferences(text_size=view.TextSize.ELDER, elder=True)
    found.append(Sample("home-elder_mode", replace(home, preferences=elder)))
    return tuple(found)
