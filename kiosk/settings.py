"""The terminal's one settings file, TOML, typed. Every field is described where it is declared.

`load` answers `Settings`, or `SettingsFault`s that name the field and the line of the file.
`kiosk settings --describe` prints this page's fields as documentation.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.card_reader.values import SocialField

ReaderName = Literal["tesseract", "rapidocr"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TerminalSettings(_Section):
    code: str = Field(
        "QS01",
        pattern=r"^[A-Z0-9]{4}$",
        description="Four letters or digits that begin every receipt number; unique in the region.",
    )
    name_zh: str = Field("自助服务终端01号", description="Name of this terminal in the status bar.")
    name_en: str = Field("Terminal 01", description="The same in English.")
    centre_zh: str = Field("清水镇便民服务中心", description="The service centre it stands in.")
    centre_en: str = Field("Qingshui Town Service Centre", description="The same in English.")
    help_phone: str = Field("12345", description="Number shown where a person can be asked.")
    counter_zh: str = Field(
        "清水镇便民服务中心1号窗口，工作日8:30—17:30", description="Where else one can go."
    )
    counter_en: str = Field(
        "Counter 1, Qingshui Town Service Centre, working days 8:30–17:30",
        description="The same in English.",
    )


class PathSettings(_Section):
    data: Path = Field(
        Path("/var/lib/kiosk"),
        description="Database, attachments and keys; must be on a real disk.",
    )
    logs: Path = Field(Path("/var/log/kiosk"), description="Log files, one a process.")
    runtime: Path = Field(
        Path("/run/kiosk"), description="Sockets and the citizen's temporary files; a tmpfs."
    )
    catalogue: Path | None = Field(
        None, description="Folder of service items; empty: the packages that ship with the program."
    )


class WindowSettings(_Section):
    width: int = Field(1080, ge=640, le=7680, description="Width of the screen in pixels.")
    height: int = Field(1920, ge=480, le=7680, description="Height of the screen in pixels.")
    full_screen: bool = Field(True, description="False only in rehearsal: a window scaled to fit.")
    reduced_motion: bool = Field(False, description="Lit slots steady, pages without movement.")
    idle_s: int = Field(60, ge=10, le=600, description="Seconds without a touch until the warning.")
    idle_warning_s: int = Field(30, ge=10, le=120, description="Seconds the warning counts down.")
    elder_idle_s: int = Field(120, ge=10, le=900, description="The same in elder mode.")
    elder_idle_warning_s: int = Field(60, ge=10, le=300, description="The same in elder mode.")


class HubSettings(_Section):
    url: str = Field(
        "https://127.0.0.1:8000",
        pattern=r"^(https://.+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/?)$",
        description="Address of the platform: https://…; http:// only to a gateway on this machine.",
    )
    phone_url: str = Field(
        "",
        pattern=r"^$|^https://[^#?]+$",
        description="Address under which citizens' phones reach the platform's /p/ pages, with a certificate that phones trust; empty: scans are not offered to phones.",
    )
    connect_timeout_s: float = Field(5.0, gt=0, le=60, description="Time to reach the hub.")
    read_timeout_s: float = Field(20.0, gt=0, le=300, description="Time for its answer.")
    idle_poll_s: float = Field(
        30.0,
        gt=0,
        le=600,
        description="Contact at least this often, so that the line's state is known.",
    )
    longest_retry_s: float = Field(
        300.0, ge=2, le=300, description="Longest pause between two tries; shorter in rehearsal."
    )
    spread_s: float = Field(
        600.0,
        ge=0,
        le=600,
        description=(
            "After a boot or an outage what piled up goes within this time, each terminal at its"
            " own moment; the hub may say less."
        ),
    )


class IdReaderSettings(_Section):
    url: str = Field(
        "",
        description="serial:///dev/…?baud=115200, tcp://host:port, usb://0400:c35a or hid://vid:pid; empty: not installed.",
    )
    poll_ms: int = Field(300, ge=300, le=2000, description="Pause between two looks for a card.")
    photo_command: tuple[str, ...] = Field(
        (),
        description="Program and arguments of the site's decoder: 1,024 bytes of a card's photo in, a BMP, PNG or JPEG out; empty: none.",
    )


RecordText = Annotated[str, Field(pattern=r"^[0-9A-F]{4}:[0-9A-F]{2}(:[1-9][0-9]{0,2})?$")]


class CardReaderSettings(_Section):
    """Smart cards over PC/SC; the defaults are those of the social card's standard."""

    url: str = Field(
        "",
        description="pcsc://name of the reader, or how its name begins; empty: not installed.",
    )
    application: str = Field(
        "",
        pattern=r"^$|^([0-9A-F]{2}){5,16}$",
        description="Identifier (AID) of this region's social card application, hexadecimal; empty: sx1.sh.社会保障.",
    )
    records: dict[SocialField, RecordText] = Field(
        default={},
        description='What stands elsewhere on this region\'s cards: name = "EF06:09" or "EF06:09:30" (file, record, length).',
    )


