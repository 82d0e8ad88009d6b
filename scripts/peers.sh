#!/usr/bin/env bash
# Installs the peers that benches compare with and that have no wheels: VisiLibity (LGPL), built from its source.
# Needs a C++ compiler; swig comes from PyPI into .setup/peers. Benches run without it and say that it is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ ! -x .venv/bin/python ]; then echo "Run make setup-test first." >&2; exit 1; fi
if .venv/bin/python -c 'import visilibity' 2>/dev/null; then echo "visilibity is here."; exit 0; fi
if ! command -v c++ >/dev/null && ! command -v g++ >/dev/null; then
  echo "VisiLibity is C++ source and there is no compiler here (Debian, Ubuntu: apt-get install g++)." >&2
  exit 1
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
[ -x .setup/peers/bin/swig ] || { .venv/bin/python -m venv .setup/peers; .setup/peers/bin/pip install --quiet 'swig==4.*'; }
echo "Building VisiLibity (about a minute)"
PATH="$PWD/.setup/peers/bin:$PATH" .venv/bin/python -m pip install --quiet --no-deps --no-binary :all: --require-hashes -r /dev/stdin <<'LOCK'
visilibity==1.0.10 --hash=sha256:0db127ab576bc100539c9cba447e34797c985bc6949a9f8a30191a40a609457e
LOCK
.venv/bin/python -c 'import visilibity'
echo "visilibity is here."
