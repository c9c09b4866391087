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
# What a machine runs that is no workshop: the terminal without tests, hub and rehearsal; the hub without the terminal.
"${compile[@]}" pyproject.toml --extra national --constraint "$pins" --output-file requirements-terminal.lock
.venv/bin/python - <<'END' | "${compile[@]}" - --constraint "$pins" --output-file requirements-hub.lock
import tomllib
extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]
print(*extras["hub"], *extras["s3"], *extras["national"], sep="\n")
END
echo "rapidocr-onnxruntime" | "${compile[@]}" - --constraint "$pins" \
    --override <(echo "opencv-python; sys_platform == 'never'") --output-file requirements-rapidocr.lock
