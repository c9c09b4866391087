"""What was judged is what is kept: pages go into the PDF byte for byte."""

from __future__ import annotations

import io

import numpy as np
import paper_frames as frames
import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from drivers.device import Fault, FaultCode
from kiosk.documents.jpeg import described, srgb_profile, true_size_mm
from kiosk.documents.looker import Looker
from kiosk.documents.pdf import make_pdf, sheets_of
from kiosk.documents.picture import PictureFault, decode_picture
from kiosk.documents.rectify import to_jpeg
from kiosk.documents.signature import HEIGHT_PX, WIDTH_PX, draw_signature


def page(seed: int, width: int = 400, height: int = 566) -> bytes:
    return to_jpeg(frames.sheet(np.random.default_rng(seed), width, height))


def test_every_page_is_in_the_pdf_byte_for_byte_and_in_order() -> None:
    pages = (page(1), page(2, 566, 400), page(3))
    pdf = make_pdf(pages)
    assert isinstance(pdf, bytes)
    assert pdf.startswith(b"%PDF-")
    places = [pdf.find(one) for one in pages]
    assert -1 not in places
    assert places == sorted(places)
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") == 3


@pytest.mark.parametrize(
    "pages",
    [
        (),
        (b"",),
        (b"not a picture",),
        (page(1)[:300],),
        (page(1), b"\x89PNG\r\n\x1a\n"),
        (page(1),) * 31,
    ],
)
def test_what_is_no_jpeg_is_refused_by_a_value(pages: tuple[bytes, ...]) -> None:
    answer = make_pdf(pages)
    if isinstance(answer, bytes):  # a JPEG cut short still has a head; it goes in as it is
        assert pages[0] in answer
    else:
        assert isinstance(answer, Fault)
        assert answer.code is FaultCode.BAD_INPUT


def boxes(pdf: bytes) -> list[tuple[float, float, int]]:
    """Width and height of every sheet in mm, and how many pictures are on it."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return [
            (
                round(float(page.mediabox[2]) / 72 * 25.4, 1),
                round(float(page.mediabox[3]) / 72 * 25.4, 1),
                sum(bytes(one.read_bytes()).count(b" Do") for one in streams(page)),
            )
            for page in document.pages
        ]


def streams(page: pikepdf.Page) -> list[pikepdf.Object]:
    """The page's own contents and those of what was laid over it."""
    resources = page.obj.get("/Resources", {}).get("/XObject", {})
    forms = [one for one in resources.values() if one.get("/Subtype") == "/Form"]
    page.contents_coalesce()
    return [page.obj["/Contents"], *forms]


def test_pages_that_know_their_size_have_it_on_the_sheet_and_keep_their_bytes() -> None:
    a5 = described(page(1, 874, 1240), 150)  # 148 x 210 mm
    a3 = described(page(2, 1754, 1240), 106)  # 420 x 297 mm
    pdf = make_pdf((a5, a3))
    assert isinstance(pdf, bytes)
    assert a5 in pdf
    assert a3 in pdf
    assert boxes(pdf) == [(210.0, 297.0, 1), (420.3, 297.1, 1)]
    with pikepdf.open(io.BytesIO(pdf)) as document:
        contents = document.pages[0].Contents.read_bytes()
        matrix = [float(part) for part in contents.split(b" cm")[0].split()[-6:]]
        assert abs(matrix[0] / 72 * 25.4 - 148) < 0.3
        assert abs(matrix[3] / 72 * 25.4 - 210) < 0.3


def test_both_sides_of_a_card_are_on_one_sheet_and_pages_around_them_on_their_own() -> None:
    card = described(page(3, 856, 540), 254)
    back = described(page(4, 856, 540), 254)
    pdf = make_pdf((page(5), card, back, page(6)))
    assert isinstance(pdf, bytes)
    assert [on_it for _, _, on_it in boxes(pdf)] == [1, 3, 1]  # two pictures, one inside a form
    assert card in pdf
    assert back in pdf
    assert boxes(pdf)[1][:2] == (210.0, 297.0)
    assert sheets_of(pdf) == 3  # as many as a printer will use


def test_colours_are_told_once_and_the_same_bytes_come_out_every_time() -> None:
    one = described(page(1), None)
    assert described(page(1), None) == one
    with Image.open(io.BytesIO(one)) as picture:
        assert picture.info["icc_profile"] == srgb_profile()
        assert picture.size == (400, 566)
    assert described(one, 300) != one
    assert true_size_mm(described(page(1), 254), 400, 566) == pytest.approx((40.0, 56.6))
    assert true_size_mm(one, 400, 566) is None
    assert true_size_mm(page(1), 400, 566) is None
    assert b"/ICCBased" in (make_pdf((one,)) or b"")  # type: ignore[operator]
    assert make_pdf((one,)) == make_pdf((one,))


