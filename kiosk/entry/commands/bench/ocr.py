"""`kiosk bench ocr`: how much Chinese print is read, and how surely a page's way up is told.

Papers of people who do not exist (`tests/kiosk/documents/made_papers.py`) give their fields; then
made-up pages at 200 dots an inch their characters: clean, under uneven light, and worse. Tesseract
as it comes is the peer of our reading (and rapidocr, where it is installed), its own orientation
mode the peer of our network. With --corpus, a folder of NAME.png beside NAME.txt is read instead.
Tables are shown as they are ready; a few minutes in all.
"""

from __future__ import annotations

import difflib
import functools
import os
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from drivers.device import Fault
from kiosk.catalogue.papers import KnownPaper, known_papers
from kiosk.documents.enhance import deskewed, even_light
from kiosk.documents.reading.extract import compact, fields_of
from kiosk.documents.reading.known_paper import PaperReading, read_paper
from kiosk.documents.reading.reader import Layout, RapidReader, Reader, TesseractReader, run_quietly
from kiosk.documents.upright import UprightJudge
from kiosk.entry.commands.answer import Exit, fault_line
from kiosk.entry.commands.bench import made
from kiosk.entry.commands.bench.report import Cell, Table, noise

Image = NDArray[np.uint8]
SEED: Final = 20261122
PAGES: Final = 1
PAPERS: Final = 20  # four of each kind, unless the environment says more
PATIENCE_S: Final = 120.0  # a busy machine is no reason to have read nothing
SIZE: Final = (1654, 2339)  # A4 at 200 dpi
PRINT_PX: Final = 30  # 10.5 points
LETTERS: Final = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种"
    "面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本"
    "去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比"
)


@dataclass(frozen=True)
class Sample:
    kind: str
    picture: Image
    text: str


def run(corpus: Path | None, *, json: bool) -> int:
    cv2.setNumThreads(1)
    before = noise()
    samples = made_up() if corpus is None else found_in(corpus)
    if not samples:
        print(fault_line("not_found", "no NAME.png beside a NAME.txt"))
        return int(Exit.NOT_THERE)
    patient = functools.partial(run_quietly, limit_s=PATIENCE_S)
    reader = TesseractReader(patient)
    if isinstance(reader.read(samples[0].picture[:200, :200], Layout.TEXT), Fault):
        print(fault_line("not_installed", "tesseract-ocr and tesseract-ocr-chi-sim are needed"))
        return int(Exit.NOT_THERE)

    def ours(picture: Image) -> str:
        reading = reader.read(picture, Layout.TEXT)
        return "" if isinstance(reading, Fault) else "".join(reading.lines)

    generator = made.generator("made_papers")
    if corpus is None and generator is not None:
        fields_table(generator, reader).show(json=json)
    table = Table("ocr", ("pages", "way", "right_%", "s"))
    for kind in dict.fromkeys(sample.kind for sample in samples):
        chosen = [sample for sample in samples if sample.kind == kind]
        for name, read in (("this terminal", ours), ("tesseract as it comes", plain)):
            table.add(pages=kind, way=name, **reading_row(chosen, read))
    table.show(json=json)
    table = Table("ocr: turned upright", ("pages", "way", "turned_right_%", "turn_ms"))
    judge = UprightJudge()

    def network(picture: Image) -> int:
        return judge.judge(picture).turns

    for name, turn in (("this terminal", network), ("tesseract's orientation", orientation)):
        table.add(pages="all, four ways", way=name, **turning_row(samples, turn))
    table.note(
        "limits: 95 % of the characters right after flattening, 95 % of the pages turned right"
    )
    table.note(f"noise of the machine: {before} before, {noise()} after")
    table.show(json=json)
    return int(Exit.DONE)


def fields_table(generator: ModuleType, reader: Reader) -> Table:
    """What of each field is read right, and what is read wrongly and would stand in the form."""
    count, seed = made.count_and_seed(PAPERS)
    ways: dict[str, Callable[[Image, KnownPaper], dict[str, str]]] = {
        "ours": lambda page, paper: _fields(
            read_paper(reader, even_light(deskewed(page)[0]), paper)
        ),
        "plain": lambda page, paper: fields_of(paper, tuple(plain(page, "11").splitlines())),
    }
    rapid = RapidReader.open()
    if not isinstance(rapid, Fault):
        ways["rapidocr"] = lambda page, paper: _fields(read_paper(rapid, page, paper))
    right: Counter[tuple[str, str, str]] = Counter()
    wrong: Counter[tuple[str, str, str]] = Counter()
    shown: Counter[tuple[str, str]] = Counter()
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(count):
        one = generator.make(seed, number)
        paper = known_papers()[one.paper]
        shown.update((one.paper, code) for code in one.fields)
        for way, read in ways.items():
            began = time.perf_counter()
            found = read(one.picture, paper)
            seconds[way].append(time.perf_counter() - began)
            for code, value in one.fields.items():
                right[one.paper, code, way] += found.get(code) == value
                wrong[one.paper, code, way] += code in found and found[code] != value
    columns = [f"{way}{what}" for way in ways for what in ("", " wrong")]
    table = Table("ocr: fields of papers", ("paper", "field", "of", *columns))
    for (paper_code, code), of in shown.items():
        cells: dict[str, Cell] = {"paper": paper_code, "field": code, "of": of}
        for way in ways:
            cells[way] = right[paper_code, code, way]
            cells[f"{way} wrong"] = wrong[paper_code, code, way]
        table.add(**cells)
    total: dict[str, Cell] = {"paper": "all", "field": "", "of": shown.total()}
    for way in ways:
        total[way] = sum(n for (_, _, by), n in right.items() if by == way)
        total[f"{way} wrong"] = sum(n for (_, _, by), n in wrong.items() if by == way)
    table.add(**total)
    for way, taken in seconds.items():
        table.note(f"{way}: {statistics.median(taken):.2f} s a paper at the median")
    table.note("plain: tesseract's text of the picture as it is, its fields sought as ours are")
    return table


