"""Where a device is: the URLs of the settings, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from drivers.device import DeviceClass, Fault, FaultCode

DEFAULT_BAUD: Final = 115200  # power-on rate of the ID reader, the commonest of our devices
BAUDS: Final = frozenset({1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400})


@dataclass(frozen=True, slots=True)
class SerialUrl:
    path: str
    baud: int = DEFAULT_BAUD


@dataclass(frozen=True, slots=True)
class TcpUrl:
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class UsbUrl:
    """`usb://vid:pid` (bulk) or `hid://vid:pid`, both numbers hexadecimal."""

    scheme: str
    vendor: int
    product: int


@dataclass(frozen=True, slots=True)
class NamedUrl:
    """`pcsc://reader name` or `cups://queue`."""

    scheme: str
    name: str


Size = tuple[int, int]
MAX_QUEUE_NAME: Final = 127  # characters, RFC 8011
LARGEST_PX: Final = 10_000  # a side of any picture that is asked for


@dataclass(frozen=True, slots=True)
class VideoUrl:
    """`video:///dev/video0?size=3264x2448&fourcc=MJPG&preview=1600x1200&focus=120`.

    Sizes in pixels, width before height. None and empty: not said.
    """

    path: str
    size: Size | None = None
    fourcc: str = ""
    preview: Size | None = None
    focus: int | None = None  # None: the lens focuses by itself


@dataclass(frozen=True, slots=True)
class StreamUrl:
    """`http://host/…`: pictures as MJPEG over HTTP."""

    url: str


@dataclass(frozen=True, slots=True)
class FileUrl:
    """`file:///…`, or an absolute path: a file or a folder in a device's place."""

    path: str


@dataclass(frozen=True, slots=True)
class SoundUrl:
    """`alsa://device`."""

    device: str


@dataclass(frozen=True, slots=True)
class EvdevUrl:
    """`evdev:///dev/input/by-id/...-event-kbd`: a device that types, read exclusively."""

    path: str


DeviceUrl = (
    SerialUrl | TcpUrl | UsbUrl | NamedUrl | VideoUrl | EvdevUrl | StreamUrl | FileUrl | SoundUrl
)

SCHEMES: Final[Mapping[DeviceClass, tuple[str, ...]]] = MappingProxyType(
    {
        DeviceClass.ID_READER: ("serial", "tcp", "usb", "hid"),
        DeviceClass.CARD_READER: ("pcsc",),
        DeviceClass.DOCUMENT_CAMERA: ("video", "http", "https", "file"),
        DeviceClass.CODE_SCANNER: ("serial", "evdev"),
        DeviceClass.RECEIPT_PRINTER: ("tcp", "serial"),
        DeviceClass.PAGE_PRINTER: ("cups",),
        DeviceClass.KEYPAD: ("serial", "evdev"),
        DeviceClass.IO_BOARD: ("serial", "tcp"),
        DeviceClass.VOICE: ("alsa", "file"),
    }
)
"""Over which wires each class of device is reached."""


def address_of(device: DeviceClass, text: str) -> DeviceUrl | Fault:
    """Read the address of a device of this class; a fault too where no such device stands there."""
    address = parse_url(text)
    scheme = "file" if isinstance(address, FileUrl) else text.partition(":")[0].lower()
    if isinstance(address, Fault) or scheme in SCHEMES[device]:
        return address
    kinds = ", ".join(f"{scheme}://" for scheme in SCHEMES[device])
    return _bad(text, f"this device is reached by {kinds}")


def named(device: DeviceClass, text: str) -> str | Fault:
    """The name of a reader or a queue, of a class that is reached by one."""
    match address_of(device, text):
        case NamedUrl(name=name):
            return name
        case Fault() as fault:
            return fault
        case _:
            return _bad(text, "is no name")


