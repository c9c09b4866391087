"""Wires: what a driver reads from and writes to, chosen by a URL of the settings.

A wire answers bytes or a :class:`Fault`; it raises nothing that a cable can cause. Reads wait at
most as long as they are told and can be ended from another thread by `wake`, so that a worker
that listens to a silent device still stops at once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import serial

from drivers.device import Fault, FaultCode
from drivers.evdev_port import open_exclusively

CONNECT_LIMIT_S: Final = 2.0  # a device on the same desk or LAN answers in milliseconds
DEFAULT_BAUD: Final = 115200  # power-on rate of the ID reader, the commonest of our devices
BAUDS: Final = frozenset({1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400})
MAX_READ_BYTES: Final = 65536


# -- addresses ----------------------------------------------------------------


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


# -- wires --------------------------------------------------------------------


class Transport(Protocol):
    """One open wire. `read` and `write` belong to one thread; `wake` may come from any."""

    def read(self, limit: int, wait_s: float) -> bytes | Fault:
        """Up to `limit` bytes as soon as there are any; b"" after `wait_s` or a `wake`."""
        ...

    def write(self, data: bytes, wait_s: float) -> int | Fault:
        """Bytes taken: all, unless the other side took none for `wait_s`."""
        ...

    def wake(self) -> None:
        """End the present read, or the next one if none waits now."""
        ...

    def close(self) -> None: ...


class BulkPort(Protocol):
    """The bulk pipes of a USB device, named by their endpoint addresses. As small as can be: it is
    the part that no test without hardware reaches (`drivers/usb_ports.py`).
    """

    @property
    def pipes(self) -> tuple[int, ...]:
        """All endpoint addresses; those from 0x81 on are read from."""
        ...

    def read(self, pipe: int, limit: int, wait_s: float) -> bytes | Fault:
        """One transfer; b"" after `wait_s` or a `wake`."""
        ...

    def write(self, pipe: int, data: bytes, wait_s: float) -> int | Fault: ...

    def wake(self) -> None: ...

    def close(self) -> None: ...


class ReportPort(Protocol):
    """The reports of a HID device, without their number."""

    def read(self, wait_s: float) -> bytes | Fault:
        """One input report; b"" after `wait_s` or a `wake`."""
        ...

    def write(self, report: bytes, wait_s: float) -> int | Fault: ...

    def wake(self) -> None: ...

    def close(self) -> None: ...


class Mask(Protocol):
    """Which bytes of one connection's stream are personal. Answers as many bytes as it is given,
    the personal ones replaced; pieces come as they are cut on the wire.
    """

    def written(self, data: bytes) -> bytes: ...

    def heard(self, data: bytes) -> bytes: ...


class MaskAll:
    """Of a device that says nothing about it: everything may be personal."""

    def written(self, data: bytes) -> bytes:
        return bytes(len(data))

    def heard(self, data: bytes) -> bytes:
        return bytes(len(data))


class MaskNothing:
    """Of a device that never hears or says anything of a person."""

    def written(self, data: bytes) -> bytes:
        return data

    def heard(self, data: bytes) -> bytes:
        return data


@dataclass(frozen=True, slots=True)
class Ports:
    """What a kind of device says of its wires: what makes a stream of USB pipes or HID reports,
    and which bytes of the stream are personal.
    """

    bulk: Callable[[BulkPort], Transport] | None = None
    reports: Callable[[ReportPort], Transport] | None = None
    mask: Callable[[], Mask] = MaskAll


OpenBulk = Callable[[UsbUrl], BulkPort | Fault]
OpenReports = Callable[[UsbUrl], ReportPort | Fault]
OpenWire = Callable[[str, Ports], Transport | Fault]
STREAMS_ONLY: Final = Ports()


def open_transport(
    url: str,
    ports: Ports = STREAMS_ONLY,
    *,
    open_bulk: OpenBulk | None = None,
    open_reports: OpenReports | None = None,
) -> Transport | Fault:
    """Open the wire that `url` names, within CONNECT_LIMIT_S. `ports`: what this kind of device
    makes of pipes and reports; the openers are given by tests, there are no settings for them.
    """
    address = parse_url(url)
    match address:
        case Fault():
            return address
        case SerialUrl():
            return _open_serial(address)
        case TcpUrl():
            return _open_tcp(address)
        case UsbUrl():
            return _open_usb(address, ports, open_bulk, open_reports)
        case NamedUrl(scheme=scheme):
            return Fault(FaultCode.BAD_INPUT, f"{scheme}:// is no stream of bytes")
        case EvdevUrl(path=path):
            descriptor = open_exclusively(path)
            if isinstance(descriptor, Fault):
                return descriptor
            return _FileTransport(descriptor, lambda: os.close(descriptor))
        case VideoUrl():
            return Fault(FaultCode.BAD_INPUT, "video:// is opened by the document camera only")


def _open_usb(
    address: UsbUrl, ports: Ports, open_bulk: OpenBulk | None, open_reports: OpenReports | None
) -> Transport | Fault:
    from drivers import usb_ports  # noqa: PLC0415 - it builds on this module

    if address.scheme == "usb":
        if ports.bulk is None:
            return Fault(FaultCode.BAD_INPUT, "usb:// is not for this kind of device")
        pipes = (open_bulk or usb_ports.open_bulk)(address)
        return pipes if isinstance(pipes, Fault) else ports.bulk(pipes)
    if ports.reports is None:
        return Fault(FaultCode.BAD_INPUT, "hid:// is not for this kind of device")
    reports = (open_reports or usb_ports.open_reports)(address)
    return reports if isinstance(reports, Fault) else ports.reports(reports)


def _open_serial(address: SerialUrl) -> Transport | Fault:
    # Exclusive: two programs on one reader garble each other. No flow control, and DTR and RTS
    # as they are: our devices do not use them, and a pseudo-terminal has none.
    port = serial.Serial()
    port.port = address.path
    port.baudrate = address.baud
    port.exclusive = True
    port.timeout = 0
    port.write_timeout = 0
    port.rtscts = port.dsrdtr = port.xonxoff = False
    try:
        port.open()
    except serial.SerialException as error:
        return _open_fault(error.errno, address.path)
    except (OSError, ValueError) as error:
        return _open_fault(getattr(error, "errno", None), address.path)
    return _FileTransport(port.fileno(), port.close)


def _open_fault(number: int | None, path: str) -> Fault:
    """Why a serial device does not open, in words that stay the same from try to try."""
    reasons = {
        errno.ENOENT: "no such device",
        errno.ENODEV: "no such device",
        errno.ENXIO: "no such device",
        errno.EIO: "the device is gone",
        errno.EACCES: "no permission",
        errno.EPERM: "no permission",
        errno.EBUSY: "in use by another program",
        errno.EAGAIN: "in use by another program",
    }
    return Fault(FaultCode.DISCONNECTED, f"{path}: {reasons.get(number or 0, 'cannot be opened')}")


def _open_tcp(address: TcpUrl) -> Transport | Fault:
    where = f"{address.host}:{address.port}"
    try:
        link = socket.create_connection((address.host, address.port), timeout=CONNECT_LIMIT_S)
    except TimeoutError:
        return Fault(FaultCode.DISCONNECTED, f"{where}: no answer")
    except socket.gaierror:
        return Fault(FaultCode.DISCONNECTED, f"{where}: unknown host")
    except OSError as error:
        known = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "no route"}
        return Fault(
            FaultCode.DISCONNECTED, f"{where}: {known.get(error.errno or 0, 'cannot be reached')}"
        )
    link.setblocking(False)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A pulled network cable closes nothing by itself: ask after 5 s of silence, give up after 3.
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    return _FileTransport(link.fileno(), link.close)


class _FileTransport:
    """A non-blocking descriptor (serial line or socket) and a pipe that ends a waiting read."""

    def __init__(self, descriptor: int, close: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._close = close
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._closed = False
        self._closing = Lock()  # a late wake must not write into a descriptor used again

    def read(self, limit: int, wait_s: float) -> bytes | Fault:
        if self._closed:
            return Fault(FaultCode.DEVICE_LOST, "closed")
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        ready = dict(poll.poll(max(0.0, wait_s) * 1000))
        if self._wake_read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        if self._descriptor not in ready:
            return b""
        try:
            data = os.read(self._descriptor, min(limit, MAX_READ_BYTES))
        except BlockingIOError:
            return b""
        except OSError:
            return Fault(FaultCode.DEVICE_LOST, "the wire is gone")
        # Ready, and nothing there: the other side hung up.
        return data or Fault(FaultCode.DEVICE_LOST, "the wire was closed")

    def write(self, data: bytes, wait_s: float) -> int | Fault:
        if self._closed:
            return Fault(FaultCode.DEVICE_LOST, "closed")
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        sent = 0
        while sent < len(data):
            ready = poll.poll(max(0.0, wait_s) * 1000)  # the limit is between two bytes
            if not ready:
                return sent
            if not ready[0][1] & select.POLLOUT:
                return Fault(FaultCode.DEVICE_LOST, "the wire is gone")
            try:
                sent += os.write(self._descriptor, data[sent:])
            except BlockingIOError:
                continue
            except OSError:
                return Fault(FaultCode.DEVICE_LOST, "the wire is gone")
        return sent

    def wake(self) -> None:
        with self._closing:
            if self._closed:
                return
            with contextlib.suppress(BlockingIOError):  # full: it is awake already
                os.write(self._wake_write, b"\x00")

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
            with contextlib.suppress(OSError, serial.SerialException):
                self._close()
            os.close(self._wake_read)
            os.close(self._wake_write)


def write_all(wire: Transport, data: bytes, wait_s: float) -> Fault | None:
    """Write a short request whole."""
    taken = wire.write(data, wait_s)
    if isinstance(taken, Fault):
        return taken
    if taken < len(data):
        return Fault(FaultCode.TIMED_OUT, "the wire takes no bytes")
    return None


class MemoryTransport:
    """A wire inside a test. Without threads: time passes only where a read would have waited.

    `handler` is the device: it takes what was written and answers bytes, or a Fault when the
    device is lost there. `waited` is called with the seconds a read found nothing for.
    """

    def __init__(
        self,
        handler: Callable[[bytes], bytes | Fault],
        waited: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._handler = handler
        self._waited = waited
        self._incoming = bytearray()
        self._lost: Fault | None = None
        self.written = bytearray()
        self.closed = False

    def deliver(self, data: bytes) -> None:
        """The device says something by itself."""
        self._incoming += data

    def lose(self) -> None:
        """The cable is pulled: what was delivered can still be read, then the wire is gone."""
        self._lost = Fault(FaultCode.DEVICE_LOST, "the wire was closed")

    def read(self, limit: int, wait_s: float) -> bytes | Fault:
        if self._incoming:
            data = bytes(self._incoming[:limit])
            del self._incoming[:limit]
            return data
        if self._lost is not None:
            return self._lost
        self._waited(max(0.0, wait_s))
        if self._incoming:  # something came while it waited
            return self.read(limit, 0.0)
        return b""

    def write(self, data: bytes, wait_s: float) -> int | Fault:
        if self._lost is not None:
            return self._lost
        self.written += data
        answer = self._handler(data)
        if isinstance(answer, Fault):
            self._lost = answer
        else:
            self._incoming += answer
        return len(data)

    def wake(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
