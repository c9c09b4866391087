"""Window tests: the real window, off screen, by the software renderer."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Qt reads these once, when it is loaded; the pinyin engine writes below the first
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="ui-tests-")
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_QUICK_BACKEND"] = "software"

from ui import runtime

runtime.prepare()

import pytest
from PySide6.QtGui import QGuiApplication
from ui_window_showing import Shower

from ui.window import QML_FOLDER


@pytest.fixture(scope="session")
def qapp_cls() -> type[QGuiApplication]:
    """No widgets here."""
    return QGuiApplication


@pytest.fixture
def show(qapp: QGuiApplication) -> Iterator[Shower]:
    """Makes windows for one test."""
    shower = Shower()
    yield shower
    shower.close()


@pytest.fixture(scope="module")
def keep_showing(qapp: QGuiApplication) -> Iterator[Shower]:
    """Makes windows for all tests of a file."""
    shower = Shower()
    yield shower
    shower.close()


@pytest.fixture
def qml_folder() -> Path:
    """Where the screens are."""
    return QML_FOLDER
