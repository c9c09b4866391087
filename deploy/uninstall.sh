#!/usr/bin/env bash
# Takes the terminal's data away, keys first; on an installed terminal then the program too.
# Refused while the terminal runs (`systemctl stop kiosk`), and while anything waits for the hub:
# send what waits (`kiosk sync once`) or write it to a stick (`kiosk cache export DIR`), try again.
set -euo pipefail
settings=$(realpath "${1:?the settings file of the terminal}")
cd "$(dirname "$0")/.."
if [ ! -e complete ]; then # not what deploy/install.sh put there
    exec .venv/bin/kiosk cache wipe --settings "$settings"
fi
[ "$(id -u)" = 0 ] || { echo "uninstall: only root can" >&2; exit 1; }
case "$(systemctl is-active kiosk.service 2>/dev/null || true)" in
    inactive | failed | unknown | '') ;;
    *) echo "uninstall: the terminal runs; end it first: systemctl stop kiosk" >&2; exit 4 ;;
esac
deploy/terminal/kiosk.sh cache wipe --settings "$settings"
# Interrupted, it can be begun again: what it stands on goes last.
systemctl disable --quiet kiosk.service || true
if [ -d /run/systemd/system ]; then systemctl stop kiosk-screen.service || true; fi
rm -rf /etc/systemd/system/kiosk.service.d /etc/kiosk/credentials
rm -f /etc/systemd/system/kiosk.service /etc/systemd/system/kiosk-screen.service \
    /etc/udev/rules.d/60-kiosk.rules /etc/logrotate.d/kiosk /usr/local/bin/kiosk
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
cd /
rm -rf /opt/kiosk /var/log/kiosk /var/lib/kiosk
echo "uninstall: done. Left: $settings, the account kiosk, the Debian packages"
