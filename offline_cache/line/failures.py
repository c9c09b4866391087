"""Why there is no answer: a closed set, returned, never raised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class FailureKind(StrEnum):
    UNREACHABLE = "unreachable"  # no connection, no name
    TIMED_OUT = "timed_out"  # whether the hub did it is unknown
    UNTRUSTED = "untrusted"  # who answers is not our hub, or does not take our certificate
    UNAUTHORISED = "unauthorised"  # our hub, and it says no to this terminal
    TOO_MANY = "too_many"  # 429, or 503 with its Retry-After
    SERVER_ERROR = "server_error"
    GARBAGE = "garbage"  # not the hub's words
    BAD_REQUEST = "bad_request"  # the hub understood and says no, with a code


# The line itself failed; enough of them in a row open the circuit.
OF_THE_CONNECTION: Final = frozenset({FailureKind.UNREACHABLE, FailureKind.TIMED_OUT})
# Nothing may be sent until contact says otherwise; collecting goes on.
STOPPING: Final = frozenset({FailureKind.UNTRUSTED, FailureKind.UNAUTHORISED})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. `code` is the hub's, or a word of ours; never personal."""

    kind: FailureKind
    code: str = ""
    status: int = 0
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.code}" if self.code else str(self.kind)
