"""Papers that are known: their size, the words by which they are known, what can be read from them.

Data in `kiosk/data/papers.toml`; an item's material names one of them, or none.
"""

from __future__ import annotations

import functools
import tomllib
from enum import StrEnum
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field


class PageTone(StrEnum):
    """How a page is kept."""

    COLOUR = "colour"
    GREY = "grey"
    BLACK_WHITE = "black_white"


class ReadKind(StrEnum):
    NAME = "name"
    TEXT = "text"
    DATE = "date"
    PERIOD = "period"
    ID_NUMBER = "id_number"
    ACCOUNT = "account"
    CREDIT_CODE = "credit_code"


class ReadField(BaseModel):
    """One thing that stands on a paper. `wraps`: it may go on in the rows below."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")
    kind: ReadKind
    labels: tuple[str, ...] = ()
    wraps: bool = False


class KnownPaper(BaseModel):
    """A kind of paper. `marks`: one of these words stands on it; none: it is known by its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str
    size_mm: tuple[float, float]
    marks: tuple[str, ...]
    fields: tuple[ReadField, ...]


@functools.cache
def known_papers() -> dict[str, KnownPaper]:
    """By code. The file ships with the program: a fault in it is a bug."""
    text = (files("kiosk") / "data" / "papers.toml").read_text(encoding="utf-8")
    return {code: KnownPaper.model_validate(part) for code, part in tomllib.loads(text).items()}
