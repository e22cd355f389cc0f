# Everything runs in .venv, which is made and kept up to date as needed. `make` alone lists the commands.

PYTHON ?= python3
HOST ?= localhost
PORT ?=
WATCH ?=
CHROMIUM ?=
export PYTHON CHROMIUM

RUN := .venv/bin/python
heading = @printf '\n==== %s\n' '$(1)'

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help app test lint types unit pages browser bench docs format lock clean distclean venv venv-dev venv-bench venv-docs chromium

help: ## this list
	@echo 'GlassBERT: see inside a BERT.'
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

app: venv ## start the app; PORT=8600, HOST=0.0.0.0, PYTHON=python3.12 and WATCH=1 (reload on save) choose
	@exec $(RUN) scripts/serve.py --host '$(HOST)' --port '$(PORT)' $(if $(WATCH),--watch)

test: chromium venv-dev lint types unit pages browser ## everything below, fastest first, up to the first failure
	$(call heading,All passed.)

lint: venv-dev ## ruff: style, mistakes, formatting
	$(call heading,Lint (make format mends most of it))
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

types: venv-dev ## mypy --strict on the library
	$(call heading,Types of glassbert/)
	@$(RUN) -m mypy

unit: venv-dev ## the library and the components
	$(call heading,Unit tests)
	@$(RUN) -m pytest -n 2 tests --ignore=tests/pages --ignore=tests/browser

pages: venv-dev ## every page, without a browser
	$(call heading,Page tests)
	@$(RUN) -m pytest -n 2 tests/pages

browser: venv-dev ## the running app in a real Chromium
	$(call heading,Browser tests)
	@CHROMIUM="$$(sh scripts/chromium.sh)" && export CHROMIUM && $(RUN) -m pytest -n 2 tests/browser

bench: venv-dev venv-bench ## speed against the peers, as ratios
	@CHROMIUM="$$(sh scripts/chromium.sh)" && export CHROMIUM && for script in benchmarks/[a-z]*.py; do \
	    printf '\n==== %s\n' "$$script" && PYTHONPATH=. $(RUN) "$$script" || exit; done

docs: venv-docs ## the API reference, from the docstrings, as a page in docs/api/
	@PYTHONPATH=. $(RUN) scripts/reference.py

format: venv-dev ## mend what ruff can mend
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

lock: ## resolve every version anew into requirements.lock
	@sh scripts/lock.sh

clean: ## remove caches and test results
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## remove .venv too
	@rm -rf .venv

# What the rest needs; run each time, and done in milliseconds when it is there already.
venv:
	@sh scripts/install.sh app

venv-dev:
	@sh scripts/install.sh dev

venv-bench:
	@sh scripts/install.sh bench

venv-docs:
	@sh scripts/install.sh docs

chromium:
	@sh scripts/chromium.sh >/dev/null
