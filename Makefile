# Two commands are enough on a fresh machine with Python 3.11+, git and make: `make demo` and `make test`.
# Everything lives in $(VENV); stamp files in it keep an unchanged environment from being installed again.

PYTHON ?= python3
VENV ?= .venv
# PyTorch is asked for by exact version but without a hash, in a command of its own: the same version is published
# as different files (with and without CUDA), and pip takes hashes for all requirements of a command or for none.
TORCH := torch==2.13.0
# The suite runs on as many workers as there are processors, but no more than this.
WORKERS ?= 4

BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses $(WORKERS) --dist worksteal
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -qq --no-input
PINNED := $(PIP) --require-hashes --only-binary :all: -r

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-peers test-deep lint format bench constraints clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

demo: $(VENV)/run.stamp ## compare the rules on a real table; leaves the leaderboard and the picture in demo/
	@mkdir -p demo
	@$(BIN)/thalweg compare dataset:diabetes --target target --output demo

test: lint ## lint, types, layers, then the whole suite
	@$(PYTEST)

test-peers: $(VENV)/peers.stamp ## install PyTorch, JAX, Optax and Keras, and compare with them step by step
	@$(BIN)/python -m pytest -m peers

test-deep: $(VENV)/test.stamp ## the slow suites, and everything else with new random examples
	@$(PYTEST) -m "not peers" --hypothesis-profile new

lint: $(VENV)/test.stamp ## style, types and layers
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > $(VENV)/layers.txt || { cat $(VENV)/layers.txt; exit 1; }

format: $(VENV)/test.stamp ## format the code and mend what lint can mend by itself
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format --quiet

bench: $(VENV)/bench.stamp ## time the work side by side with the peers; keeps benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks

# --universal: one file for every supported Python and platform. Pins that still fit are kept; UPGRADE=--upgrade renews them.
COMPILE = build/uv/bin/uv pip compile --quiet --no-config --universal --fork-strategy fewest --python-version 3.11 \
  --generate-hashes --custom-compile-command 'make constraints' $(UPGRADE) pyproject.toml --extra arrow --extra onnx --extra plot --extra report --extra skops
constraints: ## write constraints/ anew from pyproject.toml
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/python -m pip install -qq --disable-pip-version-check uv==0.13.8
	@$(COMPILE) --group build -o constraints/run.txt
	@$(COMPILE) --group test -c constraints/run.txt -o constraints/test.txt
	@$(COMPILE) --extra track --group test --group peers -c constraints/test.txt -o constraints/peers.txt
	@$(COMPILE) --extra track --group test --group peers --group bench -c constraints/peers.txt -o constraints/bench.txt

clean: ## remove everything that was made here
	@rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "thalweg needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)

# What it takes to run thalweg, then thalweg itself from this folder.
$(VENV)/run.stamp: $(VENV)/pyvenv.cfg constraints/run.txt pyproject.toml
	@echo "installing thalweg in $(VENV)"
	@$(PINNED) constraints/run.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp constraints/test.txt
	@echo "installing what the tests need"
	@$(PINNED) constraints/test.txt
	@touch $@

$(VENV)/peers.stamp: $(VENV)/test.stamp constraints/peers.txt
	@echo "installing the peers: PyTorch, JAX, Optax, Keras"
	@$(PINNED) constraints/peers.txt
	@$(PIP) $(TORCH)
	@touch $@

$(VENV)/bench.stamp: $(VENV)/peers.stamp constraints/bench.txt
	@echo "installing the peers of the benchmarks: Optuna, River, Vowpal Wabbit"
	@$(PINNED) constraints/bench.txt
	@touch $@
