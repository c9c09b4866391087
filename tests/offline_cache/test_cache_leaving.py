"""`kiosk cache` in a technician's hands: the tray, a stick, and the day the terminal is wiped."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import subprocess
import uuid
from pathlib import Path

import cbor2
import pytest
from cache_world import (
    GRANDPA,
    HUB,
    TERMINAL,
    HandClock,
    due,
    hand_in,
    keys_in,
    ok,
    queue_of,
    row,
    seal,
    store_in,
)
from envelope_opener import open_envelope, open_item
from little_hub import items_of

from kiosk.entry.commands import cache
from offline_cache.database import set_aside
from offline_cache.envelope import attachment_context, item_context
from offline_cache.faults import StoreFaultCode
from offline_cache.leaving import may_leave
from offline_cache.outbox import ItemKind, ItemState
from offline_cache.store import Store, StorePlaces, look_over

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = "QS02261122000100"  # applied for at another terminal


def _settings(data: Path) -> Path:
    path = data.parent / "kiosk.toml"
    path.write_text(f'[terminal]\ncode = "{TERMINAL}"\n[paths]\ndata = "{data}"\n', "utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def _said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def _with_a_refusal(data: Path) -> tuple[Store, str]:
    store = store_in(data, HandClock())
    number = ok(seal(store)).number
    queue_of(store, HandClock()).refused(row(1), "item_closed", "事项已停办")
    return store, number


def test_what_the_hub_refused_is_sent_again_or_marked_and_never_edited(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, number = _with_a_refusal(data)
    settings = _settings(data)
    assert cache.run(settings, "tray", json=True) == 0
    entry, end = _said(capsys)
    assert (entry["number"], entry["code"], entry["reason"]) == (
        number,
        "item_closed",
        "事项已停办",
    )
    assert end["refused"] == 1
    item = str(entry["item"])

    assert cache.run(settings, "again", item, json=True) == 0
    (again,) = due(store, HandClock())
    assert again.order_key == number
    assert cache.run(settings, "again", item, json=True) == 3  # it is not in the tray any more
    assert _said(capsys)[-1]["fault"] == "not_found"

    queue_of(store, HandClock()).refused(row(1), "item_closed", "")
    assert cache.run(settings, "handled", item, json=True) == 0
    state = ok(store.outbox.state_of(number))
    assert state is not None and state.state is ItemState.HANDLED
    assert due(store, HandClock()) == ()
    for action in ("again", "handled", "slip"):
        assert cache.run(settings, action, "../x", json=True) == 2
    store.close()


def test_a_slip_tells_staff_what_to_do_and_nothing_that_is_not_masked(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, number = _with_a_refusal(data)
    settings = _settings(data)
    assert cache.run(settings, "slip", str(row(1)), json=True) == 0
    (slip,) = _said(capsys)
    lines = dict(slip["lines"])  # type: ignore[call-overload]
    assert lines["受理号"].replace(" ", "") == number
    assert lines["申请人"] == "甄**" and lines["手机"] == "139****0000"
    assert lines["原因"] == "事项已停办（item_closed）"
    assert lines["受理时间"] == "2026-11-22 14:30"  # the citizen's own clock
    assert cache.run(settings, "slip", str(row(1)), json=False) == 0
    assert "中心未接收" in capsys.readouterr().out
    assert cache.run(settings, "slip", str(row(2)), json=True) == 3
    store.close()


def test_a_slip_says_which_part_of_the_case_the_centre_did_not_take(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = store_in(data, HandClock())
    number = ok(seal(store)).number
    ok(hand_in(store, number, "household_page", "of_no_item"))
    ok(store.outbox.add(ItemKind.RATING, number, {"number": number, "level": 5}))
    ok(store.outbox.add(ItemKind.PRINT_RESULT, number, {"number": number, "result": "printed"}))
    queue = queue_of(store, HandClock())
    slips = []
    for seq in range(1, 5):
        queue.refused(row(seq), "another_person", "")
        assert cache.run(_settings(data), "slip", str(row(seq)), json=True) == 0
        (slip,) = _said(capsys)
        slips.append(dict(slip["lines"]))  # type: ignore[call-overload]
    assert [slip.get("退回内容") for slip in slips] == [
        None,  # all of it
        "补交材料（户口簿本人页、of_no_item）",
        "评价",
        "打印结果",
    ]
    assert slips[1]["补交时间"] == "2026-11-22 14:30"
    assert all(slip["申请人"] == "甄**" for slip in slips)
    assert {slip["原因"] for slip in slips} == {"交件人不是申请人，也不是代办人（another_person）"}
    assert cache.run(_settings(data), "tray", json=True) == 0
    of_application, of_papers, *_ = _said(capsys)
    assert of_application["codes"] == []
    assert of_papers["codes"] == ["household_page", "of_no_item"]
    assert cache.run(_settings(data), "tray", json=False) == 0
    assert "later_papers (household_page, of_no_item)" in capsys.readouterr().out
    store.close()


def test_a_slip_of_papers_for_another_terminals_application_names_number_and_item(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = store_in(data, HandClock())
    ok(hand_in(store, ELSEWHERE, "household_page"))
    queue_of(store, HandClock()).refused(row(1), "of_tomorrow", "said in English")
    assert cache.run(_settings(data), "slip", str(row(1)), json=True) == 0
    (slip,) = _said(capsys)
    lines = dict(slip["lines"])  # type: ignore[call-overload]
    assert lines["受理号"].replace(" ", "") == ELSEWHERE
    assert lines["事项"] == "高龄津贴申领"
    assert lines["原因"] == "中心没有说明，请与中心联系（of_tomorrow）"
    store.close()


def test_every_reason_the_hub_gives_has_its_sentence_on_the_slip() -> None:
    hub_words = (ROOT / "hub/applications/admin.py").read_text(encoding="utf-8")
    table = hub_words.partition("\nREASONS = {")[2].partition("}")[0]
    assert set(re.findall(r'"([a-z_]+)":', table)) == set(cache.REASONS)


def test_a_terminal_on_which_anything_waits_is_not_wiped(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, _ = _with_a_refusal(data)
    ok(seal(store, person=GRANDPA))
    store.close()
    settings = _settings(data)
    assert cache.run(settings, "wipe", json=True) == 4
    said = _said(capsys)[-1]
    assert said["fault"] == "rows_wait" and "2 items" in str(said["detail"])
    assert StorePlaces(data).database.exists() and StorePlaces(data).keys.is_dir()
    # the uninstaller asks first, and stops
    done = subprocess.run(
        [str(ROOT / "deploy" / "uninstall.sh"), str(settings)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0 and "rows_wait" in done.stderr
    assert StorePlaces(data).database.exists()


def test_what_waits_goes_to_a_stick_sealed_and_then_the_terminal_may_be_wiped(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, number = _with_a_refusal(data)
    ok(seal(store, person=GRANDPA))
    epoch = store.database.epoch
    stick, settings = tmp_path / "stick", _settings(data)
    assert cache.run(settings, "export", str(stick), json=True) == 0
    assert _said(capsys)[-1] == {
        "ok": True,
        "items": 2,
        "attachments": 2,
        "files": 3,
        "left_out": [],
    }

    batch = cbor2.loads((stick / "batch-0001.cbor").read_bytes())
    assert (batch["terminal"], batch["epoch"], batch["last_seq"]) == (TERMINAL, epoch, 2)
    first = items_of(batch)[0]
    context = item_context(TERMINAL, epoch, 1, "application", str(uuid.UUID(bytes=first["id"])))
    inside = open_item(HUB, context, first["sealed"])
    assert inside["body"]["number"] == number
    paper = (stick / "attachments" / first["attachments"][0].hex()).read_bytes()
    assert open_envelope(HUB, attachment_context(TERMINAL), paper).startswith(b"%PDF")
    manifest = json.loads((stick / "manifest.json").read_text("utf-8"))
    for name, sha256 in manifest.items():
        assert hashlib.sha256((stick / name).read_bytes()).hexdigest() == sha256

    ok(seal(store, session="later"))  # after the export: this one is not on the stick
    assert cache.run(settings, "wipe", json=True) == 4
    queue_of(store, HandClock()).accepted([row(3)])
    capsys.readouterr()
    assert cache.run(settings, "wipe", json=True) == 4  # somebody still works on it
    assert _said(capsys)[-1]["fault"] == "busy"
    store.close()
    done = subprocess.run(
        [str(ROOT / "deploy" / "uninstall.sh"), str(settings)], check=False, timeout=60
    )
    assert done.returncode == 0
    places = StorePlaces(data)
    for path in (places.store, places.keys, places.hub_keys, places.serials):
        assert not path.exists()
    assert cache.run(settings, "wipe", json=True) == 0  # there is nothing left; nothing is made
    assert not places.keys.exists()


def test_what_the_hub_lost_after_the_export_is_not_on_the_stick(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has an earlier number than what is: the hub was restored and asks for it again."""
    store = store_in(data, HandClock())
    for session in ("first", "second"):
        ok(seal(store, session=session))
    queue = queue_of(store, HandClock())
    queue.accepted([row(1)])
    settings = _settings(data)
    assert cache.run(settings, "export", str(tmp_path / "stick"), json=True) == 0
    assert may_leave(store.database, StorePlaces(data)) is None
    assert queue.resend(store.database.epoch, 1, 1) == 1
    store.close()
    assert cache.run(settings, "wipe", json=True) == 4
    assert _said(capsys)[-1]["fault"] == "rows_wait"
    assert cache.run(settings, "export", str(tmp_path / "stick"), json=True) == 0
    assert cache.run(settings, "wipe", json=True) == 0


