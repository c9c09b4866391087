"""One source for each fact, and defaults that are safe."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from hub.api.document import FILE, document
from hub.catalogue import DATA, ITEMS_FILE, labels_from
from hub.secret import secret_key


def test_the_api_document_in_the_repository_is_the_one_that_is_served() -> None:
    from django.test import Client

    assert FILE.read_text(encoding="utf-8") == document(), "run `python -m hub openapi`"
    served = Client().get("/api/v1/openapi.json")
    assert served.json() == json.loads(document())


def test_the_words_for_items_are_those_of_the_terminals(root: Path) -> None:
    packages = root / "kiosk" / "catalogue" / "packages"
    assert ITEMS_FILE.read_text(encoding="utf-8") == labels_from(packages), (
        "run `python -m hub catalogue kiosk/catalogue/packages`"
    )


def test_the_tables_are_the_terminals_tables(root: Path) -> None:
    for copy in DATA.glob("*.csv"):
        assert copy.read_bytes() == (root / "kiosk" / "data" / copy.name).read_bytes(), copy.name


def test_the_dictionary_is_the_terminals_dictionary(root: Path) -> None:
    copies = sorted(DATA.glob("*.zdict"))
    assert copies
    for copy in copies:
        assert copy.read_bytes() == (root / "offline_cache" / "data" / copy.name).read_bytes()


@pytest.mark.django_db
def test_the_database_follows_the_models() -> None:
    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())


def test_out_of_the_box_only_this_machine_reaches_the_hub() -> None:
    assert settings.DEBUG is False
    assert set(settings.ALLOWED_HOSTS) - {"testserver"} == {"127.0.0.1", "localhost", "[::1]"}


def test_the_secret_key_is_made_once_and_is_for_the_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    first = secret_key(file)
    assert secret_key(file) == first
    assert len(first) >= 64
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret_key(tmp_path / "other") != first
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["other", "secret_key"]


def test_nothing_secret_is_in_the_repository(root: Path) -> None:
    key = settings.SECRET_KEY
    for file in (root / "hub").rglob("*.py"):
        assert key not in file.read_text(encoding="utf-8")