def _fields(reading: PaperReading | Fault) -> dict[str, str]:
    return {} if isinstance(reading, Fault) else reading.fields


def reading_row(samples: list[Sample], read: Callable[[Image], str]) -> dict[str, float]:
    shares, seconds = [], []
    for sample in samples:
        began = time.perf_counter()
        text = compact(read(sample.picture))
        seconds.append(time.perf_counter() - began)
        shares.append(right_share(compact(sample.text), text))
    return {"right_%": 100 * statistics.mean(shares), "s": statistics.median(seconds)}


def turning_row(samples: list[Sample], turn: Callable[[Image], int]) -> dict[str, float]:
    right, milliseconds = 0, []
    for sample in samples:
        for turned in range(4):
            laid = np.ascontiguousarray(np.rot90(sample.picture, -turned))
            began = time.perf_counter()
            right += turn(laid) == turned
            milliseconds.append((time.perf_counter() - began) * 1000)
    share = 100 * right / (4 * len(samples))
    return {"turned_right_%": share, "turn_ms": statistics.median(milliseconds)}


def right_share(wanted: str, read: str) -> float:
    matcher = difflib.SequenceMatcher(None, wanted, read, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / max(1, len(wanted))


def plain(picture: Image, mode: str = "6") -> str:
    """The picture as it is to the same program, without anything of ours."""
    png = cv2.imencode(".png", picture)[1].tobytes()
    answer = run_quietly(["tesseract", "-", "-", "-l", "chi_sim", "--psm", mode], png, PATIENCE_S)
    return "" if isinstance(answer, Fault) else answer.decode("utf-8", "replace")


def orientation(picture: Image) -> int:
    """Quarter turns counter-clockwise, by tesseract's own orientation mode; -1 where it cannot tell."""
    png = cv2.imencode(".png", picture)[1].tobytes()
    answer = run_quietly(["tesseract", "-", "-", "-l", "osd", "--psm", "0"], png, PATIENCE_S)
    if isinstance(answer, Fault):
        return -1
    for line in answer.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(": ")
        if name == "Rotate":
            return -int(value) // 90 % 4
    return -1


def found_in(corpus: Path) -> list[Sample]:
    samples = []
    for path in sorted(corpus.glob("*.png")):
        text = path.with_suffix(".txt")
        picture = cv2.imread(str(path))
        if picture is not None and text.exists():
            read = text.read_text(encoding="utf-8")
            samples.append(Sample("corpus", np.asarray(picture, np.uint8), read))
    return samples


def made_up() -> list[Sample]:
    rng = np.random.default_rng(SEED)
    samples = []
    for number in range(PAGES):
        picture, text = printed(rng, ("Noto Serif CJK SC", "Noto Sans CJK SC")[number % 2])
        samples.append(Sample("clean", exposed(rng, picture, 1.0, 2.0, 0.6), text))
        samples.append(Sample("uneven light", exposed(rng, picture, 0.35, 3.0, 0.7), text))
        samples.append(Sample("worse", exposed(rng, picture, 0.3, 8.0, 1.1), text))
    return samples


def printed(rng: np.random.Generator, family: str) -> tuple[Image, str]:
    command = ["fc-match", "-f", "%{file}\t%{index}", family]
    found = subprocess.run(  # noqa: S603 - ours
        command, check=True, capture_output=True, text=True, env=dict(os.environ)
    ).stdout
    path, index = found.split("\t")
    font = ImageFont.truetype(path, PRINT_PX, index=int(index))
    sheet = PillowImage.new("L", SIZE, 250)
    pen = ImageDraw.Draw(sheet)
    rows = []
    for y in range(150, SIZE[1] - 150, 60):
        row = "".join(rng.choice(list(LETTERS), (SIZE[0] - 260) // PRINT_PX))
        pen.text((130, y), row, font=font, fill=35)
        rows.append(row)
    grey = np.asarray(sheet, np.uint8)
    return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2)), "".join(rows)


def exposed(
    rng: np.random.Generator, picture: Image, dimmest: float, grain: float, blur: float
) -> Image:
    """Light that falls off to one corner, the sensor's noise, a lens not quite sharp."""
    height, width = picture.shape[:2]
    x, y = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    light = (1 - (1 - dimmest) * np.clip((x + y) / 1.6, 0, 1) ** 1.5)[..., None]
    soft = cv2.GaussianBlur(picture, (0, 0), blur)
    noisy = soft * light + rng.normal(0, grain, (height, width, 1))
    return np.clip(noisy, 0, 255).astype(np.uint8)
