#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a command with a virtual display, a session bus and the accessibility registry, all its own:
#   with-screen.sh COMMAND…
# The command may take screenshots with "import -window root FILE". SCREEN says the size (1280x800).
set -u
if [ "${1-}" != --inside ]; then
  folder=$(mktemp -d) || exit 1
  mkdir -m 700 "$folder/run" "$folder/home" || exit 1
  mkfifo "$folder/display" || exit 1
  exec 6<>"$folder/display"
  Xvfb -displayfd 6 -screen 0 "${SCREEN:-1280x800}x24" -nolisten tcp -noreset 2>"$folder/xvfb.log" &
  server=$!
  finish() { kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$folder"; }
  trap finish EXIT
  trap 'exit 143' TERM INT
  if ! read -r -t 20 -u 6 number; then
    cat "$folder/xvfb.log" >&2
    echo "The virtual display did not start." >&2
    exit 1
  fi
  export DISPLAY=:$number XDG_RUNTIME_DIR=$folder/run HOME=$folder/home GDK_BACKEND=x11 GSK_RENDERER=cairo LC_ALL=C.UTF-8
  export GSETTINGS_BACKEND=memory NO_AT_BRIDGE=0 XDG_DATA_HOME=$HOME/data XDG_CONFIG_HOME=$HOME/config XDG_CACHE_HOME=$HOME/cache
  unset WAYLAND_DISPLAY GTK_A11Y
  # A bus that starts nothing by itself: what happens to be installed (a desktop portal, say) would open
  # windows of its own, which answer nobody here.
  cat >"$folder/bus.conf" <<'END'
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
END
  dbus-run-session --config-file="$folder/bus.conf" -- "$0" --inside "$@" &
  session=$!
  wait $session
  exit $?
fi
shift
# Without the registry started first, no application is seen.
/usr/libexec/at-spi-bus-launcher --launch-immediately >&2 &
launcher=$!
for _ in $(seq 100); do
  address=$(gdbus call --session -d org.a11y.Bus -o /org/a11y/bus -m org.a11y.Bus.GetAddress 2>/dev/null | cut -d"'" -f2)
  [ -n "$address" ] && break
  sleep 0.1
done
gdbus call --address "$address" -d org.freedesktop.DBus -o / \
  -m org.freedesktop.DBus.StartServiceByName org.a11y.atspi.Registry 0 >/dev/null || exit 1
"$@"
code=$?
kill $launcher 2>/dev/null
exit $code
