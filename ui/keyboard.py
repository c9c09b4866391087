"""The pinyin keyboard inside the window: Qt Virtual Keyboard with our own style and keys."""

from __future__ import annotations

from PySide6.QtQml import QQmlEngine


def prepare() -> None:
    """Set what the keyboard reads from the environment. Call before Qt's application is made."""


def forget(engine: QQmlEngine) -> None:
    """Nothing that was typed is offered to the next person."""
