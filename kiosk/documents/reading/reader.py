"""Reading what is printed on a page: one small interface, tesseract or rapidocr behind it.

Tesseract is a program of its own: started for a page (a third of a second, of one and a half),
at the lowest priority so that previews never stall, ended when it takes too long. Pictures go to it
through a pipe; nothing is written to disk.
"""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from statistics import median
from typing import Any, Final, Protocol, assert_never

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.device import Fault, FaultCode
from kiosk.documents.quads import Image
from kiosk.documents.smaller import fitting
from kiosk.settings import ReaderName

READ_LIMIT_S: Final = 20.0  # a dense A4 page takes 2 s on an idle core, ten on a very busy one
PRINT_PX: Final = 26.0  # the height of print at which the recogniser reads best
MOST_PX: Final = 3000  # the longest side that it is given
LEAST_CONFIDENCE: Final = 20.0  # of 100: below, it has seen a speck
COLUMN_GAP: Final = 1.0  # of the print's height: a wider gap parts two entries of a form
NOISY_LEVELS: Final = 3.0  # of 255 by which half of the paper differs from its surroundings
SMALL_PX: Final = 1600  # a page whose long side is less is not made smaller
DARK_LEVEL: Final = 225.0  # lighter than this, a paper has dark print
LIGHT_PRINT: Final = 1.3  # it stands out by so much more than anything dark
LINE_HEIGHTS: Final = 2.5  # nor is one this many times as long as print is high
LINE_SHARE: Final = 18  # a stroke longer than this part of the page's width is no character


class Layout(Enum):
    """What is to be read."""

    TEXT = auto()  # one block of text
    FORM = auto()  # words here and there
    NUMBERS = auto()  # numbers here and there, and nothing else


_CAPITALS_AND_DIGITS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WAYS: Final = {  # tesseract's language and page segmentation mode
    Layout.TEXT: ("-l", "chi_sim", "--psm", "6"),
    Layout.FORM: ("-l", "chi_sim", "--psm", "11"),
    Layout.NUMBERS: (
        *("-l", "eng", "--psm", "11"),
        *("-c", f"tessedit_char_whitelist={_CAPITALS_AND_DIGITS}"),
    ),
}


@dataclass(frozen=True, slots=True)
class Word:
    """A word as read, with its box in pixels of the page."""

    text: str = field(repr=False)
    x: float
    y: float
    width: float
    height: float
    confidence: float  # 0..100


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of a page, top to bottom; `|` parts the entries of a form that stand on one row."""

    lines: tuple[str, ...] = field(repr=False)
    confidence: float  # 0..1, of the characters that were read


class Reader(Protocol):
    def read(self, page: Image, layout: Layout) -> Reading | Fault:
        """Read an upright, straightened page. Takes seconds; for a thread of its own."""
        ...


Engine = Callable[..., tuple[list[tuple[Any, str, float]] | None, Any]]
"""What `rapidocr_onnxruntime.RapidOCR()` is: corners, text and score of every line, or None."""
Run = Callable[[list[str], bytes], "bytes | Fault"]


class TesseractReader:
    """Debian's tesseract with its simplified Chinese."""

    def __init__(self, run: Run | None = None) -> None:
        self._run = run if run is not None else run_quietly

    def read(self, page: Image, layout: Layout) -> Reading | Fault:
        grey, scale = prepared(page)
        done, png = cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if not done:
            return Fault(FaultCode.BAD_INPUT, "cannot be encoded")
        command = ["tesseract", "-", "-", *_WAYS[layout], "tsv"]
        answer = self._run(command, png.tobytes())
        if isinstance(answer, Fault):
            return answer
        # of numbers it is never sure, and they have their check digits
        least = 0.0 if layout is Layout.NUMBERS else LEAST_CONFIDENCE
        return in_rows(parse_tsv(answer.decode("utf-8", "replace"), scale, least))


