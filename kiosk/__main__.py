"""`python -m kiosk`."""

from kiosk.entry.cli import main

main()
