"""How many attempts failed lately, by kind and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from hub.guard.models import FailedAttempt


@dataclass(frozen=True, slots=True)
class Guard:
    """So many failures in so long a time, then wait."""

    kind: str
    failures: int
    window_s: int

    def closed(self, who: str) -> bool:
        since = timezone.now() - timedelta(seconds=self.window_s)
        seen = FailedAttempt.objects.filter(kind=self.kind, key=_digest(who), at__gte=since)
        return seen.count() >= self.failures

    def failed(self, who: str) -> None:
        now = timezone.now()
        old = now - timedelta(seconds=self.window_s)
        FailedAttempt.objects.filter(kind=self.kind, at__lt=old).delete()
        FailedAttempt.objects.create(kind=self.kind, key=_digest(who), at=now)

    def passed(self, who: str) -> None:
        FailedAttempt.objects.filter(kind=self.kind, key=_digest(who)).delete()


def _digest(who: str) -> str:
    return salted_hmac("hub.guard", who, algorithm="sha256").hexdigest()


# A code lives ten minutes and has 40 bits: ten guesses from one address are plenty for a person
# with thick fingers. The second limit is for many addresses together.
ENROLMENT = Guard("enrolment", failures=10, window_s=600)
ENROLMENT_ALL = Guard("enrolment_all", failures=200, window_s=600)
# By user name and address: a stranger elsewhere cannot lock the clerk out.
LOGIN = Guard("login", failures=8, window_s=600)
