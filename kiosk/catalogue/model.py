"""A service item as data: what is told, asked, wanted and in which order.

The steps of an item are a list of kinds with their few options; the code of a kind is one file in
`kiosk/flow`. Every text has Chinese and English; further languages may follow under their code.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from drivers.id_reader.values import CardKind
from kiosk.catalogue.papers import PageTone, known_papers
from kiosk.identity.contact import ACCOUNT_DIGITS_MAX, ACCOUNT_DIGITS_MIN
from kiosk.settings import Settings
from kiosk.words import Words

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=400)]
MAX_STATEMENT_LINES = 3  # what is signed stands above the box and must be read at a glance


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(BaseModel):
    """One text in every language."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Sentence] = Field(init=False)

    zh: Sentence
    en: Sentence

    @property
    def words(self) -> Words:
        return Words((("zh", self.zh), ("en", self.en), *sorted(self.__pydantic_extra__.items())))


class Bring(StrEnum):
    """要带, 代办才带, 可后补, 不用带."""

    BRING = "bring"
    FOR_ANOTHER = "for_another"
    LATER = "later"
    NOT_NEEDED = "not_needed"


class FieldKind(StrEnum):
    PHONE = "phone"  # keypad, 3-4-4
    ACCOUNT = "account"  # keypad, groups of four
    NAME = "name"  # pinyin keyboard
    CHOICE = "choice"


class Paper(_Part):
    name: Text
    note: Text
    bring: Bring
    picture: str


class ConsentText(_Part):
    what: Text
    why: Text
    kept: Text


class ConsentPart(_Part):
    version: int = Field(ge=1)
    lines: tuple[ConsentText, ...] = Field(min_length=1)


class Option(_Part):
    code: Code
    name: Text


class FieldPart(_Part):
    """One thing to fill in."""

    code: Code
    kind: FieldKind
    label: Text
    required: bool = True
    required_of_relative: bool = False  # must be filled in when a relative acts
    from_relative: Literal["", "name"] = ""  # read from the relative's card when one acts
    from_paper: Annotated[str, Field(pattern=r"^$|^[a-z0-9_]+\.[a-z0-9_]+$")] = ""
    """material.field: read off a paper that was taken before, to be checked by the citizen."""
    differs_from: Literal["", "applicant_name"] | Code = ""
    luhn: bool = True  # accounts: whether the last digit is a check digit
    shortest: int = Field(ACCOUNT_DIGITS_MIN, ge=4, le=ACCOUNT_DIGITS_MAX)
    longest: int = Field(ACCOUNT_DIGITS_MAX, ge=4, le=32)
    options: tuple[Option, ...] = ()


class FormPart(_Part):
    """One question: the fields of one screen, and the group they make on the review."""

    code: Code
    question: Text
    lead: Text
    group: Text
    fields: tuple[FieldPart, ...] = Field(min_length=1, max_length=4)


class Blank(_Part):
    """A form to be printed empty: `file` lies in the folder `blanks` beside the item's."""

    code: Code
    name: Text
    note: Text
    file: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,60}\.pdf$")]
    pages: int = Field(1, ge=1, le=20)


class PaperSheet(_Part):
    """One side of a card, one page of a booklet: taken by itself, kept in the material's order."""

    name: Text
    paper: str = ""  # a known paper (kiosk/data/papers.toml): its size is judged, and it is read


class Material(_Part):
    """What is laid under the camera: one page of `paper`, or the `sheets` one after the other."""

    code: Code
    name: Text
    paper: str = ""
    sheets: tuple[PaperSheet, ...] = Field((), max_length=20)
    tone: PageTone = PageTone.COLOUR
    whose: Literal["applicant", "agent", ""] = (
        "applicant"  # whose name and number should stand on it
    )
    required: bool = True  # false: it may be handed in later
    most_kb: int = Field(3072, ge=100, le=30_720)  # of the document that is made of it

    @property
    def pages(self) -> tuple[PaperSheet, ...]:
        return self.sheets or (PaperSheet(name=self.name, paper=self.paper),)

    @model_validator(mode="after")
    def _known(self) -> Self:
        for sheet in self.pages:
            if sheet.paper and sheet.paper not in known_papers():
                raise ValueError(f"materials: {self.code}: no paper is called {sheet.paper}")
        if self.sheets and self.paper:
            raise ValueError(f"materials: {self.code}: paper belongs to each of its sheets")
        return self


# -- steps ----------------------------------------------------------------------


class StepKind(StrEnum):
    GUIDE = "guide"
    CONSENT = "consent"
    IDENTIFY = "identify"
    SOCIAL_CARD = "social_card"  # this person's, into its reader
    NEW_PIN = "new_pin"  # six digits, twice
    CARD_PASSWORD = "card_password"  # noqa: S105 - the centre gives the card its new password
    EARLIER = "earlier"
    FORM = "form"
    CAPTURE = "capture"
    REVIEW = "review"
    SIGN = "sign"
    SUBMIT = "submit"
    ACCEPT = "accept"
    RATE = "rate"
    SCAN_RECEIPT = "scan_receipt"
    PROGRESS = "progress"
    PAPERS = "papers"
    COPY = "copy"
    TO_PHONE = "to_phone"
    BLANKS = "blanks"
    TAKE_AWAY = "take_away"  # ends every service; never written in a list


