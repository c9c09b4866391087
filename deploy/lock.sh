#!/usr/bin/env bash
# Writes the lock files from pyproject.toml: versions and hashes, no address of any registry.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=(.venv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links
    --no-header --no-annotate --python-version 3.11)
"${compile[@]}" pyproject.toml --all-extras --output-file requirements.lock
# What builds a source package: pyscard and pycups have no wheel, and their builds must see pinned tools only.
grep '^setuptools==' requirements.lock | sed 's/ .*//' | "${compile[@]}" - --output-file requirements-build.lock
