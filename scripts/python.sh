# shellcheck shell=bash
# Sourced by the set-up scripts: which Python to build .venv with. PYTHON overrides.

python_suits() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null
}

# Prints the path of a suitable Python; fails when there is none.
find_python() {
  local name
  for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if command -v "$name" >/dev/null && python_suits "$name"; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

# What to say when there is none.
explain_python() {
  local found
  found=$("${PYTHON:-python3}" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
  echo "Huiyan needs Python 3.11 to 3.14; ${PYTHON:-python3} here is ${found:-not installed}."
  echo "Install one (Debian 12 and Ubuntu 24.04 have it: apt-get install python3 python3-venv), or name it:"
  echo "  PYTHON=/path/to/python3.12 make run"
}
