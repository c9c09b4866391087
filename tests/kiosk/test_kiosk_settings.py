"""A technician writes a settings file; what is wrong is named with its field and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.entry.commands.settings import describe_settings
from kiosk.entry.commands.settings import run as check
from kiosk.settings import Settings, SettingsFault, load, load_what_holds


def faults_of(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    file = tmp_path / "kiosk.toml"
    file.write_text(text, encoding="utf-8")
    loaded = load(file)
    assert not isinstance(loaded, Settings)
    return [(fault.line, fault.field) for fault in loaded]


def test_an_empty_file_gives_a_terminal_with_no_devices(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text("", encoding="utf-8")
    loaded = load(file)
    assert isinstance(loaded, Settings)
    assert loaded.id_reader.url == ""


def test_a_wrong_value_is_named_with_its_line(tmp_path: Path) -> None:
    text = '[terminal]\ncode = "QS01"\n\n[window]\nwidth = 10\n'
    assert faults_of(tmp_path, text) == [(5, "window.width")]


def test_a_misspelt_field_is_named_with_its_line(tmp_path: Path) -> None:
    assert faults_of(tmp_path, "[window]\n# a comment\nwidht = 1080\n") == [(3, "window.widht")]


def test_a_wrong_value_in_an_inner_table_is_named_with_its_line(tmp_path: Path) -> None:
    text = '[keypad]\nurl = ""\n[keypad.keys]\n"35" = 5\n'
    assert faults_of(tmp_path, text) == [(4, "keypad.keys.35")]


def test_a_misspelt_section_is_named_with_its_line(tmp_path: Path) -> None:
    assert faults_of(tmp_path, "\n[windw]\nwidth = 1080\n") == [(2, "windw")]


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = '[window]\nwidth = 1\nheight = 1\n[hub]\nurl = "ftp://x"\n'
    assert faults_of(tmp_path, text) == [(2, "window.width"), (3, "window.height"), (5, "hub.url")]


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    assert faults_of(tmp_path, "[window]\nwidth = = 3\n")[0][0] == 2


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    loaded = load(tmp_path / "nowhere.toml")
    assert isinstance(loaded, tuple)
    assert loaded[0] == SettingsFault(
        str(tmp_path / "nowhere.toml"),
        0,
        "",
        "cannot be read: No such file or directory",
        unreadable=True,
    )


def test_a_file_that_ends_too_early_is_told_with_its_last_line(tmp_path: Path) -> None:
    assert faults_of(tmp_path, '[terminal]\ncode = "QS01"\nname_zh = """abc\n')[0][0] == 3


def test_a_mark_that_some_editors_put_before_the_first_line_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text('[terminal]\ncode = "QS07"\n', encoding="utf-8-sig")
    loaded = load(file)
    assert isinstance(loaded, Settings)
    assert loaded.terminal.code == "QS07"


def test_of_a_faulty_file_the_sections_in_order_still_hold(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(
        '[terminal]\ncentre_zh = "测试镇"\n[window]\nwidth = 1\n[paths]\nlogs = "/x"\n[odd]\n',
        encoding="utf-8",
    )
    held = load_what_holds(file)
    assert held.terminal.centre_zh == "测试镇"
    assert held.paths.logs == Path("/x")
    assert held.window == Settings().window


def test_a_terminal_whose_name_nobody_knows_claims_no_other_s(tmp_path: Path) -> None:
    assert load_what_holds(tmp_path / "nowhere.toml").terminal.centre_zh == "政务服务自助终端"


def test_a_value_that_was_typed_wrong_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text('[hub]\nurl = "token-abc"\n', encoding="utf-8")
    loaded = load(file)
    assert isinstance(loaded, tuple)
    assert "token-abc" not in str(loaded[0])


def test_an_address_that_no_such_device_can_have_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The terminal starts without that device; the technician who asks is told where to look."""
    file = tmp_path / "kiosk.toml"
    file.write_text(
        '[id_reader]\npoll_ms = 300\nurl = "serial:///dev/ttyUSB0?baud=115201"\n'
        '[page_printer]\nurl = "tcp://10.0.0.9:9100"\n[code_scanner]\nurl = "serial:///dev/ttyS1"\n',
        encoding="utf-8",
    )
    assert isinstance(load(file), Settings)
    assert check(file, describe=False, json=True) == 4
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(fault["field"], fault["line"]) for fault in told] == [
        ("id_reader.url", 3),
        ("page_printer.url", 5),
    ]
    assert "baud 115201" in told[0]["detail"]
    assert "cups://" in told[1]["detail"]


def test_the_page_on_settings_is_in_step_with_the_program(root: Path) -> None:
    assert (root / "docs" / "settings.md").read_text(encoding="utf-8") == describe_settings()
