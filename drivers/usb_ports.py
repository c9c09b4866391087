"""The two ports under USB devices: bulk pipes by libusb, reports by a raw HID file.

Each is small, because no machine without the hardware can test it: what a device says over them
(`drivers/id_reader/wires.py`) is tested against an emulator that plays the port. Not proved on
hardware; drivers/README.md tells a technician how to do that in ten minutes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock
from typing import Any, Final, Protocol

from drivers.addresses import UsbUrl
from drivers.device import Fault, FaultCode

SLICE_S: Final = 0.1  # libusb cannot be woken: a read looks up so often
MIN_TIMEOUT_MS: Final = 1  # 0 would be for ever
INTERFACE: Final = 0  # card readers and printers of this kind have one
HIDRAW: Final = Path("/sys/class/hidraw")
REPORT_BYTES: Final = 64  # of the full-speed devices in question
UNNUMBERED: Final = b"\x00"  # a raw HID file takes the report's number first


class BulkPort(Protocol):
    """The bulk pipes of a USB device, named by their endpoint addresses. As small as can be: it is
    the part that no test without hardware reaches (below).
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


def open_bulk(address: UsbUrl) -> BulkPort | Fault:
    """The first device with these numbers, its first interface claimed."""
    import usb.core  # noqa: PLC0415 - 40 ms that only a USB terminal spends
    import usb.util  # noqa: PLC0415

    where = f"usb {address.vendor:04x}:{address.product:04x}"
    try:
        device = usb.core.find(idVendor=address.vendor, idProduct=address.product)
        if device is None:
            return Fault(FaultCode.DISCONNECTED, f"{where}: no such device")
        with contextlib.suppress(NotImplementedError):
            if device.is_kernel_driver_active(INTERFACE):
                device.detach_kernel_driver(INTERFACE)
        device.set_configuration()
        usb.util.claim_interface(device, INTERFACE)
        pipes = tuple(one.bEndpointAddress for one in device[0][(INTERFACE, 0)])
    except usb.core.NoBackendError:
        return Fault(FaultCode.BROKEN, f"{where}: libusb is not installed")
    except usb.core.USBError as error:
        reasons = {errno.EACCES: "no permission", errno.EBUSY: "in use by another program"}
        why = reasons.get(error.errno or 0, "cannot be opened")
        return Fault(FaultCode.DISCONNECTED, f"{where}: {why}")

    def release() -> None:
        with contextlib.suppress(usb.core.USBError):
            usb.util.dispose_resources(device)

    return _Bulk(device, pipes, release, usb.core.USBTimeoutError, usb.core.USBError)


class _Bulk:
    """Over a pyusb device. `quiet` and `lost` are the library's exceptions for these."""

    def __init__(
        self,
        device: Any,
        pipes: tuple[int, ...],
        release: Callable[[], None],
        quiet: type[Exception],
        lost: type[Exception],
    ) -> None:
        self._device = device
        self._pipes = pipes
        self._release = release
        self._quiet = quiet
        self._lost = lost
        self._woken = Event()
        self._closed = False

    @property
    def pipes(self) -> tuple[int, ...]:
        return self._pipes

    def read(self, pipe: int, limit: int, wait_s: float) -> bytes | Fault:
        until = time.monotonic() + wait_s
        while not self._closed:
            left_s = max(0.0, until - time.monotonic())
            timeout_ms = max(MIN_TIMEOUT_MS, round(min(left_s, SLICE_S) * 1000))
            try:
                return bytes(self._device.read(pipe, limit, timeout_ms))
            except self._quiet:
                if self._woken.is_set() or time.monotonic() >= until:
                    self._woken.clear()
                    return b""
            except self._lost:
                break
        return Fault(FaultCode.DEVICE_LOST, "the wire is gone")

    def write(self, pipe: int, data: bytes, wait_s: float) -> int | Fault:
        if self._closed:
            return Fault(FaultCode.DEVICE_LOST, "closed")
        try:
            taken: int = self._device.write(pipe, data, max(MIN_TIMEOUT_MS, round(wait_s * 1000)))
        except self._quiet:
            return 0
        except self._lost:
            return Fault(FaultCode.DEVICE_LOST, "the wire is gone")
        return taken

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._release()


def open_reports(address: UsbUrl) -> ReportPort | Fault:
    """The raw file of the first HID device with these numbers."""
    where = f"hid {address.vendor:04x}:{address.product:04x}"
    node = hidraw_node(HIDRAW, address)
    if node is None:
        return Fault(FaultCode.DISCONNECTED, f"{where}: no such device")
    try:
        descriptor = os.open(f"/dev/{node}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        why = "no permission" if error.errno == errno.EACCES else "cannot be opened"
        return Fault(FaultCode.DISCONNECTED, f"{where}: {why}")
    return FileReports(descriptor)


def hidraw_node(classes: Path, address: UsbUrl) -> str | None:
    """The name under /dev; HID_ID in sysfs is bus:vendor:product, hexadecimal, eight digits each."""
    wanted = f":{address.vendor:08X}:{address.product:08X}"
    for node in sorted(classes.glob("hidraw*")):
        with contextlib.suppress(OSError):
            lines = (node / "device" / "uevent").read_text(encoding="utf-8", errors="replace")
            if any(
                line.startswith("HID_ID=") and line.upper().endswith(wanted)
                for line in lines.splitlines()
            ):
                return node.name
    return None


class FileReports:
    """Reports through a file that gives one report for each read, as a raw HID file does."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._closed = False
        self._closing = Lock()

    def read(self, wait_s: float) -> bytes | Fault:
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
            report = os.read(self._descriptor, REPORT_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            return Fault(FaultCode.DEVICE_LOST, "the wire is gone")
        return report or Fault(FaultCode.DEVICE_LOST, "the wire was closed")

    def write(self, report: bytes, wait_s: float) -> int | Fault:
        """The raw file takes a report whole or not at all; `wait_s` is the kernel's own here."""
        if self._closed:
            return Fault(FaultCode.DEVICE_LOST, "closed")
        try:
            return os.write(self._descriptor, UNNUMBERED + report) - len(UNNUMBERED)
        except BlockingIOError:
            return 0
        except OSError:
            return Fault(FaultCode.DEVICE_LOST, "the wire is gone")

    def wake(self) -> None:
        with self._closing:
            if not self._closed:
                with contextlib.suppress(BlockingIOError):
                    os.write(self._wake_write, b"\x00")

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
            for descriptor in (self._descriptor, self._wake_read, self._wake_write):
                os.close(descriptor)
