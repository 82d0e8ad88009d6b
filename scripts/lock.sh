#!/usr/bin/env bash
# Writes requirements-dev.lock and requirements.lock (a part of it) anew, with hashes, for Linux and macOS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/python.sh

if command -v uv >/dev/null; then
  uv=uv
else
  uv=.setup/uv/bin/uv
  if [ ! -x "$uv" ]; then
    python=$(find_python) || { explain_python >&2; exit 1; }
    "$python" -m venv .setup/uv
    .setup/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
  fi
fi

lock() { "$uv" pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 "$@" pyproject.toml; }
lock --upgrade --extra dev --output-file requirements-dev.lock
lock --upgrade --constraint requirements-dev.lock --output-file requirements.lock
