"""Any text at all as the address of a voice."""

from __future__ import annotations

from drivers.voice.protocol import voice_url


def seeds() -> list[bytes]:
    return [b"espeak://", b"folder:///tmp/voice"]


def fuzz(data: bytes) -> None:
    voice_url(data.decode("utf-8", "replace"))
