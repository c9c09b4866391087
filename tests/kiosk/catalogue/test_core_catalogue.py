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
    codes = {item.code for item in catalogue.items}
    assert codes >= {"old_age_allowance", "progress_query", "photocopy", "scan_to_phone"}
    assert set(catalogue.blanks) == {
        ("print_forms", "power_of_attorney"),
        ("print_forms", "old_age_allowance"),
    }
    for item in catalogue.items:
        assert item.name.zh and item.name.en


def test_what_an_item_needs_follows_from_its_steps() -> None:
    needs = {item.code: item.needs for item in load(None).items}
    assert needs["old_age_allowance"] == (Need.STORAGE, Need.CARD, Need.PAGE)
    assert needs["progress_query"] == (Need.CODE,)
    assert needs["photocopy"] == (Need.PAGE, Need.SHEETS)
    assert needs["scan_to_phone"] == (Need.PAGE, Need.PHONES, Need.LINE)
    assert needs["print_forms"] == (Need.SHEETS,)


def with_blank(folder: Path, content: bytes | None) -> Catalogue:
    text = (SHIPPED / "print_forms.yaml").read_text("utf-8")
    (folder / "print_forms.yaml").write_text(text, encoding="utf-8")
    (folder / "blanks").mkdir(exist_ok=True)
    for name in ("power_of_attorney.pdf", "old_age_allowance.pdf"):
        if content is not None:
            (folder / "blanks" / name).write_bytes(content)
    return load(folder)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        (b"<html>", "is not a PDF"),
        (b"%PDF-" + bytes(5 << 20), "is larger than 4 MB"),
    ],
    ids=["missing", "not a pdf", "huge"],
)
def test_an_item_whose_empty_forms_are_no_forms_is_closed(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    catalogue = with_blank(tmp_path, content)
    assert not catalogue.items and [item.code for item in catalogue.closed] == ["print_forms"]
    assert all(problem in str(fault) for fault in catalogue.faults) and catalogue.faults


def test_a_region_ships_its_own_forms_beside_its_items(tmp_path: Path) -> None:
    catalogue = with_blank(tmp_path, b"%PDF-1.7 ours")
    assert catalogue.blanks["print_forms", "power_of_attorney"] == b"%PDF-1.7 ours"


def test_the_age_is_the_sites_rule_and_stands_in_the_text() -> None:
    item = load(None).find("old_age_allowance")
    assert item is not None
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
        ("steps.3", None, "", "household_page may follow"),  # nowhere to hand it in
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
