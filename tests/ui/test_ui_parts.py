"""Texts, icons, pictures, preview, bridge, gallery and the check of the QML itself."""

import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass

import numpy
import pytest
import zxingcpp
from PySide6.QtCore import QCoreApplication, QObject, QSize, QThread, Signal
from PySide6.QtGui import QImage
from PySide6.QtQml import QQmlEngine
from ui_window_showing import settle

from kiosk.mailbox import Mailbox
from ui import immortal, qmltypes
from ui.bridge import Bridge
from ui.gallery_window import MOST_LOOKS, drawn_page, when_still
from ui.icons import IconProvider, Icons
from ui.images import PageImages, PageProvider, QrProvider
from ui.preview import PreviewPicture, PreviewSource
from ui.texts import Texts, load_catalogues, missing_keys, parameters

# -- texts ------------------------------------------------------------------------


def test_no_language_lacks_a_text():
    assert missing_keys(load_catalogues()) == []


def test_a_text_has_the_same_parameters_in_every_language():
    catalogues = load_catalogues()
    main = catalogues["zh"]
    for language, catalogue in catalogues.items():
        for situation, texts in catalogue.items():
            for key, text in texts.items():
                assert parameters(text) == parameters(main[situation][key]), (
                    language,
                    situation,
                    key,
                )


def test_every_text_that_a_screen_names_is_there(qml_folder):
    main = load_catalogues()["zh"]
    for path in qml_folder.rglob("*.qml"):
        for situation, key in re.findall(
            r"Texts\.words\.(\w+)\.(\w+)", path.read_text(encoding="utf-8")
        ):
            assert key in main.get(situation, {}), (path.name, situation, key)


def test_no_screen_has_words_of_its_own(qml_folder):
    for path in qml_folder.rglob("*.qml"):
        code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        assert not re.search(r'"[^"]*[\u3400-\u9fff][^"]*"', code), path
        assert not re.search(r'(words|text|title|lead): "[^"]*[A-Za-z]{2}', code), path


def test_what_another_language_lacks_is_said_in_chinese():
    texts = Texts({"zh": {"home": {"title": "首页{n}"}}, "en": {"home": {}}})
    texts.set_language("en")
    assert texts.get("home", "title", n=3) == "首页3"
    texts.set_language("xx")
    assert texts.language == "zh"
    with pytest.raises(KeyError):
        texts.get("home", "nothing")


# -- icons and pictures --------------------------------------------------------------


def test_every_icon_that_is_named_exists(qml_folder):
    icons = Icons()
    sources = [*qml_folder.rglob("*.qml"), *qml_folder.parent.glob("models/*.py")]
    for path in sources:
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"\b(icon|name|\"icon\")\s*[:=]", line) and "Icon" not in line:
                for name in re.findall(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)"', line):
                    assert icons.has(name), (path.name, name)


def test_an_icon_is_drawn_in_the_colour_asked_for():
    image = IconProvider().requestImage("check/a11d0c", QSize(), QSize(48, 48))
    colours = {
        image.pixelColor(x, y).name()
        for x in range(48)
        for y in range(48)
        if image.pixelColor(x, y).alpha() == 255
    }
    assert colours == {"#a11d0c"}


@pytest.mark.parametrize("name", ["no-such-icon/000000", "check/red", "../secret/000000", ""])
def test_an_unknown_icon_is_empty_and_no_error(name):
    assert IconProvider().requestImage(name, QSize(), QSize(48, 48)).isNull()


def test_a_page_is_shown_until_the_session_ends(qapp):
    images = PageImages()
    provider = PageProvider(images)
    images.put("1", drawn_page())
    assert provider.requestImage("1", QSize(), QSize(400, 400)).width() == 400
    images.clear()
    assert provider.requestImage("1", QSize(), QSize(400, 400)).isNull()


def test_the_code_on_the_screen_can_be_read_back():
    text = "ZW1.QS01261122003757.ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    image = (
        QrProvider()
        .requestImage(text, QSize(), QSize(320, 320))
        .convertToFormat(QImage.Format.Format_Grayscale8)
    )
    view = memoryview(image.constBits()).cast("B", (image.height(), image.bytesPerLine()))
    found = zxingcpp.read_barcodes(numpy.array(view)[:, : image.width()].copy())
    assert [one.text for one in found] == [text]


# -- preview -----------------------------------------------------------------------------


@dataclass
class Frame:
    number: int
    width: int = 4
    height: int = 2
    pixels: bytes = b"\x40" * 24


class Reader:
    def __init__(self) -> None:
        self.frame = Frame(1)
        self.asked: list[int] = []

    def newest(self, after: int) -> Frame | None:
        self.asked.append(after)
        return self.frame if self.frame.number > after else None


