# `make` alone tells what there is. The first target you call makes the environment it needs in .venv.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check check-pyright check-rest requirements install serve bench format lock clean

BIN := .venv/bin
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo $(BIN)/uv)
# Compiled at once: where Python may write no bytecode itself, every start would compile its libraries anew.
INSTALL = $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
# A fresh machine may forbid it; then every worker would compile every test anew.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
LOCK = $(UV) --no-config pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header $(ARGS)

help: ## Print these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.runtime ## Watch the ACME Healthcare scenario from request to archive
	@$(BIN)/python -m service demo

# What takes long goes first and is handed out one by one, what shares a service to one worker; it waits a lot, so
# there are more workers than cores, but with six whatever they wait for took longer. It is not measured: it runs
# little of ours that the rest does not, and each measured worker takes seconds to begin.
# The first line compiles the tests once for all workers. Workers alone are measured, so none are with -n 0.
LONG = tests/journeys tests/simulation
COMPILE_TESTS = said=$$($(PYTEST) --collect-only --quiet --no-header) || { echo "$$said"; exit 1; }
test: .venv/.ready ## Run the whole test suite with coverage (ARGS="tests/domain -k gate" for a part)
	@rm -rf .coverage && mkdir .coverage
	@$(if $(ARGS)$(COMPILED),,$(COMPILE_TESTS))
	@$(if $(ARGS),,$(PYTEST) -n 4 --dist loadgroup --no-loadscope-reorder $(LONG))
	@COVERAGE_FOLDER=.coverage $(PYTEST) -n 4 --dist worksteal $(or $(ARGS),$(addprefix --ignore ,$(LONG)))
	@PYTHONUTF8=1 $(BIN)/python -m tests.coverage_report .coverage $(COVERAGE)

check: .venv/.ready ## Everything that must be green before a commit: format, lint, types, imports, tests, coverage
	$(MAKE) --jobs 2 check-pyright check-rest
	$(MAKE) test ARGS= COMPILED=yes COVERAGE=--strict

# Each takes one core for as long as the other.
check-pyright: .venv/.ready
	$(BIN)/pyright

check-rest: .venv/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(COMPILE_TESTS)

requirements: .venv/.ready ## Tell which test or page shows each requirement (ARGS=--keep to keep what is shown now)
	@$(BIN)/python -m tests.requirements $(ARGS)

install: .venv/.ready ## Make the environment in .venv and nothing else

serve: .venv/.runtime ## Run the whole service in one process on http://127.0.0.1:8080
	@$(BIN)/python -m service serve

bench: .venv/.ready ## Measure throughput and latency on this machine
	@$(BIN)/python -m bench

format: .venv/.ready ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: | $(BIN)/python ## Resolve both lock files again (ARGS=--upgrade for newer versions)
	$(LOCK) --group build --output-file requirements.lock
	$(LOCK) --group build --group dev --constraints requirements.lock --output-file requirements-dev.lock

clean: ## Remove the environment and everything that tools left behind
	rm -rf .venv .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv where it is on PATH; otherwise the first Python that can make an environment, with uv put into it.
$(BIN)/python:
	@if [ "$(UV)" = uv ]; then uv venv --quiet --clear --python '>=3.11' .venv; exit; fi; \
	for python in python3.13 python3.12 python3.11 python3; do \
		if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making .venv with $$($$python --version)" >&2; \
			$$python -m venv --clear .venv && exec $(BIN)/python -m pip install --quiet uv; \
		fi; \
	done; \
	echo "No Python 3.11 or newer with its venv module was found. Install one (Debian, Ubuntu:" >&2; \
	echo "apt install python3-venv) or uv, then call make again." >&2; \
	exit 1

.venv/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@$(INSTALL) --require-hashes --requirement requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.ready: requirements-dev.lock .venv/.runtime
	@$(INSTALL) --require-hashes --requirement requirements-dev.lock
	@touch $@
