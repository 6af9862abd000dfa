# Every target explains itself: `make help`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Where the bundle under test comes from: source (built here) or registry (pulled).
FROM ?= source
# Real time on a shared machine: what is red is run once more and its traceback shown; twice red is red, and so are many.
AGAIN := --reruns 1 --max-suite-reruns 5 --rerun-show-tracebacks

.PHONY: help
help:  ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

.venv/.done: requirements.lock pyproject.toml
	@echo "Installing the locked environment into .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.PHONY: setup
setup: .venv/.done  ## Install the locked environment into .venv (about a minute)

.PHONY: lab
lab:  ## From nothing to an open lab: JupyterLab at once; engine, bundle and cluster come up behind it
	@scripts/lab.sh

.PHONY: lint
lint: setup  ## Check style, types and the layers of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: setup  ## Run every test that needs no Docker Engine (minutes)
	@scripts/browser.sh
	@# Side by side, and more processes than two cores: these tests wait more than they compute. Playwright keeps an event
	@# loop running, so what needs a browser has processes of its own; its words come at the end.
	@mkdir -p .pytest_cache; \
	$(BIN)/pytest -m "browser and not kind" --numprocesses 2 --dist loadfile $(AGAIN) > .pytest_cache/browser.log 2>&1 & \
	browser=$$!; trap 'kill $$browser 2>/dev/null' EXIT; \
	$(BIN)/pytest -m "not kind and not engine and not browser" --numprocesses 5 --dist worksteal $(AGAIN); red=$$?; \
	wait $$browser || red=1; cat .pytest_cache/browser.log; exit $$red

.PHONY: test-kind
test-kind: setup  ## Bring up a real kind cluster from this checkout and prove every lab on it (needs a Docker Engine)
	@scripts/browser.sh
	$(BIN)/wavetank bundle build --from $(FROM)
	$(BIN)/wavetank up --for 02-kubernetes
	@# Somebody else's cluster is made beside the first test, in which ours stands still for minutes.
	@mkdir -p .pytest_cache; \
	$(BIN)/pytest -m elsewhere $(AGAIN) tests/kind > .pytest_cache/elsewhere.log 2>&1 & \
	elsewhere=$$!; trap 'kill $$elsewhere 2>/dev/null' EXIT; \
	$(BIN)/pytest -m "(kind or engine) and not elsewhere" --durations=40 $(AGAIN) tests; red=$$?; \
	wait $$elsewhere || red=1; cat .pytest_cache/elsewhere.log; exit $$red

.PHONY: notebooks
notebooks: setup  ## Run the labs on the running cluster; store their outputs and their solved twins
	$(BIN)/python scripts/notebooks.py

.PHONY: docs
docs: setup  ## Write what docs take from elsewhere: docs/what-is-real.md, docs/troubles.md, the tables of needs
	$(BIN)/python scripts/what_is_real.py
	$(BIN)/python -m scripts.troubles
	$(BIN)/python scripts/needs_tables.py

.PHONY: changes
changes: setup  ## Write docs/built-from-source.md: what a source build changes in each component (needs Go, network)
	$(BIN)/python scripts/source_changes.py

.PHONY: reading
reading: setup  ## Record what kubectl makes of the files in tests/reading
	$(BIN)/python -m scripts.kubectl_reading

.PHONY: cross
cross: setup  ## Compile every Go program of the bundle for the other architecture (minutes; needs no emulation)
	$(BIN)/python scripts/cross.py

.PHONY: bench
bench: setup  ## Measure: up by step, pod start, recovery, cold starts, the load generator against fortio
	$(BIN)/python -m tests.bench

.PHONY: bench-cold
bench-cold:  ## Measure from nothing to every lab: a fresh clone, empty caches, `make lab` (takes as long as that does)
	$(PYTHON) tests/bench/cold.py --save

.PHONY: lock
lock:  ## Pin every dependency anew, with hashes and without index addresses
	uv pip compile pyproject.toml --extra lab --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet --upgrade --output-file requirements.lock

.PHONY: clean
clean:  ## Take the cluster down and remove what was built in this folder (bundles stay cached)
	-$(BIN)/wavetank down
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
