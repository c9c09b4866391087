"""Wires: what a driver reads from and writes to, chosen by a URL of the settings.

A wire answers bytes or a :class:`Fault`; it raises nothing that a cable can cause. Reads wait at
most as long as they are told and can be ended from another thread by `wake`, so that a worker
that listens to a silent device still stops at once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol

import serial

from drivers import usb_ports
from drivers.addresses import (
    EvdevUrl,
    FileUrl,
    NamedUrl,
    SerialUrl,
    SoundUrl,
    StreamUrl,
    TcpUrl,
    UsbUrl,
    VideoUrl,
    parse_url,
)
from drivers.device import Fault, FaultCode
from drivers.evdev_port import open_exclusively
from drivers.usb_ports import BulkPort, ReportPort

CONNECT_LIMIT_S: Final = 2.0  # a device on the same desk or LAN answers in milliseconds
MAX_READ_BYTES: Final = 65536


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
        case VideoUrl() | StreamUrl() | FileUrl() | SoundUrl():
            return Fault(
                FaultCode.BAD_INPUT, f"{url.partition(':')[0][:20]}:// is no wire of bytes"
            )


def _open_usb(
    address: UsbUrl, ports: Ports, open_bulk: OpenBulk | None, open_reports: OpenReports | None
) -> Transport | Fault:
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
