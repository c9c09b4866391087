"""One text in every language of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """By language code; "zh" is always there."""

    by_language: tuple[tuple[str, str], ...]

    def get(self, language: str) -> str:
        texts = dict(self.by_language)
        return texts.get(language) or texts["zh"]
