#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a command with a session bus and an unlocked keyring of its own.
set -e
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir -m 700 "$home/run"
HOME=$home XDG_DATA_HOME=$home/data XDG_RUNTIME_DIR=$home/run dbus-run-session -- sh -c '
  echo -n pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null
  "$@"
' sh "$@"