def parse_url(text: str) -> DeviceUrl | Fault:
    """Read a device URL strictly; a fault names the part that is wrong."""
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):  # urlsplit would drop them silently
        return _bad(text, "control character")
    if text.startswith("/"):  # the path of a picture may hold any sign
        return FileUrl(text)
    if text.startswith(("pcsc://", "cups://")):  # readers' names have brackets: no host to a parser
        return _named_url(text)
    try:
        parts = urlsplit(text)
        port = parts.port if parts.scheme == "tcp" else None
    except ValueError:
        return _bad(text, "port must be 1 to 65535")
    if parts.fragment:
        return _bad(text, "unexpected #")
    options: dict[str, str] = {}
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return _bad(text, "options must be name=value")
    for name, value in pairs:
        if name in options:
            return _bad(text, f"option {name} given twice")
        options[name] = value
    match parts.scheme:
        case "serial":
            return _serial_url(text, parts.netloc, unquote(parts.path), options)
        case "tcp":
            if not parts.hostname or parts.username is not None:
                return _bad(text, "needs a host")
            if not _is_host(parts.hostname):
                return _bad(text, "no host can be called so")
            if port is None or port == 0:
                return _bad(text, "needs a port from 1 to 65535")
            if parts.path or options:
                return _bad(text, "nothing may follow the port")
            return TcpUrl(parts.hostname, port)
        case "usb" | "hid":
            ids = re.fullmatch(r"([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})", parts.netloc)
            if ids is None or parts.path or options:
                return _bad(text, f"must be {parts.scheme}://vvvv:pppp, hexadecimal")
            return UsbUrl(parts.scheme, int(ids.group(1), 16), int(ids.group(2), 16))
        case "evdev":
            path = unquote(parts.path)
            if parts.netloc or options or not path.startswith("/") or path == "/":
                return _bad(text, "needs an absolute path and nothing else: evdev:///dev/input/...")
            return EvdevUrl(path)
        case "video":
            return _video_url(text, parts.netloc, unquote(parts.path), options)
        case "http" | "https":
            return StreamUrl(text) if parts.hostname else _bad(text, "needs a host")
        case "file":
            path = unquote(parts.path)
            if parts.netloc or options or not path.startswith("/"):
                return _bad(text, "needs an absolute path and nothing else: file:///...")
            return FileUrl(path)
        case "alsa":
            device = unquote(parts.netloc + parts.path)
            if not device or options or device.startswith("-"):  # it becomes a program's argument
                return _bad(text, "needs a sound device and nothing else: alsa://default")
            return SoundUrl(device)
        case "":
            return _bad(text, "needs a scheme such as serial:// or tcp://")
        case other:
            return _bad(text, f"unknown scheme {other}")


def _named_url(text: str) -> NamedUrl | Fault:
    scheme, _, quoted = text.partition("://")
    name = unquote(quoted).strip()
    if not name or not name.isprintable():
        return _bad(text, "needs a name")
    if scheme == "cups" and (len(name) > MAX_QUEUE_NAME or any(c in "/#? " for c in name)):
        return _bad(text, "a queue's name has no blanks, /, # or ?")
    return NamedUrl(scheme, name)


def _serial_url(text: str, host: str, path: str, options: dict[str, str]) -> SerialUrl | Fault:
    if host or not path.startswith("/") or path == "/":
        return _bad(text, "needs an absolute path: serial:///dev/...")
    baud_text = options.pop("baud", str(DEFAULT_BAUD))
    if options:
        return _bad(text, f"unknown option {min(options)}")
    if not re.fullmatch(r"[0-9]{1,7}", baud_text) or int(baud_text) not in BAUDS:
        return _bad(text, f"baud {baud_text} is not one of {', '.join(map(str, sorted(BAUDS)))}")
    return SerialUrl(path, int(baud_text))


def _video_url(text: str, host: str, path: str, options: dict[str, str]) -> VideoUrl | Fault:
    if host or not path.startswith("/") or path == "/":
        return _bad(text, "needs an absolute path: video:///dev/...")
    fourcc, focus = options.pop("fourcc", ""), options.pop("focus", "auto")
    if fourcc and not re.fullmatch(r"[A-Z0-9]{4}", fourcc):
        return _bad(text, "fourcc must be four capital letters or digits, such as MJPG")
    if not re.fullmatch(r"auto|[0-9]{1,4}", focus):
        return _bad(text, "focus must be auto or a number")
    sizes: dict[str, Size] = {}
    for name in ("size", "preview"):
        given = options.pop(name, None)
        if given is None:
            continue
        size = _size(given)
        if size is None:
            return _bad(text, f"{name} must be WIDTHxHEIGHT in pixels")
        sizes[name] = size
    if options:
        return _bad(text, f"unknown option {min(options)}")
    lens = None if focus == "auto" else int(focus)
    return VideoUrl(path, sizes.get("size"), fourcc, sizes.get("preview"), lens)


def _size(text: str) -> Size | None:
    found = re.fullmatch(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})", text)
    if found is None:
        return None
    width, height = int(found.group(1)), int(found.group(2))
    return (width, height) if max(width, height) <= LARGEST_PX else None


def _is_host(name: str) -> bool:
    """Whether the resolver can be asked for it: it raises for labels that are empty or too long,
    and for what is no text."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def _bad(text: str, problem: str) -> Fault:
    said = f"device address {text[:80]!r}: {problem[:120]}"  # both may hold what was typed
    return Fault(FaultCode.BAD_INPUT, "".join(c if c.isprintable() else "?" for c in said))
