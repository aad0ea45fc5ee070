#!/bin/sh
# Makes the user, and lets systemd see the unit. Nothing is started: its secrets are not
# there yet.
set -e
if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers hourbank.conf
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
