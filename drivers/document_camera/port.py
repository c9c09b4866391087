"""A V4L2 camera as far as it is used: set, get, grab. Everything above it is tested without one."""

from __future__ import annotations

import os
from enum import Enum
from typing import Final, Protocol

# Before the library opens a device: it would wait 10 s for a camera that hangs.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


class Control(Enum):
    """What of a camera is set and read back."""

    FOURCC = cv2.CAP_PROP_FOURCC
    WIDTH = cv2.CAP_PROP_FRAME_WIDTH
    HEIGHT = cv2.CAP_PROP_FRAME_HEIGHT
    BUFFERS = cv2.CAP_PROP_BUFFERSIZE
    AUTOFOCUS = cv2.CAP_PROP_AUTOFOCUS
    FOCUS = cv2.CAP_PROP_FOCUS
    AS_IT_COMES = cv2.CAP_PROP_CONVERT_RGB  # 0: the camera's own bytes, 1: unpacked


class VideoPort(Protocol):
    """An open V4L2 device."""

    def set(self, control: Control, value: int) -> bool:
        """Whether the camera took it, as far as it says."""
        ...

    def get(self, control: Control) -> int: ...

    def grab(self) -> bytes | Picture | None:
        """The next picture: its bytes as they came, or unpacked; None when none comes in 1 s."""
        ...

    def close(self) -> None: ...


class CvPort:
    """The device through OpenCV."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture

    @classmethod
    def open(cls, path: str) -> CvPort | None:
        capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            return None
        return cls(capture)

    def set(self, control: Control, value: int) -> bool:
        return bool(self._capture.set(control.value, value))

    def get(self, control: Control) -> int:
        return int(self._capture.get(control.value))

    def grab(self) -> bytes | Picture | None:
        taken, picture = self._capture.read()
        if not taken or picture is None:
            return None
        if (picture.ndim == 2 and 1 in picture.shape) or picture.ndim == 1:
            return picture.tobytes()
        return np.asarray(picture, np.uint8)

    def close(self) -> None:
        self._capture.release()


JPEG_FOURCCS: Final = frozenset({"MJPG", "JPEG"})