class PlainStep(_Part):
    kind: Literal[
        StepKind.GUIDE,
        StepKind.CONSENT,
        StepKind.SOCIAL_CARD,
        StepKind.NEW_PIN,
        StepKind.CARD_PASSWORD,
        StepKind.REVIEW,
        StepKind.SIGN,
        StepKind.SUBMIT,
        StepKind.ACCEPT,
        StepKind.RATE,
        StepKind.SCAN_RECEIPT,
        StepKind.PROGRESS,
        StepKind.COPY,
        StepKind.TO_PHONE,
        StepKind.BLANKS,
    ]


class IdentifyStep(_Part):
    kind: Literal[StepKind.IDENTIFY]
    cards: tuple[CardKind, ...] = (CardKind.RESIDENT,)
    minimum_age: int = Field(0, ge=0, le=120)
    minimum_age_rule: Literal["", "old_age_allowance_years"] = ""  # a rule of the site, if named
    relative_may_act: bool = False


class EarlierStep(_Part):
    kind: Literal[StepKind.EARLIER]
    within_days: int = Field(ge=1, le=365)


class FormStep(_Part):
    kind: Literal[StepKind.FORM]
    form: Code


class CaptureStep(_Part):
    kind: Literal[StepKind.CAPTURE]
    material: Code


class PapersStep(_Part):
    """Papers of no application, one after the other: for a copy or a phone."""

    kind: Literal[StepKind.PAPERS]
    most: int = Field(10, ge=1, le=20)


def _from_short(value: Any) -> Any:
    """`guide` is short for `{kind: guide}`."""
    return {"kind": value} if isinstance(value, str) else value


StepPart = Annotated[
    Annotated[
        PlainStep | IdentifyStep | EarlierStep | FormStep | CaptureStep | PapersStep,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_from_short),
]


class Need(StrEnum):
    """What must work for an item to be begun, in the order in which it is met."""

    STORAGE = "storage"
    CARD = "card"
    SMART_CARD = "smart_card"
    PAGE = "page"
    SHEETS = "sheets"  # of A4
    CODE = "code"
    LINE = "line"
    PHONES = "phones"  # that reach the centre


# -- the item -------------------------------------------------------------------

_ORDER = {  # what must have come before
    StepKind.EARLIER: StepKind.IDENTIFY,
    StepKind.SOCIAL_CARD: StepKind.IDENTIFY,
    StepKind.NEW_PIN: StepKind.SOCIAL_CARD,
    StepKind.CARD_PASSWORD: StepKind.NEW_PIN,
    StepKind.FORM: StepKind.IDENTIFY,
    StepKind.CAPTURE: StepKind.IDENTIFY,
    StepKind.IDENTIFY: StepKind.CONSENT,
    StepKind.SIGN: StepKind.REVIEW,
    StepKind.SUBMIT: StepKind.SIGN,
    StepKind.ACCEPT: StepKind.SUBMIT,
    StepKind.RATE: StepKind.ACCEPT,
    StepKind.PROGRESS: StepKind.SCAN_RECEIPT,
    StepKind.COPY: StepKind.PAPERS,
    StepKind.TO_PHONE: StepKind.PAPERS,
}


