"""Makes kiosk/data/upright.npz, the network that tells which way up print lies.

`python deploy/train_upright.py`: draws pages of the 3,755 most usual characters, digits and letters
in the fonts of deploy/packages.txt, photographs them badly, takes the characters off them as the
terminal does, and learns from those. The same seed gives the same file. About three minutes.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kiosk.documents.upright import PATCH, characters

SEED = 20261122
PAGES = 420
HIDDEN = 64
STEPS = 5000
BATCH = 256
FONTS = ("Noto Sans CJK SC", "Noto Serif CJK SC", "Noto Sans CJK SC:bold", "Noto Serif CJK SC:bold")
OUT = Path(__file__).resolve().parents[1] / "kiosk" / "data" / "upright.npz"


def usual_characters() -> list[str]:
    """Level one of GB 2312: rows 16 to 55."""
    found = []
    for row in range(16, 56):
        for place in range(1, 95):
            if row == 55 and place > 89:
                break
            found.append(bytes((0xA0 + row, 0xA0 + place)).decode("gb2312"))
    return found


def font_file(name: str) -> tuple[str, int]:
    found = subprocess.run(  # noqa: S603
        ["fc-match", "-f", "%{file}\t%{index}", name],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    path, index = found.split("\t")
    return path, int(index)


def page(rng: np.random.Generator, letters: list[str], fonts: list[tuple[str, int]]) -> np.ndarray:
    """Print, badly photographed."""
    size = int(rng.integers(14, 40))
    path, index = fonts[int(rng.integers(len(fonts)))]
    font = ImageFont.truetype(path, size, index=index)
    sheet = Image.new("L", (760, 760), int(rng.integers(200, 256)))
    draw = ImageDraw.Draw(sheet)
    gap = float(rng.uniform(1.0, 1.35))
    y = 16.0
    ink = int(rng.integers(0, 90))
    while y < 740 - size:
        x = 16.0
        while x < 740 - size:
            kind = rng.random()
            if kind < 0.82:
                sign = letters[int(rng.integers(len(letters)))]
            elif kind < 0.93:
                sign = "0123456789ABCDEFGHKLMRTabdefghnrt"[int(rng.integers(33))]
            else:
                sign = "，。、：；（）《》 "[int(rng.integers(10))]
            draw.text((x, y), sign, font=font, fill=ink)
            x += max(font.getlength(sign), 3) * gap
        y += size * float(rng.uniform(1.3, 1.9))
    grey = np.asarray(sheet, np.float32)
    grey = cv2.warpAffine(
        grey,
        cv2.getRotationMatrix2D((380, 380), float(rng.normal(0, 1.0)), 1.0),
        (760, 760),
        borderMode=cv2.BORDER_REPLICATE,
    )
    shrink = float(rng.uniform(max(0.45, 11 / size), 1.0))
    grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.3, 1.1)))
    slope = np.linspace(float(rng.uniform(0.6, 1)), 1.0, grey.shape[1])[None, :]
    grey = grey * slope + rng.normal(0, float(rng.uniform(1, 5)), grey.shape)
    return cv2.cvtColor(np.clip(grey, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def main() -> None:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(SEED)
    letters, fonts = usual_characters(), [font_file(name) for name in FONTS]
    found = [characters(page(rng, letters, fonts)) for _ in range(PAGES)]
    held_back = np.concatenate(found[: PAGES // 12])
    learnt = np.concatenate(found[PAGES // 12 :])
    print(len(learnt), "characters to learn from,", len(held_back), "held back")

    first = rng.normal(0, np.sqrt(2 / PATCH**2), (PATCH**2, HIDDEN)).astype(np.float32)
    second = rng.normal(0, np.sqrt(2 / HIDDEN), (HIDDEN, 4)).astype(np.float32)
    weights = [first, np.zeros(HIDDEN, np.float32), second, np.zeros(4, np.float32)]
    means = [np.zeros_like(one) for one in weights]
    squares = [np.zeros_like(one) for one in weights]
    for step in range(1, STEPS + 1):
        rate = 2e-3 * (1 - step / (STEPS + 1))
        chosen = learnt[rng.integers(0, len(learnt), BATCH)]
        # turned clockwise `way` times: `way` turns counter-clockwise bring it upright
        ways = rng.integers(0, 4, BATCH)
        shifts = rng.integers(-1, 2, (BATCH, 2))
        seen = np.stack(
            [
                np.roll(np.rot90(one, -int(way)), tuple(shift), (0, 1))
                for one, way, shift in zip(chosen, ways, shifts, strict=True)
            ]
        ).reshape(BATCH, -1)
        before = seen @ weights[0] + weights[1]
        hidden = np.maximum(before, 0)
        logits = hidden @ weights[2] + weights[3]
        logits -= logits.max(axis=1, keepdims=True)
        chance = np.exp(logits)
        chance /= chance.sum(axis=1, keepdims=True)
        chance[np.arange(BATCH), ways] -= 1
        chance /= BATCH
        back = (chance @ weights[2].T) * (before > 0)
        slopes = [seen.T @ back, back.sum(0), hidden.T @ chance, chance.sum(0)]
        for n, steepness in enumerate(slopes):
            slope = steepness + 1e-5 * weights[n]
            means[n] = 0.9 * means[n] + 0.1 * slope
            squares[n] = 0.999 * squares[n] + 0.001 * slope**2
            mean = means[n] / (1 - 0.9**step)
            square = squares[n] / (1 - 0.999**step)
            weights[n] = (weights[n] - rate * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)
    right = 0
    for way in range(4):
        seen = np.rot90(held_back, -way, (1, 2)).reshape(len(held_back), -1)
        hidden = np.maximum(seen @ weights[0] + weights[1], 0)
        right += int((np.argmax(hidden @ weights[2] + weights[3], axis=1) == way).sum())
    print(f"{right / 4 / len(held_back):.1%} of single characters right")
    names = ("first", "first_bias", "second", "second_bias")
    half = {name: one.astype(np.float16) for name, one in zip(names, weights, strict=True)}
    np.savez_compressed(OUT, **half)
    print(OUT, OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
