"""One question of the form, checked while it is typed.

While a field is being typed only what more typing cannot heal is called wrong; what is still
missing is counted. After the card was lifted, what was entered is masked and can be typed anew.
"""

from __future__ import annotations

from typing import ClassVar, assert_never

from kiosk.catalogue.model import FieldPart, FormStep, StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.pages import FieldError, FieldKind, FormField, FormOption, Page
from kiosk.flow.pages import Form as FormPage
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, Context, Outcome, Step
from kiosk.identity import contact, masking
from kiosk.identity.contact import NAME_CHARACTERS_MAX, NAME_CHARACTERS_MIN, PHONE_DIGITS


class Form(Step):
    kind: ClassVar[StepKind] = StepKind.FORM
    bar: ClassVar[str] = "form"
    is_entry: ClassVar[bool] = True

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        assert isinstance(part, FormStep)  # noqa: S101 - the loader says so
        self._form = context.item.form(part.form)
        self._active = self._form.fields[0].code
        self._tried = False  # NEXT was pressed: what is missing is said as an error
        self._left: set[str] = set()  # fields that were typed and then left: errors show

    @property
    def done(self) -> bool:
        return all(self._final_error(part) is None for part in self._form.fields)

    def page(self) -> Page:
        forms = self.context.item.forms
        return FormPage(
            question=self.context.words(self._form.question),
            lead=self.context.words(self._form.lead),
            fields=tuple(self._field(part) for part in self._form.fields),
            active=self._active,
            complete=self.done,
            number=forms.index(self._form) + 1,
            of=len(forms),
        )

    def enter(self) -> Outcome:
        """What was read off a paper is filled in where nothing stands yet, to be checked."""
        case = self.context.case
        for part in self._form.fields:
            material, _, field = part.from_paper.partition(".")
            read = case.read_on(material).get(field, "") if material else ""
            if read and not case.form.get(part.code):
                case.form[part.code] = read[: _longest(part)]
                case.read_fields.add(part.code)
        return NOTHING

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.EDIT_FIELD:
                self._edit(action.argument)
            case Act.SET_FIELD:
                self._set(action.argument, action.value)
            case Act.NEXT if self.done:
                return FORWARD
            case Act.NEXT:
                self._point_at_first_wrong()
            case Act.BACK:
                return BACKWARD
            case _:
                pass
        return NOTHING

    # -- typing ---------------------------------------------------------------

    def _part(self, code: str) -> FieldPart | None:
        return next((part for part in self._form.fields if part.code == code), None)

    def _edit(self, code: str) -> None:
        """`code` "" ends typing without beginning another field."""
        if code and self._part(code) is None:
            return
        if self._active and self._active != code:
            self._left.add(self._active)
        self._active = code

    def _set(self, code: str, typed: str) -> None:
        part = self._part(code)
        if part is None:
            return
        case = self.context.case
        if code in case.concealed:  # the screen could only build upon the masked value
            typed = typed.removeprefix(self._masked(part))
            typed = "" if masking.STAR in typed else typed
            case.concealed.discard(code)
        if part.kind is FieldKind.CHOICE:
            if typed not in [option.code for option in part.options]:
                return
        elif part.kind is FieldKind.NAME:
            typed = typed.lstrip()
        else:
            typed = "".join(typed.split())
        self._edit(code)
        self._left.discard(code)
        case.form[code] = typed[: _longest(part)]
        case.read_fields.discard(code)

    def _point_at_first_wrong(self) -> None:
        self._tried = True
        self._left.update(part.code for part in self._form.fields)
        for part in self._form.fields:
            if self._final_error(part) is not None:
                self._active = part.code
                return

    # -- checking -------------------------------------------------------------

    def _value(self, part: FieldPart) -> str:
        return self.context.case.form.get(part.code, "")

    def _required(self, part: FieldPart) -> bool:
        return part.required or (part.required_of_relative and self.context.case.for_relative)

    def _final_error(self, part: FieldPart) -> FieldError | None:
        """What is wrong with the value as it stands, whoever is typing."""
        value = self._value(part)
        if part.kind is FieldKind.NAME:
            value = value.rstrip()
        if not value:
            return FieldError.MISSING if self._required(part) else None
        wrong = _error(part, value)
        if wrong is None and part.differs_from and value == self._other(part):
            return FieldError.SAME_AS_APPLICANT
        return wrong

    def _other(self, part: FieldPart) -> str:
        case = self.context.case
        if part.differs_from == "applicant_name":
            return case.applicant.name if case.applicant else ""
        return case.form.get(part.differs_from, "")

    def _shown_error(self, part: FieldPart) -> FieldError | None:
        error = self._final_error(part)
        if error is None:
            return None
        if part.code != self._active or part.code in self._left:
            typed_or_tried = bool(self._value(part)) or self._tried
            return error if typed_or_tried else None
        match error:
            case FieldError.BAD_START | FieldError.BAD_CHARACTER | FieldError.TOO_LONG:
                return error
            case FieldError.SAME_AS_APPLICANT:
                return error
            case FieldError.BAD_CHECK:  # a shorter account may be the beginning of a longer one
                return error if len(self._value(part)) >= _longest(part) else None
            case FieldError.TOO_SHORT | FieldError.MISSING:
                return None
            case _:
                assert_never(error)

    def _field(self, part: FieldPart) -> FormField:
        context = self.context
        hidden = part.code in context.case.concealed
        value = self._value(part)
        required = self._required(part)
        return FormField(
            code=part.code,
            kind=part.kind,
            label=context.words(part.label),
            required=required,
            value=self._masked(part) if hidden else value,
            missing=max(0, _shortest(part) - len(value)) if value or required else 0,
            maximum=_longest(part),
            error=self._shown_error(part),
            options=tuple(
                FormOption(option.code, context.words(option.name)) for option in part.options
            ),
            hidden=hidden,
            read=part.code in context.case.read_fields,
        )

    def _masked(self, part: FieldPart) -> str:
        return masked_value(part, self._value(part))


