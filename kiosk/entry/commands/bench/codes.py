"""`kiosk bench codes`: what is read, what is read wrongly and how fast, beside four peers.

Without `--corpus` on made-up pictures (`tests/kiosk/documents/made_codes.py`), each as it is; with
it on the pictures of a folder, their texts beside them as `.txt`, in four rotations. Pictures in a
folder called `empty` hold no code. Then the fast pass on frames without a code, and how long a
code that moves into a stream of frames is held up before it is read.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import zxingcpp
from pyzbar import pyzbar

from kiosk.documents.codes.reader import CodeReader, read_codes
from kiosk.documents.picture import PictureFault, read_picture
from kiosk.documents.quads import Image
from kiosk.entry.commands.answer import bad_use
from kiosk.entry.commands.bench import made
from kiosk.entry.commands.bench.ledger import Ledger, open_ledger
from kiosk.entry.commands.bench.report import Cell, Table, Timing, interleaved, noise

USUAL_COUNT: Final = 1000
PICTURE_S: Final = 1.0  # that reading one may take
FRAMES_PER_S: Final = 25.0
STREAMS: Final = 44  # codes held up: QR codes by half, four of each other kind
NOT_READ_S: Final = 9.9
FAST_ROUNDS: Final = 40

Reader = Callable[[Image], list[str]]
FORMATS: Final = zxingcpp.barcode_formats_from_str("QRCode,Code128,Code39,EAN13,PDF417,DataMatrix")
SYMBOLS: Final = [
    pyzbar.ZBarSymbol.QRCODE,
    pyzbar.ZBarSymbol.CODE128,
    pyzbar.ZBarSymbol.CODE39,
    pyzbar.ZBarSymbol.EAN13,
]


def run(corpus: Path | None, *, json: bool) -> int:
    cv2.setNumThreads(1)
    generator = made.generator("made_codes")
    if corpus is None and generator is None:
        return bad_use("no generator of pictures is installed here: give --corpus DIR", json=json)
    if corpus is not None and not corpus.is_dir():
        return bad_use(f"{corpus} is no folder", json=json)
    count, seed = made.count_and_seed(USUAL_COUNT)
    run_name = f"codes of {corpus}" if corpus is not None else f"codes, seed {seed}"
    ledger = open_ledger(run_name)
    if ledger is None:
        return bad_use(f"the ledger is not of {run_name}", json=json)
    done = len(ledger.rows)
    pictures: Iterator[Labelled]
    if corpus is not None:
        pictures = islice(_of_folder(corpus), done, None)
    else:
        pictures = _made(generator, seed, range(done, count))
    _accuracy(pictures, ledger).show(json=json)
    if generator is not None:
        _speed(generator).show(json=json)
    return 0


Labelled = tuple[str, Image, str | None]


def _of_folder(corpus: Path) -> Iterator[Labelled]:
    for path in sorted(corpus.rglob("*")):
        text_file = path.with_suffix(".txt")
        empty = path.parent.name == "empty"
        if path.suffix.lower() == ".txt" or not path.is_file() or not (empty or text_file.exists()):
            continue
        picture = read_picture(path)
        if isinstance(picture, PictureFault):
            continue
        text = None if empty else text_file.read_bytes().decode("utf-8", "replace")
        for turn in range(4):
            turned = np.ascontiguousarray(np.rot90(picture, turn))
            yield path.parent.name, np.asarray(turned, np.uint8), text


def _made(generator: Any, seed: int, numbers: range) -> Iterator[Labelled]:
    for number in numbers:
        one = generator.make(seed, number)
        yield one.kind, one.picture, one.text


def _accuracy(pictures: Iterator[Labelled], ledger: Ledger) -> Table:
    readers: dict[str, Reader] = {
        "the ladder": lambda picture: [code.text for code in read_codes(picture)],
        "plain ladder": _plain_ladder,
        "zxing-cpp": lambda picture: _zxing(_grey(picture)),
        "pyzbar": lambda picture: _zbar(_grey(picture)),
        "OpenCV": _opencv(),
    }
    before = noise()
    for kind, picture, text in pictures:
        row: dict[str, Any] = {"kind": kind}
        for name, read in readers.items():
            began = time.process_time()
            texts = read(picture)
            row[name] = {
                "seconds": time.process_time() - began,
                "right": not texts if text is None else text in texts,
                "wrong": any(one != text for one in texts),
            }
        ledger.add(row)
    kinds = Counter(str(row["kind"]) for row in ledger.rows)
    right = Counter(
        (row["kind"], name) for row in ledger.rows for name in readers if row[name]["right"]
    )
    wrong = {name: sum(row[name]["wrong"] for row in ledger.rows) for name in readers}
    seconds = {name: [row[name]["seconds"] for row in ledger.rows] for name in readers}
    table = Table("codes", ("pictures", "of", *readers))
    rows: list[dict[str, Cell]] = [
        {"pictures": kind, "of": total, **{name: right[kind, name] for name in readers}}
        for kind, total in sorted(kinds.items())
    ]
    whole = sum(kinds.values())
    totals = {name: sum(right[kind, name] for kind in kinds) for name in readers}
    rows.append({"pictures": "all", "of": whole, **totals})
    rows.append({"pictures": "%", **{n: 100.0 * v / max(1, whole) for n, v in totals.items()}})
    rows.append({"pictures": "with a wrong text", **wrong})
    for label, share in (("ms, median", 0.5), ("ms, 95 %", 0.95), ("ms, longest", 1.0)):
        timings = {n: Timing(tuple(s or [0.0])).quantile(share) * 1000 for n, s in seconds.items()}
        rows.append({"pictures": label, **timings})
    late = {n: sum(one > PICTURE_S for one in s) for n, s in seconds.items()}
    rows.append({"pictures": f"longer than {PICTURE_S:.0f} s", **late})
    for row in rows:
        table.add(**row)
    table.note("ms: of processor time, so that what else the machine does is left out")
    table.note(
        "plain ladder: zxing-cpp, twice the size, one threshold, pyzbar at half size, pyzbar"
    )
    table.note(f"noise of the machine {before} before, {noise()} after; 1 is quiet")
    return table


def _speed(generator: Any) -> Table:
    """The fast pass on 1080p frames without a code; how long until a code held up is read."""
    _, seed = made.count_and_seed(USUAL_COUNT)
    frames = [_without_code(generator, seed, number) for number in range(6)]
    greys = [_grey(frame) for frame in frames]
    reader, turn = CodeReader(), [0]

    def next_of(pictures: list[Any]) -> Any:
        turn[0] += 1
        return pictures[turn[0] % len(pictures)]

    taken = interleaved(
        {
            "fast pass": lambda: reader.look_fast(next_of(frames)),
            "zxing-cpp fast": lambda: zxingcpp.read_barcodes(
                next_of(greys),
                zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
                try_rotate=False,
                try_downscale=False,
                try_invert=False,
            ),
            "zxing-cpp": lambda: _zxing(next_of(greys)),
            "pyzbar": lambda: _zbar(next_of(greys)),
        },
        FAST_ROUNDS,
    )
    table = Table("codes: speed", ("what", "ms", "90 %"))
    for name, timing in taken.items():
        table.add(
            what=f"1080p without a code: {name}",
            ms=timing.median * 1000,
            **{"90 %": timing.quantile(0.9) * 1000},
        )
    waits: dict[str, list[float | None]] = {}
    for number in range(STREAMS):
        stream = generator.held_up(seed, number, FRAMES_PER_S)
        waits.setdefault(stream.format, []).append(_wait(stream))
    bars = [wait for name, some in waits.items() if name != "QR_CODE" for wait in some]
    kinds = {**waits, "all but QR_CODE": bars}
    for name, some in kinds.items():
        held = Timing(tuple(NOT_READ_S if wait is None else wait for wait in some))
        table.add(
            what=f"held up at {FRAMES_PER_S:.0f} frames/s until read: {name} ({len(some)})",
            ms=held.median * 1000,
            **{"90 %": held.quantile(0.9) * 1000},
        )
    unread = sum(wait is None for some in waits.values() for wait in some)
    table.note(f"{unread} of {STREAMS} codes held up were not read within the second they were")
    table.note("targets: fast pass 3.5 ms, held up 300 ms at the median")
    return table


def _without_code(generator: Any, seed: int, number: int) -> Image:
    rng = np.random.default_rng((seed, number, 7))
    grey = generator.surroundings(rng, 1920, 1080, 220.0)
    grey = np.clip(grey + rng.normal(0, 2.5, grey.shape), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def _wait(stream: Any) -> float | None:
    """Seconds from the first frame with the whole code in it until it is read.

    A code moves in and is held still after a fifth of a second. Frames come at their pace; those
    that come while one is looked at are missed, as with a camera. A look takes its processor time.
    """
    reader, now, index = CodeReader(), 0.0, 0
    while index < len(stream.frames):
        began = time.thread_time()
        texts = [code.text for code in reader.look(stream.frames[index])]
        now = max(now, index / FRAMES_PER_S) + (time.thread_time() - began)
        if stream.text in texts:
            return max(0.0, now - float(stream.whole_from) / FRAMES_PER_S)
        index = max(index + 1, int(now * FRAMES_PER_S))
    return None


# -- the peers ---------------------------------------------------------------------------


def _grey(picture: Image) -> Any:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def _zxing(grey: Any, **options: Any) -> list[str]:
    read = zxingcpp.read_barcodes(grey, FORMATS, text_mode=zxingcpp.TextMode.Plain, **options)
    return [one.text for one in read]


def _zbar(grey: Any) -> list[str]:
    return [one.data.decode("utf-8", "replace") for one in pyzbar.decode(grey, symbols=SYMBOLS)]


def _plain_ladder(picture: Image) -> list[str]:
    grey = _grey(picture)
    half = (max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2))
    return (
        _zxing(grey)
        or _zxing(cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
        or _zxing(grey, binarizer=zxingcpp.Binarizer.GlobalHistogram)
        or _zbar(cv2.resize(grey, half, interpolation=cv2.INTER_AREA))
        or _zbar(grey)
    )


def _opencv() -> Reader:
    detector = cv2.QRCodeDetector()

    def read(picture: Image) -> list[str]:
        try:
            found, texts, _, _ = detector.detectAndDecodeMulti(picture)
        except (cv2.error, UnicodeDecodeError):
            return []
        return [text for text in texts if text] if found else []

    return read
