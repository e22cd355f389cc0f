#!/bin/sh
# Writes requirements.lock: every version, direct or not, that a fresh environment resolves to today.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" -m venv "$scratch/venv"
pip() { "$scratch/venv/bin/python" -m pip --disable-pip-version-check "$@" </dev/null; }

pip install -qq "$(grep '^torch==' requirements.txt)"
pip install -qq -r requirements.txt -r requirements-dev.txt
pip freeze --all >"$scratch/freeze.txt"
{
    cat <<'HEADER'
# Every version that requirements.txt and requirements-dev.txt resolve to. Written by `make lock`; do not edit.
# A constraints file: pip install -r requirements.txt -c requirements.lock
# Without the CUDA libraries and Triton, which each build of torch pins itself, and without a build's local
# version (torch 2.13.0+cpu is 2.13.0 here), so that it serves the CPU and the CUDA build alike.
HEADER
    grep -vE '^(pip|triton|nvidia-.*|cuda-.*)==' "$scratch/freeze.txt" | sed -E 's/\+[A-Za-z0-9.]+$//'
} >requirements.lock
echo "requirements.lock: $(grep -c == requirements.lock) versions"
