"""SAM_V frames over USB: four bulk pipes, or 64-byte HID reports in a wrapper of their own.

Bulk (0400:C35A): the host writes the first 7 bytes of a frame, preamble and length, to one pipe
and the rest to another; the answer comes split the same way.

HID: `88 | 00 00 00 | length LE | command | frame | sum LE` to the reader and
`AA | number (2) | length LE | result | frame | sum LE` from it, cut into reports and padded. The
length counts what stands between it and the sum; the sum is that of all bytes from the length on.
Both make a stream of frames again, so that the driver knows nothing of them.
"""

from __future__ import annotations

from typing import Final

from drivers.device import Fault, FaultCode
from drivers.id_reader.personal import SamMask
from drivers.transport import Ports, Transport
from drivers.usb_ports import BulkPort, ReportPort

HEAD_BYTES: Final = 7  # preamble and length of a SAM frame
WRITE_HEAD, WRITE_BODY, READ_HEAD, READ_BODY = 0x02, 0x06, 0x81, 0x85
TRANSFER_BYTES: Final = 4096  # more than the longest frame: a short transfer is the end of one
BODY_WAIT_S: Final = 1.0  # the body follows its head at once; the card was read before

REPORT_BYTES: Final = 64
ASK: Final = 0x88
ANSWER: Final = 0xAA
PASS_ON: Final = 0x01  # the wrapper's command for "give this frame to the module"
NUMBER: Final = b"\x00\x00"
LENGTH_AT: Final = 3
LONGEST_ANSWER: Final = 8192  # more is a garbled length
REST_WAIT_S: Final = 0.3  # silence inside an answer


class BulkFrames:
    """A stream of frames over the four pipes."""

    def __init__(self, port: BulkPort) -> None:
        self._port = port

    def read(self, limit: int, wait_s: float) -> bytes | Fault:
        head = self._port.read(READ_HEAD, TRANSFER_BYTES, wait_s)
        if isinstance(head, Fault) or not head:
            return head
        if len(head) < HEAD_BYTES:
            return head  # garbled: the parser resynchronises
        body = self._port.read(READ_BODY, TRANSFER_BYTES, BODY_WAIT_S)
        return body if isinstance(body, Fault) else head + body

    def write(self, data: bytes, wait_s: float) -> int | Fault:
        sent = 0
        for pipe, piece in ((WRITE_HEAD, data[:HEAD_BYTES]), (WRITE_BODY, data[HEAD_BYTES:])):
            taken = self._port.write(pipe, piece, wait_s)
            if isinstance(taken, Fault):
                return taken
            sent += taken
            if taken < len(piece):
                break
        return sent

    def wake(self) -> None:
        self._port.wake()

    def close(self) -> None:
        self._port.close()


def wrap(frame: bytes) -> list[bytes]:
    """The reports of one frame to the reader."""
    counted = bytes([PASS_ON]) + frame
    body = len(counted).to_bytes(2, "little") + counted
    packet = bytes([ASK]) + NUMBER + body
    packet += (sum(body) & 0xFFFF).to_bytes(2, "little")
    return [
        packet[at : at + REPORT_BYTES].ljust(REPORT_BYTES, b"\x00")
        for at in range(0, len(packet), REPORT_BYTES)
    ]


class Unwrapper:
    """Joins reports to answers. A wrong sum is not hidden: the frame's own checksum decides."""

    def __init__(self) -> None:
        self._parts = bytearray()

    @property
    def within(self) -> bool:
        return len(self._parts) > 0

    def give_up(self) -> None:
        self._parts.clear()

    def feed(self, report: bytes) -> bytes:
        """The frame that `report` completes, or b""."""
        if not self._parts and report[:1] != bytes([ANSWER]):
            return b""  # not the beginning of an answer
        self._parts += report
        if len(self._parts) < LENGTH_AT + 2:
            return b""
        length = int.from_bytes(self._parts[LENGTH_AT : LENGTH_AT + 2], "little")
        end = LENGTH_AT + 2 + length
        if not 1 <= length <= LONGEST_ANSWER:
            self._parts.clear()
            return b""
        if len(self._parts) < end + 2:
            return b""
        said = int.from_bytes(self._parts[end : end + 2], "little")
        good = said == sum(self._parts[LENGTH_AT:end]) & 0xFFFF
        frame = bytes(self._parts[LENGTH_AT + 3 : end])
        self._parts.clear()
        return frame if good else b""


class ReportFrames:
    """A stream of frames over HID reports."""

    def __init__(self, port: ReportPort) -> None:
        self._port = port
        self._unwrapper = Unwrapper()

    def read(self, limit: int, wait_s: float) -> bytes | Fault:
        wait = wait_s
        while True:
            report = self._port.read(wait)
            if isinstance(report, Fault):
                return report
            if not report:
                self._unwrapper.give_up()
                return b""
            frame = self._unwrapper.feed(report)
            if frame:
                return frame
            if not self._unwrapper.within:
                return b""  # a report of nothing, or a spoilt answer
            wait = REST_WAIT_S

    def write(self, data: bytes, wait_s: float) -> int | Fault:
        for report in wrap(data):
            taken = self._port.write(report, wait_s)
            if isinstance(taken, Fault):
                return taken
            if taken < len(report):
                return Fault(FaultCode.TIMED_OUT, "the wire takes no bytes")
        return len(data)

    def wake(self) -> None:
        self._port.wake()

    def close(self) -> None:
        self._port.close()


def _bulk(port: BulkPort) -> Transport:
    return BulkFrames(port)


def _reports(port: ReportPort) -> Transport:
    return ReportFrames(port)


PORTS: Final = Ports(bulk=_bulk, reports=_reports, mask=SamMask)
