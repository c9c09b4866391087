"""Everything that will be submitted, on one page, each group with its own way to change it.
Of papers handed in later: for which application, and which.

What can be changed carries the code of its step as its group code; what a card says cannot be.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.id_reader.values import CardRecord
from kiosk.catalogue.model import FieldPart, FormPart, Material, StepKind
from kiosk.flow.actions import Act, Action
from kiosk.flow.case import Supplement, TakenPage, wanted
from kiosk.flow.form import masked_value
from kiosk.flow.pages import (
    Advice,
    Doubt,
    FieldKind,
    Page,
    ReviewGroup,
    ReviewLine,
    Visit,
    Words,
)
from kiosk.flow.pages import Review as ReviewPage
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, ChangeAt, Outcome, Step
from kiosk.identity import masking
from kiosk.identity.age import age_on
from kiosk.receipts.number import grouped


def _words(zh: str, en: str) -> Words:
    return Words((("zh", zh), ("en", en)))


_APPLICANT = _words("申请人", "Applicant")
_AGENT = _words("代办家人", "Relative who applies")
_NAME = _words("姓名", "Name")
_NUMBER = _words("身份证号", "ID number")
_ADDRESS = _words("住址", "Address")
_AGE = _words("年龄", "Age")
_YEARS = _words("周岁", " years")
_MATERIALS = _words("材料", "Papers")
_PAGE, _PAGES = _words("页", " page"), _words("页", " pages")
_TAKEN = _words("，已拍好", ", taken")
_TAKEN_DESPITE = _words("，不够清楚", ", not quite clear")
_DOUBTS = {
    Doubt.NAME_DIFFERS: _words("，姓名和身份证不同", ", name differs from the ID card"),
    Doubt.NUMBER_DIFFERS: _words("，号码和身份证不同", ", number differs from the ID card"),
    Doubt.TAKEN_TWICE: _words("，可能拍重了", ", perhaps taken twice"),
    Doubt.OTHER_PAPER: _words("，可能不是这份材料", ", perhaps another paper"),
}
_LATER = _words("以后再交", "To be handed in later")
_WITHOUT = _words("这次没有交", "Not handed in this time")
_RECEIPT_NUMBER = _words("受理号", "Receipt number")
_EMPTY = _words("没填", "Not filled in")


class Review(Step):
    kind: ClassVar[StepKind] = StepKind.REVIEW
    bar: ClassVar[str] = "review"
    visits: ClassVar[frozenset[Visit]] = frozenset({Visit.APPLY, Visit.HAND_IN})

    @property
    def done(self) -> bool:
        return False  # a resumed draft is always read once more

    def page(self) -> Page:
        case = self.context.case
        materials = [self._material(material) for material in wanted(self.context.item, case)]
        if case.supplement is not None:
            return ReviewPage((self._application(case.supplement), *materials), case.visit)
        groups: list[ReviewGroup] = []
        if case.applicant is not None:
            groups.append(self._card(_APPLICANT, case.applicant, with_age=True))
        if case.for_relative and case.agent is not None:
            groups.append(self._card(_AGENT, case.agent, with_age=False))
        groups.extend(self._form(form) for form in self.context.item.forms)
        return ReviewPage((*groups, *materials))

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.NEXT:
                return FORWARD
            case Act.BACK:
                return BACKWARD
            case Act.CHANGE if action.argument:
                return Outcome(move=ChangeAt(action.argument))
            case _:
                return NOTHING

    # -- groups ---------------------------------------------------------------

    def _say(self, words: Words) -> str:
        return words.get(self.context.preferences.language)

    def _line(self, label: Words, masked: str, full: str) -> ReviewLine:
        """In full only as long as the card lies there."""
        return ReviewLine(label, masked, full if self.context.in_full else masked)

    def _card(self, name: Words, card: CardRecord, *, with_age: bool) -> ReviewGroup:
        called = card.name or card.english_name
        lines = [
            self._line(_NAME, masking.name(called), called),
            self._line(_NUMBER, masking.number(card.number), card.number),
        ]
        if with_age:
            years = f"{age_on(card.born, self.context.today)}{self._say(_YEARS)}"
            lines.append(ReviewLine(_AGE, years, years))
            lives = card.current_address
            lines.append(self._line(_ADDRESS, masking.address(lives), lives))
        return ReviewGroup("", name, tuple(lines))

    def _application(self, supplement: Supplement) -> ReviewGroup:
        """For which application, and whose."""
        context, applicant = self.context, self.context.case.applicant
        number = grouped(supplement.number)
        lines = [ReviewLine(_RECEIPT_NUMBER, number, number)]
        if applicant is not None:
            called = applicant.name or applicant.english_name
            lines.append(self._line(_APPLICANT, masking.name(called), called))
        return ReviewGroup("", context.words(context.item.name), tuple(lines))

    def _form(self, form: FormPart) -> ReviewGroup:
        return ReviewGroup(
            form.code,
            self.context.words(form.group),
            tuple(self._field(part) for part in form.fields),
        )

    def _field(self, part: FieldPart) -> ReviewLine:
        label = self.context.words(part.label)
        value = self.context.case.form.get(part.code, "").strip()
        if not value:
            empty = self._say(_EMPTY)
            return ReviewLine(label, empty, empty)
        if part.kind is FieldKind.CHOICE:
            name = next(
                (self._say(option.name.words) for option in part.options if option.code == value),
                value,
            )
            return self._line(label, masked_value(part, value), name)
        return self._line(label, masked_value(part, value), value)

    def _material(self, material: Material) -> ReviewGroup:
        pages = self.context.case.pages.get(material.code, ())
        state = self._state(pages)
        shown = tuple(page.image for page in pages if page.image) if self.context.in_full else ()
        return ReviewGroup(
            material.code,
            _MATERIALS,
            (ReviewLine(material.name.words, state, state),),
            images=shown,
        )

    def _state(self, pages: tuple[TakenPage, ...]) -> str:
        if not pages:
            return self._say(_LATER if self.context.case.supplement is None else _WITHOUT)
        doubt = next((page.doubt for page in pages if page.doubt is not None), None)
        if doubt is not None:
            how = _DOUBTS[doubt]
        else:
            unclear = any(page.advice is not Advice.GOOD for page in pages)
            how = _TAKEN_DESPITE if unclear else _TAKEN
        unit = _PAGE if len(pages) == 1 else _PAGES
        return f"{len(pages)}{self._say(unit)}{self._say(how)}"
