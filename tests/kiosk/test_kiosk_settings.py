"""A technician writes a settings file; what is wrong is named with its field and line."""

from __future__ import annotations

from pathlib import Path

from kiosk.entry.commands.settings import describe_settings
from kiosk.settings import Settings, SettingsFault, load


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
        str(tmp_path / "nowhere.toml"), 0, "", "cannot be read: No such file or directory"
    )


def test_a_value_that_was_typed_wrong_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text('[hub]\nurl = "token-abc"\n', encoding="utf-8")
    loaded = load(file)
    assert isinstance(loaded, tuple)
    assert "token-abc" not in str(loaded[0])


def test_the_page_on_settings_is_in_step_with_the_program(root: Path) -> None:
    assert (root / "docs" / "settings.md").read_text(encoding="utf-8") == describe_settings()
