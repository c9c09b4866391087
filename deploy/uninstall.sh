#!/usr/bin/env bash
# Takes the terminal's data away, keys first. Refused while the terminal runs, and while anything
# waits for the hub: end it, then send what waits (`kiosk sync once`) or write it to a stick
# (`kiosk cache export DIR`), and try again.
set -euo pipefail
settings=$(realpath "${1:?the settings file of the terminal}")
cd "$(dirname "$0")/.."
exec .venv/bin/kiosk cache wipe --settings "$settings"