def masked_value(part: FieldPart, value: str) -> str:
    """A field's value as shown to whoever passes by."""
    match part.kind:
        case FieldKind.PHONE:
            return masking.phone(value)
        case FieldKind.ACCOUNT:
            return masking.account(value)
        case FieldKind.NAME:
            return masking.name(value)
        case FieldKind.CHOICE:
            return masking.HIDDEN_REST if value else ""
        case _:
            assert_never(part.kind)


def _error(part: FieldPart, value: str) -> FieldError | None:
    match part.kind:
        case FieldKind.PHONE:
            return contact.phone_error(value)
        case FieldKind.ACCOUNT:
            return contact.account_error(
                value, luhn=part.luhn, shortest=part.shortest, longest=part.longest
            )
        case FieldKind.NAME:
            return contact.name_error(value)
        case FieldKind.CHOICE:
            known = value in [option.code for option in part.options]
            return None if known else FieldError.BAD_CHARACTER
        case _:
            assert_never(part.kind)


def _shortest(part: FieldPart) -> int:
    match part.kind:
        case FieldKind.PHONE:
            return PHONE_DIGITS
        case FieldKind.ACCOUNT:
            return part.shortest
        case FieldKind.NAME:
            return NAME_CHARACTERS_MIN
        case FieldKind.CHOICE:
            return 1
        case _:
            assert_never(part.kind)


def _longest(part: FieldPart) -> int:
    match part.kind:
        case FieldKind.PHONE:
            return PHONE_DIGITS
        case FieldKind.ACCOUNT:
            return part.longest
        case FieldKind.NAME:
            return NAME_CHARACTERS_MAX
        case FieldKind.CHOICE:
            return 40  # as long as a code may be
        case _:
            assert_never(part.kind)
