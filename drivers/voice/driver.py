"""The voice: a package's recorded clips where it has them, else espeak-ng in a process of its own for
each utterance; heard through aplay.

The newest words win: what is being said stops when other words come. A tone is heard at once;
words that it interrupts are said again from their beginning. `Hush` stops everything.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, assert_never

from drivers.device import DeviceClass, Fault, FaultCode, Identity, Status
from drivers.voice.protocol import (
    MAX_CLIP_BYTES,
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
from drivers.voice.values import Hush, PlayTone, Say
from drivers.worker import Down, Host

LOOK_S: Final = 0.05  # how soon the end of a sound is noticed
IDLE_S: Final = 60.0  # a command wakes it; this only bounds one turn
END_LIMIT_S: Final = 1.0  # a killed process is gone in milliseconds

VoiceCommand = Say | PlayTone | Hush
FindProgram = Callable[[str], str | None]


class VoiceDriver:
    """`url`: alsa://default, or file:///folder. `clips`: folder with `clips.toml` and WAV files.

    `find`: where a program lies, None if missing.
    """

    def __init__(
        self, url: str, find: FindProgram = shutil.which, clips: Path | None = None
    ) -> None:
        self._url = url
        self._clip_folder = clips
        self._clips: dict[str, dict[str, str]] = {}
        self._find = find
        self._espeak = ""
        self._aplay = ""
        self._target: Loudspeaker | Folder | None = None
        self._number = 0
        self._now: _Sound | None = None
        self._saying: Say | None = None  # the words of `_now`, if it is words
        self._next: Say | None = None

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.VOICE

    @property
    def url(self) -> str:
        return self._url

    # -- the worker's calls ---------------------------------------------------

    def connect(self, host: Host) -> Identity | Down:
        target = voice_at(self._url)
        if isinstance(target, Fault):
            return Down(Status.BROKEN, target.detail)
        espeak = self._find("espeak-ng")
        if espeak is None:
            return Down(Status.BROKEN, "espeak-ng is not installed")
        aplay = self._find("aplay") if isinstance(target, Loudspeaker) else ""
        if aplay is None:
            return Down(Status.BROKEN, "aplay is not installed")
        if isinstance(target, Folder):
            try:
                target.path.mkdir(parents=True, exist_ok=True)
            except OSError:
                return Down(Status.BROKEN, "the folder for sounds cannot be made")
            numbers = [int(p.stem) for p in target.path.glob("*.wav") if p.stem.isdecimal()]
            self._number = max([self._number, *numbers])
        fault = self._load_clips()
        if fault is not None:  # it speaks all the same, with its own voice
            host.report(Status.READY, fault.detail)
        self._espeak, self._aplay, self._target = espeak, aplay, target
        return Identity("espeak-ng")

    def disconnect(self) -> None:
        self._stop()
        self._next = None

    def handle(self, command: VoiceCommand, host: Host) -> Fault | None:
        match command:
            case Hush():
                self._stop()
                self._next = None
            case Say():
                if self._now is not None and self._saying is None:
                    self._next = command  # a tone is short: the words wait for its end
                    return None
                self._stop()
                self._next = None
                return self._begin(command)
            case PlayTone():
                self._next = self._saying or self._next
                self._stop()
                return self._begin(command)
            case _:
                assert_never(command)
        return None

    def decline(self, command: VoiceCommand, fault: Fault, host: Host) -> Fault:
        return fault

    def run(self, host: Host) -> Down | None:
        if self._now is None:
            host.pause(IDLE_S)
            return None
        worked = self._now.ended()
        if worked is None:
            host.pause(LOOK_S)
            return None
        self._now = self._saying = None
        if worked:
            host.report(Status.READY)
        else:
            host.report(Status.BROKEN, "a sound could not be played")
        if self._next is not None:
            words, self._next = self._next, None
            self._begin(words)
        return None

    # -- one sound ------------------------------------------------------------

    def _begin(self, command: Say | PlayTone) -> Fault | None:
        try:
            match self._target:
                case Folder(path=folder):
                    self._now = self._into_folder(command, folder)
                case Loudspeaker(device=device):
                    self._now = self._aloud(command, device)
                case None:
                    return Fault(FaultCode.DISCONNECTED, "not open")
                case _:
                    assert_never(self._target)
        except OSError:
            return Fault(FaultCode.BROKEN, "a sound could not be begun")
        self._saying = command if isinstance(command, Say) else None
        return None

    def _load_clips(self) -> Fault | None:
        self._clips = {}
        if self._clip_folder is None:
            return None
        try:
            text = (self._clip_folder / "clips.toml").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return Fault(FaultCode.NOT_FOUND, "clips.toml cannot be read")
        clips = read_clips(text)
        if isinstance(clips, Fault):
            return clips
        self._clips = clips
        return None

    def _recorded(self, command: Say | PlayTone) -> bytes | None:
        """A tone, or the clips that say it all; None: to be spoken."""
        if isinstance(command, PlayTone):
            return tone_wav(command.tone, command.volume_percent)
        names = clips_of(command, self._clips)
        if not names or self._clip_folder is None:
            return None
        contents: list[bytes] = []
        for name in names:
            try:
                with (self._clip_folder / name).open("rb") as file:
                    contents.append(file.read(MAX_CLIP_BYTES + 1))
            except OSError:
                return None
        if sum(map(len, contents)) > MAX_CLIP_BYTES:
            return None
        return joined(contents, command.volume_percent)

    def _into_folder(self, command: Say | PlayTone, folder: Path) -> _Sound:
        self._number += 1
        done = folder / f"{self._number:04d}.wav"
        part = done.with_suffix(".part")  # whole when it gets its name
        recorded = self._recorded(command)
        if recorded is not None or isinstance(command, PlayTone):
            part.write_bytes(recorded or b"")
            return _Sound([], part, done)
        speak = _spawn([self._espeak, *espeak_arguments(command), "-w", str(part)])
        _give(speak, spoken_text(command))
        return _Sound([speak], part, done)

    def _aloud(self, command: Say | PlayTone, device: str) -> _Sound:
        play_arguments = [self._aplay, "-q", "-D", device, "-"]
        recorded = self._recorded(command)
        if recorded is not None or isinstance(command, PlayTone):
            # In memory with a name nobody has: longer than a pipe, and on no disk.
            held = os.memfd_create("sound")
            with os.fdopen(held, "w+b") as sound:
                sound.write(recorded or b"")
                sound.seek(0)
                return _Sound([_spawn(play_arguments, stdin=sound)])
        speak = _spawn([self._espeak, *espeak_arguments(command), "--stdout"], stdout=True)
        try:
            play = _spawn(play_arguments, stdin=speak.stdout)
        except OSError:
            _Sound([speak]).stop()
            raise
        finally:
            if speak.stdout is not None:
                speak.stdout.close()  # the player holds it now
        _give(speak, spoken_text(command))
        return _Sound([speak, play])

    def _stop(self) -> None:
        if self._now is not None:
            self._now.stop()
        self._now = self._saying = None


class _Sound:
    """The processes that make one sound, and the file it becomes, if it becomes one."""

    def __init__(
        self,
        processes: list[subprocess.Popen[bytes]],
        part: Path | None = None,
        done: Path | None = None,
    ) -> None:
        self._processes = processes
        self._part = part
        self._done = done

    def ended(self) -> bool | None:
        """None while it lasts; then whether it worked."""
        codes = [process.poll() for process in self._processes]
        if None in codes:
            return None
        worked = not any(codes)
        if self._part is not None and self._done is not None:
            try:
                if worked:
                    self._part.rename(self._done)
                else:
                    self._part.unlink(missing_ok=True)
            except OSError:
                return False
        return worked

    def stop(self) -> None:
        """At once, in the middle of a word."""
        if self.ended() is not None:
            return
        for process in self._processes:
            process.kill()
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_LIMIT_S)
        if self._part is not None:
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)


def _spawn(
    arguments: list[str], stdin: IO[bytes] | int | None = subprocess.PIPE, stdout: bool = False
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - fixed programs; what is said goes by standard input
        arguments,
        stdin=stdin,
        stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _give(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Hand over its whole input; small enough to fit a pipe, so that nothing waits."""
    if process.stdin is None:
        return
    with contextlib.suppress(OSError):
        process.stdin.write(data)
    with contextlib.suppress(OSError):
        process.stdin.close()
