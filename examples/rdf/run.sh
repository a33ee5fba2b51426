#!/bin/sh
# From notes to RDF: exports in build/rdf, SPARQL queries, and a note taken back.
set -eu
kgbuild="${BIN:+$BIN/}kgbuild"
mkdir -p build/rdf
KGBUILD_STORE=build/rdf/kg; export KGBUILD_STORE

"$kgbuild" ingest examples/notes
"$kgbuild" export --format turtle -o build/rdf/kg.ttl
"$kgbuild" export --format nq -o build/rdf/kg.nq
wc -l build/rdf/kg.ttl build/rdf/kg.nq

echo; echo "== for others: GraphML, CSV for Neo4j's import, and RDF without the notes' words"
rm -rf build/rdf/csv
"$kgbuild" export --format graphml -o build/rdf/kg.graphml
"$kgbuild" export --format csv -o build/rdf/csv
"$kgbuild" export --format nq --without-text -o build/rdf/bare.nq
head -n 1 build/rdf/csv/Event.csv build/rdf/csv/CODED_AS.csv

echo; echo "== the ten commonest codes, by patients"
"$kgbuild" query '
SELECT ?code ?name (COUNT(DISTINCT ?patient) AS ?patients) {
  ?patient kg:hasEvent ?event . ?event kg:assertion "present" ; kg:of/kg:codedAs ?concept .
  ?concept skos:notation ?code ; skos:prefLabel ?name
} GROUP BY ?code ?name ORDER BY DESC(?patients) ?code LIMIT 10'

echo; echo "== which note says so, and where: the evidence of patient p3's liver codes"
"$kgbuild" query '
SELECT ?code ?note ?start ?end {
  ?patient kg:hasEvent ?event . ?event kg:of/kg:codedAs/skos:notation ?code ; kg:evidencedBy ?mention .
  ?mention oa:hasTarget ?place . ?place oa:hasSource ?note ; oa:hasSelector ?selector .
  ?selector oa:start ?start ; oa:end ?end
  FILTER(?patient = <urn:kgbuild:patient/p3> && STRSTARTS(?code, "K"))
} ORDER BY ?note ?start LIMIT 10'

echo; echo "== a note is withdrawn, with what only it said; ingesting the folder again brings it back"
"$kgbuild" retract p3-2020-06-02-ct
"$kgbuild" ingest examples/notes
