"""What is in a database, and notes to put there."""

import neo4j

from kgbuild.graph import NoteGraph, note_graph
from ontologies.concept import Concept
from tests.marked import resolved

LIVER = Concept("icd10cm", "K76.9", "Liver disease, unspecified", parents=("K76",))
SKIN = Concept("icd10cm", "L98.9", "Disorder of skin, unspecified")

NODES = "MATCH (n) WHERE NOT n:KgbuildStore RETURN labels(n) AS labels, properties(n) AS properties"
EDGES = "MATCH (a)-[e]->(b) RETURN a.id AS source, type(e) AS type, properties(e) AS properties, b.id AS target"


def content(driver: neo4j.Driver) -> list[str]:
    """All nodes and edges, each as often as it is there, sorted."""
    found = [
        *(f"{row['labels']} {sorted(row['properties'].items())}" for row in driver.execute_query(NODES).records),
        *(
            f"{row['source']} {row['type']} {sorted(row['properties'].items())} {row['target']}"
            for row in driver.execute_query(EDGES).records
        ),
    ]
    return sorted(found)


def graph(marked: str, *relations: str, note: str = "n1", patient: str = "p1", fingerprint: str = "f1") -> NoteGraph:
    codes = {"lesion": [(LIVER, 0.9), (SKIN, 0.3)], "nevus": [(SKIN, 0.8)]}
    return note_graph(resolved(marked, *relations, note=note, patient=patient, codes=codes), fingerprint)


def visit(number: int, fingerprint: str = "f1") -> NoteGraph:
    """One of many notes: three a patient, who share findings and codes with each other and with other patients."""
    marked = (
        f"A [lesion|Disease_disorder #l] of the [liver|Biological_structure #s], [{number} cm|Distance #d]. "
        f"[pain|Sign_symptom #p] before [finding {number % 7}|Sign_symptom #f]. "
        "No [fever|Sign_symptom !absent]. [nevus|Sign_symptom]."
    )
    relations = ("MODIFY s l", "MODIFY d l", "BEFORE p f")
    return graph(marked, *relations, note=f"n{number}", patient=f"p{number // 3}", fingerprint=fingerprint)
