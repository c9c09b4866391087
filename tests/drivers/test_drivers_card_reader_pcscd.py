"""The smart card reader through the real pcscd: vpcd under it, our own cards in it.

The reader's program makes a network and a mount namespace of its own and ends with this test.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from driver_fakes import Posts, RecordingLog

from drivers.card_reader.driver import CardReaderCommand, CardReaderDriver
from drivers.card_reader.pcsc import Look, PcscLite, Slot
from drivers.card_reader.values import (
    BankCard,
    CardAnswer,
    ContactlessTag,
    SmartCardFailed,
    SmartCardInserted,
    SmartCardRead,
    SmartCardRemoved,
    SocialCard,
    StopWatchingSmartCard,
    Transmit,
    WatchForSmartCard,
)
from drivers.device import Fault, FaultCode, Status
from drivers.worker import DeviceWorker
from hub.cards.authority import CardCase, Changed, ReferenceAuthority, Say
from kiosk.card_dialogue import CardChange, Warden
from kiosk.clock import SystemClock
from kiosk.entry.commands import smartcard
from kiosk.identity.social_card import social_layout
from rehearsal import processes
from rehearsal.control import Control

SOCIAL = {
    "name": "王小明",
    "id_number": "11010519491231002X",
    "card_id": "44990120260101000000000000000001",
    "birth": "1949-12-31",
    "valid_to": "2036-01-01",
}
PAN = "6299990000000000017"
PIN = "739164"


class Bed:
    """pcscd, its reader and the cards."""

    def __init__(self, control: Control, folder: Path) -> None:
        self.ask = control.ask
        self.log = folder / "log"


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    folder = Path(tempfile.mkdtemp(prefix="pcscd-"))  # short: a socket's path has 107 bytes
    # The library under pyscard reads this once in the life of a process.
    before = os.environ.get("PCSCLITE_CSOCK_NAME")
    os.environ["PCSCLITE_CSOCK_NAME"] = str(folder / "run" / "pcscd.comm")
    command = [sys.executable, "-m", "rehearsal.emulators.smart_card", "--folder"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(folder / "run"), "--control", str(folder / "control")],
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "log").read_text(encoding="utf-8", errors="replace")
        assert json.loads(line)["ready"] == "smart_card"
        yield Bed(Control(folder / "control"), folder)
    finally:
        processes.end(process)
        if process.stdout is not None:
            process.stdout.close()
        shutil.rmtree(folder)
        if before is None:
            del os.environ["PCSCLITE_CSOCK_NAME"]
        else:
            os.environ["PCSCLITE_CSOCK_NAME"] = before


@pytest.fixture
def empty(bed: Bed) -> Bed:
    """With pcscd running and nothing in the slots."""
    bed.ask("daemon_start")
    bed.ask("remove", slot=0)
    pcsc = PcscLite()
    assert pcsc.open() is None
    look = pcsc.wait("Virtual PCD 00 00", None, 0.0)
    while look != Look(Slot.EMPTY, getattr(look, "count", 0)):  # pcscd looks every 0.4 s
        look = pcsc.wait("Virtual PCD 00 00", look if isinstance(look, Look) else None, 1.0)
    pcsc.close()
    return bed


@pytest.fixture
def posts() -> Posts:
    return Posts()


@pytest.fixture
def log() -> RecordingLog:
    return RecordingLog()


@pytest.fixture
def worker(
    empty: Bed, posts: Posts, log: RecordingLog
) -> Iterator[DeviceWorker[CardReaderCommand]]:
    driver = CardReaderDriver(
        "pcsc://Virtual PCD", social_layout(), lambda: PcscLite(call_limit_s=0.5)
    )
    worker = DeviceWorker(driver, posts, SystemClock(), log)
    worker.start()
    posts.until_status(Status.READY)
    yield worker
    assert worker.stop()


def of(posts: Posts, kind: type) -> object:
    return posts.until(lambda event: isinstance(event, kind))


def test_cards_of_every_kind_are_told_read_and_told_to_be_out(
    worker: DeviceWorker[CardReaderCommand], bed: Bed, posts: Posts
) -> None:
    worker.submit(WatchForSmartCard())
    bed.ask("insert", card={**SOCIAL, "kind": "social"})
    inserted = posts.until(lambda event: not hasattr(event, "status"))
    read = posts.next()
    assert inserted == SmartCardInserted(1)
    assert isinstance(read, SmartCardRead) and isinstance(read.content, SocialCard)
    assert (read.content.name, read.content.region_code) == ("王小明", "449901")
    bed.ask("remove")
    assert posts.next() == SmartCardRemoved(1)

    contactless = {**SOCIAL, "kind": "social", "contactless": True}
    for card, wanted in (
        (contactless, SocialCard),
        ({"kind": "bank", "pan": PAN}, BankCard),
        ({"kind": "uid", "uid": "04A1B2C3"}, ContactlessTag),
    ):
        bed.ask("insert", card=card)
        read = of(posts, SmartCardRead)
        assert isinstance(read, SmartCardRead) and isinstance(read.content, wanted)
        bed.ask("remove")
        of(posts, SmartCardRemoved)


def test_a_card_pulled_out_in_the_middle_and_one_upside_down_and_then_it_works(
    worker: DeviceWorker[CardReaderCommand], bed: Bed, posts: Posts
) -> None:
    worker.submit(WatchForSmartCard())
    bed.ask("pull_at", command=6)
    bed.ask("insert", card={**SOCIAL, "kind": "social"})
    failed = of(posts, SmartCardFailed)
    assert isinstance(failed, SmartCardFailed) and failed.fault.code is FaultCode.CARD_LIFTED
    of(posts, SmartCardRemoved)

    bed.ask("upside_down", card={"kind": "social"})
    failed = of(posts, SmartCardFailed)
    assert isinstance(failed, SmartCardFailed) and failed.fault.code is FaultCode.CARD_UNREADABLE
    bed.ask("remove")
    of(posts, SmartCardRemoved)

    bed.ask("insert", card={"kind": "blank"})
    failed = of(posts, SmartCardFailed)
    assert isinstance(failed, SmartCardFailed) and failed.fault.code is FaultCode.UNKNOWN_CARD
    bed.ask("remove")
    of(posts, SmartCardRemoved)

    bed.ask("garble_at", command=3)
    bed.ask("insert", card={**SOCIAL, "kind": "social"})
    of(posts, SmartCardRead)
    assert Status.BROKEN not in posts.statuses() and Status.DISCONNECTED not in posts.statuses()


def test_pcscd_ends_and_starts_again_with_a_card_inside(
    worker: DeviceWorker[CardReaderCommand], bed: Bed, posts: Posts
) -> None:
    worker.submit(WatchForSmartCard())
    bed.ask("insert", card={**SOCIAL, "kind": "social"})
    of(posts, SmartCardRead)
    bed.ask("daemon_stop")
    of(posts, SmartCardRemoved)
    lost = posts.until_status(Status.DISCONNECTED)
    assert "pcscd" in lost.reason
    bed.ask("daemon_start")
    worker.wanted(True)
    posts.until_status(Status.READY)
    of(posts, SmartCardRead)


def test_a_reader_that_is_pulled_out_and_plugged_in_again(
    worker: DeviceWorker[CardReaderCommand], bed: Bed, posts: Posts
) -> None:
    worker.submit(WatchForSmartCard())
    bed.ask("unplug")  # vpcd's readers come and go with pcscd only: two losses in one
    worker.wanted(True)
    posts.until(lambda event: "no reader" in getattr(event, "reason", ""))
    bed.ask("plug")
    posts.until_status(Status.READY)
    bed.ask("insert", card={**SOCIAL, "kind": "social"})
    of(posts, SmartCardRead)


def test_the_reader_of_the_test_is_reached_by_nobody_else(empty: Bed) -> None:
    with socket.socket() as outside:  # vpcd listens on every interface: of its own network only
        outside.settimeout(5.0)
        assert outside.connect_ex(("127.0.0.1", 35963)) != 0


def test_a_card_that_never_answers_holds_nobody_up(
    worker: DeviceWorker[CardReaderCommand], bed: Bed, posts: Posts
) -> None:
    worker.submit(WatchForSmartCard())
    bed.ask("mute_at", command=4)
    bed.ask("insert", card={**SOCIAL, "kind": "social"})
    failed = of(posts, SmartCardFailed)
    assert isinstance(failed, SmartCardFailed) and failed.fault.code is FaultCode.SILENT
    posts.until_status(Status.POWERED_OFF)
    bed.ask("remove")
    worker.wanted(True)
    posts.until_status(Status.READY)
    bed.ask("insert", card={**SOCIAL, "kind": "social"})
    of(posts, SmartCardRead)


def test_a_pin_goes_to_the_card_and_nowhere_else(
    worker: DeviceWorker[CardReaderCommand],
    bed: Bed,
    posts: Posts,
    log: RecordingLog,
    capfd: pytest.CaptureFixture[str],
) -> None:
    worker.submit(WatchForSmartCard())
    bed.ask("insert", card={**SOCIAL, "kind": "social"})
    read = of(posts, SmartCardRead)
    assert isinstance(read, SmartCardRead)
    verify = bytes.fromhex("0020008206") + PIN.encode()
    command = Transmit(read.card, verify)
    answer = worker.submit(command).result()
    assert answer == CardAnswer(b"", 0x63C5)  # not its PIN: five tries are left
    seen = bed.ask("status")["slots"][0]["seen"]
    assert seen[-1] == "00200082"
    worker.submit(StopWatchingSmartCard()).result()
    told = repr([command, answer, posts.all, log.lines]) + "".join(capfd.readouterr())
    told += bed.log.read_text(encoding="utf-8", errors="replace")
    for secret in (PIN, PIN.encode().hex(), SOCIAL["name"], SOCIAL["id_number"]):
        assert secret not in told


@pytest.mark.parametrize("contactless", [False, True])
def test_a_social_card_gets_its_new_password_through_the_real_service(
    worker: DeviceWorker[CardReaderCommand],
    bed: Bed,
    posts: Posts,
    log: RecordingLog,
    *,
    contactless: bool,
) -> None:
    """Whoever holds the keys on one side, a strict card on the other; T=0 and T=1 between them."""
    worker.submit(WatchForSmartCard())
    bed.ask("insert", card={**SOCIAL, "kind": "social", "contactless": contactless})
    read = of(posts, SmartCardRead)
    assert isinstance(read, SmartCardRead) and isinstance(read.content, SocialCard)
    card = read.content
    case = CardCase(card.name, card.id_number, card.card_id, "", card.region_code, PIN)
    authority, warden = ReferenceAuthority(), Warden(social_layout().application)
    move = authority.begin(case)
    while isinstance(move, Say):
        assert warden.objection(move.apdus) == ""
        answers = []
        for apdu in move.apdus:
            answer = worker.submit(Transmit(read.card, apdu)).result()
            assert isinstance(answer, CardAnswer) and answer.status_word == 0x9000
            warden.answered(apdu, answer.status_word)
            answers.append(answer.data + b"\x90\x00")
        move = authority.go_on(case, move.memory, answers)
    assert move == Changed() and warden.change is CardChange.CHANGED
    verify = Transmit(read.card, bytes.fromhex("0020000003" + PIN))
    assert worker.submit(verify).result() == CardAnswer(b"", 0x9000)
    assert PIN not in repr([posts.all, log.lines])
    assert PIN not in bed.log.read_text(encoding="utf-8", errors="replace")

    bed.ask("remove")
    of(posts, SmartCardRemoved)
    gone = worker.submit(verify).result()
    assert isinstance(gone, Fault) and gone.code is FaultCode.CARD_LIFTED


def test_a_worker_that_waits_for_a_card_stops_at_once_and_takes_commands_at_once(
    empty: Bed, posts: Posts, log: RecordingLog
) -> None:
    driver = CardReaderDriver("pcsc://Virtual PCD", social_layout())
    worker = DeviceWorker(driver, posts, SystemClock(), log)
    worker.start()
    posts.until_status(Status.READY)
    for _ in range(3):
        assert worker.submit(WatchForSmartCard()).result(5.0) is None
        assert worker.submit(StopWatchingSmartCard()).result(5.0) is None
    gone = worker.submit(Transmit(1, b"\x00\xa4\x04\x00")).result(5.0)
    assert isinstance(gone, Fault) and gone.code is FaultCode.CARD_LIFTED
    assert worker.stop()
    assert log.of("unexpected") == []


# -- kiosk smartcard ------------------------------------------------------------------


def answer(
    capsys: pytest.CaptureFixture[str], reader: str, wait_s: float = 5.0
) -> tuple[int, dict[str, object]]:
    code = smartcard.run(Path("/nowhere.toml"), reader, timeout_s=wait_s, json=True)
    line = json.loads(capsys.readouterr().out)
    assert isinstance(line, dict)
    return code, line


def test_the_command_says_what_stands_on_a_card(
    empty: Bed, capsys: pytest.CaptureFixture[str]
) -> None:
    empty.ask("insert", card={**SOCIAL, "kind": "social"})
    code, line = answer(capsys, "Virtual PCD 00 00")
    assert code == 0
    assert line["ok"] is True and line["card_type"] == "social"
    assert (line["name"], line["id_number"]) == ("王小明", "11010519491231002X")
    assert (line["birth"], line["valid_to"]) == ("1949-12-31", "2036-01-01")
    assert (line["region_code"], line["birthplace_code"]) == ("449901", None)
    assert "missing:birthplace_code" in line["warnings"]  # type: ignore[operator]
    empty.ask("insert", card={**SOCIAL, "id_number": "110105194912310021", "kind": "social"})
    assert "odd:id_number" in answer(capsys, "Virtual")[1]["warnings"]  # type: ignore[operator]
    empty.ask("insert", card={"kind": "bank", "pan": PAN})
    assert answer(capsys, "Virtual") == (
        0,
        {
            "ok": True,
            "card_type": "bank",
            "masked_number": "***************0017",
            "label": "UnionPay Debit",
        },
    )


def test_the_command_s_faults_and_exit_codes(
    empty: Bed, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = answer(capsys, "Virtual", 0.2)
    assert (code, line["fault"]) == (4, "no_card")
    code, line = answer(capsys, "Nobody's Reader")
    assert (code, line["fault"]) == (3, "not_found")
    assert "Virtual PCD 00 00" in str(line["detail"])
    code, line = answer(capsys, "")
    assert (code, line["fault"]) == (2, "bad_use")
    empty.ask("insert", card={"kind": "blank"})
    code, line = answer(capsys, "Virtual")
    assert (code, line["fault"]) == (4, "unknown_card")
    empty.ask("daemon_stop")
    code, line = answer(capsys, "Virtual")
    assert (code, line["fault"]) == (3, "device_lost")
