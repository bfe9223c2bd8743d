# Everything a developer or a CI machine does here. `make` alone lists it.

# Python 3.11, or what python3 is where that is at least 3.11.
PYTHON ?= $(shell for p in python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; \
	echo python3.11)

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO_VENV := .venv-demo
DEMO_INSTALLED := $(DEMO_VENV)/.installed
BENCH_VENV := .venv-bench
BENCH_INSTALLED := $(BENCH_VENV)/.installed

# Twice quiet: only errors. A lock file names every file by its hash, so what pip takes is what was tested.
PIP_INSTALL := -m pip install -q -q --disable-pip-version-check
NATIVE := $(wildcard src/native/*)
# The project itself: nothing may be fetched for it beside the lock files.
THIS := --no-deps --no-build-isolation --editable .

UV_COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --annotation-style line --custom-compile-command 'make lock' \
	--quiet $(if $(UPGRADE),--upgrade)

heading = @printf '\n==== %s ====\n' '$(1)'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help venv lint format types imports unit pure native-check wheel-test test guarantees soak lock demo bench bench-guard clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(INSTALLED) ## make .venv from the lock file

$(VENV)/.dependencies: requirements/dev.txt
	$(call heading,venv: $(VENV) from requirements/dev.txt)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(INSTALLED): $(VENV)/.dependencies pyproject.toml $(NATIVE)
	$(call heading,this project into $(VENV); its C is built)
	$(BIN)/python $(PIP_INSTALL) $(THIS)
	@touch $@

lint: $(INSTALLED) ## ruff: the rules and the layout of the code
	$(call heading,lint)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(INSTALLED) ## ruff: mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(INSTALLED) ## mypy, strict
	$(call heading,types)
	$(BIN)/mypy

imports: $(INSTALLED) ## import-linter: which room may import which
	$(call heading,imports)
	$(BIN)/lint-imports --no-logo

unit: $(INSTALLED) ## pytest on the source tree; make unit ARGS='-k gap'
	$(call heading,unit)
	$(BIN)/python -m pytest $(ARGS)

pure: $(INSTALLED) ## pytest on the twins in Python of what is written in C
	$(call heading,pure)
	UPBIT_STREAM_PURE=1 $(BIN)/python -m pytest -q tests/flow tests/session tests/record tests/native

native-check: $(INSTALLED) ## the tests of the C part under gcc's sanitizers; not part of make test
	$(call heading,native-check)
	$(BIN)/python scripts/native_sanitize.py $(ARGS)

wheel-test: $(INSTALLED) ## pytest on the built wheel, in an environment of its own
	$(call heading,wheel-test)
	$(BIN)/python scripts/wheel_test.py

test: lint types imports bench-guard unit pure wheel-test ## all checks, as CI runs them

guarantees: $(INSTALLED) ## the numbers of README's table of guarantees
	@$(BIN)/python scripts/guarantees.py

soak: $(INSTALLED) ## thousands of schedules of faults; make soak SEEDS=5000 FIRST=0
	$(call heading,soak)
	SEEDS='$(SEEDS)' FIRST='$(FIRST)' JOBS='$(JOBS)' $(BIN)/python scripts/soak.py

lock: $(INSTALLED) ## pin what pyproject.toml asks for; UPGRADE=1 takes the newest
	$(UV_COMPILE) pyproject.toml --extra fast --group dev --group peers -o requirements/dev.txt
	$(UV_COMPILE) pyproject.toml --extra fast -c requirements/dev.txt -o requirements/runtime.txt
	$(UV_COMPILE) --group build -c requirements/dev.txt -o requirements/build.txt
	$(UV_COMPILE) pyproject.toml --extra fast --group bench -c requirements/dev.txt -o requirements/bench.txt
	for peer in $(basename $(wildcard bench/peers/*.in)); do $(UV_COMPILE) $$peer.in -o $$peer.txt || exit; done

demo: $(DEMO_INSTALLED) ## record ten seconds of the stand-in exchange into demo-data/
	$(DEMO_VENV)/bin/python scripts/demo.py

$(DEMO_INSTALLED): requirements/runtime.txt requirements/build.txt pyproject.toml $(NATIVE)
	$(call heading,demo: $(DEMO_VENV) from requirements/runtime.txt; once)
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	$(DEMO_VENV)/bin/python $(PIP_INSTALL) $(THIS)
	@touch $@

bench: $(BENCH_INSTALLED) ## measure against the peers, into bench-results/; make bench ARGS=--quick
	$(BENCH_VENV)/bin/python -m bench all $(ARGS)

$(BENCH_VENV)/.dependencies: requirements/bench.txt
	$(call heading,bench: $(BENCH_VENV) from requirements/bench.txt; once)
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/bench.txt
	@touch $@

$(BENCH_INSTALLED): $(BENCH_VENV)/.dependencies pyproject.toml $(NATIVE)
	$(BENCH_VENV)/bin/python $(PIP_INSTALL) $(THIS)
	@touch $@

bench-guard: $(INSTALLED) ## instructions of the hot path; make bench-guard ARGS=--update stores them
	$(call heading,bench-guard)
	$(BIN)/python -m bench.guard $(ARGS)

clean: ## remove everything that was made
	rm -rf $(VENV) $(DEMO_VENV) $(BENCH_VENV) .bench build dist demo-data bench-results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache src/upbit_stream.egg-info src/upbit_stream/*.so
	find src tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} +
