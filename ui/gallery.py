"""Every screen as a picture: each sample view in each look, language and size, with an index page.

Runs without a display. `render` needs a process without another Qt application.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from kiosk.flow.view import Preferences, TextSize, View
from ui import samples


@dataclass(frozen=True, slots=True)
class Look:
    """One way a screen can look. `name` is a folder's name."""

    name: str
    preferences: Preferences
    width: int = 1080
    height: int = 1920


_SIZES = {
    "normal": Preferences(),
    "elder": Preferences(elder=True, text_size=TextSize.ELDER),
    "largest": Preferences(text_size=TextSize.LARGEST),
    "contrast": Preferences(high_contrast=True),
    "elder-contrast": Preferences(elder=True, text_size=TextSize.ELDER, high_contrast=True),
    "low": Preferences(low_reach=True),
    "elder-low": Preferences(elder=True, text_size=TextSize.ELDER, low_reach=True),
}
_SCREENS = {"": (1080, 1920), "landscape-": (1920, 1080), "small-": (1280, 1024)}


def looks(languages: Iterable[str] = ("zh", "en")) -> Iterator[Look]:
    """Every combination."""
    for screen, (width, height) in _SCREENS.items():
        for name, preferences in _SIZES.items():
            for language in languages:
                yield Look(
                    f"{screen}{name}-{language}",
                    replace(preferences, language=language),
                    width,
                    height,
                )


def view_in(view: View, look: Look, serial: int) -> View:
    """The same situation for a person with these preferences."""
    return replace(view, preferences=look.preferences, serial=serial)


def render(out: Path, wanted: Iterable[Look] | None = None, only: str = "") -> int:
    """Write `<look>/<sample>.png` and `index.html` into `out`. Answers the number of pictures.

    Raises OSError where one cannot be written.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("QT_QUICK_BACKEND", "software")
    # Qt must see these before it is loaded, so it is loaded here
    from ui import runtime  # noqa: PLC0415

    runtime.prepare()
    from ui.gallery_window import GalleryWindow  # noqa: PLC0415

    chosen = list(wanted) if wanted is not None else list(looks())
    pictures: list[tuple[str, str]] = []
    for look in chosen:
        folder = out / look.name
        folder.mkdir(parents=True, exist_ok=True)
        language = look.preferences.language
        shown = [sample for sample in samples.samples(language) if only in sample.name]
        window = GalleryWindow(look.width, look.height, view_in(shown[0].view, look, 1))
        try:
            for serial, sample in enumerate(shown, start=2):
                window.show_sample(view_in(sample.view, look, serial))
                window.picture(folder / f"{sample.name}.png")
                pictures.append((look.name, sample.name))
        finally:
            window.done()
    (out / "index.html").write_text(_index(pictures), encoding="utf-8")
    return len(pictures)


def _index(pictures: list[tuple[str, str]]) -> str:
    """One page: a row for each sample, a column for each look."""
    names = list(dict.fromkeys(name for _, name in pictures))
    columns = list(dict.fromkeys(look for look, _ in pictures))
    head = "".join(f"<th>{html.escape(look)}</th>" for look in columns)
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th>"
        + "".join(
            f'<td><a href="{html.escape(look)}/{html.escape(name)}.png">'
            f'<img loading="lazy" alt="{html.escape(name)}, {html.escape(look)}" '
            f'src="{html.escape(look)}/{html.escape(name)}.png"></a></td>'
            for look in columns
        )
        + "</tr>"
        for name in names
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Every screen</title>'
        "<style>body{font:16px sans-serif;margin:24px}img{height:320px;border:1px solid #999}"
        "th{text-align:left;vertical-align:top;padding:8px;position:sticky;left:0;"
        "background:#fff}td{padding:4px}</style>"
        f"<h1>Every screen</h1><table><tr><th></th>{head}</tr>{rows}</table></html>\n"
    )
