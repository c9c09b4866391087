# The two commands: `make run` (one application, all the way) and `make test` (everything).
SHELL := /bin/bash
# Else each of a rehearsal's thirty processes would compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE
PY := .venv/bin/python
# Tests whose outcome hangs on the database: rows, races, searches.
ON_POSTGRES := $(patsubst %,tests/hub/test_hub_%.py,intake later_papers opener reopening uploads staff migrations)

.PHONY: help setup run test pytest lint fuzz gallery test-contract test-postgres fleet faults social-card power-cuts kills window-kills disk-image slow-line sync-memory million-rows lock rapidocr clean bench-codes bench-pages

help:
	@sed -n 's/^## //p' Makefile

## make setup    Debian packages and virtual environment, from one list and the lock files
setup:
	@deploy/setup.sh

## make run      hub, emulators, terminal; a person with a display, the robot citizen without
run: setup
	@$(PY) -m rehearsal run --out out

## make test     every test and every rule of the house
test: setup
	@$(MAKE) --no-print-directory -j4 lint pytest test-contract test-postgres

# More workers than cores: the robot, the hub's processes and the power cuts mostly wait. What they
# compile of the tests is made once before, or each of them would make it.
pytest: setup
	@$(PY) -m pytest -q -n 0 --collect-only >/dev/null
	@$(PY) -m pytest -q -n 6 --dist loadfile --no-loadscope-reorder

## make lint     style, types, import rules, screens against their models, scripts
lint: setup
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@$(PY) -m ui.qmltypes
	@shellcheck deploy/*.sh deploy/*/*.sh

## make fuzz     ten minutes of coverage-guided fuzzing over every device's protocol; what is new is kept
fuzz: setup
	@$(PY) tests/fuzz/run.py --seconds 600 --keep

## make gallery  every screen in every theme, language and size, into out/gallery
gallery: setup
	@.venv/bin/kiosk gallery --out out/gallery

## make test-postgres   what the hub writes, on a real PostgreSQL 15 that is thrown away after
test-postgres: setup
	@pg_virtualenv -t -v 15 sh -c 'DATABASE_URL=postgres://$$PGUSER:$$PGPASSWORD@$$PGHOST:$$PGPORT/postgres $(PY) -m pytest -q $(ON_POSTGRES)'

## make test-contract   the hub's doors held to hub/openapi.json by whatever schemathesis thinks of
# By itself: what it thinks of it makes while tests are gathered, and each worker gathers all.
test-contract: setup
	@$(PY) -m pytest -q -n 0 -p schemathesis tests/hub/contract.py

## make fleet    10,000 terminals come back to one hub, spread and all at once (FLEET_TERMINALS=n for fewer)
fleet: setup
	@.venv/bin/kiosk bench fleet

## make faults   every device broken in every way on every page of an application, without a window (half an hour; goes on where it stopped, anew without out/faults)
faults: setup
	@PYTHONPATH=tests/faults $(PY) -m pytest -q -p faults_going_on -n 2 --dist load tests/faults/matrix.py

## make social-card   the robot resets a social card's password, and pulls the card out while it is written (two minutes)
social-card: setup
	@$(PY) -m rehearsal robot --scenario social_card --out out/social-card

## make power-cuts N=100   cut the power of a terminal at work N times and count what is left (root)
N ?= 100
power-cuts: setup
	@PYTHONPATH=. nice $(PY) tests/offline_cache/power_cuts.py --cuts $(N) --work out/power-cuts --state out/power-cuts.json

## make kills N=500        kill the processes at the store N times and count what is left
kills: setup
	@PYTHONPATH=. nice $(PY) tests/offline_cache/kills.py --kills $(N) --work out/kills --state out/kills.json

## make window-kills RUNS=50   the same through the real window, its devices and a hub; goes on where it stopped
window-kills: setup
	@$(PY) tests/robot/window_kills.py --runs $(or $(RUNS),50) --work out/window-kills --state out/window-kills.json

## make disk-image         use a real terminal on a disk of its own, crash it, search every byte for people (root)
disk-image: setup
	@$(PY) tests/robot/disk_image.py --work out/disk-image

## make slow-line BYTES=5000000   an attachment over 64 kbit/s, 2 % lost, down 1 s every 20 s (root)
slow-line: setup
	@unshare -n $(PY) tests/offline_cache/slow_line.py $(or $(BYTES),5000000)

## make sync-memory ITEMS=1000000  memory of the sync process with so many items waiting
sync-memory: setup
	@$(PY) tests/offline_cache/sync_memory.py $(or $(ITEMS),1000000)

## make million-rows       open a store in which a million items wait: at most a second
million-rows: setup
	@PYTHONPATH=. $(PY) tests/offline_cache/million_rows.py --work out/million-rows

## make lock     write the lock files anew from pyproject.toml (versions and hashes, no addresses)
lock: setup
	@deploy/lock.sh

## make rapidocr  install the larger reader of papers, [document_camera] reader = "rapidocr" (1 GB of memory)
rapidocr: setup
	@.venv/bin/python -m pip install --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
	    -r requirements-rapidocr.lock

clean:
	rm -rf out var .venv

## make bench-codes   codes read on 1,000 made-up pictures, beside four peers (half an hour; KIOSK_BENCH_LEDGER=FILE goes on)
bench-codes: setup
	@KIOSK_BENCH_COUNT=1000 .venv/bin/kiosk bench codes

## make bench-pages   pages found on 1,000 made-up frames, beside two peers (half an hour; KIOSK_BENCH_LEDGER=FILE goes on)
bench-pages: setup
	@KIOSK_BENCH_COUNT=1000 .venv/bin/kiosk bench pages
