"""Everything the window shows at one moment: the page and what stands around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kiosk.flow.pages import Page, Words


class TextSize(StrEnum):
    NORMAL = "normal"
    ELDER = "elder"
    LARGEST = "largest"


@dataclass(frozen=True, slots=True)
class Preferences:
    """Chosen by the person at the machine, reset when they leave."""

    language: str = "zh"
    text_size: TextSize = TextSize.NORMAL
    high_contrast: bool = False
    elder: bool = False  # elder mode: elder sizes, longer time-outs, fewer words
    low_reach: bool = False  # all controls in the lower half
    voice: bool = False

    @property
    def slow(self) -> bool:
        """Who reads large letters gets the longer times too."""
        return self.elder or self.text_size is not TextSize.NORMAL


@dataclass(frozen=True, slots=True)
class IdleWarning:
    seconds_left: int
    of_seconds: int


@dataclass(frozen=True, slots=True)
class LeaveQuestion:
    """End and erase? Asked only when something was entered."""


@dataclass(frozen=True, slots=True)
class HelpSheet:
    situation: str  # name of the page that help is for
    phone: str


@dataclass(frozen=True, slots=True)
class TextSizeSheet:
    """Text size and contrast."""


Overlay = IdleWarning | LeaveQuestion | HelpSheet | TextSizeSheet


class Line(StrEnum):
    """The line to the centre, as told in the status bar."""

    ONLINE = "online"
    OFFLINE = "offline"
    STOPPED = "stopped"  # staff must come: the centre does not know this terminal, or is not ours
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Header:
    centre: Words
    terminal: Words
    now: datetime  # UTC; shown in Asia/Shanghai
    line: Line
    minutes_since_contact: int | None


@dataclass(frozen=True, slots=True)
class StepBar:
    """Where in the item one is. `names` are keys of `ui/i18n` (identity, form, ...)."""

    item_name: Words
    names: tuple[str, ...]
    current: int


@dataclass(frozen=True, slots=True)
class View:
    page: Page
    serial: int  # changes with every new page; an Action must carry it
    forward: bool  # direction of travel, for the page's movement
    overlay: Overlay | None
    preferences: Preferences
    header: Header
    steps: StepBar | None