class CameraSettings(_Section):
    url: str = Field(
        "",
        description="video:///dev/video0?size=3264x2448&fourcc=MJPG (also &preview=1600x1200, &focus=120), http://…, or the path of a picture.",
    )
    plate: Path = Field(
        Path("/var/lib/kiosk/plate"),
        description="Folder with the picture of the empty plate and its scale, as `kiosk diag plate` records them.",
    )
    reader: ReaderName = Field(
        "tesseract",
        description="What reads papers: tesseract, or rapidocr where it was installed and there is 1 GB to spare.",
    )


class ScannerSettings(_Section):
    url: str = Field(
        "",
        description="serial:///dev/…?baud=9600, or evdev:///dev/input/by-id/… for one that types; empty: only the camera reads codes.",
    )
    suffix: Literal["auto", "cr", "lf", "crlf", "tab", "none"] = Field(
        "auto",
        description="How the scanner ends a code; none: by a short silence; auto: CR, LF, or silence until one was seen.",
    )


class PrinterSettings(_Section):
    url: str = Field("", description="tcp://host:9100 or serial:///dev/…; empty: not installed.")
    paper_mm: Literal[58, 80] = Field(80, description="Width of the paper.")
    roll_m: int = Field(
        0,
        ge=0,
        le=500,
        description="Metres on a new roll: warns when little is left of what was counted; 0: only by the printer's own sensor.",
    )
    confirm: Literal["status", "process_id"] = Field(
        "status",
        description="What the printer answers when a receipt is out: status (GS r, every make) or process_id (GS ( H, newer makes).",
    )
    logo: Path | None = Field(
        None, description="PNG printed in black at the head of each receipt; empty: none."
    )


class PagePrinterSettings(_Section):
    url: str = Field(
        "",
        description="cups://name of the queue of the A4 printer; empty: not installed, and copies and blank forms are not offered.",
    )
    colour: bool = Field(
        True, description="False: it prints grey only, and nobody is asked for colour."
    )


class KeypadSettings(_Section):
    url: str = Field(
        "",
        description="serial:///dev/…?baud=9600, or evdev:///dev/input/by-id/… for one that types; empty: not installed.",
    )
    make: str = Field(
        "digits",
        pattern=r"^([a-z0-9_]{1,40}|/.+\.toml)$",
        description="What it speaks: digits, numbers, framed_xor, framed_sum, typing, or the path of a file like theirs.",
    )
    keys: dict[str, str] = Field(
        default={},
        description='What its keys send, instead of the make\'s own: "35" = "5" (bytes in hexadecimal; 5 very satisfied … 1 very dissatisfied, or skip).',
    )


class BoardSettings(_Section):
    """Guide lights, fill light and beeper on a relay board."""

    url: str = Field(
        "", description="serial:///dev/…?baud=9600 or tcp://host:port; empty: not installed."
    )
    kind: Literal["relay", "modbus"] = Field(
        "relay", description="relay: A0, channel, state, sum; modbus: write single coil, RTU."
    )
    address: int = Field(1, ge=1, le=247, description="Modbus address.")
    lamps: dict[str, int] = Field(
        default={},
        description="Channel (from 1) of reader, plate, printer, scanner, keypad, fill_light, beeper; what is not written is not there.",
    )


class VoiceSettings(_Section):
    url: str = Field(
        "",
        description="alsa://default, or file:///folder (each utterance a WAV file); empty: not installed.",
    )
    volume_percent: int = Field(80, ge=0, le=100, description="Volume at the start of a session.")
    speed_percent: int = Field(
        100, ge=50, le=200, description="Speed of the spoken words; recorded clips keep theirs."
    )
    clips: Path | None = Field(
        None,
        description="Folder with clips.toml and WAV files: recorded sentences, played instead of the computer's voice; empty: none.",
    )


class TraceSettings(_Section):
    wires: bool = Field(
        False,
        description="Write down what goes over the devices' wires, personal bytes masked, in traces/ beside the logs: for a technician, for a while.",
    )


