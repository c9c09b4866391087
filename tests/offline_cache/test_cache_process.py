"""The sync process as it runs: its own program, its own connection, a real hub on loopback."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from cache_world import GRANNY, ITEM, ok, seal
from little_hub import TERMINAL, LittleHub, serving

from kiosk import sync_messages as messages
from kiosk.channel import Channel, ChannelClosed
from kiosk.clock import LOCAL_ZONE, SystemClock
from offline_cache.keys import KEY_BYTES, open_keys
from offline_cache.line.enrolment import EnrolmentFiles
from offline_cache.line.identity import DeviceKey, Identity
from offline_cache.outbox import ItemKind
from offline_cache.store import Store, StorePlaces, open_store

ROOT = Path(__file__).resolve().parent.parent.parent
SAFETY_S = 60.0  # a test that waits this long has failed; none of them measures time


class Window:
    """The window's end of the channel, and the terminal's store."""

    started: ClassVar[list[Window]] = []

    def __init__(self, data: Path, hub: LittleHub) -> None:
        self.started.append(self)
        keys = ok(open_keys(StorePlaces(data).keys))
        self._device = keys.device
        self._key = keys.database
        files = EnrolmentFiles(StorePlaces(data), keys.database)
        certificate = hub.enrol(DeviceKey(keys.device).request())
        assert files.write(Identity(TERMINAL, certificate, hub.authority.pem)) is None
        assert files.keep_seal_keys(TERMINAL, hub.seal_keys) is None
        self.store: Store = ok(
            open_store(data, keys, SystemClock(), draft_kept=timedelta(minutes=15), zone=LOCAL_ZONE)
        )
        self.settings = data / "kiosk.toml"
        self.settings.write_text(
            f'[paths]\ndata = "{data}"\nlogs = "{data / "logs"}"\n'
            f'[hub]\nurl = "{hub.url}"\nlongest_retry_s = 4\nspread_s = 0\nconnect_timeout_s = 2\nread_timeout_s = 2\n',
            encoding="utf-8",
        )
        self.seen: list[messages.Answer] = []
        self.start()

    def start(self, key: bytes | None = None) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(SAFETY_S)
        reading, writing = os.pipe()
        os.write(writing, (self._key if key is None else key) + self._device)
        os.close(writing)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "kiosk.entry.sync", "--fd", str(theirs.fileno())),
                *("--key-fd", str(reading), "--settings", str(self.settings)),
            ],
            pass_fds=(theirs.fileno(), reading),
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        os.close(reading)
        self.channel = Channel(ours)

    def say(self, request: messages.Request) -> None:
        assert self.channel.send(request.model_dump_json().encode()) is None

    def hear(self, kind: type[messages._Message]) -> messages.Answer:
        """The next message of this kind; those before it are kept in `seen`."""
        while True:
            frame = self.channel.receive()
            assert not isinstance(frame, ChannelClosed), frame
            answer = messages.ANSWER.validate_json(frame.json)
            self.seen.append(answer)
            if isinstance(answer, kind):
                return answer

    def clear_away(self) -> None:
        """After a test that failed on the way."""
        self.channel.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.store.close()

    def end(self) -> int:
        """Close the channel, as the supervisor does; the exit code."""
        self.channel.close()
        code = self.process.wait(SAFETY_S)
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        self.process.stderr.close()
        assert errors == b"", errors
        self.store.close()
        return code


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    yield
    while Window.started:
        Window.started.pop().clear_away()


@pytest.fixture
def hub() -> Iterator[LittleHub]:
    with serving(LittleHub()) as hub:
        yield hub
    assert hub.complaints == []


def _log(data: Path) -> str:
    return (data / "logs" / "sync.jsonl").read_text(encoding="utf-8")


def test_what_is_sealed_while_it_runs_arrives_when_it_is_woken(
    tmp_path: Path, hub: LittleHub
) -> None:
    window = Window(tmp_path, hub)
    assert isinstance(window.hear(messages.Hello), messages.Hello)
    line = window.hear(messages.Line)
    assert isinstance(line, messages.Line) and line.online and line.waiting == 0
    window.say(messages.Pause())
    number = ok(seal(window.store)).number
    window.say(messages.Resume())
    window.say(messages.Wake())
    delivered = window.hear(messages.Delivered)
    assert delivered == messages.Delivered(number=number)
    ok(window.store.outbox.add(ItemKind.RATING, number, {"number": number, "level": 5}))
    window.say(messages.Wake())
    window.say(messages.Ping())
    window.hear(messages.Pong)
    window.say(messages.AskProgress(id=7, number=number, qr=f"ZW1.{number}.SIG"))
    progress = window.hear(messages.Progress)
    assert isinstance(progress, messages.Progress)
    assert (progress.id, progress.state, progress.item) == (7, "in_review", ITEM)
    window.say(messages.AskProgress(id=8, number=number, qr=f"ZW1.{number}.FORGED"))
    over = messages.AskCard(id=9, dialogue="ab" * 16, step=9, sealed="AAAA")
    window.say(over)
    forged = window.hear(messages.Progress)
    assert window.hear(messages.CardSaid) == messages.CardSaid(
        id=9, outcome="lost", code="dialogue_over"
    )
    assert forged == messages.Progress(id=8, number=number, state="signature_wrong")
    while len(hub.order) < 2:  # the rating, with the next line message at the latest
        window.hear(messages.Line)
    assert window.end() == 0
    assert hub.numbers() == [number]
    said = _log(tmp_path)
    assert "item_delivered" in said and GRANNY not in said and "甄" not in said
    assert "unknown_event_refused" not in said


@pytest.mark.fault(11)
def test_the_hub_is_away_and_comes_back(tmp_path: Path) -> None:
    hub = LittleHub()
    with serving(hub):
        pass
    window = Window(tmp_path, hub)
    number = ok(seal(window.store)).number
    window.say(messages.Wake())
    line = window.hear(messages.Line)
    while not (isinstance(line, messages.Line) and line.waiting == 1):
        line = window.hear(messages.Line)
    assert not line.online
    window.say(messages.AskProgress(id=1, number=number, qr=f"ZW1.{number}.SIG"))
    here = window.hear(messages.Progress)
    assert isinstance(here, messages.Progress) and here.state == "waiting_here"
    window.say(messages.AskProgress(id=2, number="QS01", qr="ZW1.QS01.SIG"))
    unknown = window.hear(messages.Progress)
    assert isinstance(unknown, messages.Progress) and unknown.state == "hub_unreachable"
    window.say(messages.AskEarlier(id=3, item=ITEM, id_number=GRANNY, since=SystemClock().utc()))
    earlier = window.hear(messages.Earlier)
    assert earlier == messages.Earlier(id=3, asked=False)
    window.say(messages.AskCard(id=6, dialogue="ab" * 16, step=0, sealed="AAAA"))
    said = window.hear(messages.CardSaid)
    assert isinstance(said, messages.CardSaid) and said.outcome == "unreachable"
    with serving(hub, urlsplit(hub.url).port or 0):
        assert window.hear(messages.Delivered) == messages.Delivered(number=number)
        window.say(
            messages.AskEarlier(id=4, item=ITEM, id_number=GRANNY, since=SystemClock().utc())
        )
        assert window.hear(messages.Earlier) == messages.Earlier(id=4, asked=True)
        window.say(messages.AskProgress(id=5, number="QS99", qr="ZW1.QS99.SIG"))
        unknown = window.hear(messages.Progress)
        assert isinstance(unknown, messages.Progress) and unknown.state == "unknown_number"
        assert window.end() == 0
    assert hub.numbers() == [number]


def test_the_hub_learns_what_the_devices_are(tmp_path: Path, hub: LittleHub) -> None:
    """Told as soon as the line is there, and again only when something else is to be told."""
    window = Window(tmp_path, hub)
    at = SystemClock().utc()
    reader = messages.Device(device="id_reader", status="ready", reason="", since=at, model="SAM_V")
    window.say(messages.Devices(devices=(reader,)))
    line = window.hear(messages.Line)
    while not line.online:  # type: ignore[union-attr]
        line = window.hear(messages.Line)
    window.say(messages.Wake())
    assert hub.devices_heard.wait(SAFETY_S)
    assert window.end() == 0
    assert [[one["device"], one["status"], one["model"]] for one in hub.devices_told[0]] == [
        ["id_reader", "ready", "SAM_V"]
    ]
    assert len(hub.devices_told) == 1
    assert hub.complaints == []


@pytest.mark.fault(11, 12)
def test_a_hub_that_never_answers_does_not_keep_a_citizen_waiting_for_ever(
    tmp_path: Path,
) -> None:
    """Many questions behind one that hangs: each is answered within its limit."""
    hub = LittleHub()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
        hub.url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        window = Window(tmp_path, hub)
        for ask in range(8):  # together far longer than the limit, one after the other
            window.say(messages.AskProgress(id=ask, number="QS01", qr="ZW1.QS01.SIG"))
        answered = [window.hear(messages.Progress) for _ in range(8)]
        assert {answer.id for answer in answered if isinstance(answer, messages.Progress)} == set(
            range(8)
        )
        assert window.end() == 0


def test_it_ends_with_its_parent(tmp_path: Path, hub: LittleHub) -> None:
    """Killed without a word, the parent takes it along, by the kernel's doing."""
    window = Window(tmp_path, hub)
    window.hear(messages.Hello)
    settings = window.settings
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, socket, subprocess, sys, time\n"
            "a, b = socket.socketpair(); r, w = os.pipe()\n"
            "os.write(w, bytes(64)); os.close(w)\n"
            "child = subprocess.Popen([sys.executable, '-m', 'kiosk.entry.sync', '--fd',"
            " str(b.fileno()), '--key-fd', str(r), '--settings', sys.argv[1]],"
            " pass_fds=(a.fileno(), b.fileno(), r))\n"  # it holds both ends: no close ends it
            "a.recv(8); print(child.pid, flush=True); time.sleep(600)\n",
            str(settings),
        ],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    watch = os.pidfd_open(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    gone, _, _ = select.select([watch], [], [], SAFETY_S)
    if not gone:
        signal.pidfd_send_signal(watch, signal.SIGKILL)
    os.close(watch)
    assert gone
    assert window.end() == 0


def test_a_wrong_key_is_told_and_nothing_is_touched(tmp_path: Path, hub: LittleHub) -> None:
    window = Window(tmp_path, hub)
    window.hear(messages.Line)
    window.channel.close()
    assert window.process.wait(SAFETY_S) == 0
    assert window.process.stderr is not None
    window.process.stderr.close()
    window.start(key=b"k" * KEY_BYTES)
    trouble = window.hear(messages.StoreTrouble)
    assert isinstance(trouble, messages.StoreTrouble) and trouble.fault == "wrong_key"
    window.say(messages.Ping())
    window.hear(messages.Pong)
    assert window.end() == 0
    assert StorePlaces(tmp_path).database.exists()


def test_it_waits_for_the_database_that_the_window_makes(tmp_path: Path, hub: LittleHub) -> None:
    window = Window(tmp_path / "first", hub)
    window.hear(messages.Line)
    assert window.end() == 0
    data = tmp_path / "first"
    kept = (data / "store").rename(data / "store-elsewhere")
    window.start()
    trouble = window.hear(messages.StoreTrouble)
    assert isinstance(trouble, messages.StoreTrouble) and trouble.fault == "not_found"
    kept.rename(data / "store")
    line = window.hear(messages.Line)
    assert isinstance(line, messages.Line) and line.online
    assert window.end() == 0


def test_garbage_on_the_channel_is_logged_by_type_and_survived(
    tmp_path: Path, hub: LittleHub
) -> None:
    window = Window(tmp_path, hub)
    assert window.channel.send(b'{"kind": "erase_everything", "name": "\xe7\x94\x84"}') is None
    window.say(messages.Ping())
    window.hear(messages.Pong)
    assert window.end() == 0
    assert "甄" not in _log(tmp_path) and '"unexpected"' in _log(tmp_path)


def test_without_settings_it_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "kiosk.toml").write_text('[hub]\nurl = "nowhere"\n', encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "kiosk.entry.sync", "--fd", "0", "--key-fd", "0"),
            *("--settings", str(tmp_path / "kiosk.toml")),
        ],
        capture_output=True,
        cwd=ROOT,
        check=False,
        timeout=SAFETY_S,
    )
    assert done.returncode == 2
    assert b"kiosk.toml:2: hub.url" in done.stderr
