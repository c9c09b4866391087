#!/bin/sh
# `kiosk` of an installed terminal. Root becomes the terminal's account first: a file of the store
# that belongs to root would be closed to the terminal.
set -eu
program=/opt/kiosk/current/bin/kiosk
sealed=/etc/systemd/system/kiosk.service.d/credentials.conf
[ "$(id -u)" = 0 ] || exec "$program" "$@"
# Keys that systemd holds it hands to those whom it starts itself.
if [ -e "$sealed" ] && [ -d /run/systemd/system ]; then
    sed -n 's/^\(LoadCredential.*\)/--property=\1/p' "$sealed" | {
        handed=
        while read -r one; do handed="$handed $one"; done
        # shellcheck disable=SC2086 # one word each
        exec systemd-run --quiet --pipe --wait --collect --property=WorkingDirectory=-"$PWD" \
            --property=User=kiosk $handed "$program" "$@" </dev/null
    }
    exit
fi
exec runuser -u kiosk -- "$program" "$@"
