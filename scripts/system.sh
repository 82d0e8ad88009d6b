#!/usr/bin/env bash
# Brings what Python's installer cannot: PostgreSQL with PostGIS and pgRouting, python3-venv, and for tests Chromium.
#
#   scripts/system.sh          what `make run` needs
#   scripts/system.sh test     what `make test` needs as well
#
# Installs only what is missing and says what it is for. Without apt it points at environment.yml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/python.sh

purpose=${1:-run}
wanted=()  # apt packages
reasons=() # one line for each group of them

want() { # reason, packages…
  reasons+=("$1")
  shift
  wanted+=("$@")
}

complain() {
  printf '\n%s\n' "$@" >&2
  exit 1
}

has_apt() { command -v apt-get >/dev/null && command -v apt-cache >/dev/null; }

# --- what is there ---------------------------------------------------------------------------------------------

venv_works() { # an existing .venv needs no venv module
  [ -x .venv/bin/python ] && [ -e .venv/bin/pip ] && python_suits .venv/bin/python && return 0
  local python
  python=$(find_python) && "$python" -c 'import ensurepip, venv' 2>/dev/null
}

postgres_complete() { # folder of programs
  local programs=$1 major share
  [ -x "$programs/initdb" ] && [ -x "$programs/postgres" ] || return 1
  major=$(basename "$(dirname "$programs")")
  case $major in 9.* | 10 | 11 | 12 | 13) return 1 ;; esac
  for share in "/usr/share/postgresql/$major" "$programs/../share" "$programs/../share/postgresql" \
    "$programs/../share/postgresql@$major"; do
    [ -e "$share/extension/postgis.control" ] && [ -e "$share/extension/pgrouting.control" ] && return 0
  done
  share=$("$programs/pg_config" --sharedir 2>/dev/null) || return 1
  [ -e "$share/extension/postgis.control" ] && [ -e "$share/extension/pgrouting.control" ]
}

has_postgres() {
  local programs
  for programs in "${CONDA_PREFIX:-/nonexistent}/bin" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
    /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin; do
    postgres_complete "$programs" && return 0
  done
  if programs=$(command -v initdb); then
    postgres_complete "$(dirname "$(readlink -f "$programs" 2>/dev/null || echo "$programs")")" && return 0
  fi
  if command -v pg_config >/dev/null && programs=$(pg_config --bindir 2>/dev/null); then
    postgres_complete "$programs" && return 0
  fi
  return 1
}

uses_own_server() { # a real server was named, so none is needed here
  [ -n "${TWIN_DATABASE_URL:-}" ] || { [ -f .env ] && grep -q '^[[:space:]]*TWIN_DATABASE_URL=.' .env; }
}

find_browser() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable /snap/bin/chromium; do
    command -v "$name" && return 0
  done
  return 1
}

find_driver() {
  local name
  for name in chromedriver /usr/lib/chromium/chromedriver /usr/lib/chromium-browser/chromedriver \
    /snap/bin/chromium.chromedriver; do
    command -v "$name" && return 0
  done
  return 1
}

# --- what apt calls it -----------------------------------------------------------------------------------------

in_apt() { apt-cache show --no-all-versions "$1" >/dev/null 2>&1; }

postgres_major() { # an installed one that can be completed, else the distribution's own
  local programs major
  for programs in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr); do
    major=$(basename "$(dirname "$programs")")
    [ -x "$programs/initdb" ] && in_apt "postgresql-$major-postgis-3" && in_apt "postgresql-$major-pgrouting" &&
      echo "$major" && return 0
  done
  major=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/^ *Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1)
  [ -n "$major" ] && echo "$major"
}