class RuleSettings(_Section):
    """Rules of the site that stand above an item's own."""

    old_age_allowance_years: int = Field(
        80, ge=60, le=110, description="Age from which the old-age allowance is granted here."
    )
    draft_minutes: int = Field(
        15, ge=1, le=120, description="How long a draft is offered after a crash."
    )
    copies_most: int = Field(
        3, ge=1, le=5, description="How many copies of a paper one person may make at a time."
    )
    accepted_days: int = Field(
        7, ge=1, le=90, description="How long delivered applications are kept here."
    )


class Settings(_Section):
    """The whole file.

    An address that no device can have closes only that device; `kiosk settings` names it.
    """

    terminal: TerminalSettings = TerminalSettings()
    paths: PathSettings = PathSettings()
    window: WindowSettings = WindowSettings()
    hub: HubSettings = HubSettings()
    id_reader: IdReaderSettings = IdReaderSettings()
    card_reader: CardReaderSettings = CardReaderSettings()
    document_camera: CameraSettings = CameraSettings()
    code_scanner: ScannerSettings = ScannerSettings()
    receipt_printer: PrinterSettings = PrinterSettings()
    page_printer: PagePrinterSettings = PagePrinterSettings()
    keypad: KeypadSettings = KeypadSettings()
    io_board: BoardSettings = BoardSettings()
    voice: VoiceSettings = VoiceSettings()
    rules: RuleSettings = RuleSettings()
    traces: TraceSettings = TraceSettings()


@dataclass(frozen=True, slots=True)
class SettingsFault:
    """One thing wrong with the file. `line` counts from 1; 0 when it has none (file missing).

    `unreadable`: there is no such file, or it cannot be read at all.
    """

    path: str
    line: int
    field: str
    problem: str
    unreadable: bool = False

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return (
            f"{where}: {self.field}: {self.problem}" if self.field else f"{where}: {self.problem}"
        )


def load(path: Path) -> Settings | tuple[SettingsFault, ...]:
    """Read and check the settings file."""
    text = _read(path)
    if isinstance(text, SettingsFault):
        return (text,)
    table = _parse(path, text)
    if isinstance(table, SettingsFault):
        return (table,)
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        return tuple(
            SettingsFault(
                str(path),
                _line_of(text, [str(part) for part in problem["loc"]]),
                ".".join(str(part) for part in problem["loc"]),
                problem["msg"],
            )
            for problem in error.errors(include_input=False, include_url=False)
        )


def fault_at(path: Path, section: str, field: str, problem: str) -> SettingsFault:
    """A fault that somebody else found in a field of a file that loads."""
    text = _read(path)
    line = _line_of(text, [section, field]) if isinstance(text, str) else 0
    return SettingsFault(str(path), line, f"{section}.{field}", problem)


def load_what_holds(path: Path) -> Settings:
    """The sections of a faulty file that are in order, defaults for the others.

    For the page that says that the terminal is closed: the right centre, on the whole screen.
    """
    unnamed = TerminalSettings(
        name_zh="", name_en="", centre_zh="政务服务自助终端", centre_en="Self-service terminal"
    )
    text = _read(path)
    table = _parse(path, text) if isinstance(text, str) else text
    settings = Settings(terminal=unnamed)
    if isinstance(table, SettingsFault):
        return settings
    for name in Settings.model_fields:
        try:
            held = getattr(Settings.model_validate({name: table[name]}), name)
        except (KeyError, ValidationError):
            continue
        settings = settings.model_copy(update={name: held})
    return settings


def _read(path: Path) -> str | SettingsFault:
    try:
        content = path.read_bytes()
    except OSError as error:
        return SettingsFault(str(path), 0, "", f"cannot be read: {error.strerror}", unreadable=True)
    try:
        return content.decode("utf-8-sig")  # some editors put a mark before the first line
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return SettingsFault(str(path), line, "", "is not written in UTF-8")


def _parse(path: Path, text: str) -> dict[str, object] | SettingsFault:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and numbers without an end
        message = str(error)
        found = re.search(r"line (\d+)", message)
        line = int(found.group(1)) if found else max(1, len(text.splitlines()))  # "at end"
        return SettingsFault(str(path), line, "", message)


def _line_of(text: str, loc: list[str]) -> int:
    """The line on which the value at `loc` (section, field, …) is written; the section's if none."""
    section, best = "", 0
    wanted = loc[0] if loc else ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        if header:
            section = header.group(1).replace('"', "").replace(" ", "")
            if section == wanted or section.startswith(wanted + "."):
                best = best or number
            continue
        key = re.match(r"""\s*["']?([\w-]+)["']?\s*(?:\.|=)""", line)
        if not key:
            continue
        path = (section.split(".") if section else []) + [key.group(1)]
        if path == loc[: len(path)] and len(path) > (1 if section else 0):
            best = number
    return best
