#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Shows the whole thing: installs what is missing, builds, and opens the application against a private backend
# with simulated customers.
#
#   data/run-demo.sh [--headless]
#
# Without a display, or with --headless, it does the same on a virtual one, leads a short conversation and leaves
# numbered screenshots and transcript.txt in _build/demo. There the backend is a process of its own (frontdesk
# --cache DIR --server URL with FRONTDESK_TOKEN), so that it can be stopped and started again in between.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh

headless=
case ${1-} in
  "") [ -n "${DISPLAY-}${WAYLAND_DISPLAY-}" ] || headless=yes ;;
  --headless) headless=yes ;;
  *) sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# shellcheck disable=SC2086
install_packages $BUILD_PACKAGES
if [ -n "$headless" ]; then
  # shellcheck disable=SC2086
  install_packages $SCREEN_PACKAGES
fi
[ -f _build/build.ninja ] || meson setup _build
ninja -C _build src/app/frontdesk src/server/main/frontdeskd src/cli/frontdeskctl data/gschemas.compiled

if [ -z "$headless" ]; then
  # The settings and icons of an installation, out of the tree.
  GSETTINGS_SCHEMA_DIR=$PWD/_build/data XDG_DATA_DIRS=$PWD/data:${XDG_DATA_DIRS:-/usr/local/share:/usr/share} \
    exec _build/src/app/frontdesk --demo
fi

rm -rf _build/demo
mkdir -p _build/demo
if SCREEN=1120x720 tests/support/with-screen.sh /usr/bin/python3 tests/support/demo_drive.py "$PWD/_build/demo" \
  2>_build/demo/stderr.log; then
  echo "The demonstration went through. Screenshots and transcript: $PWD/_build/demo"
else
  tail -n 40 _build/demo/stderr.log >&2
  echo "The demonstration FAILED; what there was of it: $PWD/_build/demo" >&2
  exit 1
fi
