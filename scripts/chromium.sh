#!/bin/sh
# Prints the path of a Chromium that runs, for the browser tests. Where it, or a library that drives it, is missing,
# installs Debian's; where that takes rights we do not have, says so and fails.
#   CHROMIUM=/path/to/chrome names one
set -eu

say() { printf '%s\n' "$*" >&2; }
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

# Playwright's driver is a Node.js that needs this library, which the smallest systems leave out.
has_libatomic() {
    libraries=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) || return 0 # not that kind of system
    case $libraries in *libatomic.so.1*) ;; *) return 1 ;; esac
}

name_one='make test CHROMIUM=/path/to/chrome'
needed=
if [ -n "${CHROMIUM:-}" ]; then
    runs "$CHROMIUM" || fail "CHROMIUM=$CHROMIUM is not a browser that runs. Correct it, or leave it out."
    chromium=$(command -v "$CHROMIUM")
else
    chromium=$(find_chromium) || needed=chromium
fi
has_libatomic || needed="${needed:+$needed }libatomic1"
if [ -z "$needed" ]; then
    printf '%s\n' "$chromium"
    exit
fi

if ! command -v apt-get >/dev/null 2>&1; then
    fail "The browser tests need what is not here: $needed. Install it (any Chromium or Chrome will do, see $name_one)."
elif [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    fail "The browser tests need what only root can install. Type: sudo apt install $needed   (or name a browser: $name_one)"
fi

# a page in Chinese, in Arabic or with emoji is drawn, not boxed
[ "${needed#chromium}" = "$needed" ] || needed="$needed fonts-dejavu-core fonts-wqy-microhei fonts-noto-color-emoji"
say "Installing for the browser tests (once, about 100 MB): $needed …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$log" 2>&1; }
# A stale list of one unrelated source fails the update, not the installation.
apt update || true
# shellcheck disable=SC2086 # a list of packages, on purpose
apt install -y --no-install-recommends $needed || {
    tail -n 15 "$log" >&2
    fail "This system's packages could not be installed (apt says why above). Install Chromium or Chrome another way, then name it: $name_one"
}
[ -n "${chromium:-}" ] || chromium=$(find_chromium) ||
    fail "Chromium was installed and does not run. Install Chromium or Chrome another way, then name it: $name_one"
printf '%s\n' "$chromium"
