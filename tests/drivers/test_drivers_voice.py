"""The voice says the newest words, stops at once, and tells when it cannot speak."""

from __future__ import annotations

import io
import os
import stat
import wave
from pathlib import Path

import pytest
from driver_fakes import FakeClock, FakeHost, Posts, RecordingLog
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import Fault, FaultCode, Identity, Status
from drivers.voice.driver import VoiceDriver
from drivers.voice.protocol import (
    Folder,
    Loudspeaker,
    clips_of,
    espeak_arguments,
    joined,
    read_clips,
    spoken_text,
    tone_wav,
    voice_at,
)
from drivers.voice.values import Hush, PlayTone, Say, Tone
from drivers.worker import DeviceWorker, Down, Host
from kiosk.clock import SystemClock


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("alsa://default", Loudspeaker("default")),
        ("alsa://plughw:0,0", Loudspeaker("plughw:0,0")),
        ("file:///tmp/sounds", Folder(Path("/tmp/sounds"))),
    ],
)
def test_an_address_is_read(text: str, place: object) -> None:
    assert voice_at(text) == place


@pytest.mark.parametrize("text", ["", "alsa://", "alsa://-x", "file://host/x", "file:///x?y", "x:"])
def test_a_wrong_address_is_refused(text: str) -> None:
    fault = voice_at(text)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.BAD_INPUT


def test_what_is_said_is_no_argument_that_others_can_read() -> None:
    say = Say("王小明，请取回身份证", "zh", 80, 100)
    assert espeak_arguments(say) == ["-v", "cmn", "-s", "165", "-a", "160", "-b", "1", "--stdin"]
    assert spoken_text(say).decode() == say.text
    assert repr(say) == "Say(language='zh', volume_percent=80, speed_percent=100)"


def test_volume_and_speed_stay_within_what_can_be_heard() -> None:
    assert espeak_arguments(Say("x", "en", 400, 9000)) == [
        "-v",
        "en",
        "-s",
        "450",
        "-a",
        "200",
        "-b",
        "1",
        "--stdin",
    ]
    assert espeak_arguments(Say("x", "en", -3, 0)) == [
        "-v",
        "en",
        "-s",
        "80",
        "-a",
        "0",
        "-b",
        "1",
        "--stdin",
    ]


@pytest.mark.parametrize("tone", list(Tone))
def test_a_tone_is_a_short_sound_that_fits_a_pipe(tone: Tone) -> None:
    data = tone_wav(tone, 80)
    assert len(data) < 65536
    with wave.open(io.BytesIO(data)) as sound:
        assert 0.2 < sound.getnframes() / sound.getframerate() < 1.0
        frames = sound.readframes(sound.getnframes())
    loud = max(
        abs(int.from_bytes(frames[i : i + 2], "little", signed=True))
        for i in range(0, len(frames), 2)
    )
    assert 15000 < loud < 32768
    assert len({tone_wav(t, 80) for t in Tone}) == len(Tone)
    assert set(tone_wav(tone, 0)[44:]) == {0}


@pytest.mark.parametrize(("missing", "url"), [("espeak-ng", "file:///tmp"), ("aplay", "alsa://x")])
def test_a_missing_program_is_broken_with_its_name(missing: str, url: str) -> None:
    driver = VoiceDriver(url, find=lambda name: None if name == missing else "/usr/bin/true")
    down = driver.connect(FakeHost(lambda: Fault(FaultCode.BROKEN), FakeClock()))
    assert down == Down(Status.BROKEN, f"{missing} is not installed")


class Speaker:
    """A driver with programs of the test's own: espeak-ng that never ends until killed."""

    def __init__(self, tmp_path: Path, script: str) -> None:
        program = tmp_path / "program"
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.folder = tmp_path / "sounds"
        self.driver = VoiceDriver(f"file://{self.folder}", find=lambda _: str(program))
        self.host = FakeHost(lambda: Fault(FaultCode.BROKEN), FakeClock())
        assert isinstance(self.driver.connect(self.host), Identity)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


ENDLESS = "exec sleep 600\n"


def test_hush_stops_what_is_being_said_at_once(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path, ENDLESS)
    assert speaker.driver.handle(Say("很长的一句话"), speaker.host) is None
    sound = speaker.driver._now
    assert sound is not None
    assert sound.ended() is None
    assert speaker.driver.handle(Hush(), speaker.host) is None
    assert [process.returncode for process in sound._processes] == [-9]
    assert speaker.files() == []


