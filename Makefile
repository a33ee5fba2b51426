# `make demo` and `make test` do everything a new machine needs; both keep to .venv.
PYTHON ?= python3
BIN := .venv/bin
# All that the tests do is CPU work; nothing asks a model hub.
export HF_HUB_OFFLINE := 1

.PHONY: demo test lint types unit clean bench-ingest

.venv/default: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	touch $@

.venv/test: pyproject.toml | .venv/default
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[train,test]'
	touch $@

# Notes into ./kg, one patient's timeline, and the paper's Table 4.
demo: .venv/default
	BIN=$(BIN) sh examples/timelines/run.sh
	BIN=$(BIN) sh examples/compare/run.sh

# NOTES: any source that `kgbuild ingest` takes.
KGBUILD_DATA ?= ../shared/data
NOTES ?= $(KGBUILD_DATA)/mtsamples/mtsamples.jsonl.gz
bench-ingest: .venv/default
	$(BIN)/python benchmarks/ingest.py $(NOTES) --check

test: lint types unit

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/test
	$(BIN)/mypy

unit: .venv/test
	$(BIN)/pytest -n 2

clean:
	rm -rf .venv build kg
