"""A card as a person: how it is shown, what it is worth today."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from drivers.id_reader.values import CardKind, CardRecord
from kiosk.identity import masking
from kiosk.identity.numbers import PersonNumber, parse


@dataclass(frozen=True, slots=True)
class PersonCard:
    """A card as shown: masked, and full for the reveal button."""

    name_masked: str
    number_masked: str
    birth_year: int
    address_masked: str
    long_term: bool
    name: str = field(repr=False)
    number: str = field(repr=False)
    address: str = field(repr=False)


def person_card(card: CardRecord, *, in_full: bool = True) -> PersonCard:
    """The card as the screen shows it; not `in_full` nothing is there to be revealed."""
    called = card.name or card.english_name
    name, number = masking.name(called), masking.number(card.number)
    address = masking.address(card.current_address)
    return PersonCard(
        name_masked=name,
        number_masked=number,
        birth_year=card.born.year,
        address_masked=address,
        long_term=card.valid_to is None,
        name=called if in_full else name,
        number=card.number if in_full else number,
        address=card.current_address if in_full else address,
    )


def is_expired(card: CardRecord, today: date) -> bool:
    """Valid through its last day; 长期 never ends."""
    return card.valid_to is not None and card.valid_to < today


def is_not_yet_valid(card: CardRecord, today: date) -> bool:
    return card.valid_from is not None and card.valid_from > today


def number_agrees(card: CardRecord) -> bool:
    """Whether the number can be one: a misread card must not become an application.

    What the reader doubts (a check digit, a date that is none) counts too. The card of 2017 carries a number of its own kind, which has no rule that we know for sure.
    """
    if card.doubtful:
        return False
    if card.kind is CardKind.FOREIGN_2017:
        return len(card.number) == 15
    return isinstance(parse(card.number), PersonNumber)


def to_json(card: CardRecord) -> dict[str, object]:
    """The card in an application's body."""
    return {
        "kind": card.kind.value,
        "name": card.name or card.english_name,
        "number": card.number,
        "sex_code": card.sex_code,
        "nation_code": card.nation_code,
        "birth": card.born.isoformat(),
        "address": card.address,
        "appended_address": card.appended_address or None,
        "issuer": card.issuer,
        "valid_from": card.valid_from.isoformat() if card.valid_from else None,
        "valid_to": card.valid_to.isoformat() if card.valid_to else None,
    }
