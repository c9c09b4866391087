#!/usr/bin/env bash
# Takes the terminal's data away, keys first - and refuses while anything waits for the hub.
# Send it (`kiosk sync once`) or write it to a stick (`kiosk cache export DIR`), then try again.
set -euo pipefail
settings=$(realpath "${1:?the settings file of the terminal}")
cd "$(dirname "$0")/.."
if systemctl list-unit-files kiosk.service >/dev/null 2>&1; then
    systemctl disable --now kiosk.service || true
fi
exec .venv/bin/kiosk cache wipe --settings "$settings"
