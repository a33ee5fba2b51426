#!/bin/sh
# What `make demo` shows: notes in, a patient's timeline, and the paper's Table 4 (base code against enriched code).
set -eu
kgbuild="${BIN:+$BIN/}kgbuild"

echo "== examples/notes into ./kg, coded in ICD-10-CM (its index is built on the first run)"
"$kgbuild" ingest examples/notes --store kg

echo; echo "== patient p1: imaging of the coronary arteries and of a cyst"
"$kgbuild" timeline p1 --store kg --label Diagnostic_procedure --label Sign_symptom --label Disease_disorder

echo; echo "== base against enriched code, with the small example tables of examples/tables"
KGBUILD_HOME=build/demo; export KGBUILD_HOME
for system in cpt snomedct icd10cm; do
    "$kgbuild" ontology add "$system" "examples/tables/$system.tsv" --release example
done
"$kgbuild" compare examples/compare/notes
