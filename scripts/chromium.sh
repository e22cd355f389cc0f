#!/bin/sh
# Prints the path of a Chromium that runs, for the browser tests. Where there is none, installs Debian's, with
# fonts that cover Chinese, Arabic and emoji; where that takes rights we do not have, says so and fails.
#   CHROMIUM=/path/to/chrome names one
set -eu

fail() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

# `--version` and not only a look on PATH: Ubuntu has a chromium-browser that merely asks for a snap.
runs() { command -v "$1" >/dev/null 2>&1 && "$1" --version </dev/null >/dev/null 2>&1; }

find_chromium() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if runs "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

if [ -n "${CHROMIUM:-}" ]; then
    runs "$CHROMIUM" || fail "CHROMIUM=$CHROMIUM is not a browser that runs. Correct it, or leave it out."
    command -v "$CHROMIUM"
    exit
fi
find_chromium && exit

if ! command -v apt-get >/dev/null 2>&1; then
    fail "The browser tests need Chromium or Chrome, and there is none here. Install one, or name it: make test CHROMIUM=/path/to/chrome"
elif [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    fail "The browser tests need Chromium, and installing it needs root. Type: sudo apt install chromium   (or name one: make test CHROMIUM=/path/to/chrome)"
fi

printf 'Installing Chromium and fonts (once, about 100 MB) …\n' >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$log" 2>&1; }
# A stale list of one unrelated source fails the update, not the installation.
apt update || true
apt install -y --no-install-recommends \
    chromium fonts-dejavu-core fonts-wqy-microhei fonts-noto-color-emoji || tail -n 15 "$log" >&2
find_chromium ||
    fail "Chromium could not be installed from this system's packages. Install Chromium or Chrome another way, then name it: make test CHROMIUM=/path/to/chrome"
