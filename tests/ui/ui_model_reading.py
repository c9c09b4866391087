"""For the tests: build the view-model of a page, and read it to the last property."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QMetaProperty

from kiosk.flow.pages import Page
from kiosk.flow.view import Overlay
from ui.desk import Desk
from ui.models import (
    closing,
    copies,
    form,
    identity,
    materials,
    overlays,
    progress,
    social_card,
    start,
    submit,
)
from ui.models._model import PageModel, Rows
from ui.texts import Catalogue, Texts

MODULES = (
    start,
    identity,
    form,
    materials,
    submit,
    closing,
    progress,
    overlays,
    copies,
    social_card,
)


class RecordingTexts(Texts):
    """Remembers which texts were asked for."""

    def __init__(self, catalogues: Mapping[str, Catalogue]) -> None:
        super().__init__(catalogues)
        self.asked: set[tuple[str, str]] = set()

    def get(self, situation: str, key: str, /, **values: object) -> str:
        self.asked.add((situation, key))
        text = super().get(situation, key, **values)
        assert "{" not in text, f"{situation}.{key} lacks a parameter"
        return text


def model_types() -> list[type[PageModel]]:
    return [
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, PageModel)
        and value.__module__ == module.__name__
        and value is not overlays.OverlayModel
    ]


def model_of(page: Page, desk: Desk) -> Any:
    wanted = f"{type(page).__name__}Model"
    return next(found for found in model_types() if found.__name__ == wanted)(page, desk)


def overlay_model_of(overlay: Overlay, desk: Desk) -> Any:
    wanted = f"{type(overlay).__name__}Model"
    return next(found for found in model_types() if found.__name__ == wanted)(overlay, desk)


def qt_properties(model: PageModel) -> list[QMetaProperty]:
    meta = model.metaObject()
    return [meta.property(place) for place in range(1, meta.propertyCount())]


def read_everything(model: PageModel) -> list[str]:
    """Every text that the model gives to its screen, rows included."""
    texts: list[str] = []

    def take(value: object) -> None:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, Rows):
            for row in value.rows():
                for name in type(row).__slots__:
                    take(getattr(row, name))
        elif isinstance(value, list | tuple):
            for part in value:
                take(part)

    for found in qt_properties(model):
        # by Python: an error in a getter must be seen, and Qt would swallow it
        take(getattr(model, found.name()))
    return texts
