PYTHON ?= python3
BIN := .venv/bin
FASHION ?= /usr/share/datasets/fashion-mnist

.DEFAULT_GOAL := help
.PHONY: help install quickstart check format test test-long bench bench-gpu calibrate docs wheel clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.developed: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

install: .venv/.installed  ## make .venv with everything a user needs

quickstart: install  ## from a bare checkout to an open report: 24 trials on scanned digits
	$(BIN)/ablation sweep quickstart

check: .venv/.developed  ## format, lint, types and fast tests: under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n auto -m 'not slow and not long'

format: .venv/.developed  ## mend what a machine can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: .venv/.developed  ## every test that needs no special machine: under 12 minutes
	$(BIN)/python -m pytest -n auto --dist worksteal -m 'not long'

test-long: .venv/.developed  ## the long tests too
	$(BIN)/python -m pytest

bench: .venv/.developed  ## how fast it is beside the loop of a tutorial, and all other costs, into docs/benchmarks.md: two hours
	FASHION=$(FASHION) $(BIN)/python tests/benchmarks/speed.py --sweep --others

bench-gpu: .venv/.developed  ## the same on a GPU; without one it says so
	FASHION=$(FASHION) $(BIN)/python tests/benchmarks/speed_gpu.py

calibrate: .venv/.developed  ## does the report claim too often? 12,000 simulated studies, into docs/calibration.md: 15 minutes on two cores
	$(BIN)/python tests/benchmarks/calibrate.py

docs: .venv/.installed  ## write docs/instruments.md from its one source
	$(BIN)/python -c 'from ablation.instruments import page; print(page(), end="")' > docs/instruments.md

wheel: .venv/.installed  ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:  ## remove what was made, but no study
	rm -rf .venv dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache
