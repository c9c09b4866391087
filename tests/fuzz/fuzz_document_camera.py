"""Any bytes at all from a camera's stream, and any text as its address."""

from __future__ import annotations

from drivers.document_camera.protocol import Parts, jpeg_size, place_of, trimmed_jpeg


def seeds() -> list[bytes]:
    part = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xd9\r\n"
    return [
        b"\x00" + part * 2,
        b"\x01\xff\xd8\xff\xc0\x00\x11\x08\x04\x38\x07\x80\x03\xff\xd9\x00\x00",
        b"\x02video:///dev/video0?size=3264x2448&fourcc=MJPG",
    ]


def fuzz(data: bytes) -> None:
    kind, body = data[:1], data[1:]
    if kind == b"\x01":
        jpeg_size(body)
        trimmed = trimmed_jpeg(body)
        assert body.startswith(trimmed)
    elif kind == b"\x02":
        place_of(body.decode("utf-8", "replace"))
    else:
        whole, pieces = Parts("b"), Parts("b")
        found = whole.feed(body)
        taken = [part for at in range(len(body)) for part in pieces.feed(body[at : at + 1])]
        if not whole.broken and not pieces.broken:
            assert taken == found