def run_quietly(command: list[str], data: bytes, limit_s: float = READ_LIMIT_S) -> bytes | Fault:
    """Run a program on `data` at the lowest priority, on one thread, no longer than the limit."""
    environment: Mapping[str, str] = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "OMP_THREAD_LIMIT": "1",
    }
    try:
        done = subprocess.run(  # noqa: S603 - a program of our list with numbers of ours
            ["/usr/bin/nice", "-n", "19", *command],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Fault(FaultCode.TIMED_OUT, "the reader took too long")
    except OSError as error:
        return Fault(FaultCode.NOT_INSTALLED, error.strerror or "")
    if done.returncode in (126, 127):
        return Fault(FaultCode.NOT_INSTALLED, "the reader is not installed")
    if done.returncode != 0:
        return Fault(FaultCode.BROKEN, f"the reader ended with {done.returncode}")
    return done.stdout


def prepared(page: Image) -> tuple[NDArray[np.uint8], float]:
    """Grey, even, without the lines of tables, print of the right height; the scale used.

    The lighter of red and green leaves out stamps, and shows what is printed or written in blue.
    """
    light = np.asarray(np.maximum(page[..., 1], page[..., 2]), np.uint8)
    negative = _is_light_on_dark(light)
    if negative:
        light = np.asarray(255 - light, np.uint8)
    smooth = _calmed(light)
    ground = np.asarray(cv2.blur(cv2.dilate(smooth, np.ones((9, 9), np.uint8)), (31, 31)), np.uint8)
    ink = cv2.subtract(ground, smooth)
    mask = np.asarray((ink > 25) * np.uint8(255), np.uint8)
    height = _print_height(mask)
    if negative:  # a share of next to no light would make print of what is woven into the ground
        full = max(60.0, float(np.percentile(ink[::3, ::3], 99.5)))
        strong = np.asarray(cv2.convertScaleAbs(ink, alpha=235 / full), np.uint8)
        even = np.asarray(250 - np.minimum(strong, 250), np.uint8)
    else:
        even = np.asarray(cv2.divide(light, np.maximum(ground, 1), scale=250), np.uint8)
    length = max(40, light.shape[1] // LINE_SHARE, round(LINE_HEIGHTS * height))
    for kernel in ((length, 1), (1, length)):
        lines = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones(kernel, np.uint8))
        even[cv2.dilate(lines, np.ones((3, 3), np.uint8)) > 0] = 250
    # what stands on small papers is of many sizes: there is time to read them as large as they are
    least = min(1.0, SMALL_PX / max(light.shape))
    scale = min(2.5, max(least, PRINT_PX / height)) if height else 1.0
    scale = min(scale, MOST_PX / max(light.shape))
    if abs(scale - 1) < 0.1:
        return even, 1.0
    way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return np.asarray(
        cv2.resize(even, None, fx=scale, fy=scale, interpolation=way), np.uint8
    ), scale


def _is_light_on_dark(light: NDArray[np.uint8]) -> bool:
    """Whether what stands out from its surroundings is lighter than they are."""
    small = fitting(light, 700)
    if float(np.median(small)) > DARK_LEVEL:
        return False
    around = cv2.blur(small, (61, 61)).astype(np.int16)
    lowest, highest = np.percentile(small - around, (1.5, 98.5))
    return bool(highest > LIGHT_PRINT * -lowest)


def _calmed(light: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Smoothed where it is noisy: the lightest of noisy neighbours is lighter than the paper.

    Not where it is not: small print would run together.
    """
    smooth = np.asarray(cv2.GaussianBlur(light, (0, 0), 1.2), np.uint8)
    part = np.abs(light[::3, ::3].astype(np.int16) - smooth[::3, ::3])
    return smooth if float(np.median(part)) >= NOISY_LEVELS else light


def _print_height(mask: NDArray[np.uint8]) -> float:
    """The usual height of a character in pixels; 0 where there are hardly any."""
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, None)
    sides = [
        int(max(w, h))
        for _, _, w, h, _ in stats[1:count]
        if min(w, h) >= 7 and max(w, h) <= 120 and max(w, h) < 1.5 * min(w, h)
    ]
    return float(np.percentile(sides, 60)) if len(sides) >= 5 else 0.0


def parse_tsv(
    text: str, scale: float, least_confidence: float = LEAST_CONFIDENCE
) -> tuple[Word, ...]:
    """tesseract's table of words; rows that are none are passed over."""
    words: list[Word] = []
    for line in text.splitlines():
        cells = line.split("\t")
        if len(cells) != 12 or cells[0] != "5" or not cells[11].strip():
            continue
        try:
            x, y, width, height = (int(cell) / scale for cell in cells[6:10])
            confidence = float(cells[10])
        except ValueError:
            continue
        if confidence >= least_confidence:
            words.append(Word(cells[11].strip(), x, y, width, height, confidence))
    return tuple(words)


def in_rows(words: tuple[Word, ...]) -> Reading:
    """Words that stand at one height joined from left to right."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda one: one.y + one.height / 2):
        middle = word.y + word.height / 2
        for row in rows:
            at = sum(one.y + one.height / 2 for one in row) / len(row)
            if abs(middle - at) < 0.5 * max(8.0, median(one.height for one in row)):
                row.append(word)
                break
        else:
            rows.append([word])
    signs = sum(len(word.text) for word in words)
    sure = sum(len(word.text) * word.confidence for word in words) / (100 * signs) if signs else 0.0
    return Reading(tuple(_joined(row) for row in rows), sure)


def _joined(row: list[Word]) -> str:
    row = sorted(row, key=lambda one: one.x)
    height = median(one.height for one in row)
    text, end = "", None
    for word in row:
        if end is not None and word.x - end > COLUMN_GAP * height:
            text += "|"
        text += word.text
        end = word.x + word.width
    return text


class RapidReader:
    """rapidocr, where somebody has installed it and there is a gigabyte to spare.

    Reads 99 % instead of 96 %, takes three times as long and ten times the memory; inside this
    process, on the reading thread. Its own opencv-python must not be installed beside ours.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls) -> RapidReader | Fault:
        try:
            library = importlib.import_module("rapidocr_onnxruntime")
        except ImportError:
            return Fault(FaultCode.NOT_INSTALLED, "rapidocr-onnxruntime is not installed")
        return cls(library.RapidOCR())

    def read(self, page: Image, layout: Layout) -> Reading | Fault:
        if layout is Layout.NUMBERS:
            return Reading((), 0.0)  # it reads them among the words already
        # its classifier of directions turns good lines over; the page is upright already
        found, _ = self._engine(page, use_cls=False)
        words = []
        for box, text, score in found or ():
            xs, ys = [float(x) for x, _ in box], [float(y) for _, y in box]
            width, height = max(xs) - min(xs), max(ys) - min(ys)
            words.append(Word(str(text), min(xs), min(ys), width, height, 100 * float(score)))
        return in_rows(tuple(words))


def open_reader(name: ReaderName) -> Reader | Fault:
    """The recogniser that the settings name."""
    match name:
        case "tesseract":
            return TesseractReader()
        case "rapidocr":
            return RapidReader.open()
        case _:
            assert_never(name)
