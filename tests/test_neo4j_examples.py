"""The example queries of docs/graph.md: each gives the same answer in Cypher and in SPARQL."""

import re
from pathlib import Path

from kgbuild.graph import NoteGraph, note_graph
from kgbuild.stores import open_store
from kgbuild.stores.neo4j import Neo4jStore
from ontologies.concept import Concept
from tests.conftest import NEO4J
from tests.marked import Codes, resolved

pytestmark = NEO4J

PAGE = (Path(__file__).parents[1] / "docs" / "graph.md").read_text("utf-8")
EXAMPLES = re.findall(r"### (\d+\. [^\n]+)\n\n```cypher\n(.*?)```\n```sparql\n(.*?)```", PAGE, re.DOTALL)

CYST = Concept("icd10cm", "K76.89", "Other specified diseases of liver", parents=("K76.8",))
SKIN = Concept("icd10cm", "L72.0", "Epidermal cyst", parents=("L72",))
CODES: Codes = {"cyst": [(CYST, 0.9), (SKIN, 0.3)], "nodule": [(SKIN, 0.7)]}


def visit(note: str, patient: str, day: str, score: str) -> NoteGraph:
    marked = (
        f"[coronary calcium score|Diagnostic_procedure #t] of [{score}|Lab_value #v]. A [cyst|Sign_symptom #c] of the "
        "[liver|Biological_structure #s], after [trauma|Sign_symptom #b]. No [fever|Sign_symptom !absent]."
    )
    read = resolved(marked, "MODIFY v t", "MODIFY s c", "BEFORE b c", note=note, patient=patient, day=day, codes=CODES)
    return note_graph(read, "f1")


NOTES = [
    visit("scan-1", "p1", "2020-03-02", "142"),
    visit("scan-2", "p1", "2020-03-12", "151"),
    visit("scan-3", "p2", "2020-03-30", "1,010"),
    note_graph(resolved("[nodule|Sign_symptom]", note="n4", patient="p3", codes=CODES), "f1"),
]


def test_there_are_ten_examples() -> None:
    assert [name.partition(".")[0] for name, _, _ in EXAMPLES] == [str(i) for i in range(1, 11)]


def test_examples_answer_the_same_in_cypher_and_sparql(neo4j_url: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "kg", create=True) as rdf, Neo4jStore(neo4j_url, create=True) as neo4j:
        rdf.put(NOTES)
        neo4j.put(NOTES)
        for name, cypher, sparql in EXAMPLES:
            answer, same = neo4j.query(cypher), rdf.query(sparql)

            assert answer.rows != [], name
            assert (answer.columns, answer.rows) == (same.columns, same.rows), name
