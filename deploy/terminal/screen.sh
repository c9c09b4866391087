#!/bin/sh
# The X server of an installed terminal, on its seventh console. Only who has the key may draw on
# it or listen to it, and only the terminal's account gets the key.
set -eu
umask 077
key=/run/kiosk-screen/authority
rm -f "$key"
xauth -q -f "$key" add :0 . "$(mcookie)"
chown kiosk "$key"
# No pointer on a touch screen; the screen never sleeps: it says at 2 a.m. that the machine is open.
exec /usr/bin/Xorg :0 vt7 -auth "$key" -nolisten tcp -noreset -nocursor -s 0 -dpms
