"""The samples: every page and every variant is there, and nobody in them is real."""

from __future__ import annotations

from typing import get_args

from kiosk.flow import pages, view
from kiosk.identity.contact import luhn_agrees
from kiosk.identity.numbers import PersonNumber, parse
from kiosk.receipts import number as receipt_number
from ui import samples
from ui.models import overlays

VIEWS = [sample.view for sample in samples.samples()]


def shown(page_type: type) -> list[pages.Page]:
    return [found.page for found in VIEWS if isinstance(found.page, page_type)]


def test_every_page_is_among_the_samples() -> None:
    assert {type(found.page) for found in VIEWS} == set(get_args(pages.Page))


def test_every_overlay_is_among_the_samples() -> None:
    there = {type(found.overlay) for found in VIEWS if found.overlay is not None}
    assert there == set(get_args(view.Overlay))


def test_every_variant_is_among_the_samples() -> None:
    assert {page.kind for page in shown(pages.CardProblem)} == set(pages.CardProblemKind)
    assert {page.advice for page in shown(pages.CapturePage)} == set(pages.Advice)
    assert {page.kind for page in shown(pages.SubmitProblem)} == set(pages.SubmitProblemKind)
    assert {page.print_state for page in shown(pages.Accepted)} == set(pages.PrintState)
    assert {page.delivery for page in shown(pages.Accepted)} == set(pages.Delivery)
    assert {page.problem for page in shown(pages.ScanReceipt)} == set(pages.ScanProblem)
    assert {page.kind for page in shown(pages.ProgressResult)} == set(pages.ProgressKind)
    assert {page.role for page in shown(pages.PlaceIdCard)} == set(pages.Role)
    closed = {tile.closed for page in shown(pages.Home) for tile in page.tiles}
    assert closed == {None, *pages.Closure}
    kinds = {field.kind for page in shown(pages.Form) for field in page.fields}
    assert kinds == set(pages.FieldKind)


def test_sample_names_are_fit_for_files_and_used_once() -> None:
    names = [sample.name for sample in samples.samples()]
    assert len(names) == len(set(names))
    assert all(name.replace("_", "").replace("-", "").isalnum() for name in names)


def test_made_up_people_have_numbers_that_agree() -> None:
    for person in (samples.ELDER, samples.DAUGHTER):
        assert isinstance(parse(person.number), PersonNumber)
        assert person.name not in person.name_masked
    assert samples.ELDER.birth_year == 1944
    assert luhn_agrees(samples.ACCOUNT)
    assert receipt_number.agrees(samples.NUMBER)


def test_help_knows_which_pages_have_a_third_sentence() -> None:
    from ui.texts import load_catalogues

    texts = load_catalogues()["zh"]
    three = {
        situation.removeprefix("help_")
        for situation, keys in texts.items()
        if situation.startswith("help_") and "three" in keys
    }
    assert three == overlays.HELP_HAS_THREE