def test_new_words_stop_the_old_and_a_tone_lets_them_be_said_again(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path, ENDLESS)
    speaker.driver.handle(Say("一"), speaker.host)
    first = speaker.driver._now
    speaker.driver.handle(Say("二"), speaker.host)
    assert first is not None
    assert first.ended() is False
    speaker.driver.handle(PlayTone(Tone.PROBLEM), speaker.host)
    assert speaker.driver._next == Say("二")
    speaker.driver.run(speaker.host)
    assert [name for name in speaker.files() if name.endswith(".wav")] == ["0003.wav"], "the tone"
    assert speaker.driver._saying == Say("二")
    speaker.driver.disconnect()
    assert speaker.driver._now is None


def test_words_wait_for_the_end_of_a_tone(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path, ENDLESS)
    speaker.driver.handle(PlayTone(Tone.DONE), speaker.host)
    speaker.driver.handle(Say("旧"), speaker.host)
    speaker.driver.handle(Say("新"), speaker.host)
    speaker.driver.run(speaker.host)
    assert speaker.driver._saying == Say("新")
    speaker.driver.disconnect()


def test_a_sound_that_fails_is_told_and_the_next_good_one_mends_it(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path, "exit 3\n")
    speaker.driver.handle(Say("一"), speaker.host)
    while not speaker.host.reports:
        speaker.driver.run(speaker.host)
    assert speaker.host.reports == [(Status.BROKEN, "a sound could not be played")]
    speaker.driver.handle(PlayTone(Tone.DONE), speaker.host)
    speaker.driver.run(speaker.host)
    assert speaker.host.reports[-1] == (Status.READY, "")


def test_words_through_a_loudspeaker_go_from_the_one_program_to_the_other(tmp_path: Path) -> None:
    """espeak-ng's sound is what aplay gets; here both are `cat`s of the test's own."""
    heard = tmp_path / "heard"
    speak, play = tmp_path / "speak", tmp_path / "play"
    speak.write_text("#!/bin/sh\nexec cat\n")
    play.write_text(
        f'#!/bin/sh\ncat > {heard}.part\necho "$@" >> {heard}.part\nmv {heard}.part {heard}\n'
    )
    for program in (speak, play):
        program.chmod(0o700)
    driver = VoiceDriver(
        "alsa://default", find=lambda name: str(speak if name == "espeak-ng" else play)
    )
    host = FakeHost(lambda: Fault(FaultCode.BROKEN), FakeClock())
    assert isinstance(driver.connect(host), Identity)
    driver.handle(Say("您好"), host)
    while not host.reports:
        driver.run(host)
    assert host.reports == [(Status.READY, "")]
    assert heard.read_text() == "您好-q -D default -\n"


def test_words_become_sound_files_in_order_by_a_worker_that_never_waits(tmp_path: Path) -> None:
    posts = Posts()
    worker = DeviceWorker(VoiceDriver(f"file://{tmp_path}/s"), posts, SystemClock(), RecordingLog())
    worker.start()
    posts.until_status(Status.READY)
    assert worker.submit(PlayTone(Tone.TAKE_YOUR_THINGS)).result(10) is None
    assert worker.submit(Say("请取回您的身份证。")).result(10) is None
    while not (tmp_path / "s" / "0002.wav").exists():
        os.sched_yield()
    assert worker.stop(10)
    with wave.open(str(tmp_path / "s" / "0002.wav")) as sound:
        assert sound.getnframes() / sound.getframerate() > 0.5
    again = VoiceDriver(f"file://{tmp_path}/s")
    host: Host = FakeHost(lambda: Fault(FaultCode.BROKEN), FakeClock())
    again.connect(host)
    again.handle(PlayTone(Tone.DONE), host)
    again.run(host)
    assert (tmp_path / "s" / "0003.wav").exists(), "nothing is overwritten"


# -- recorded clips -----------------------------------------------------------------