def test_what_was_salvaged_after_the_export_is_not_on_the_stick(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, settings = HandClock(), _settings(data)
    store = store_in(data, clock)
    ok(seal(store))
    store.close()
    assert isinstance(set_aside(StorePlaces(data).store, StoreFaultCode.DAMAGED, clock), Path)
    store = store_in(data, clock)
    ok(seal(store, person=GRANDPA))
    store.close()
    assert cache.run(settings, "export", str(tmp_path / "stick"), json=True) == 0
    assert cache.run(settings, "salvage", json=True) == 0
    assert cache.run(settings, "wipe", json=True) == 4
    assert _said(capsys)[-1]["fault"] == "rows_wait"


def test_what_was_refused_and_goes_again_after_the_export_is_not_done_with(
    data: Path, tmp_path: Path
) -> None:
    store, _ = _with_a_refusal(data)
    store.close()
    settings = _settings(data)
    assert cache.run(settings, "export", str(tmp_path / "stick"), json=True) == 0
    assert cache.run(settings, "again", str(row(1)), json=True) == 0
    assert cache.run(settings, "wipe", json=True) == 4


@pytest.mark.parametrize("damaged", ["paper", "item"])
def test_one_that_cannot_be_read_is_named_and_keeps_nothing_else_off_the_stick(
    data: Path, tmp_path: Path, damaged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store = store_in(data, HandClock())
    bad = ok(seal(store, signature=b"one")).number
    good = ok(seal(store, signature=b"two", person=GRANDPA)).number
    if damaged == "paper":
        signature = due(store, HandClock())[0].attachments[1]
        path = StorePlaces(data).attachments / signature
        path.write_bytes(path.read_bytes()[:-1])
    else:
        broken = "UPDATE sealed SET bytes = x'00' WHERE row = ?"
        store.database.write(lambda cursor: cursor.execute(broken, (row(1),)) and None)
    store.close()
    stick, settings = tmp_path / "stick", _settings(data)
    assert cache.run(settings, "export", str(stick), json=True) == 4
    wrote, fault = _said(capsys)
    assert (wrote["items"], wrote["attachments"], wrote["left_out"]) == (1, 2, [bad])
    assert fault["fault"] == "damaged" and bad in str(fault["detail"])
    batch = cbor2.loads((stick / "batch-0001.cbor").read_bytes())
    (whole,) = [item for item in items_of(batch) if item["order_key"] == good]
    for paper in whole["attachments"]:
        assert (stick / "attachments" / paper.hex()).exists()

    assert cache.run(settings, "wipe", json=True) == 4  # not while nobody has dealt with it
    assert "1 items" in str(_said(capsys)[-1]["detail"])
    assert cache.run(settings, "tray", json=True) == 0
    in_tray, _ = _said(capsys)
    assert in_tray["number"] == bad
    assert cache.run(settings, "handled", str(in_tray["item"]), json=True) == 0
    assert cache.run(settings, "wipe", json=True) == 0


def test_what_was_set_aside_is_not_wiped_though_no_database_is_there(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The terminal was switched off just when it had put the damaged one away."""
    store, _ = _with_a_refusal(data)
    ok(seal(store, person=GRANDPA))
    store.close()
    places, settings = StorePlaces(data), _settings(data)
    aside = set_aside(places.store, StoreFaultCode.DAMAGED, HandClock())
    assert isinstance(aside, Path)
    assert cache.run(settings, "status", json=True) == 3
    assert aside.name in str(_said(capsys)[-1]["detail"])
    assert cache.run(settings, "wipe", json=True) == 4
    said = _said(capsys)[-1]
    assert said["fault"] == "rows_wait" and aside.name in str(said["detail"])
    assert (aside / "store.db").exists() and places.keys.is_dir()

    assert cache.run(settings, "salvage", json=True) == 0
    assert cache.run(settings, "wipe", json=True) == 4
    assert "2 items" in str(_said(capsys)[-1]["detail"])
    assert cache.run(settings, "status", json=True) == 0
    said = _said(capsys)[-1]
    assert (said["waiting"], said["refused"], said["set_aside"]) == (1, 1, [])


def test_a_key_that_is_not_there_does_not_mean_that_nothing_is(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, _ = _with_a_refusal(data)
    store.close()
    places = StorePlaces(data)
    (places.keys / "database.key").rename(data / "on the technician's stick")
    assert cache.run(_settings(data), "wipe", json=True) == 3
    said = _said(capsys)[-1]
    assert said["fault"] == "not_found" and "database.key" in str(said["detail"])
    assert places.database.exists()


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_wiping_goes_on_where_it_was_cut_off(
    data: Path, cut: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Keys, store and what was set aside: after each of the three the power may go."""
    store_in(data, HandClock()).close()
    assert isinstance(set_aside(StorePlaces(data).store, StoreFaultCode.DAMAGED, HandClock()), Path)
    settings = _settings(data)
    assert cache.run(settings, "salvage", json=True) == 0
    calls: list[Path] = []

    def cut_off(path: Path) -> None:
        calls.append(path)
        if len(calls) == cut:
            raise OSError(errno.EIO, "the power is gone")
        rmtree(path)

    rmtree = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", cut_off)
    assert cache.run(settings, "wipe", json=True) == 4
    monkeypatch.undo()
    assert cache.run(settings, "wipe", json=False) == 0
    assert capsys.readouterr().out.endswith("wiped\n")
    assert {path.name for path in data.iterdir()} == {"store.lock"}


def test_salvage_says_what_it_found_in_what_was_set_aside(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, _ = _with_a_refusal(data)
    ok(seal(store, person=GRANDPA))
    store.close()
    places = StorePlaces(data)
    content = bytearray(places.database.read_bytes())
    content[700] ^= 1
    places.database.write_bytes(content)
    settings = _settings(data)
    assert look_over(data, keys_in(data), HandClock()) is not None
    store_in(data, HandClock()).close()
    assert cache.run(settings, "wipe", json=True) == 4  # not before it is salvaged
    assert cache.run(settings, "salvage", json=True) == 0
    *_, one, end = _said(capsys)
    assert (one["items"], one["waiting"], one["lost"]) == (2, 1, 0)
    assert end == {"ok": True, "salvaged": 1}
    assert cache.run(settings, "status", json=True) == 0
    assert {**_said(capsys)[-1]}.items() >= {"waiting": 1, "refused": 1, "last_seq": 0}.items()
