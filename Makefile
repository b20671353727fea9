# Four verbs everywhere: setup, check, test, fix. Every other one stands on setup, which needs
# nothing but make and a Python from 3.11 on, and does its work once.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
STAMPS := .venv/stamps
DATA ?= data/demo
PORT ?= 3000
EVENTS ?= 2000000
CONTRACTS ?= 100000
SETS ?=
# One more than the processors that the tests are measured on: some wait for browsers and servers.
WORKERS ?= 3
ARGS ?=

# Nothing calls out of the machine.
export DAGSTER_TELEMETRY_DISABLED := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup check fix test demo dev bench bench-rating bench-rerating bench-what-if real lock clean

help: ## Say what each verb does
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | sort | column -t -s "$$(printf '\t')"

setup: $(STAMPS)/compiled ## Make .venv from the locked, hashed requirements

$(STAMPS)/python:
	@python=$$(for name in $(PYTHON) python3.12 python3.11 python3.13 python3; do \
	    "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	        2>/dev/null && { echo "$$name"; break; }; done) ; \
	if [ -z "$$python" ]; then \
	    echo "make setup needs Python 3.11, 3.12 or 3.13: install one, or name it in PYTHON=" >&2; \
	    exit 1; fi; \
	[ -x $(BIN)/python ] || "$$python" -m venv .venv
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/locked: requirements-dev.lock $(STAMPS)/python
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

$(STAMPS)/editable: pyproject.toml requirements.in $(STAMPS)/locked
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# What loads lines is compiled on its first run; better now than while somebody waits for it.
$(STAMPS)/compiled: $(wildcard orchestration/ingest/scan/*.py) $(STAMPS)/editable
	$(BIN)/python -m orchestration.ingest.scan
	@touch $@

check: setup ## Lint, types, walls between rooms, dbt project, Dagster graph
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	mkdir -p .venv/check/warehouse .venv/check/dagster && cp dagster.yaml .venv/check/dagster/
	$(CHECK_ENV) $(BIN)/dbt --quiet --warn-error-options '{"error": ["Deprecations"]}' \
	    parse --no-partial-parse --project-dir dbt_project
	cd dbt_project && $(CHECK_ENV) ../$(BIN)/sqlfluff lint --processes 2 models tests
	$(CHECK_ENV) $(BIN)/dagster definitions validate --log-level warning -m orchestration.definitions

CHECK_ENV = TALLYHOUSE_DATA_DIR=$(CURDIR)/.venv/check DAGSTER_HOME=$(CURDIR)/.venv/check/dagster \
    DBT_PROFILES_DIR=$(CURDIR)/dbt_project DBT_TARGET_PATH=$(CURDIR)/.venv/check/dbt \
    DBT_LOG_PATH=$(CURDIR)/.venv/check/dbt/logs PYTHONWARNINGS=ignore \
    PATH=$(CURDIR)/$(BIN):$$PATH

fix: setup ## Repair what tools can repair
	$(BIN)/ruff check --fix . || true
	$(BIN)/ruff format .
	cd dbt_project && $(CHECK_ENV) ../$(BIN)/sqlfluff fix --processes 2 models tests

# Every process that a test starts imports the same modules, which are compiled once.
test: setup ## Run every test
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope \
	    --no-loadscope-reorder $(ARGS)

demo: setup ## From usage files to signed, posted invoices on a made-up company, in data/demo
	$(BIN)/tallyhouse demo --data-dir $(DATA)

dev: setup ## Open the Dagster UI on 127.0.0.1:3000 over the demo's data directory
	$(BIN)/tallyhouse dev --data-dir $(DATA) --port $(PORT)

bench: setup ## Time every phase against a hand-written script; EVENTS=10000000 for more
	$(BIN)/python -m tests.benchmarks --events $(EVENTS) $(ARGS)

bench-rating: setup ## Time rating of CONTRACTS=100000 contracts against a query that only sums
	$(BIN)/python -m tests.benchmarks.bench_rating --contracts $(CONTRACTS) $(ARGS)

bench-rerating: setup ## Time a signed month rated again against its first rating
	$(BIN)/python -m tests.benchmarks.bench_rerating --contracts $(CONTRACTS) $(ARGS)

bench-what-if: setup ## Time ten scenarios of a month against ten plain ratings of it
	$(BIN)/python -m tests.benchmarks.bench_what_if --contracts $(CONTRACTS) $(ARGS)

real: setup ## Rate real usage and compare it with totals computed elsewhere
	$(BIN)/python -m orchestration.sample.real $(SETS)

lock: setup ## Pin requirements anew, with hashes and without an index address
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" --quiet -o requirements.lock requirements.in
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" --quiet -o requirements-dev.lock requirements-dev.in

clean: ## Remove .venv and the caches of tools; never data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
