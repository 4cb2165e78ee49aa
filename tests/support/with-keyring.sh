#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a command with a session bus and an unlocked keyring of its own.
set -e
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir -m 700 "$home/run"
HOME=$home XDG_DATA_HOME=$home/data XDG_RUNTIME_DIR=$home/run dbus-run-session -- sh -c '
  # Its own warnings are not ours to die of.
  printf pw | env -u G_DEBUG -u MALLOC_PERTURB_ gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
  # Whoever asks before the daemon has its name makes the bus start a second one.
  n=0
  until gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.GetNameOwner \
    org.freedesktop.secrets >/dev/null 2>&1; do
    n=$((n + 1))
    [ $n -lt 100 ] || exit 1
    sleep 0.1
  done
  "$@"
' sh "$@"
