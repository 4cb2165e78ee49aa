# SPDX-License-Identifier: GPL-3.0-or-later
# The Debian packages that building, running without a screen and testing need, and how they get there.
# Sourced by data/run-demo.sh and tests/run.sh; this is the only list.

BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config gettext itstool python3 libglib2.0-bin libgtk-4-bin
 libgtk-4-dev libadwaita-1-dev libsoup-3.0-dev libjson-glib-dev libsqlite3-dev libsecret-1-dev
 libmicrohttpd-dev libwslay-dev libcrypt-dev"

# A virtual display, a session bus, and a hand and an eye for the application.
SCREEN_PACKAGES="xvfb xauth dbus dbus-x11 at-spi2-core python3-gi gir1.2-atspi-2.0 imagemagick xdotool adwaita-icon-theme librsvg2-common
 fonts-dejavu-core"

TEST_PACKAGES="gnome-keyring desktop-file-utils appstream yelp-tools python3-jsonschema python3-yaml
 python3-websockets curl ca-certificates sqlite3 systemd"

# As root; without it apt can't install, and what is installed already does not need it.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    echo "Neither root nor sudo: install these packages first:$missing" >&2
    return 1
  fi
}

# install_packages NAME…: installs the missing ones; touches no network if there are none.
install_packages() {
  local name missing=
  if ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian system: what is needed must be installed already." >&2
    return 0
  fi
  for name in "$@"; do
    dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $name"
  done
  [ -n "$missing" ] || return 0
  echo "Installing:$missing"
  # shellcheck disable=SC2086
  { as_root apt-get update -q && as_root apt-get install -q -y --no-install-recommends $missing; } >&2
}

# Node.js of at least 16, from whatever source it came.
install_node() {
  local major
  major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
  if [ "$major" -lt 16 ] || ! command -v npm >/dev/null; then
    install_packages nodejs npm
  fi
}

# install_node_modules FOLDER: the third-party test peers of tests/support/package.json.
install_node_modules() {
  local support
  support=$(dirname "${BASH_SOURCE[0]}")
  mkdir -p "$1"
  if [ -d "$1/node_modules" ] && cmp -s "$support/package-lock.json" "$1/installed-lock.json"; then
    return 0
  fi
  cp "$support/package.json" "$support/package-lock.json" "$1/" || return 1
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error >&2) || return 1
  cp "$1/package-lock.json" "$1/installed-lock.json"
}
