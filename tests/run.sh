#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing, builds, and runs the tests. The last line is "N passed, N failed, N skipped".
#
#   tests/run.sh [--suite slow|flatpak|long]… [--setup werror|asan|tsan] [--build-dir DIR]
#
# Without --suite: everything but the suites slow, flatpak and long. With it: those suites alone.
# Without --setup: warnings are errors. asan and tsan build into folders of their own.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh

usage() {
  sed -n '3,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

setup=werror build= suites=()
while [ $# -gt 0 ]; do
  case $1 in
    --suite) case ${2-} in slow | flatpak | long) suites+=(--suite "$2") ;; *) usage ;; esac; shift 2 ;;
    --setup) case ${2-} in werror | asan | tsan) setup=$2 ;; *) usage ;; esac; shift 2 ;;
    --build-dir) [ -n "${2-}" ] || usage; build=$2; shift 2 ;;
    *) usage ;;
  esac
done

options=(-Dtests=true)
environment=()
multiplier=1
case $setup in
  werror)
    build=${build:-_build}
    options+=(-Dwerror=true)
    ;;
  asan)
    build=${build:-_build-asan}
    options+=(-Db_sanitize=address,undefined -Db_lundef=false)
    # Up to GCC 13 the run-time library takes a block of thread-local storage for one with a header of an old glibc, if it
    # happens to lie so, and the search for leaks then dies reading it: intercept_tls_get_addr=0.
    environment=(G_SLICE=always-malloc GSK_RENDERER=cairo
      ASAN_OPTIONS=fast_unwind_on_malloc=0:detect_stack_use_after_return=1:intercept_tls_get_addr=0
      UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
      "LSAN_OPTIONS=suppressions=$PWD/tests/support/lsan.supp:print_suppressions=0")
    multiplier=4
    environment+=(FRONTDESK_TEST_SLOWNESS=4)
    ;;
  tsan)
    build=${build:-_build-tsan}
    options+=(-Db_sanitize=thread -Db_lundef=false)
    environment=("TSAN_OPTIONS=suppressions=$PWD/tests/support/tsan.supp:halt_on_error=1:history_size=7")
    multiplier=6
    environment+=(FRONTDESK_TEST_SLOWNESS=6)
    # What has threads: the store, the engine's driver and the backend.
    [ ${#suites[@]} -gt 0 ] || suites=(--suite unit --suite store --suite sync --suite server --suite connectors)
    ;;
esac
if [ ${#suites[@]} -eq 0 ]; then
  suites=(--no-suite slow --no-suite flatpak --no-suite long)
fi

finish() { # finish CODE: says the numbers last, whatever happened
  local counted=1
  if [ -f "$build/meson-logs/testlog.json" ] && [ "$1" != broken ]; then
    python3 tests/support/count-tests.py "$build/meson-logs/testlog.json"
    counted=$?
  else
    echo "0 passed, 1 failed, 0 skipped"
  fi
  [ "$1" = 0 ] && [ $counted = 0 ]
  exit
}

broken() {
  echo "$1" >&2
  finish broken
}

# shellcheck disable=SC2086
install_packages $BUILD_PACKAGES $SCREEN_PACKAGES $TEST_PACKAGES || broken "The packages could not be installed."
install_node || broken "Node.js could not be installed."

if [ -f "$build/build.ninja" ]; then
  meson configure "$build" "${options[@]}" || broken "The build could not be configured."
else
  meson setup "$build" "${options[@]}" || broken "The build could not be configured."
fi
install_node_modules "$build/node" || broken "The third-party test peers could not be installed."
rm -f "$build/meson-logs/testlog.json"
ninja -C "$build" -j "$(nproc)" || broken "It does not build."

env "${environment[@]}" FRONTDESK_NODE_MODULES="$PWD/$build/node/node_modules" \
  meson test -C "$build" --no-rebuild --print-errorlogs --num-processes 2 --timeout-multiplier $multiplier "${suites[@]}"
finish $?
