"""QR codes drawn clean, as pictures."""

from __future__ import annotations

import io

import cv2
import numpy as np
import segno

from kiosk.documents.quads import Image


def picture_of(text: str | bytes, module_px: int = 6) -> Image:
    # bytes as bytes: segno takes some pairs for Shift JIS that are none, and loses them
    mode = "byte" if isinstance(text, bytes) else None
    return drawn(segno.make(text, error="m", micro=False, mode=mode), module_px)


def drawn(code: segno.QRCode, module_px: int = 6) -> Image:
    out = io.BytesIO()
    code.save(out, kind="png", scale=module_px, border=5)
    decoded = cv2.imdecode(np.frombuffer(out.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(decoded, np.uint8)
