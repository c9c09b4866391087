"""Attachments that items name and the store lost: it was restored from an older copy than the database.

A terminal keeps what it delivered for a while. It is asked for such an item's place again, is told
then what is missing, and hands it over as it did the first time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hub.applications.blobs import AttachmentStore
from hub.applications.models import AskedAgain, ReceivedItem, named
from hub.applications.places import RANGES_MAX

_NAMING = ("pk", "queue__terminal_id", "queue__epoch", "seq", "attachments")
PAGE = 50  # items whose attachments are looked for together; each has a handful

Place = tuple[str, str, int]  # terminal, epoch, seq


@dataclass(frozen=True, slots=True)
class Checked:
    """Of items that name attachments: how many, and of how many the store lost some."""

    items: int
    lost: int


def check(store: AttachmentStore) -> Checked:
    """Look for every attachment, and have the terminals asked for what is lost. OSError if the store
    is away."""
    items, lost = 0, set[Place]()
    for page in _pages():
        held = store.sizes({name for _, names in page for name in names})
        lost |= {place for place, names in page if any(name not in held for name in names)}
        items += len(page)
    again = [
        row.pk
        for row in AskedAgain.objects.all()
        if (row.terminal_id, row.epoch, row.seq) not in lost
    ]
    AskedAgain.objects.filter(pk__in=again).delete()
    AskedAgain.objects.bulk_create(
        [
            AskedAgain(terminal_id=terminal, epoch=epoch, seq=seq)
            for terminal, epoch, seq in sorted(lost)
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )
    return Checked(items, len(lost))


def asked_again(terminal: str, epoch: str) -> list[list[int]]:
    """Ranges of places, as many as are told at a time. The newest first: what a terminal has erased
    meanwhile is the oldest, and must not stand in the others' way."""
    places = AskedAgain.objects.filter(terminal_id=terminal, epoch=epoch).order_by("-seq")
    return [[seq, seq] for seq in places.values_list("seq", flat=True)[:RANGES_MAX]]


def found_again(terminal: str, epoch: str, seqs: Sequence[int]) -> None:
    """These came once more, and all they name is held."""
    AskedAgain.objects.filter(terminal_id=terminal, epoch=epoch, seq__in=seqs).delete()


def _pages() -> Iterator[list[tuple[Place, list[str]]]]:
    naming = ReceivedItem.objects.exclude(attachments=b"").order_by("pk")
    after = None
    while True:
        rest = naming if after is None else naming.filter(pk__gt=after)
        rows = list(rest.values_list(*_NAMING)[:PAGE])
        if not rows:
            return
        after = rows[-1][0]
        yield [
            ((terminal, epoch, seq), named(bytes(names))) for _, terminal, epoch, seq, names in rows
        ]
