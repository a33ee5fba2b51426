"""Questions of ``query.py`` about codes and links, in SPARQL: for any RDF store that answers a query.

Only what is to be found first stands in VALUES: Oxigraph joins a later one with all that there is, and took 300 times
as long for what a FILTER says as well.
"""

from collections.abc import Callable, Collection

from kgbuild import ids
from kgbuild.note import composed
from kgbuild.schema import EDGE_TYPES, ID_BASE, TIMELINE_ASSERTIONS
from kgbuild.stores import Link, Table
from kgbuild.stores.mapping import EDGES, iri, literal, term

Ask = Callable[[str], Table]
"""Answers a SPARQL query."""

_TYPE_OF = {term(curie).value: name for name, curie in EDGES.items()}

_CONCEPTS = """
SELECT ?system ?code ?above_system ?above_code WHERE {
  ?concept a skos:Concept ; kg:system ?system ; skos:notation ?code .
  OPTIONAL { ?concept skos:broader ?above . ?above kg:system ?above_system ; skos:notation ?above_code }
}"""


def links(ask: Ask, patient_id: str) -> list[Link]:
    """Return what joins a patient's events and entities with each other, their codes and what stands above these."""
    key, patient = literal(composed(patient_id)), iri(ids.patient(patient_id))
    codes = f"?entity kg:patientKey {key} ; kg:codedAs/skos:broader* ?code ."
    name_of = {
        str(code): ids.concept(str(system), str(notation))
        for code, system, notation in ask(
            f"SELECT DISTINCT ?code ?system ?notation {{ {codes} ?code kg:system ?system ; skos:notation ?notation }}"
        ).rows
    }
    found = [
        *ask(f"SELECT DISTINCT ?s ?p ?o {{ ?s kg:patientKey {key} . {_joined('Entity')} }}").rows,
        *ask(f"SELECT DISTINCT ?s ?p ?o {{ {patient} kg:hasEvent ?s . {_joined('Event')} }}").rows,
        *ask(f"SELECT DISTINCT ?code (skos:broader AS ?p) ?o {{ {codes} ?code skos:broader ?o }}").rows,
    ]
    ends = ((str(p), *(name_of.get(str(end), str(end).removeprefix(ID_BASE)) for end in (s, o))) for s, p, o in found)
    return [Link(_TYPE_OF[p], source, target) for p, source, target in ends]


def concepts(ask: Ask) -> dict[str, frozenset[str]]:
    """Return the curie of each code in the store, with those of the codes above it that the store knows."""
    found: dict[str, set[str]] = {}
    for system, code, above_system, above_code in ask(_CONCEPTS).rows:
        above = found.setdefault(f"{system}:{code}", set())
        if above_code is not None:
            above.add(f"{above_system}:{above_code}")
    return {curie: frozenset(above) for curie, above in found.items()}


def coded(ask: Ask, curies: Collection[str]) -> list[str]:
    """Return, by id, the patients on whose timeline something has one of these codes (rank 1)."""
    codes = " ".join(str(iri(ids.concept(*curie.split(":", 1)))) for curie in sorted(curies))
    assertions = ", ".join(map(literal, TIMELINE_ASSERTIONS))
    found = ask(
        f"SELECT DISTINCT ?key {{ VALUES ?code {{ {codes} }} ?entity kg:codedAs ?code . ?event kg:of ?entity ; "
        f"kg:assertion ?assertion . ?patient kg:hasEvent ?event ; dcterms:identifier ?key "
        f"FILTER(?assertion IN ({assertions})) }}"
    )
    return sorted(str(key) for (key,) in found.rows)


def _joined(source: str) -> str:
    """Return the pattern of edges from a node type to codes and to what is on a timeline."""
    ends = ("Entity", "Event", "Concept")
    names = (name for name, edge in EDGE_TYPES.items() if edge.source == source and edge.target in ends)
    return f"?s ?p ?o FILTER(?p IN ({', '.join(str(term(EDGES[name])) for name in names)}))"
