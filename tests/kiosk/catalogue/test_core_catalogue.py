"""Service items as a catalogue author writes them, and what happens when one is wrong."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from kiosk.catalogue.load import Catalogue, load
from kiosk.catalogue.model import Need, fill, minimum_age
from kiosk.settings import Settings

SHIPPED = files("kiosk") / "catalogue" / "packages"
GOOD = (SHIPPED / "old_age_allowance.yaml").read_text("utf-8")


def written(folder: Path, text: str, name: str = "old_age_allowance") -> Catalogue:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "progress_query.yaml").write_text(
        (SHIPPED / "progress_query.yaml").read_text("utf-8"), encoding="utf-8"
    )
    return load(folder)


def changed(path: str, value: object) -> str:
    table = yaml.safe_load(GOOD)
    part = table
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        part = part[step]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return yaml.safe_dump(table, allow_unicode=True)


def test_the_shipped_items_are_without_fault_and_in_both_languages() -> None:
    catalogue = load(None)
    assert not catalogue.faults
    assert [item.code for item in catalogue.items] == ["old_age_allowance", "progress_query"]
    for item in catalogue.items:
        assert item.name.zh and item.name.en


def test_what_an_item_needs_follows_from_its_steps() -> None:
    allowance, progress = load(None).items
    assert allowance.needs == (Need.STORAGE, Need.CARD, Need.PAGE)
    assert progress.needs == (Need.CODE,)


def test_the_age_is_the_sites_rule_and_stands_in_the_text() -> None:
    item = load(None).items[0]
    settings = Settings.model_validate({"rules": {"old_age_allowance_years": 85}})
    assert item.identify
    assert minimum_age(item.identify, settings) == 85
    assert "85周岁" in fill(item.who, item, settings).get("zh")


@pytest.mark.parametrize(
    ("path", "value", "field", "problem"),
    [
        ("version", None, "version", "required"),
        ("name.en", None, "name.en", "required"),
        ("minutes", "soon", "minutes", "integer"),
        ("colour", "red", "colour", "not permitted"),
        ("steps.0", "dance", "steps.0", "dance"),
        ("consent", None, "", "consent"),
        ("forms.0.fields.0.kind", "fax", "forms.0.fields.0.kind", "phone"),
        ("forms.1.fields.0.code", "phone", "", "same code"),
        ("materials.0.code", "other_page", "", "household_page is not in materials"),
        ("steps.4.form", "nothing", "", "form nothing is not in forms"),
        ("statement", None, "", "statement"),
    ],
)
def test_a_faulty_item_is_closed_and_its_fault_said_and_the_rest_opens(
    tmp_path: Path, path: str, value: object, field: str, problem: str
) -> None:
    catalogue = written(tmp_path, changed(path, value))
    assert [item.code for item in catalogue.items] == ["progress_query"]
    assert [closed.code for closed in catalogue.closed] == ["old_age_allowance"]
    assert catalogue.closed[0].name.get("zh") == "高龄津贴申领"
    faults = [str(fault) for fault in catalogue.faults]
    assert any(
        text.startswith(f"old_age_allowance.yaml: {field}") and problem in text for text in faults
    ), faults


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "table"),
        ("[1, 2]", "table"),
        ("name: {zh: 一", "line 1"),
        ("a: &a [*a]\n", "Field required"),
        ("code: !!python/object:os.system {}", "constructor"),
        ("x: \x00", "YAML"),
        (GOOD.replace("code: old_age_allowance", "code: somebody_else"), "file's name"),
    ],
)
def test_whatever_a_file_holds_the_terminal_starts(tmp_path: Path, text: str, problem: str) -> None:
    catalogue = written(tmp_path, text)
    assert [item.code for item in catalogue.items] == ["progress_query"]
    assert any(problem in fault.problem for fault in catalogue.faults), catalogue.faults


def test_bytes_that_are_not_text_close_only_their_item(tmp_path: Path) -> None:
    (tmp_path / "old_age_allowance.yaml").write_bytes(b"\xff\xfe\x00")
    catalogue = load(tmp_path)
    assert not catalogue.items
    assert "UTF-8" in catalogue.faults[0].problem


def test_a_folder_that_is_not_there_is_a_fault_and_not_an_end(tmp_path: Path) -> None:
    catalogue = load(tmp_path / "nowhere")
    assert not catalogue.items
    assert "cannot be read" in catalogue.faults[0].problem


def test_a_code_that_nobody_has_is_simply_not_found() -> None:
    assert load(None).find("no_such_item") is None
