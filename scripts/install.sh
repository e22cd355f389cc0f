#!/bin/sh
# Brings .venv in line with the pinned requirements; does nothing, in a few milliseconds, when it already is.
#   sh scripts/install.sh app | dev | bench | docs        PYTHON=python3.12 chooses the interpreter
set -eu
cd "$(dirname "$0")/.."

wanted=${1:?usage: sh scripts/install.sh app|dev|bench|docs}
PYTHON=${PYTHON:-python3}
VENV=.venv
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0

say() { printf '%s\n' "$*"; }
fail() {
    printf '\n%s\n' "$*" >&2
    exit 1
}
sudo=$([ "$(id -u)" = 0 ] || printf 'sudo ')

create_venv() {
    if ! command -v "$PYTHON" >/dev/null 2>&1; then
        [ "$PYTHON" = python3 ] ||
            fail "There is no '$PYTHON' here. Leave PYTHON out, or name a Python that is installed, 3.11 or newer."
        fail "GlassBERT needs Python 3.11 or newer. Type: ${sudo}apt install python3 python3-venv"
    fi
    version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])') ||
        fail "'$PYTHON' does not run. Name another Python, 3.11 or newer: make app PYTHON=/usr/bin/python3"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "GlassBERT needs Python 3.11 or newer, and '$PYTHON' is $version. If a newer one is installed, name it: make app PYTHON=python3.12"
    # Debian and Ubuntu ship Python without this part.
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "Python $version has no venv module here. Type: ${sudo}apt install python$version-venv"
    say "Creating a virtual environment in $VENV with Python $version …"
    "$PYTHON" -m venv --clear "$VENV"
}

# The stamp holds what was installed, word for word: any changed pin installs again.
stamp() { printf '%s/.installed-%s' "$VENV" "$1"; }
pins() { cat requirements.lock requirements.txt "requirements-$1.txt" 2>/dev/null || true; }
current() { [ -e "$(stamp "$1")" ] && [ "$(pins "$1")" = "$(cat "$(stamp "$1")")" ]; }

install() {
    "$VENV/bin/python" -m pip install --no-compile "$@" </dev/null ||
        fail "The installation stopped (pip says why above). The same command goes on where it stopped."
}

# pip compiles one module after another, half of its time; this takes all cores. What is left out or cannot be compiled
# is compiled, or fails, when it is imported.
compile_modules() { "$VENV/bin/python" -m compileall -q -j 0 -x '/tests/' "$VENV/lib" >/dev/null 2>&1 || true; }

install_app() {
    torch=$(grep '^torch==' requirements.txt)
    say "Installing $torch (once: 190 MB where pip finds a CPU build, 3 GB with CUDA) …"
    # On a terminal pip shows how far a download of this size has come; in a log that would be noise.
    if [ -t 1 ]; then verbosity=; else verbosity=-qq; fi
    # first, and alone: the pin decides which build of torch the rest is installed beside
    install $verbosity -c requirements.lock "$torch"
    say "Installing Streamlit, transformers, Captum and the rest (once, about 200 MB) …"
    install -qq -c requirements.lock -r requirements.txt
    compile_modules
}

install_set() {
    current "$1" && return
    rm -f "$(stamp "$1")"
    case $1 in
    app) install_app ;;
    dev)
        say "Installing the development tools (once, about 150 MB) …"
        install -qq -c requirements.lock -r requirements-dev.txt
        ;;
    bench)
        say "Installing what the benchmarks compare with (once, under 1 MB) …"
        install -qq --no-deps -r requirements-bench.txt
        ;;
    docs)
        say "Installing what makes the API reference (once, about 2 MB) …"
        install -qq -c requirements.lock -r requirements-docs.txt
        ;;
    *) fail "There is no set of requirements '$1'. Choose app, dev, bench or docs." ;;
    esac
    pins "$1" >"$(stamp "$1")"
}

# An environment whose interpreter is gone, say after a system upgrade, is made anew.
"$VENV/bin/python" -c '' 2>/dev/null || create_venv
install_set app
[ "$wanted" = app ] || install_set "$wanted"
