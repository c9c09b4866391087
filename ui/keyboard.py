"""The pinyin keyboard inside the window: our own keys over Qt Virtual Keyboard's pinyin engine.

Qt's engine learns what is chosen after one use and keeps it in a file. A field with the hints
`Qt.ImhSensitiveData | Qt.ImhNoPredictiveText` is neither learned nor completed ahead, in memory
or on disk; `NameField.qml` has them. What is left to forget is the word being composed.
"""

from __future__ import annotations

import os

from PySide6.QtGui import QGuiApplication


def prepare() -> None:
    """Set what Qt reads from the environment. Call before Qt's application is made."""
    os.environ["QT_IM_MODULE"] = "qtvirtualkeyboard"
    # no panel of its own: the keys stand on our page
    os.environ["QT_VIRTUALKEYBOARD_DESKTOP_DISABLE"] = "1"


def forget() -> None:
    """Drop the word being composed and its candidates."""
    QGuiApplication.inputMethod().reset()
