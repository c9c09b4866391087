"""Window tests: the real window, off screen, by the software renderer."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from ui_window_showing import Shower

from ui import immortal, runtime
from ui.window import QML_FOLDER


@pytest.fixture(scope="session", autouse=True)
def constants_that_stay() -> None:
    """Also for tests of view-models alone, which emit signals without an application."""
    immortal.protect()


@pytest.fixture(scope="session")
def qapp_cls(tmp_path_factory: pytest.TempPathFactory) -> type[QGuiApplication]:
    """No widgets here. Also what must be so before the application is made."""
    # the pinyin engine keeps its dictionary below this
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))
    runtime.prepare()
    return QGuiApplication


@pytest.fixture
def show(qapp: QGuiApplication) -> Iterator[Shower]:
    """Makes windows for one test."""
    shower = Shower()
    yield shower
    shower.close()


@pytest.fixture
def qml_folder() -> Path:
    """Where the screens are."""
    return QML_FOLDER
