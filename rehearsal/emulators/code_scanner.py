"""Code scanner, on a serial line or typing; see `bytes_on_a_line`."""

from __future__ import annotations

from pathlib import Path

from rehearsal.emulators.base import parser, run, state_path
from rehearsal.emulators.bytes_on_a_line import BAUD, SUFFIXES, CodeScanner


def main() -> None:
    arguments = parser("Code scanner on a serial line.")
    arguments.add_argument("--link", type=Path, required=True, help="Where the line shall appear.")
    arguments.add_argument("--baud", type=int, default=BAUD)
    arguments.add_argument("--suffix", choices=tuple(SUFFIXES), default="cr")
    arguments.add_argument("--types", action="store_true", help="Input events on a Unix socket.")
    given = arguments.parse_args()
    scanner = CodeScanner(
        given.link, state_path(given), given.baud, suffix=given.suffix, types=given.types
    )
    run(scanner, given.control)


if __name__ == "__main__":
    main()
