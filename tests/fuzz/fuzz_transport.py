"""Any text at all as the address of a device, and any file as a trace."""

from __future__ import annotations

from drivers.addresses import address_of, parse_url
from drivers.device import DeviceClass, Fault


def seeds() -> list[bytes]:
    return [
        b"serial:///dev/ttyUSB0?baud=115200",
        b"tcp://192.168.1.2:9100",
        b"usb://0400:c35a",
        b"hid://0400:c35a",
        b"pcsc://Reader [CCID] 0",
        b"cups://a4",
        b"alsa://default",
        b"file:///tmp/voice",
        b"video:///dev/video0?size=3264x2448&fourcc=MJPG",
    ]


def fuzz(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for device in DeviceClass:
        address_of(device, text)
    address = parse_url(text)
    if isinstance(address, Fault):
        assert address.detail.isprintable()
