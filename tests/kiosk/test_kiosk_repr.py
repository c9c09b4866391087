"""What an exception or a log might print of our values shows nothing of a person, and no key."""

from __future__ import annotations

import base64

from kiosk.documents.messages import MakeDocuments
from kiosk.entry.supervisor import Recipe
from kiosk.flow.actions import Act, Action
from kiosk.flow.case import Case, TakenPage, _Draft, _DraftPage
from kiosk.flow.pages import Advice

PHONE = "13800138000"
KEY = b"0123456789abcdef0123456789abcdef"
STROKES = (((0.125, 0.625), (0.375, 0.875)),)


def test_a_key_that_is_handed_to_a_child_is_not_shown() -> None:
    recipe = Recipe("sync", lambda fd, secrets: [], b"ping", secrets=lambda: (KEY,))
    assert KEY.decode() not in repr(recipe)
    assert "secrets" not in repr(recipe)


def test_neither_a_case_nor_its_draft_shows_what_was_entered() -> None:
    page = TakenPage("page-1", Advice.GOOD, 10, 10, b"\xff\xd8 household")
    case = Case("old_age_allowance", 1, form={"phone": PHONE}, pages={"household": (page,)})
    draft = _Draft.model_validate_json(case.to_draft())
    for shown in (repr(case), repr(draft), str(draft), repr(page)):
        assert PHONE not in shown and "household" not in shown
    kept = _DraftPage(
        advice=Advice.GOOD,
        width_px=1,
        height_px=1,
        jpeg=base64.b64encode(b"paper"),
        fingerprint=0,
        doubt=None,
    )
    assert "paper" not in repr(kept)


def test_a_signature_is_not_shown_on_its_way() -> None:
    for value in (
        MakeDocuments(id=1, strokes=STROKES),
        Action(Act.SIGN_STROKES, 1, strokes=STROKES),
    ):
        assert "0.125" not in repr(value)