@given(st.binary(max_size=60))
def test_any_bytes_have_a_size_or_none(data: bytes) -> None:
    true_size_mm(b"\xff\xd8" + data, 10, 10)


def test_a_document_over_its_limit_is_refused_and_a_page_is_made_to_fit() -> None:
    refused = make_pdf((page(1),), 10_000)
    assert isinstance(refused, Fault)
    big = frames.sheet(np.random.default_rng(1))
    for most in (400_000, 120_000, 70_000):
        small = to_jpeg(big, most)
        assert len(small) <= most
        assert min(np.asarray(Image.open(io.BytesIO(small))).shape[:2]) >= 600


def test_a_signature_shows_where_the_finger_went() -> None:
    png = draw_signature((((0.1, 0.5), (0.5, 0.5)), ((0.8, 0.2), (0.8, 0.9)), ((0.3, 0.1),)))
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (WIDTH_PX, HEIGHT_PX)
        assert picture.mode == "L"
        grey = np.asarray(picture)
    assert grey[HEIGHT_PX // 2, int(WIDTH_PX * 0.3)] < 60
    assert grey[int(HEIGHT_PX * 0.6), int(WIDTH_PX * 0.8)] < 60
    assert grey[int(HEIGHT_PX * 0.1), int(WIDTH_PX * 0.3)] < 60  # a dot
    assert grey[int(HEIGHT_PX * 0.9), int(WIDTH_PX * 0.1)] > 250


POINT = st.tuples(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(POINT, max_size=8).map(tuple), max_size=5).map(tuple))
def test_any_strokes_make_a_picture(strokes: tuple[tuple[tuple[float, float], ...], ...]) -> None:
    with Image.open(io.BytesIO(draw_signature(strokes))) as picture:
        assert picture.size == (WIDTH_PX, HEIGHT_PX)


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_picture_or_a_fault(data: bytes) -> None:
    answer = decode_picture(data)
    assert isinstance(answer, PictureFault) or answer.ndim == 3


def test_a_picture_bomb_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    answer = decode_picture(out.getvalue())
    assert isinstance(answer, PictureFault)
    assert answer.fault == "too_large"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_picture_comes_out_in_colour_of_8_bits(mode: str) -> None:
    out = io.BytesIO()
    kind = "JPEG" if mode == "CMYK" else "PNG"
    Image.new(mode, (40, 30), 1 if mode in ("1", "P", "L", "I;16") else None).save(out, kind)
    answer = decode_picture(out.getvalue())
    assert not isinstance(answer, PictureFault)
    assert answer.shape == (30, 40, 3)
    assert answer.dtype == np.uint8


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animated_picture_the_first_is_taken(kind: str) -> None:
    out = io.BytesIO()
    first, second = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    first.save(
        out,
        kind,
        save_all=True,
        append_images=[second],
        **({"lossless": True} if kind == "WEBP" else {}),
    )
    answer = decode_picture(out.getvalue())
    assert not isinstance(answer, PictureFault)
    assert answer.shape == (30, 40, 3)
    assert answer[15, 20, 2] > 200  # red, not blue


def test_one_pixel_is_a_picture_and_no_page() -> None:
    out = io.BytesIO()
    Image.new("RGB", (1, 1), "white").save(out, "PNG")
    answer = decode_picture(out.getvalue())
    assert not isinstance(answer, PictureFault)
    assert Looker(None).still(answer).page is None
    assert make_pdf((to_jpeg(answer),)) is not None


@pytest.mark.parametrize("size", [(30_000, 1), (1, 30_000), (33, 9_000)])
def test_pictures_of_odd_shapes_break_nothing(size: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.new("L", size, 200).save(out, "PNG")
    answer = decode_picture(out.getvalue())
    assert not isinstance(answer, PictureFault)
    Looker(None).still(answer)
    assert not isinstance(make_pdf((to_jpeg(answer),)), Fault)


def test_a_picture_cut_short_is_told_or_shown_as_far_as_it_goes() -> None:
    whole = page(1)
    for share in (0.02, 0.3, 0.9):
        answer = decode_picture(whole[: int(len(whole) * share)])
        assert isinstance(answer, PictureFault) or answer.shape == (566, 400, 3)
