"""Rating keypad, on a serial line or typing; see `bytes_on_a_line`."""

from __future__ import annotations

from pathlib import Path

from rehearsal.emulators.base import parser, run, state_path
from rehearsal.emulators.bytes_on_a_line import BAUD, MAKES, Keypad


def main() -> None:
    arguments = parser("Rating keypad on a serial line.")
    arguments.add_argument("--link", type=Path, required=True, help="Where the line shall appear.")
    arguments.add_argument("--baud", type=int, default=BAUD)
    arguments.add_argument("--make", choices=MAKES, default="digits")
    given = arguments.parse_args()
    run(Keypad(given.link, state_path(given), given.baud, make=given.make), given.control)


if __name__ == "__main__":
    main()