def wav(samples: list[int], rate: int = 8000, width: int = 2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setparams((1, width, rate, 0, "NONE", "not compressed"))
        sound.writeframes(b"".join(s.to_bytes(width, "little", signed=True) for s in samples))
    return out.getvalue()


def samples_of(content: bytes) -> list[int]:
    with wave.open(io.BytesIO(content)) as sound:
        frames = sound.readframes(sound.getnframes())
    return [
        int.from_bytes(frames[i : i + 2], "little", signed=True) for i in range(0, len(frames), 2)
    ]


CLIPS = {
    "zh": {"请把身份证放在读卡处": "card.wav", "读好了": "done.wav"},
    "en": {"Done": "done_en.wav"},
}


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("请把身份证放在读卡处。", "zh", ("card.wav",)),
        ("请把身份证放在读卡处。 读好了！", "zh", ("card.wav", "done.wav")),
        ("读好了。还有一句。", "zh", ()),
        ("Done. ", "en", ("done_en.wav",)),
        ("读好了", "en", ()),
        ("", "zh", ()),
    ],
)
def test_clips_are_played_only_when_they_say_all_of_it(
    text: str, language: str, names: tuple[str, ...]
) -> None:
    assert clips_of(Say(text, language), CLIPS) == names


def test_clips_become_one_sound_at_the_volume_of_the_session() -> None:
    sound = joined([wav([1000, -1000]), wav([200])], 50)
    assert sound is not None
    assert samples_of(sound) == [500, -500, 100]
    assert joined([wav([1]), wav([1], rate=16000)], 50) is None
    assert joined([wav([1], width=1)], 50) is None
    assert joined([b"RIFF"], 50) is None
    assert joined([], 50) is None
    impossible = bytearray(wav([]))
    impossible[22:28] = bytes.fromhex("0108 80c1ffff")  # channels and rate of no recording
    assert joined([bytes(impossible)], 50) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_clip_or_none(content: bytes) -> None:
    assert joined([content, wav([1])[:30] + content], 80) is None or content


@pytest.mark.parametrize(
    "text",
    [
        "[zh",
        "[fr]\na = 'b.wav'",
        "zh = 3",
        "[zh]\na = '../x.wav'",
        "[zh]\na = 'x.mp3'",
        "[zh]\na = 3",
    ],
)
def test_a_wrong_list_of_clips_is_told(text: str) -> None:
    assert isinstance(read_clips(text), Fault)


def spoken_with_clips(tmp_path: Path, index: str) -> tuple[VoiceDriver, FakeHost]:
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "clips.toml").write_text(index, encoding="utf-8")
    (clips / "done.wav").write_bytes(wav([8000] * 800))
    program = tmp_path / "espeak"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o700)
    driver = VoiceDriver(f"file://{tmp_path}/s", find=lambda _: str(program), clips=clips)
    host = FakeHost(lambda: Fault(FaultCode.BROKEN), FakeClock())
    assert isinstance(driver.connect(host), Identity)
    return driver, host


def test_a_recorded_sentence_is_played_and_another_spoken(tmp_path: Path) -> None:
    driver, host = spoken_with_clips(tmp_path, '[zh]\n"读好了" = "done.wav"\n"丢了" = "lost.wav"\n')
    driver.handle(Say("读好了。", volume_percent=50), host)
    driver.run(host)
    assert samples_of((tmp_path / "s" / "0001.wav").read_bytes()) == [4000] * 800
    for text in ("别的话。", "丢了。"):  # its file is gone: spoken instead
        driver.handle(Say(text), host)
        sound = driver._now
        assert sound is not None
        assert sound.ended() is None
    driver.disconnect()


def test_a_spoilt_list_of_clips_is_told_and_does_not_silence_the_voice(tmp_path: Path) -> None:
    _, host = spoken_with_clips(tmp_path, "[zh")
    assert host.reports == [(Status.READY, "clips.toml is no TOML")]


def test_a_clip_longer_than_a_pipe_is_played_without_a_file(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "clips.toml").write_text('[zh]\n"长" = "long.wav"\n', encoding="utf-8")
    (clips / "long.wav").write_bytes(wav([1] * 100_000))
    heard, play = tmp_path / "heard", tmp_path / "play"
    play.write_text(f"#!/bin/sh\ncat > {heard}.part\nmv {heard}.part {heard}\n")
    play.chmod(0o700)
    driver = VoiceDriver("alsa://default", find=lambda _: str(play), clips=clips)
    host = FakeHost(lambda: Fault(FaultCode.BROKEN), FakeClock())
    driver.connect(host)
    driver.handle(Say("长", volume_percent=100), host)
    while not host.reports:
        driver.run(host)
    assert samples_of(heard.read_bytes()) == [1] * 100_000
