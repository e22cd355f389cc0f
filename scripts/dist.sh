#!/bin/sh
# Builds dist/: the source archive and, from it, the wheel; then installs the wheel with all it needs into an empty
# environment, outside of the repository, and tries the library, the command and the app there.
#   PYTHON=python3.12 chooses the interpreter
set -eu
cd "$(dirname "$0")/.."

root=$PWD
scratch=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$scratch"' EXIT
say() { printf '%s\n' "$*"; }
new() { "${PYTHON:-python3}" -m venv "$scratch/$1"; }
# pip NAME …: the pip of that environment
pip() { environment=$1 && shift && "$scratch/$environment/bin/python" -m pip --disable-pip-version-check "$@" </dev/null; }

say "Building dist/ …"
new build
pip build install -qq build
rm -rf dist build
"$scratch/build/bin/python" -m build --outdir dist . >"$scratch/build.log" 2>&1 || {
    tail -n 30 "$scratch/build.log" >&2
    exit 1
}
wheel=$(echo dist/*.whl)

say "Installing $wheel with all it needs into an empty environment …"
new bare
pip bare install -qq -c requirements.lock "$(grep '^torch==' requirements.txt)" # first, and alone: see install.sh
pip bare install -qq -c requirements.lock "$wheel"

say "Trying it …"
cd "$scratch"
PATH=$scratch/bare/bin:$PATH
export PATH
[ "$(glassbert --version)" = "glassbert $(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$root/glassbert/__init__.py")" ]
glassbert classify "It was not bad at all."
python -c 'import glassbert as gb; assert gb.fill_mask(gb.load(), "Paris is the capital of [MASK].").candidates[0][0] == "france"'
CI=1 glassbert app --port "${PORT:-8799}" >server.log 2>&1 &
server=$!
python - "http://localhost:${PORT:-8799}/_stcore/health" <<'HEALTH' || { cat server.log >&2; exit 1; }
import sys, time, urllib.request

for attempt in range(120):
    try:
        answer = urllib.request.urlopen(sys.argv[1], timeout=5).read()
    except OSError:
        time.sleep(0.5)
    else:
        sys.exit(answer != b"ok")
sys.exit("the app did not start")
HEALTH
cd "$root"
say "Tried and found good:"
for file in dist/*; do say "  $file: $(($(wc -c <"$file") / 1000000)) MB"; done
