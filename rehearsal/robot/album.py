"""Pictures of every situation met, numbered in the order of meeting."""

from __future__ import annotations

from pathlib import Path

from PIL import Image


class Album:
    """Writes `screens/NN-situation.png`, once for each screen: a situation and its title (a form
    has several pages, a card several roles). Not `every`: only where somebody got lost."""

    def __init__(self, folder: Path, *, every: bool = True) -> None:
        self._folder = folder
        self._every = every
        self._seen: set[tuple[str, str]] = set()
        self.paths: list[Path] = []

    def wants(self, situation: str, title: str = "") -> bool:
        return self._every and bool(situation) and (situation, title) not in self._seen

    def keep(self, situation: str, picture: Image.Image, title: str = "") -> Path:
        self._seen.add((situation, title))
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{len(self.paths) + 1:02}-{situation}.png"
        picture.save(path, compress_level=1)  # a tenth of the time, half as large again
        self.paths.append(path)
        return path