apt_lists_filled() { in_apt postgresql; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# --- look ------------------------------------------------------------------------------------------------------

need_venv=no need_postgres=no need_browser=no
venv_works || need_venv=yes
if [ "$purpose" = test ] || ! uses_own_server; then has_postgres || need_postgres=yes; fi
if [ "$purpose" = test ]; then { find_browser && find_driver; } >/dev/null || need_browser=yes; fi
[ "$need_venv$need_postgres$need_browser" = nonono ] && exit 0

if ! has_apt; then
  if [ "$need_venv" = yes ] && ! find_python >/dev/null; then explain_python >&2; fi
  [ "$need_venv" = yes ] && find_python >/dev/null && echo "Python's venv module is missing." >&2
  [ "$need_postgres" = yes ] && echo "PostgreSQL 14 or newer with PostGIS and pgRouting is missing." >&2
  [ "$need_browser" = yes ] && echo "Chromium (or Google Chrome) or its chromedriver is missing; tests drive it." >&2
  [ "$need_venv$need_postgres" = nono ] && complain "Install them and run this again."
  complain "There is no apt on this system. With conda everything comes at once:" \
    "  conda env create -f environment.yml && conda activate huiyan && make run"
fi

if [ "$(id -u)" = 0 ]; then
  may_install=yes
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  may_install=yes
else
  may_install=no
fi

if ! apt_lists_filled && [ "$may_install" = yes ]; then
  echo "Reading the distribution's list of packages (apt-get update)…"
  as_root apt-get update -qq
fi

if [ "$need_venv" = yes ]; then
  if python=$(find_python); then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package=python3-venv
    in_apt "python$version-venv" && package="python$version-venv"
    want "$package: an environment of its own for the Python packages" "$package"
  elif [ -z "${PYTHON:-}" ] && ! command -v python3 >/dev/null &&
    apt-cache show --no-all-versions python3 2>/dev/null | grep -Eq '^Version: 3\.1[1-4]'; then
    want "python3, python3-venv: the language this program is written in" python3 python3-venv
  else
    explain_python >&2
    exit 1
  fi
fi

fresh_postgres=no
if [ "$need_postgres" = yes ]; then
  major=$(postgres_major) || complain "apt knows no postgresql here; see environment.yml for conda, or set TWIN_DATABASE_URL."
  in_apt "postgresql-$major-postgis-3" ||
    complain "apt has PostgreSQL $major here but no postgresql-$major-postgis-3; see environment.yml for conda."
  [ -x "/usr/lib/postgresql/$major/bin/initdb" ] || fresh_postgres=yes
  want "PostgreSQL $major with PostGIS and pgRouting: keeps the city's data, in the project's own private cluster" \
    "postgresql-$major" "postgresql-$major-postgis-3" "postgresql-$major-pgrouting"
fi

if [ "$need_browser" = yes ]; then
  if ! grep -q '^ID=ubuntu' /etc/os-release && in_apt chromium; then
    want "Chromium and its driver: tests look at the screens in a real browser" chromium chromium-driver fonts-liberation
  elif find_browser >/dev/null && in_apt chromium-driver; then
    want "chromedriver: tests steer $(find_browser) through it" chromium-driver
  elif snap version >/dev/null 2>&1 && in_apt chromium-browser; then
    want "Chromium and its driver (Ubuntu delivers them as a snap): tests look at the screens in a real browser" \
      chromium-browser chromium-chromedriver
  else
    complain "Tests need Chromium or Google Chrome with a chromedriver of the same version on PATH." \
      "This system offers Chromium only as a snap, and snapd does not run here:" \
      "install Google Chrome's own .deb and its chromedriver, then run make test again."
  fi
fi

echo "Missing on this system:"
printf '  %s\n' "${reasons[@]}"

if [ "$may_install" = no ]; then
  complain "You may not install packages here. Ask an administrator to run:" \
    "  apt-get install --no-install-recommends ${wanted[*]}"
fi

echo "Installing: apt-get install --no-install-recommends ${wanted[*]}"
said=$(mktemp)
dropin=
tidy() {
  rm -f "$said"
  if [ -n "$dropin" ]; then as_root rm -f "$dropin"; as_root rmdir --ignore-fail-on-non-empty "$(dirname "$dropin")"; fi
}
trap tidy EXIT

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    -o Dpkg::Use-Pty=0 "$@" </dev/null >"$said" 2>&1
}

install() {
  apt_install "$@" && return 0
  as_root apt-get update -qq # the lists may be older than the mirror
  apt_install "$@" && return 0
  grep -E '^(E|W|dpkg):|error' "$said" >&2 || tail -n 20 "$said" >&2
  complain "apt could not install $*." "Mend what it says above, then run this again."
}

if [ "$fresh_postgres" = yes ]; then
  # Debian would make and start a server of its own; ours is private, so for the length of this install it does not.
  install postgresql-common
  if grep -q "^include_dir '/etc/postgresql-common/createcluster.d'" /etc/postgresql-common/createcluster.conf 2>/dev/null; then
    dropin=/etc/postgresql-common/createcluster.d/huiyan-setup.conf
    as_root mkdir -p "$(dirname "$dropin")"
    echo "create_main_cluster = false" | as_root tee "$dropin" >/dev/null
  fi
fi
install "${wanted[@]}"

venv_works || complain "Python's venv module still does not work."
if [ "$need_postgres" = yes ]; then has_postgres || complain "PostgreSQL with PostGIS is still not to be found."; fi
if [ "$need_browser" = yes ]; then
  if ! { find_browser && find_driver; } >/dev/null; then complain "Chromium or its driver is still not to be found."; fi
fi
