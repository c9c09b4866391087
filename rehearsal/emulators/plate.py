"""What the document camera sees: a dark mat, perhaps with a paper on it. Pure: scene to JPEG."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from rehearsal.papers import Sheet

PLATE_HEIGHT_MM = 224.0  # the picture's height on the mat: a lying A4 fits
NOISE_LEVELS = 2.2  # standard deviation of the sensor's noise, of 255
SHUTTER_VARIANTS = 3  # pictures of one scene with different noise, shown in turn
JPEG_QUALITY = 90
MAT = (58, 62, 66)
# The lens does not stand quite straight above the plate: corners of the plate in the picture,
# as parts of its size.
LEAN = ((0.006, 0.004), (0.994, 0.000), (1.000, 0.996), (0.000, 1.000))


@dataclass(frozen=True, slots=True)
class Scene:
    """What lies on the plate and how the light falls."""

    sheet: Sheet | None = field(default=None, repr=False)
    rotation_deg: float = 0.0
    offset_mm: tuple[float, float] = (0.0, 0.0)  # of the sheet's centre from the plate's
    lift: float = 1.0  # more than 1: held above the plate, so larger
    glare: bool = False
    dim: float = 1.0  # part of the light that is left
    black: bool = False
    photograph: Image.Image | None = field(default=None, repr=False)  # instead of the plate


def pixels_a_mm(height_px: int) -> float:
    return height_px / PLATE_HEIGHT_MM


def corners(scene: Scene, size: tuple[int, int]) -> list[tuple[float, float]]:
    """Where the sheet's corners (TL, TR, BR, BL of the sheet) are in the picture, in pixels."""
    if scene.sheet is None:
        return []
    width, height = size
    scale = pixels_a_mm(height) * scene.lift
    centre_x = width / 2 + scene.offset_mm[0] * pixels_a_mm(height)
    centre_y = height / 2 + scene.offset_mm[1] * pixels_a_mm(height)
    turn = math.radians(scene.rotation_deg)
    found = []
    for x, y in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
        dx, dy = x * scene.sheet.width_mm * scale, y * scene.sheet.height_mm * scale
        px = centre_x + dx * math.cos(turn) - dy * math.sin(turn)
        py = centre_y + dx * math.sin(turn) + dy * math.cos(turn)
        found.append(_lean(px / width, py / height, size))
    return found


def _lean(u: float, v: float, size: tuple[int, int]) -> tuple[float, float]:
    """From the plate's own coordinates (0..1) to the picture's pixels."""
    tl, tr, br, bl = LEAN
    x = (tl[0] * (1 - u) + tr[0] * u) * (1 - v) + (bl[0] * (1 - u) + br[0] * u) * v
    y = (tl[1] * (1 - u) + tr[1] * u) * (1 - v) + (bl[1] * (1 - u) + br[1] * u) * v
    return x * size[0], y * size[1]


def _perspective(to: list[tuple[float, float]], source: tuple[int, int]) -> list[float]:
    """Coefficients by which Pillow maps the picture's pixels back to the sheet's."""
    width, height = source
    here = ((0, 0), (width, 0), (width, height), (0, height))
    rows, values = [], []
    for (x, y), (u, v) in zip(to, here, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        values += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(values))]


def render(scene: Scene, size: tuple[int, int], seed: int = 1) -> Image.Image:
    """The scene without noise, as the lens throws it."""
    if scene.black:
        return Image.new("RGB", size, (3, 3, 4))
    if scene.photograph is not None:
        return scene.photograph
    width, height = size
    chance = np.random.default_rng(seed)
    grain = chance.normal(0.0, 1.0, (height // 2 + 1, width // 2 + 1, 1)).astype(np.float32)
    grain = grain.repeat(2, 0).repeat(2, 1)[:height, :width]
    mat = np.clip(np.array(MAT, np.float32) + grain * 3.0, 0, 255).astype(np.uint8)
    picture = Image.fromarray(mat)
    if scene.sheet is not None:
        _lay(picture, scene)
    light = np.asarray(picture, np.float32)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    falloff = 1.0 - 0.10 * (x * x + y * y) / 2 + 0.03 * x
    light = light * falloff[..., None] * scene.dim
    if scene.glare and scene.sheet is not None:
        spot = corners(scene, size)
        gx = (spot[1][0] * 0.55 + spot[3][0] * 0.45) / width * 2 - 1
        gy = (spot[1][1] * 0.55 + spot[3][1] * 0.45) / height * 2 - 1
        far = ((x - gx) * width / height) ** 2 + (y - gy) ** 2
        light += (330.0 * np.exp(-far / 0.035))[..., None]
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))


def _lay(picture: Image.Image, scene: Scene) -> None:
    """Put the sheet down, with the soft shadow of its edge."""
    sheet = scene.sheet
    if sheet is None:
        return
    to = corners(scene, picture.size)
    # Brought down to about its size in the picture first, so that fine lines are averaged.
    across = math.dist(to[0], to[1])
    shrink = min(1.0, 1.6 * across / sheet.picture.width)
    small = sheet.picture.resize(
        (max(1, round(sheet.picture.width * shrink)), max(1, round(sheet.picture.height * shrink))),
        Image.Resampling.LANCZOS,
    )
    shadow = Image.new("L", picture.size, 0)
    drop = 5 * picture.height / 1080
    ImageDraw.Draw(shadow).polygon([(x + drop, y + drop) for x, y in to], fill=150)
    shadow = shadow.filter(ImageFilter.GaussianBlur(drop))
    picture.paste((20, 22, 24), (0, 0), shadow)
    # Four times finer mask than the picture's pixels at the edge.
    mask = Image.new("L", (picture.width * 2, picture.height * 2), 0)
    ImageDraw.Draw(mask).polygon([(x * 2, y * 2) for x, y in to], fill=255)
    mask = mask.resize(picture.size, Image.Resampling.BOX)
    laid = small.transform(
        picture.size,
        Image.Transform.PERSPECTIVE,
        _perspective(to, small.size),
        Image.Resampling.BICUBIC,
        fillcolor=(247, 243, 232),
    )
    picture.paste(laid, (0, 0), mask)


def shutter(picture: Image.Image, seed: int) -> bytes:
    """One exposure: the picture with fresh noise, as JPEG."""
    chance = np.random.default_rng(seed)
    noise = chance.normal(0.0, NOISE_LEVELS, (picture.height, picture.width, 1))
    exposed = np.asarray(picture, np.float32) + noise.astype(np.float32)
    out = io.BytesIO()
    Image.fromarray(np.clip(exposed, 0, 255).astype(np.uint8)).save(
        out, "JPEG", quality=JPEG_QUALITY
    )
    return out.getvalue()


def exposures(scene: Scene, size: tuple[int, int], seed: int) -> list[bytes]:
    """Several exposures of one scene, to be shown in turn."""
    picture = render(scene, size)
    return [shutter(picture, seed + n) for n in range(SHUTTER_VARIANTS)]
