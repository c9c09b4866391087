"""Reads service items from YAML files, one file an item.

A faulty file closes its own item and is said with file, field and problem; everything else opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml
from pydantic import ValidationError

from kiosk.catalogue.model import Item
from kiosk.words import Words

MAX_BLANK_BYTES = 4 << 20  # of a form; a drawn page has 100 KB
MAX_FILE_BYTES = 1 << 20  # an item with every text in ten languages is under 100 KB


@dataclass(frozen=True, slots=True)
class CatalogueFault:
    """One thing wrong with one file. `item` is the code the file is named for."""

    file: str
    item: str
    field: str
    problem: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.field}" if self.field else self.file
        return f"{where}: {self.problem}"


@dataclass(frozen=True, slots=True)
class ClosedItem:
    """An item whose file is faulty: all that is known is a name to show."""

    code: str
    name: Words


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The items in the order of their files' names."""

    items: tuple[Item, ...]
    closed: tuple[ClosedItem, ...] = ()
    faults: tuple[CatalogueFault, ...] = ()
    blanks: Mapping[tuple[str, str], bytes] = field(default_factory=dict, repr=False)
    """The PDF of each form to be printed empty, by item and form."""

    def find(self, code: str) -> Item | None:
        """None for a code that nobody has, or whose file is faulty."""
        return next((item for item in self.items if item.code == code), None)

    def name_of(self, code: str) -> Words | None:
        item = self.find(code)
        return item.name.words if item else None


def load(folder: Path | None) -> Catalogue:
    """The items of `folder`; None: those that ship with the program."""
    if folder is None:
        return _load(files("kiosk") / "catalogue" / "packages")
    try:
        return _load(folder)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        return Catalogue((), (), (CatalogueFault(str(folder), "", "", problem),))


def _load(folder: Traversable) -> Catalogue:
    items: list[Item] = []
    closed: list[ClosedItem] = []
    faults: list[CatalogueFault] = []
    blanks: dict[tuple[str, str], bytes] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith((".yaml", ".yml")):
            continue
        code = file.name.rsplit(".", 1)[0]
        result = _read(file, code)
        if isinstance(result, Item) and any(item.code == result.code for item in items):
            result = (
                (CatalogueFault(file.name, code, "code", "another file has this code"),),
                result.name.words,
            )
        if isinstance(result, Item):
            wrong = _read_blanks(folder, file.name, result, blanks)
            result = (wrong, result.name.words) if wrong else result
        if isinstance(result, Item):
            items.append(result)
        else:
            faults.extend(result[0])
            closed.append(ClosedItem(code, result[1]))
    return Catalogue(tuple(items), tuple(closed), tuple(faults), blanks)


def _read_blanks(
    folder: Traversable, name: str, item: Item, blanks: dict[tuple[str, str], bytes]
) -> tuple[CatalogueFault, ...]:
    """Put the item's empty forms into `blanks`; what is wrong with those that are no forms."""
    faults = []
    for blank in item.blanks:
        problem = ""
        try:
            content = (folder / "blanks" / blank.file).read_bytes()
        except OSError as error:
            content, problem = b"", f"blanks/{blank.file} cannot be read: {error.strerror}"
        if not problem and not content.startswith(b"%PDF-"):
            problem = f"blanks/{blank.file} is not a PDF"
        if not problem and len(content) > MAX_BLANK_BYTES:
            problem = f"blanks/{blank.file} is larger than 4 MB"
        if problem:
            faults.append(CatalogueFault(name, item.code, f"blanks.{blank.code}", problem))
        else:
            blanks[item.code, blank.code] = content
    return tuple(faults)


def _read(file: Traversable, code: str) -> Item | tuple[tuple[CatalogueFault, ...], Words]:
    """The item, or what is wrong and the best name there is."""
    fallback = Words((("zh", code),))

    def fault(field: str, problem: str) -> CatalogueFault:
        return CatalogueFault(file.name, code, field, problem)

    try:
        data = file.read_bytes()
    except OSError as error:
        return (fault("", f"cannot be read: {error.strerror}"),), fallback
    if len(data) > MAX_FILE_BYTES:
        return (fault("", "is larger than 1 MB"),), fallback
    try:
        table = yaml.safe_load(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return (fault("", f"is not UTF-8 (byte {error.start})"),), fallback
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        return (fault("", f"{line}{error.problem or 'is not YAML'}"),), fallback
    except (yaml.YAMLError, ValueError, RecursionError):
        return (fault("", "is not YAML"),), fallback
    if not isinstance(table, dict):
        return (fault("", "must be a table of fields"),), fallback
    try:
        item = Item.model_validate(table)
    except ValidationError as error:
        return tuple(
            fault(".".join(str(part) for part in problem["loc"]), problem["msg"])
            for problem in error.errors(include_input=False, include_url=False)
        ), _name(table, fallback)
    if item.code != code:
        return (fault("code", "must be the file's name"),), item.name.words
    return item


def _name(table: dict[object, object], fallback: Words) -> Words:
    """The name of a faulty item, if at least that can be read."""
    name = table.get("name")
    if not isinstance(name, dict) or not isinstance(name.get("zh"), str) or not name["zh"]:
        return fallback
    texts = tuple(
        (language, name[language])
        for language in ("zh", "en")
        if isinstance(name.get(language), str)
    )
    return Words(texts)
