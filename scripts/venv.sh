#!/usr/bin/env bash
# Builds .venv from the lock file; does nothing when it is already what the lock file says.
#
#   scripts/venv.sh          requirements.lock
#   scripts/venv.sh test     requirements-dev.lock, which holds all of the other
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/python.sh

purpose=${1:-run}
lock=requirements.lock
[ "$purpose" = test ] && lock=requirements-dev.lock

digest() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi | cut -c 1-64 | tr '\n' ' '; }

# A folder that was moved or copied has programs that name the old place; a Python that was upgraded away is gone.
if [ -e .venv ] && ! head -n 2 .venv/bin/pip 2>/dev/null | grep -Fq "$PWD/.venv/bin/python"; then
  echo "Building .venv anew: it was made for another folder, or not to its end."
  rm -rf .venv
elif [ -e .venv ] && ! python_suits .venv/bin/python; then
  echo "Building .venv anew: its Python is gone or too old."
  rm -rf .venv
fi

wanted=$(digest "$lock" pyproject.toml)
stamp=.venv/.huiyan-$purpose
[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
if [ ! -e .venv ]; then
  python=$(find_python) || { explain_python >&2; exit 1; }
  echo "Making .venv with $("$python" --version)"
  "$python" -m venv .venv
fi

rm -f .venv/.huiyan-run .venv/.huiyan-test
echo "Installing the Python packages of $lock (the first time takes a few minutes)"
# The lock is complete; asked for their own needs, packages would bring the OpenCV that pyproject.toml leaves out.
.venv/bin/python -m pip install --no-deps --require-hashes --no-compile -r "$lock" |
  sed -E '/already satisfied|^Ignoring |^Looking in /d'
# pip would compile on one core only; some packages bring files of another Python's syntax, which nobody imports
.venv/bin/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 || true
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
echo "$wanted" >"$stamp"
if [ "$purpose" = test ]; then digest requirements.lock pyproject.toml >.venv/.huiyan-run; fi
