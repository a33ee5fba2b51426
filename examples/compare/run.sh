#!/bin/sh
# The paper's Table 4: each chunk coded by its own words, and by the words that relations bring to it.
# The small example tables stand in for CPT, SNOMED CT and ICD-10-CM in a home of their own, build/compare.
set -eu
kgbuild="${BIN:+$BIN/}kgbuild"
KGBUILD_HOME=build/compare; export KGBUILD_HOME

for system in cpt snomedct icd10cm; do
    "$kgbuild" ontology add "$system" "examples/tables/$system.tsv" --release example
done
echo; echo "== base code against enriched code"
"$kgbuild" compare examples/compare/notes

echo; echo "== both against the right codes of these notes, in gold.tsv"
"$kgbuild" compare examples/compare/notes --gold examples/compare/gold.tsv
