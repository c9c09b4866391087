"""What could not be opened, once more: a key was restored, or the hub was updated.

Such an item is held, sealed, with a verdict that its terminal was told. It is opened anew as if it had
just come. What can be taken now is taken, and the terminal hears of it as of any verdict, so that it
leaves the tray there; what still cannot keeps its verdict, and nobody is told twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from django.utils import timezone

from hub.applications.models import Outcome, ReceivedItem, Verdict
from hub.applications.opener import ATTACHMENT_SEALED, PAGE, Opener
from hub.applications.verdicts import TAKEN
from hub.applications.writer import Writer
from hub.seal.envelope import SealFault

# What a key or a suite that the hub has now may have mended.
FOR_WANT_OF_A_KEY = (SealFault.UNKNOWN_KEY.value, SealFault.UNKNOWN_SUITE.value, ATTACHMENT_SEALED)


@dataclass(frozen=True, slots=True)
class Reopened:
    """`still`: how many cannot be taken, by the code of their verdict; `later`: could not be looked
    at now (the attachments' store is away, or by a fault of ours) and are by themselves."""

    looked_at: int
    read: int
    still: Mapping[str, int]
    later: int


def reopen(opener: Opener, writer: Writer, codes: Collection[str]) -> Reopened:
    """Open again what was refused with one of these codes, in the order in which it was."""
    refused = Verdict.objects.filter(result=Outcome.REFUSED, code__in=codes)
    ids = list(refused.order_by("no").values_list("pk", flat=True))
    read, later, still = 0, 0, Counter[str]()
    for at in range(0, len(ids), PAGE):
        page = ids[at : at + PAGE]
        items = ReceivedItem.objects.filter(pk__in=page, to_open_at__isnull=True)
        again = items.exclude(verdict__result=TAKEN)
        writer.run(partial(again.update, to_open_at=timezone.now()))
        opener.of_items(page)
        waiting = ReceivedItem.objects.filter(pk__in=page, to_open_at__isnull=False)
        put_off = set(waiting.values_list("pk", flat=True))
        later += len(put_off)
        now = Verdict.objects.filter(pk__in=page).exclude(pk__in=put_off)
        for result, code in now.values_list("result", "code"):
            if result == TAKEN:
                read += 1
            else:
                still[code] += 1
    return Reopened(len(ids), read, dict(sorted(still.items())), later)