class Item(_Part):
    """One service. `{age}`, `{accepted_days}` and `{draft_minutes}` in texts are the site's."""

    code: Code
    version: int = Field(ge=1)
    name: Text
    icon: str = Field(pattern=r"^[a-z0-9-]+$")
    minutes: int = Field(ge=1, le=120)
    days: int = Field(0, ge=0, le=400)
    department: Text
    bring: Text
    who: Text
    result: Text
    papers: tuple[Paper, ...] = ()
    consent: ConsentPart | None = None
    forms: tuple[FormPart, ...] = ()
    materials: tuple[Material, ...] = ()
    blanks: tuple[Blank, ...] = ()
    statement: tuple[Text, ...] = Field((), max_length=MAX_STATEMENT_LINES)
    needs_line: bool = False
    steps: tuple[StepPart, ...] = Field(min_length=1)

    @property
    def needs(self) -> tuple[Need, ...]:
        kinds = {step.kind for step in self.steps}
        return tuple(
            need
            for need, wanted in (
                (Need.STORAGE, StepKind.SUBMIT in kinds),
                (Need.CARD, StepKind.IDENTIFY in kinds),
                (Need.SMART_CARD, StepKind.SOCIAL_CARD in kinds),
                (Need.PAGE, bool(kinds & {StepKind.CAPTURE, StepKind.PAPERS})),
                (Need.SHEETS, bool(kinds & {StepKind.COPY, StepKind.BLANKS})),
                (Need.CODE, StepKind.SCAN_RECEIPT in kinds),
                (Need.PHONES, StepKind.TO_PHONE in kinds),
                (Need.LINE, self.needs_line or StepKind.TO_PHONE in kinds),
            )
            if wanted
        )

    def form(self, code: str) -> FormPart:
        return next(form for form in self.forms if form.code == code)

    def material(self, code: str) -> Material:
        return next(material for material in self.materials if material.code == code)

    @property
    def earlier(self) -> EarlierStep | None:
        return next((step for step in self.steps if isinstance(step, EarlierStep)), None)

    @property
    def identify(self) -> IdentifyStep | None:
        return next((step for step in self.steps if isinstance(step, IdentifyStep)), None)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        seen: set[StepKind] = set()
        used: set[tuple[StepKind, str]] = set()
        for step in self.steps:
            before = _ORDER.get(step.kind)
            if before is not None and before not in seen:
                raise ValueError(f"steps: {step.kind} needs {before} before it")
            option = _option(step)
            if (step.kind, option) in used:
                raise ValueError(f"steps: {step.kind} {option} stands twice".replace("  ", " "))
            used.add((step.kind, option))
            seen.add(step.kind)
        _same(used, StepKind.FORM, [form.code for form in self.forms], "forms")
        _same(used, StepKind.CAPTURE, [material.code for material in self.materials], "materials")
        later = [material.code for material in self.materials if not material.required]
        if later and StepKind.EARLIER not in seen:
            raise ValueError(
                f"materials: {later[0]} may follow, but without a step earlier nowhere"
            )
        if StepKind.CONSENT in seen and self.consent is None:
            raise ValueError("consent: missing, and there is a step consent")
        if (StepKind.BLANKS in seen) != bool(self.blanks):
            raise ValueError("blanks: belong to a step blanks, and there must be some")
        if StepKind.SIGN in seen and not self.statement:
            raise ValueError("statement: missing, and there is a step sign")
        codes = [part.code for form in self.forms for part in form.fields]
        if len(codes) != len(set(codes)):
            raise ValueError("forms: two fields have the same code")
        for part in (part for form in self.forms for part in form.fields):
            if part.differs_from not in ("", "applicant_name", *codes):
                raise ValueError(f"forms: {part.code} differs from an unknown field")
            if (part.kind is FieldKind.CHOICE) != bool(part.options):
                raise ValueError(f"forms: {part.code}: options belong to a choice, and only there")
            if part.from_paper:
                self._read_before(part)
            if part.shortest > part.longest:
                raise ValueError(f"forms: {part.code}: shortest is longer than longest")
        return self

    def _read_before(self, part: FieldPart) -> None:
        """What is read off a paper can only fill a form that comes after it."""
        code, _, wanted = part.from_paper.partition(".")
        readable = {
            field.code
            for material in self.materials
            if material.code == code
            for sheet in material.pages
            if sheet.paper
            for field in known_papers()[sheet.paper].fields
        }
        if wanted not in readable:
            raise ValueError(f"forms: {part.code}: {part.from_paper} is read off no paper")
        order = [_option(step) for step in self.steps]
        form = next(form.code for form in self.forms if part in form.fields)
        if order.index(code) > order.index(form):
            raise ValueError(f"forms: {part.code}: {code} is taken only after the form")


def minimum_age(step: IdentifyStep, settings: Settings) -> int:
    """The site's rule stands above the item's own number."""
    match step.minimum_age_rule:
        case "old_age_allowance_years":
            return settings.rules.old_age_allowance_years
        case "":
            return step.minimum_age


def fill(text: Text, item: Item, settings: Settings) -> Words:
    """The text with what the site decides put in."""
    step = item.identify
    values = {
        "{age}": str(minimum_age(step, settings)) if step else "",
        "{accepted_days}": str(settings.rules.accepted_days),
        "{draft_minutes}": str(settings.rules.draft_minutes),
    }
    return Words(
        tuple((language, _replace(words, values)) for language, words in text.words.by_language)
    )


def _replace(text: str, values: dict[str, str]) -> str:
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _option(step: StepPart) -> str:
    match step:
        case FormStep():
            return step.form
        case CaptureStep():
            return step.material
        case PlainStep() | IdentifyStep() | EarlierStep() | PapersStep():
            return ""


def _same(used: set[tuple[StepKind, str]], kind: StepKind, there: list[str], field: str) -> None:
    """Each form and material is used by one step, and each step has its own."""
    if len(there) != len(set(there)):
        raise ValueError(f"{field}: two have the same code")
    wanted = {option for step_kind, option in used if step_kind is kind}
    for code in sorted(wanted - set(there)):
        raise ValueError(f"steps: {kind} {code} is not in {field}")
    for code in sorted(set(there) - wanted):
        raise ValueError(f"{field}: {code} has no step")
