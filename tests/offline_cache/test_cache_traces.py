"""What is left on a disk: nothing of the person, ever; nothing at all of what was erased."""

from __future__ import annotations

import base64
import json
import os
import random
import secrets
import subprocess
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cache_world import GRANNY, HandClock, due, hand_in, keys_in, ok, queue_of, row, seal, store_in
from hypothesis import given
from hypothesis import strategies as st
from power_cuts import mounted, possible

from offline_cache.database import CIPHER_PAGE_BYTES
from offline_cache.leaving import export
from offline_cache.outbox import ItemKind
from offline_cache.pages import Pages
from offline_cache.retention import Erased, Retention
from offline_cache.store import StorePlaces, look_over, salvage_all
from offline_cache.tray import list_tray, send_again

NAME = "甄桂兰"
IMAGE_MB = 48
WEEK = timedelta(days=7)


def encodings(text: str) -> dict[str, bytes]:
    """Every way in which a text may come to lie on a disk."""
    plain = text.encode()
    return {
        "UTF-8": plain,
        "UTF-16LE": text.encode("utf-16-le"),
        "UTF-16BE": text.encode("utf-16-be"),
        "GBK": text.encode("gbk"),
        "URL": urllib.parse.quote(text).encode(),
        "JSON": json.dumps(text)[1:-1].encode(),
        "hexadecimal": plain.hex().encode(),
        **{f"base64 from {at}": piece for at, piece in enumerate(base64_pieces(plain))},
    }


def base64_pieces(content: bytes) -> list[bytes]:
    """What of `content` shows in base64, wherever in a longer text it begins."""
    pieces = []
    for before in range(3):
        text = base64.b64encode(bytes(before) + content)
        whole = (before + len(content)) // 3 * 4
        pieces.append(text[4 if before else 0 : whole])
    return pieces


@given(before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_the_search_finds_a_name_in_base64_wherever_it_begins(before: bytes, after: bytes) -> None:
    text = base64.b64encode(before + GRANNY.encode() + after)
    assert any(piece in text for piece in base64_pieces(GRANNY.encode()))


@contextmanager
def _disk(work: Path) -> Iterator[Path]:
    """A file system of its own on a loop file where that can be, else a folder."""
    if not possible():
        (work / "disk").mkdir()
        yield work / "disk"
        return
    image = work / "disk.img"
    with image.open("wb") as file:
        file.truncate(IMAGE_MB << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    with mounted(image, work / "disk") as folder:
        yield folder


def _everything_on(work: Path) -> bytes:
    """Each byte of the disk: of files, of erased files, of the journal."""
    if possible():
        return (work / "disk.img").read_bytes()
    return b"".join(path.read_bytes() for path in (work / "disk").rglob("*") if path.is_file())


def _a_busy_day(disk: Path, page: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts, applications, a refusal, a stick, damage and salvage, all on one disk."""
    (disk / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(disk / "tmp"))
    monkeypatch.setenv("TMPDIR", str(disk / "tmp"))
    data, clock = disk / "data", HandClock()
    store = store_in(data, clock)
    draft = json.dumps({"name": NAME, "number": GRANNY}, ensure_ascii=False)
    for count in range(6):
        clock.advance(60)
        ok(store.journal.save(f"s{count}", GRANNY, draft) or 0)
        number = ok(seal(store, session=f"s{count}", page=page + bytes([count]))).number
        ok(store.outbox.add(ItemKind.RATING, number, {"number": number, "level": 5}))
        ok(hand_in(store, number, "photo", page=page + b"later"))
        ok(store.outbox.earlier("x", GRANNY, clock.utc()))
    ok(store.journal.save("left lying by a crash", GRANNY, draft) or 0)
    queue = queue_of(store, clock)
    queue.refused(row(1), "form_invalid", "")
    ok(export(store.database, queue, "QS01", disk / "stick"))
    send_again(store.database, ok(list_tray(store.database))[0].row)
    store.close()
    content = bytearray(StorePlaces(data).database.read_bytes())
    content[20 * CIPHER_PAGE_BYTES + 100] ^= 1
    StorePlaces(data).database.write_bytes(content)
    look_over(data, keys_in(data), clock)
    store = store_in(data, clock)
    for _, salvaged in salvage_all(data, keys_in(data), clock):
        ok(salvaged)
    queue_of(store, clock).accepted([item.row for item in due(store, clock)])
    clock.advance(30 * 86400)
    Retention(store.database, store.blobs, clock, WEEK).run()
    store.database.close()  # and the power goes: the WAL stays as it is
    os.sync()


@pytest.mark.fault(31)
def test_a_disk_image_tells_nothing_of_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = random.Random(7).randbytes(60_000)
    with _disk(tmp_path) as disk:
        _a_busy_day(disk, photo, monkeypatch)
        (disk / "control").write_bytes("对照".encode())
        os.sync()
    everything = _everything_on(tmp_path)
    assert "对照".encode() in everything  # the search does see what lies there
    for secret in (NAME, GRANNY, "13900000000"):
        for encoding, piece in encodings(secret).items():
            assert piece not in everything, f"{secret[:1]}… in {encoding}"
    for at in (0, 20_000, 50_000):  # any piece of the photo, plain or as text
        piece = photo[at : at + 24]
        assert piece not in everything
        assert not any(text in everything for text in base64_pieces(piece))
        assert piece.hex().encode() not in everything


def _decrypted(data: Path) -> bytes:
    """Every page with the database's own key: those in use, the free ones, and the WAL's."""
    path = StorePlaces(data).database
    with Pages(path, keys_in(data).database, CIPHER_PAGE_BYTES) as pages:
        text = b"".join(pages.read(number) or b"" for number in range(1, pages.count + 1))
        assert not pages.bad
    return text


def test_what_is_erased_is_erased_for_good_even_for_who_has_the_key(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(seal(store, session="kept"))
    draft = secrets.token_hex(40)
    ok(store.journal.save("s", GRANNY, draft) or 0)
    number = ok(seal(store, session="s", form={"text": secrets.token_hex(3000)})).number
    ok(hand_in(store, number, "photo"))
    (key, sealed, digest), (later_key, later_sealed, _) = ok(
        store.database.rows(
            "SELECT o.key, s.bytes, o.person_digest FROM outbox o JOIN sealed s ON s.row = o.row"
            " WHERE o.order_key = ? ORDER BY o.row",
            (number,),
        )
    )
    pieces = [
        key,
        sealed[:60],
        sealed[1500:1560],
        sealed[-60:],
        number.encode(),
        digest,
        draft.encode(),
        b"139****0000",
        later_key,
        later_sealed[:60],
        b'{"codes":["photo"]}',
    ]
    assert store.database.empty_wal()
    before = _decrypted(tmp_path)
    planted = [piece for piece in pieces if piece in before]  # not cut by the end of a page
    assert len(planted) >= 8 and {key, later_key} <= set(planted) and digest in planted

    queue_of(store, clock).accepted([row(1), row(2), row(3)])
    clock.advance(8 * 86400)
    erased = Retention(store.database, store.blobs, clock, WEEK).run()
    assert erased == Erased(3, 3)
    wal = StorePlaces(tmp_path).database.with_name("store.db-wal")
    assert not wal.exists() or wal.stat().st_size == 0
    after = _decrypted(tmp_path)
    for place, piece in enumerate(pieces):
        assert piece not in after, place
    assert list(StorePlaces(tmp_path).attachments.iterdir()) == []
    assert store.check() is None
    assert ok(seal(store, session="next")).seq == 4
    store.close()