def test_the_preview_shows_only_newer_pictures_and_keeps_none_when_it_stops(qapp):
    engine = QQmlEngine()
    reader = Reader()
    source = PreviewSource(reader)
    source.attach(engine)
    picture = PreviewPicture()
    QQmlEngine.setContextForObject(picture, engine.rootContext())
    picture.setWidth(400)
    picture.setHeight(400)
    picture.setProperty("running", True)
    settle(130)
    assert reader.asked[0] == -1
    assert set(reader.asked[1:]) == {1}
    frame = picture.property("frame")
    assert (frame.width(), frame.height()) == (400, 200)  # proportions are kept
    picture.setProperty("running", False)
    asked = len(reader.asked)
    settle(80)
    assert len(reader.asked) == asked


# -- the door from the workers --------------------------------------------------------------


def test_events_of_workers_are_handled_on_the_thread_of_the_window(qapp):
    mailbox = Mailbox()
    handled: list[tuple[object, QThread]] = []
    bridge = Bridge(mailbox, lambda event: handled.append((event, QThread.currentThread())))
    worker = threading.Thread(target=lambda: [mailbox.post(number) for number in range(50)])
    worker.start()
    worker.join()
    assert handled == []
    settle(30)
    assert [event for event, _ in handled] == list(range(50))
    assert {thread for _, thread in handled} == {qapp.thread()}
    bridge.close()
    mailbox.post("late")
    settle(20)
    assert len(handled) == 50


# -- PySide6 on Python 3.11 ---------------------------------------------------------------------


class Ringing(QObject):
    rang = Signal()


def test_pyside_still_loses_references_so_the_protection_is_still_needed():
    code = (
        "import sys\n"
        "from PySide6.QtCore import QObject, Signal\n"
        "class A(QObject):\n    rang = Signal()\n"
        "a = A()\nbefore = sys.getrefcount(True)\n"
        "for _ in range(50): a.rang.emit()\n"
        "print(before - sys.getrefcount(True))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert int(done.stdout) >= 40


def test_a_hundred_thousand_signals_do_no_harm():
    immortal.protect()
    ringing = Ringing()
    for _ in range(100_000):
        ringing.rang.emit()
        QCoreApplication.processEvents()
    assert ringing is not None


# -- the check of the QML ------------------------------------------------------------------------


def test_a_misspelt_member_of_a_model_is_found(tmp_path, qml_folder):
    copy = tmp_path / "qml"
    shutil.copytree(qml_folder, copy)
    screen = copy / "Kiosk" / "Screens" / "HomeScreen.qml"
    text = screen.read_text(encoding="utf-8")
    assert "model.tiles" in text
    screen.write_text(text.replace("model.tiles", "model.tilse"), encoding="utf-8")
    well, said = qmltypes.check(copy)
    assert not well
    assert "tilse" in said


# -- the gallery -----------------------------------------------------------------------------------


def test_the_gallery_writes_a_picture_of_each_sample_and_an_index(tmp_path):
    code = (
        "from pathlib import Path\n"
        "from ui import gallery\n"
        "look = [one for one in gallery.looks() if one.name == 'elder-en']\n"
        f"print(gallery.render(Path({str(tmp_path)!r}), look, 'consent'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    pictures = sorted(path.name for path in (tmp_path / "elder-en").glob("*.png"))
    assert pictures == ["consent.png", "consent_declined.png"]
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert all(f"elder-en/{name}" in index for name in pictures)


def picture_of(shade: int) -> QImage:
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(shade)
    return image


def test_a_page_is_photographed_when_it_stands_still():
    blank, half, done = picture_of(0), picture_of(1), picture_of(2)
    looks = iter([blank, blank, half, done, done, done])
    breaking = iter([False, True, True])  # two equal looks while pages are still to be broken
    waits = []
    image = when_still(lambda: next(looks), lambda: next(breaking), lambda: waits.append(1))
    assert image == done
    assert len(waits) == 4


def test_what_never_stands_still_is_photographed_all_the_same():
    shades = iter(range(MOST_LOOKS + 1))
    image = when_still(lambda: picture_of(next(shades)), lambda: True, lambda: None)
    assert image == picture_of(MOST_LOOKS)


def test_a_picture_that_cannot_be_written_says_why_and_nothing_else(tmp_path):
    taken = tmp_path / "elder-en" / "consent.png"
    taken.mkdir(parents=True)  # a folder stands where the picture should go
    code = (
        "from pathlib import Path\n"
        "from ui import gallery\n"
        "look = [one for one in gallery.looks() if one.name == 'elder-en']\n"
        "try:\n"
        f"    gallery.render(Path({str(tmp_path)!r}), look, 'consent')\n"
        "except OSError as error:\n"
        "    print(error.strerror, error.filename)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == f"Is a directory {taken}\n"
    assert "TypeError" not in done.stderr
