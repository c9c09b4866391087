"""What a person can do on a page: a closed set.

Each action carries the serial of the page on which it was pressed. The session drops what was
pressed on a page that is gone, and what was pressed so soon after a page came that it must
have been meant for the page before: two presses are one act.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Act(StrEnum):
    """Named for what the person means. `argument` in brackets."""

    START = "start"  # standby -> home
    CHOOSE_ITEM = "choose_item"  # [item id]
    BEGIN = "begin"  # guide: begin this item
    AGREE = "agree"
    DECLINE = "decline"
    FOR_RELATIVE = "for_relative"  # I act for an elder of my family
    OTHER_CARD = "other_card"  # try with another card
    CONFIRM_IDENTITY = "confirm_identity"  # 是我
    NOT_ME = "not_me"
    KEEP_WAITING = "keep_waiting"  # 再等一会儿
    RESUME_DRAFT = "resume_draft"
    DISCARD_DRAFT = "discard_draft"
    APPLY_AGAIN = "apply_again"  # although an earlier application exists
    HAND_IN = "hand_in"  # papers for the earlier application
    EDIT_FIELD = "edit_field"  # [field code]: this field is being typed
    SET_FIELD = "set_field"  # [field code], value
    TYPE_DIGIT = "type_digit"  # value: one digit of a password, which no argument ever holds
    ERASE_DIGIT = "erase_digit"
    CLEAR_DIGITS = "clear_digits"
    NEXT = "next"
    BACK = "back"
    TAKE_PICTURE = "take_picture"
    KEEP_PAGE = "keep_page"  # this picture is good (or kept although it is not)
    RETAKE_PAGE = "retake_page"
    CHANGE = "change"  # [review group] go back to that step, then return to the review
    SIGN_STROKES = "sign_strokes"  # strokes
    SUBMIT = "submit"
    RATE = "rate"  # [level "5".."1"]
    TOGGLE_REASON = "toggle_reason"  # [reason code]
    SKIP_RATING = "skip_rating"
    PRINT_AGAIN = "print_again"
    WITHOUT_PAPER = "without_paper"  # go on without the paper receipt
    FINISH = "finish"
    CHOOSE_PAPERS = "choose_papers"  # [card | other]
    REMOVE_PAGE = "remove_page"  # the one that was taken last
    SET_COPIES = "set_copies"  # [number]
    SET_GREY = "set_grey"  # [grey | colour]
    HAND_OVER_AGAIN = "hand_over_again"  # another code for a phone
    CHOOSE_BLANK = "choose_blank"  # [form code]
    # always on the tool row
    GO_HOME = "go_home"
    TOGGLE_LANGUAGE = "toggle_language"
    SHOW_TEXT_SIZES = "show_text_sizes"
    SET_TEXT_SIZE = "set_text_size"  # [normal | elder | largest]
    TOGGLE_CONTRAST = "toggle_contrast"
    TOGGLE_VOICE = "toggle_voice"
    TOGGLE_ELDER = "toggle_elder"
    TOGGLE_LOW_REACH = "toggle_low_reach"
    SHOW_HELP = "show_help"
    CLOSE_OVERLAY = "close_overlay"
    # overlays
    STAY = "stay"  # idle warning: I am still here; leave question: go on
    LEAVE = "leave"  # end and erase


Stroke = tuple[tuple[float, float], ...]
"""Points of one stroke, each 0..1 of the signature box's width and height."""


@dataclass(frozen=True, slots=True)
class Action:
    act: Act
    page_serial: int
    argument: str = ""
    value: str = field(default="", repr=False)
    strokes: tuple[Stroke, ...] = field(default=(), repr=False)
