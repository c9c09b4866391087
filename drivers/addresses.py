"""Where a device is: the URLs of the settings, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from drivers.device import Fault, FaultCode

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


@dataclass(frozen=True, slots=True)
class VideoUrl:
    """`video:///dev/video0?size=3264x2448&fourcc=MJPG`."""

    path: str
    width: int = 0  # 0: as the device likes
    height: int = 0
    fourcc: str = ""


@dataclass(frozen=True, slots=True)
class EvdevUrl:
    """`evdev:///dev/input/by-id/...-event-kbd`: a device that types, read exclusively."""

    path: str


DeviceUrl = SerialUrl | TcpUrl | UsbUrl | NamedUrl | VideoUrl | EvdevUrl


def parse_url(text: str) -> DeviceUrl | Fault:
    """Read a device URL strictly; a fault names the part that is wrong."""
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):  # urlsplit would drop them silently
        return _bad(text, "control character")
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
        case "pcsc" | "cups":
            name = unquote(parts.netloc + parts.path)
            if not name or options:
                return _bad(text, "needs a name and nothing else")
            return NamedUrl(parts.scheme, name)
        case "evdev":
            path = unquote(parts.path)
            if parts.netloc or options or not path.startswith("/") or path == "/":
                return _bad(text, "needs an absolute path and nothing else: evdev:///dev/input/...")
            return EvdevUrl(path)
        case "video":
            return _video_url(text, parts.netloc, unquote(parts.path), options)
        case "":
            return _bad(text, "needs a scheme such as serial:// or tcp://")
        case other:
            return _bad(text, f"unknown scheme {other}")


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
    size, fourcc = options.pop("size", ""), options.pop("fourcc", "")
    if options:
        return _bad(text, f"unknown option {min(options)}")
    if fourcc and not re.fullmatch(r"[A-Z0-9]{4}", fourcc):
        return _bad(text, "fourcc must be four capital letters or digits")
    width = height = 0
    if size:
        found = re.fullmatch(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})", size)
        if found is None:
            return _bad(text, "size must be WIDTHxHEIGHT")
        width, height = int(found.group(1)), int(found.group(2))
    return VideoUrl(path, width, height, fourcc)


def _bad(text: str, problem: str) -> Fault:
    said = f"device address {text[:80]!r}: {problem[:120]}"  # both may hold what was typed
    return Fault(FaultCode.BAD_INPUT, "".join(c if c.isprintable() else "?" for c in said))
