"""What the settings say of a region's social cards, and what the table says where they are silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.card_reader.values import Coding, RecordPlace, SocialField
from kiosk.identity.social_card import APPLICATION, social_layout
from kiosk.settings import Settings, SettingsFault, load


def test_every_record_of_the_table_has_its_field_and_its_coding() -> None:
    layout = social_layout()
    assert set(layout.places) == set(SocialField)
    assert layout.places[SocialField.NAME] == RecordPlace(0xEF06, 0x09, 30, Coding.TEXT)
    assert layout.places[SocialField.BIRTH] == RecordPlace(0xEF06, 0x0D, 4, Coding.DATE)
    assert layout.places[SocialField.CARD_ID] == RecordPlace(0xEF05, 0x01, 16, Coding.HEX)
    assert layout.application == APPLICATION


def written(folder: Path, text: str) -> Settings | tuple[SettingsFault, ...]:
    file = folder / "kiosk.toml"
    file.write_text(f'[card_reader]\nurl = "pcsc://Made Up [CCID] 00"\n{text}\n', encoding="utf-8")
    return load(file)


def test_a_region_writes_only_what_differs(tmp_path: Path) -> None:
    settings = written(
        tmp_path,
        'application = "A000000333AABBCC"\nrecords = { name = "EF15:21:40", birth = "EF15:0D" }',
    )
    assert isinstance(settings, Settings)
    layout = social_layout(settings.card_reader.application, settings.card_reader.records)
    assert layout.application == bytes.fromhex("A000000333AABBCC")
    assert layout.places[SocialField.NAME] == RecordPlace(0xEF15, 0x21, 40, Coding.TEXT)
    assert layout.places[SocialField.BIRTH] == RecordPlace(0xEF15, 0x0D, 4, Coding.DATE)
    assert layout.places[SocialField.ID_NUMBER] == RecordPlace(0xEF06, 0x08, 18, Coding.TEXT)


@pytest.mark.parametrize(
    "text",
    [
        'records = { name = "EF06" }',
        'records = { name = "EF06:9" }',
        'records = { name = "ef06:09" }',
        'records = { surname = "EF06:09" }',
        'application = "A0"',
        'application = "XYZ0000000"',
    ],
)
def test_what_no_card_can_have_is_a_fault_of_the_file_with_its_line(
    tmp_path: Path, text: str
) -> None:
    faults = written(tmp_path, text)
    assert isinstance(faults, tuple)
    assert faults[0].line == 3 and faults[0].field.startswith("card_reader.")
