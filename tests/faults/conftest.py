"""View-models are read here without a window; Qt must be made ready all the same."""

import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication

from ui import runtime

sys.path.append(str(Path(__file__).parent.parent / "ui"))


@pytest.fixture(scope="session")
def qapp_cls() -> type[QGuiApplication]:
    """No widgets here."""
    runtime.prepare()
    return QGuiApplication
