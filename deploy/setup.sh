#!/usr/bin/env bash
# Brings a Debian 12 machine to where `make run` and `make test` work: the Debian packages of
# deploy/packages.txt that are missing, then a virtual environment from the lock files.
# Does nothing, quickly, when nothing has changed. Needs root or sudo only if a package is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "set-up: $*"; }

wanted=$(awk '/^# -- /{on = !/an installed terminal only/} on && /^[^#]/{print $1}' deploy/packages.txt)
missing=()
for name in $wanted; do
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null | tr -d ' ')" = ii ] || missing+=("$name")
done
if [ "${#missing[@]}" -gt 0 ]; then
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { say "these need root, and there is no sudo: ${missing[*]}"; exit 1; }
        as_root=(sudo)
    fi
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

python=
for candidate in python3.11 python3; do
    if command -v "$candidate" >/dev/null &&
        "$candidate" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 11))'; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { say "Python 3.11 is needed and was not found"; exit 1; }

stamp=.venv/set-up
locks=$(cat requirements-build.lock requirements.lock pyproject.toml | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null)" != "$locks" ]; then
    say "making the virtual environment (.venv) from the lock files"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    rm -f "$stamp"
    # Build requirements come first and by hash, and builds see only them: nothing unpinned is fetched.
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-build.lock
    say "installing the libraries (progress below)"
    .venv/bin/python -m pip install --disable-pip-version-check --no-build-isolation --require-hashes \
        -r requirements.lock | sed -n 's/^\(Collecting\|Building\|Installing\|Successfully\).*/  &/p' | cut -c1-100
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
    printf '%s' "$locks" >"$stamp"
fi
say "ready"
