"""Pictures of every situation met, numbered in the order of meeting."""

from __future__ import annotations

from pathlib import Path

from PIL import Image


class Album:
    """Writes `screens/NN-situation.png`, once for each situation unless asked for again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[str] = set()
        self.paths: list[Path] = []

    def wants(self, situation: str) -> bool:
        return bool(situation) and situation not in self._seen

    def keep(self, situation: str, picture: Image.Image) -> Path:
        self._seen.add(situation)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{len(self.paths) + 1:02}-{situation}.png"
        picture.save(path)
        self.paths.append(path)
        return path
