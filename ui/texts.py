"""Every word on the screens: `ui/i18n/<language>.toml`, one table a situation, one line a text.

QML reads `Texts.words.<situation>.<key>` (module `Kiosk.Texts`), Python calls
`Texts.get(situation, key, name=value)`. Both follow the language: `words` is a property with a
change signal, so every binding that read it is evaluated again.

A key that is missing in another language is taken from Chinese; one that is missing in Chinese
is a mistake that the tests find (`missing_keys`, `get` raising KeyError), never a citizen.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QJSEngine, QJSValue, QmlElement, QmlSingleton, QQmlEngine

QML_IMPORT_NAME = "Kiosk.Texts"
QML_IMPORT_MAJOR_VERSION = 1

MAIN_LANGUAGE = "zh"
I18N_FOLDER = Path(__file__).parent / "i18n"

_ENGINE_PROPERTY = "kioskTexts"  # where the engine that asks for the singleton finds its own

Catalogue = Mapping[str, Mapping[str, str]]  # situation -> key -> text; "closure.line" is one too


def load_catalogues(folder: Path = I18N_FOLDER) -> dict[str, Catalogue]:
    """All languages of `folder` by code. A text is "words with {parameter}"."""
    catalogues: dict[str, Catalogue] = {}
    for path in sorted(folder.glob("*.toml")):
        catalogues[path.stem] = _flat(tomllib.loads(path.read_text(encoding="utf-8")))
    return catalogues


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, dict[str, str]]:
    """Tables in tables become situations with a dotted name."""
    texts: dict[str, dict[str, str]] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            texts |= _flat(value, f"{above}{key}.")
        else:
            texts.setdefault(above.removesuffix("."), {})[key] = str(value)
    return texts


def _nested(texts: Catalogue) -> dict[str, Any]:
    """The other way round, for QML: `words.closure.line.short`."""
    root: dict[str, Any] = {}
    for situation, table in texts.items():
        place = root
        for part in situation.split("."):
            place = place.setdefault(part, {})
        place.update(table)
    return root


def missing_keys(catalogues: Mapping[str, Catalogue]) -> list[str]:
    """`language situation.key` for each text that one language has and another has not."""
    everything = {
        (situation, key)
        for catalogue in catalogues.values()
        for situation, texts in catalogue.items()
        for key in texts
    }
    return [
        f"{language} {situation}.{key}"
        for language, catalogue in sorted(catalogues.items())
        for situation, key in sorted(everything)
        if key not in catalogue.get(situation, {})
    ]


def parameters(text: str) -> set[str]:
    """Names in braces in one text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@QmlElement
@QmlSingleton
class Texts(QObject):
    """The texts of the language shown now."""

    changed = Signal()

    def __init__(
        self, catalogues: Mapping[str, Catalogue] | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._catalogues = dict(catalogues) if catalogues is not None else load_catalogues()
        self._language = MAIN_LANGUAGE
        self._engine: QJSEngine | None = None
        self._words: QJSValue | None = None

    # -- Python ---------------------------------------------------------------

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._catalogues)

    @property
    def language(self) -> str:
        return self._language

    def set_language(self, language: str) -> None:
        """Show another language; an unknown one is Chinese."""
        chosen = language if language in self._catalogues else MAIN_LANGUAGE
        if chosen == self._language:
            return
        self._language = chosen
        self._words = None
        self.changed.emit()

    def get(self, situation: str, key: str, /, **values: object) -> str:
        """One text with its parameters filled in. KeyError: no language has it."""
        text = self._catalogues.get(self._language, {}).get(situation, {}).get(key)
        if text is None:
            text = self._catalogues[MAIN_LANGUAGE][situation][key]
        return text.format(**values) if values else text

    # -- QML ------------------------------------------------------------------

    def attach(self, engine: QQmlEngine) -> None:
        """Be the `Texts` of this engine's QML. Call once, before anything is loaded."""
        self._engine = engine
        self._words = None
        engine.setProperty(_ENGINE_PROPERTY, self)
        QQmlEngine.setObjectOwnership(self, QQmlEngine.ObjectOwnership.CppOwnership)

    @staticmethod
    def create(engine: QQmlEngine) -> Texts:
        """Called by the engine when QML first names the singleton."""
        texts = engine.property(_ENGINE_PROPERTY)
        if not isinstance(texts, Texts):
            raise TypeError("attach() comes before loading QML")
        return texts

    def _merged(self) -> dict[str, dict[str, str]]:
        main = self._catalogues.get(MAIN_LANGUAGE, {})
        shown = self._catalogues.get(self._language, {})
        return {
            situation: {**main.get(situation, {}), **shown.get(situation, {})}
            for situation in {**main, **shown}
        }

    @Property(QJSValue, notify=changed)
    def words(self) -> Any:
        """Tables of the language shown: `words.<situation>.<key>`."""
        if self._words is None:
            if self._engine is None:
                raise RuntimeError("attach() comes before reading words")
            self._words = self._engine.toScriptValue(_nested(self._merged()))
        return self._words
