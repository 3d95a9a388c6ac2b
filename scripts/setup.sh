#!/usr/bin/env bash
# Makes a virtual environment with the pinned packages: `setup.sh run` for using Sonorize, `setup.sh dev` for working
# on it. It is .venv, or the folder that VENV names.
# Needs Python 3.11 or newer; on Debian as root it installs python3-venv itself when that is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-run} venv=${VENV:-.venv}
case $kind in
  run) what=. stamp=$venv/.ready ;;
  dev) what='.[dev]' stamp=$venv/.ready-dev ;;
  *) echo "setup.sh: unknown kind '$kind'; allowed are run and dev" >&2; exit 2 ;;
esac
say() { printf 'setup: %s\n' "$*" >&2; }

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || continue
    command -v "$candidate"
    return 0
  done
  say "no Python 3.11 or newer was found; install one, or name it: make PYTHON=/path/to/python3"
  return 1
}

need_venv_module() {
  "$1" -c 'import ensurepip, venv' 2>/dev/null && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing python3-venv with apt-get"
    { apt-get update && apt-get install -y --no-install-recommends python3-venv; } >/dev/null
  fi
  "$1" -c 'import ensurepip, venv' 2>/dev/null && return 0
  say "$1 has no venv module; on Debian: apt-get install python3-venv"
  return 1
}

begin=$(date +%s)
python=$(find_python)
need_venv_module "$python"
if [ ! -x "$venv/bin/python" ]; then
  say "making $venv with $("$python" --version)"
  "$python" -m venv "$venv"
fi
pip=("$venv/bin/python" -m pip --disable-pip-version-check -qq)

# torch comes first and pinned, so that no later package can pull another build of it.
say "installing torch (once; hundreds of megabytes)"
"${pip[@]}" install -c constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch
say "installing the other packages"
"${pip[@]}" install -c constraints.txt -e "$what"
if [ "$kind" = dev ] && ! "${pip[@]}" install -c constraints.txt pesq 2>/dev/null; then
  say "no C compiler was found: speech will be measured without PESQ"
fi

touch "$stamp"
say "ready after $(($(date +%s) - begin)) s, $(du -sm "$venv" | cut -f1) MB in $venv"
