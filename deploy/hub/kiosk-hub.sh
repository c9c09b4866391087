#!/bin/sh
# `kiosk-hub COMMAND`: the commands of `python -m hub` for an installed hub, as its own account and
# with its environment, which only root may read.
set -eu
exec systemd-run --quiet --pipe --wait --collect --property=User=kiosk-hub --property=UMask=0077 \
    --property=EnvironmentFile=/etc/kiosk-hub/environment --property=WorkingDirectory=-"$PWD" \
    --setenv=PYTHONSAFEPATH=1 /opt/kiosk-hub/current/bin/python -m hub "$@"
