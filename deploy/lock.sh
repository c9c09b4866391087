#!/usr/bin/env bash
# Writes the lock files from pyproject.toml: versions and hashes, no address of any registry.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=(.venv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links
    --no-header --no-annotate --python-version 3.11)
"${compile[@]}" pyproject.toml --all-extras --output-file requirements.lock
# What builds a source package: pyscard and pycups have no wheel, and their builds must see pinned tools only.
grep '^setuptools==' requirements.lock | sed 's/ .*//' | "${compile[@]}" - --output-file requirements-build.lock
# rapidocr is no extra: as one it brings opencv-python, which overwrites our opencv-python-headless. Its lock leaves that
# out and holds the versions that both share; `make rapidocr` installs it without asking for more.
pins=$(mktemp)
trap 'rm -f "$pins"' EXIT
grep '==' requirements.lock | sed 's/ .*//' >"$pins"
echo "rapidocr-onnxruntime" | "${compile[@]}" - --constraint "$pins" \
    --override <(echo "opencv-python; sys_platform == 'never'") --output-file requirements-rapidocr.lock
