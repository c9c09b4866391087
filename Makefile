# The two commands: `make run` (one application, all the way) and `make test` (everything).
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help run test test-postgres setup lint lock gallery clean

help:
	@sed -n 's/^## //p' Makefile

## make setup    Debian packages and virtual environment, from one list and the lock files
setup:
	@deploy/setup.sh

## make run      hub, emulators, terminal; a person with a display, the robot citizen without
run: setup
	@$(PY) -m rehearsal run --out out

## make test     every test and every rule of the house
test: setup lint
	@$(PY) -m pytest -q -n 2 --dist loadfile

## make lint     style, types, import rules, screens against their models
lint: setup
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@$(PY) -m ui.qmltypes

## make gallery  every screen in every theme, language and size, into out/gallery
gallery: setup
	@.venv/bin/kiosk gallery --out out/gallery

## make test-postgres   the hub's tests on a real PostgreSQL 15 (Debian: postgresql-15, postgresql-common)
test-postgres: setup
	@pg_virtualenv -v 15 sh -c 'DATABASE_URL=postgres://$$PGUSER:$$PGPASSWORD@$$PGHOST:$$PGPORT/postgres $(PY) -m pytest -q tests/hub'

## make lock     write the lock files anew from pyproject.toml (versions and hashes, no addresses)
lock: setup
	@deploy/lock.sh

clean:
	rm -rf out var .venv
