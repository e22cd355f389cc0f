# Everything runs in .venv, which is made and kept up to date as needed. `make` alone lists the commands.

PYTHON ?= python3
HOST ?= localhost
PORT ?=
WATCH ?=
CHROMIUM ?=
export PYTHON CHROMIUM
# Tests start dozens of processes: each would compile the whole app anew.
unexport PYTHONDONTWRITEBYTECODE

RUN := .venv/bin/python
DENO := DENO_DIR=.venv/deno-cache DENO_NO_UPDATE_CHECK=1 .venv/bin/deno
# Some tests at a time, each worker starting with its part: what the tests of a file share is made once.
PYTEST := $(RUN) -m pytest --dist worksteal
MAKEFLAGS += --no-print-directory
comma := ,
heading = @printf '\n==== %s\n' '$(1)'

.DEFAULT_GOAL := help
.PHONY: help app test check lint types js fast unit browser slowest smoke fuzz bench gpu docs dist pictures format lock clean distclean venv venv-dev venv-bench venv-docs chromium

help: ## this list
	@echo 'GlassBERT: see inside a BERT.'
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

app: venv ## start the app; PORT=8600, HOST=0.0.0.0, PYTHON=python3.12 and WATCH=1 (reload on save) choose
	@exec $(RUN) scripts/serve.py --host '$(HOST)' --port '$(PORT)' $(if $(WATCH),--watch)

# mypy takes one core, and pip one: something else runs on the other.
test: ## all that CI runs, fastest first, up to the first failure
	@$(MAKE) -j2 chromium venv-dev
	@$(MAKE) -j1 lint js
	@$(MAKE) -j2 types unit
	@$(MAKE) -j1 browser
	$(call heading,All passed.)

check: ## before each commit: lint, types and the fast tests, on one family
	@$(MAKE) -j1 lint js
	@$(MAKE) -j2 types fast
	$(call heading,Checked. make test runs the rest: other families$(comma) pages$(comma) browser$(comma) slow tests.)

lint: venv-dev ## ruff: style, mistakes, formatting
	$(call heading,Lint (make format fixes most of it))
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

types: venv-dev ## mypy --strict on the library and the app
	$(call heading,Types of the library and the app)
	@$(RUN) -m mypy

js: venv-dev ## the widgets' JavaScript: types, mistakes, formatting
	$(call heading,JavaScript (make format fixes its formatting))
	@$(DENO) check --quiet --no-remote
	@$(DENO) lint
	@$(DENO) fmt --check

fast: venv-dev
	$(call heading,Fast tests)
	@$(PYTEST) -n 2 --one-family -m 'not slow and not browser and not smoke' $(addprefix --ignore=tests/,browser pages benchmarks scripts training) tests

unit: venv-dev ## the library, the components and every page, without a browser
	$(call heading,Tests without a browser)
	@$(PYTEST) -n 3 -m 'not browser and not smoke' --ignore=tests/browser tests

browser: venv-dev ## the running app in a real Chromium
	$(call heading,Browser tests)
	@CHROMIUM="$$(sh scripts/chromium.sh)" && export CHROMIUM && $(PYTEST) -n 2 -m 'browser$(if $(ALL),, and not slow)' tests/browser

smoke: venv-dev ## the longest tests: smallest runs of trainings and of long benchmarks, a Ray cluster, each module alone
	@CHROMIUM="$$(sh scripts/chromium.sh)" && export CHROMIUM && $(RUN) -m pytest -m 'browser or smoke' tests/benchmarks tests/training tests/glassbert tests/components tests/pages tests/scripts tests/test_architecture.py

slowest: export PYTEST_ADDOPTS = --durations=40 --durations-min=0.5
slowest: export ALL = 1
slowest: chromium ## all tests, those that mostly wait too, with a list of the slowest
	@$(MAKE) -j1 unit browser

fuzz: venv-dev ## the property tests with many more examples, random ones, in search of new faults
	@$(PYTEST) -n 2 -m hypothesis --hypothesis-profile=fuzz --timeout=3600 --ignore=tests/browser tests

bench: venv-dev venv-bench ## speed against the peers, as ratios
	@CHROMIUM="$$(sh scripts/chromium.sh)" && export CHROMIUM && for script in $(filter-out benchmarks/gpu.py,$(wildcard benchmarks/[a-z]*.py)); do \
	    printf '\n==== %s\n' "$$script" && PYTHONPATH=. $(RUN) "$$script" || exit; done

gpu: venv ## every public function on a CUDA device against the CPU: numbers, memory, speed
	@PYTHONPATH=. $(RUN) benchmarks/gpu.py

docs: venv-docs ## the API reference, from the docstrings, as a page in docs/api/
	@PYTHONPATH=. $(RUN) scripts/reference.py

dist: ## build the source archive and the wheel in dist/, and try the wheel in an empty environment
	@sh scripts/dist.sh

pictures: venv-dev ## retake the README's pictures from the running app
	@CHROMIUM="$$(sh scripts/chromium.sh)" && export CHROMIUM && $(RUN) scripts/pictures.py

format: venv-dev ## fix what ruff and deno can fix
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .
	@$(DENO) fmt --quiet

lock: ## resolve all versions again into requirements.lock
	@sh scripts/lock.sh

clean: ## remove caches and test results
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results build dist *.egg-info
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
