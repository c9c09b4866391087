"""View-model of a form page: one question, its fields, and the keys that fill them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.flow.actions import Act
from kiosk.flow.pages import FieldKind, Form, FormField
from ui.desk import Desk
from ui.models._format import typed_value
from ui.models._model import PageModel, Rows

QML_IMPORT_NAME = "Kiosk.Models"
QML_IMPORT_MAJOR_VERSION = 1


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field that is typed."""

    code: str
    byPinyin: bool
    label: str
    value: str  # grouped, as it is shown
    hint: str
    note: str
    aside: str
    editing: bool
    error: str
    maximumLength: int

    def __repr__(self) -> str:
        return f"FieldRow({self.code})"


@dataclass(frozen=True, slots=True)
class OptionRow:
    """One answer of a field that is chosen; the first one of a field carries its label."""

    field: str
    code: str
    label: str
    words: str
    chosen: bool

    def __repr__(self) -> str:
        return f"OptionRow({self.field})"


@QmlElement
class FormModel(PageModel):
    renewed = Signal()

    def __init__(self, page: Form, desk: Desk) -> None:
        super().__init__(desk)
        self._fields = Rows(FieldRow, self)
        self._options = Rows(OptionRow, self)
        self.update(page)

    def update(self, page: Form) -> None:
        self._page = page
        self._fields.show(
            [self._field(field) for field in page.fields if field.kind is not FieldKind.CHOICE]
        )
        self._options.show(
            [
                OptionRow(
                    field.code,
                    option.code,
                    self.said(field.label) if place == 0 else "",
                    self.said(option.name),
                    option.code == field.value,
                )
                for field in page.fields
                if field.kind is FieldKind.CHOICE
                for place, option in enumerate(field.options)
            ]
        )
        self.changed.emit()
        self.renewed.emit()

    def heading(self) -> str:
        return self.said(self._page.question)

    def leading(self) -> str:
        return self.said(self._page.lead)

    def _field(self, field: FormField) -> FieldRow:
        return FieldRow(
            code=field.code,
            byPinyin=field.kind is FieldKind.NAME,
            label=self.said(field.label),
            value=field.value if field.hidden else typed_value(field.kind, field.value),
            hint=self.say("form", "empty"),
            note=self._note(field),
            aside="" if field.required else self.say("form", "optional"),
            editing=field.code == self._page.active,
            error=self._error(field),
            maximumLength=field.maximum,
        )

    def _note(self, field: FormField) -> str:
        """How many are still to come, or how many are there; nothing for an empty field."""
        if not field.value or field.error:
            return ""
        if field.hidden:
            return self.say("form", "hidden")
        if field.read:
            return self.say("form", "read")
        if field.kind is FieldKind.NAME:
            return ""
        if field.missing:
            return self.say("form", "missing", count=field.missing)
        if field.kind is FieldKind.ACCOUNT:
            return self.say("form", "typed", count=len(field.value))
        return ""

    def _error(self, field: FormField) -> str:
        if field.error is None:
            return ""
        return self.say(
            f"field_error_{field.kind}",
            str(field.error),
            count=len(field.value),
            maximum=field.maximum,
            extra=max(0, len(field.value) - field.maximum),
        )

    def _active(self) -> FormField | None:
        for field in self._page.fields:
            if field.code == self._page.active:
                return field
        return None

    @Property(Rows, notify=renewed)
    def fields(self) -> Rows:
        return self._fields

    @Property(Rows, notify=renewed)
    def options(self) -> Rows:
        return self._options

    @Property(bool, notify=renewed)
    def withKeypad(self) -> bool:
        """The keypad stands ready: the field being typed takes digits."""
        active = self._active()
        return active is not None and active.kind in (FieldKind.PHONE, FieldKind.ACCOUNT)

    @Property(bool, notify=renewed)
    def withPinyin(self) -> bool:
        active = self._active()
        return active is not None and active.kind is FieldKind.NAME

    @Property(str, notify=renewed)
    def typed(self) -> str:
        """Code of the field being typed; "" for none."""
        return self._page.active

    @Property(bool, notify=renewed)
    def wrong(self) -> bool:
        """A sentence says what is wrong with the field being typed."""
        active = self._active()
        return active is not None and active.error is not None

    @Property(str, notify=renewed)
    def part(self) -> str:
        """第1页，共3页; "" for a form of one page."""
        if self._page.of <= 1:
            return ""
        return self.say("form", "part", number=self._page.number, of=self._page.of)

    # -- presses ----------------------------------------------------------------

    @Slot(str)
    def edit(self, code: str) -> None:
        self.press(Act.EDIT_FIELD, code)

    @Slot(str)
    def digit(self, character: str) -> None:
        active = self._active()
        if active is None:
            return
        before = "" if active.hidden else active.value
        if not active.maximum or len(before) < active.maximum:
            self.press(Act.SET_FIELD, active.code, before + character)

    @Slot()
    def erase(self) -> None:
        active = self._active()
        if active is not None and active.value:
            self.press(Act.SET_FIELD, active.code, "" if active.hidden else active.value[:-1])

    @Slot()
    def clear(self) -> None:
        active = self._active()
        if active is not None and active.value:
            self.press(Act.SET_FIELD, active.code, "")

    @Slot(str, str)
    def write(self, code: str, text: str) -> None:
        """A name as the pinyin keyboard has it now."""
        for field in self._page.fields:
            if field.code == code and field.value != text:
                self.press(Act.SET_FIELD, code, text)

    @Slot(str, str)
    def choose(self, code: str, option: str) -> None:
        self.press(Act.SET_FIELD, code, option)

    @Slot()
    def next(self) -> None:
        self.press(Act.NEXT)
