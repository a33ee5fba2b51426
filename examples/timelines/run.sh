#!/bin/sh
# Notes into ./kg (or KGBUILD_STORE), then what happened to one patient. Run from the repository's top level.
set -eu
kgbuild="${BIN:+$BIN/}kgbuild"

echo "== examples/notes into the store, coded in ICD-10-CM (its index is built on the first run)"
"$kgbuild" ingest examples/notes

echo; echo "== the same folder again writes nothing"
"$kgbuild" ingest examples/notes

echo; echo "== patients"
"$kgbuild" patients

echo; echo "== p1: findings and diseases"
"$kgbuild" timeline p1 --label Sign_symptom --label Disease_disorder

echo; echo "== p1: the coronary calcium score, and the size of the cyst, over the scans (the paper's Figure 6)"
"$kgbuild" trend p1 "calcium score"
"$kgbuild" trend p1 "cyst"
