"""A note graph as RDF: which class, property and IRI each node, property and edge becomes."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache, lru_cache

from pyoxigraph import NamedNode, RdfFormat, Triple, parse

from kgbuild import ids
from kgbuild.graph import Edge, Node, NoteGraph, Scalar
from kgbuild.schema import ID_BASE, VOCABULARY
from kgbuild.stores.escaping import RDF, escaped
from ontologies.systems import concept_iri

PREFIXES = {
    "kg": VOCABULARY,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
    "oa": "http://www.w3.org/ns/oa#",
    "prov": "http://www.w3.org/ns/prov#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "time": "http://www.w3.org/2006/time#",
}
"""Namespaces of what is written, and of queries that declare none."""


@cache
def term(curie: str) -> NamedNode:
    """Return the IRI of a prefixed name.

    >>> term("kg:Patient").value
    'https://w3id.org/kgbuild#Patient'
    """
    prefix, _, name = curie.partition(":")
    return NamedNode(PREFIXES[prefix] + name)


TYPE = term("rdf:type")

CLASSES: dict[str, str] = {
    "Patient": "kg:Patient",
    "Encounter": "kg:Encounter",
    "Note": "kg:Note",
    "Mention": "kg:Mention",
    "Entity": "kg:Entity",
    "Event": "kg:Event",
    "Concept": "skos:Concept",
}
"""Node type -> class."""

PROPERTIES: dict[tuple[str, str], str] = {
    ("Patient", "key"): "dcterms:identifier",
    ("Encounter", "key"): "dcterms:identifier",
    ("Note", "key"): "dcterms:identifier",
    ("Note", "date"): "dcterms:date",
    ("Note", "kind"): "kg:kind",
    ("Note", "sha256"): "kg:sha256",
    ("Note", "fingerprint"): "kg:fingerprint",
    ("Mention", "label"): "kg:label",
    ("Mention", "text"): "kg:text",
    ("Mention", "assertion"): "kg:assertion",
    ("Mention", "score"): "kg:score",
    ("Entity", "patient"): "kg:patientKey",
    ("Entity", "label"): "kg:label",
    ("Entity", "name"): "rdfs:label",
    ("Entity", "system"): "kg:system",
    ("Entity", "code"): "kg:code",
    ("Event", "start"): "kg:start",
    ("Event", "end"): "kg:end",
    ("Event", "assertion"): "kg:assertion",
    ("Event", "value"): "kg:value",
    ("Event", "number"): "kg:number",
    ("Event", "unit"): "kg:unit",
    ("Concept", "system"): "kg:system",
    ("Concept", "code"): "skos:notation",
    ("Concept", "name"): "skos:prefLabel",
}
"""Node type and property -> RDF property; a mention's offsets are a selector instead."""

EDGES: dict[str, str] = {
    "HAS_NOTE": "kg:hasNote",
    "IN_ENCOUNTER": "kg:inEncounter",
    "MENTIONS": "kg:mentions",
    "REFERS_TO": "kg:refersTo",
    "CODED_AS": "kg:codedAs",
    "IS_A": "skos:broader",
    "HAS_ENTITY": "kg:hasEntity",
    "HAS_EVENT": "kg:hasEvent",
    "OF": "kg:of",
    "EVIDENCED_BY": "kg:evidencedBy",
    "DATED_BY": "kg:datedBy",
    "VALUED_BY": "kg:valuedBy",
    "BEFORE": "kg:before",
    "OVERLAPS": "kg:overlaps",
    "MODIFY": "kg:modify",
    "SUB_PROCEDURE": "kg:subProcedure",
    "CAUSE": "kg:cause",
    "IDENTICAL": "kg:identical",
    "RELATED_TO": "kg:relatedTo",
}
"""Edge type -> RDF property."""

# A note is thousands of triples: they are written as text, which Oxigraph reads faster than Python makes objects.
_LITERAL = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r"})
_NOT_FINITE = {"inf": "INF", "-inf": "-INF", "nan": "NaN"}


def lines(graph: NoteGraph) -> list[str]:
    """Return what a note says, each triple once, as N-Triples without their full stops, without blank nodes.

    Raises:
        TableError: If a code is of an unknown system.
    """
    found = dict.fromkeys(line for node in graph.nodes for line in _node(node, graph.note_id))
    found.update(dict.fromkeys(line for edge in graph.edges for line in _edge(edge)))
    return list(found)


def triples(graph: NoteGraph) -> list[Triple]:
    """Return what a note says, each triple once: the same note gives the same set."""
    return as_triples(lines(graph))


def as_triples(lines: Iterable[str]) -> list[Triple]:
    """Return as objects what ``lines`` returned."""
    text = "".join(f"{line} .\n" for line in lines)
    return [quad.triple for quad in parse(text.encode(), RdfFormat.N_TRIPLES)]


def iri(node_id: str) -> NamedNode:
    """Return the IRI of a node: a concept's official one, for everything else a URN of its id.

    >>> iri("concept/icd10cm/K76.9").value, iri("patient/p%2F1").value
    ('http://hl7.org/fhir/sid/icd-10-cm/K76.9', 'urn:kgbuild:patient/p%2F1')
    """
    return NamedNode(_iri(node_id)[1:-1])


def own_subjects(note: NamedNode) -> tuple[str, ...]:
    """Return how subjects begin, as N-Triples write them, of which only this note can say anything.

    They hold its id, or are digests of words that hold it; all others may be spoken of by several notes.
    """
    mentions = note.value.replace(f"{ID_BASE}note/", f"{ID_BASE}mention/", 1)
    begin = (f"{note.value}>", f"{note.value}#", f"{mentions}/", f"{ID_BASE}coding/", f"{ID_BASE}statement/")
    return tuple(f"<{iri}" for iri in begin)


def literal(value: Scalar) -> str:
    r"""Return a property's value as a literal.

    >>> print(literal('say "no"'))
    "say \"no\""
    """
    if isinstance(value, str):
        return f'"{escaped(value, RDF).translate(_LITERAL)}"'
    if isinstance(value, date):
        return f'"{value.isoformat()}"^^{_term("xsd:date")}'
    if isinstance(value, float):
        return f'"{_NOT_FINITE.get(repr(value), repr(value))}"^^{_term("xsd:double")}'
    return f'"{value}"^^{_term("xsd:integer")}'


@cache
def _term(curie: str) -> str:
    """Return a prefixed name as N-Triples has it."""
    return f"<{term(curie).value}>"


@lru_cache(maxsize=100_000)  # a node is named by each of its edges
def _iri(node_id: str) -> str:
    """Return the IRI of a node as N-Triples has it.

    Raises:
        ValueError: If it would be none, so that no id can end it and say something else.
    """
    if node_id.startswith("concept/"):
        _, system, code = ids.parts(node_id)
        return str(NamedNode(concept_iri(system, code)))
    return str(NamedNode(ID_BASE + node_id))


def _node(node: Node, note: str) -> Iterator[str]:
    """Yield what a node says."""
    subject = _iri(node.id)
    yield f"{subject} {_term('rdf:type')} {_term(CLASSES[node.type])}"
    for name, value in node.properties.items():
        if node.type != "Mention" or name not in ("start", "end"):
            yield f"{subject} {_term(PROPERTIES[node.type, name])} {literal(value)}"
    if node.type == "Mention":
        yield from _selector(subject, node.properties, ids.note(note))
    elif node.type == "Event":
        yield from _interval(subject, node.properties)
    elif node.type == "Concept":
        yield f"{subject} {_term('skos:inScheme')} {_iri(ids.path('system', str(node.properties['system'])))}"


def _selector(mention: str, offsets: Mapping[str, Scalar], note_id: str) -> Iterator[str]:
    """Yield where a mention stands: Web Annotation's selectors, and the note as its origin.

    Source: https://www.w3.org/TR/annotation-model/#text-position-selector; the fragment is RFC 5147's.
    """
    place = f"{offsets['start']},{offsets['end']}"
    note = _iri(note_id)
    target, selector = _iri(f"{note_id}#char={place}"), _iri(f"{note_id}#selector={place}")
    yield f"{mention} {_term('prov:wasDerivedFrom')} {note}"
    yield f"{mention} {_term('oa:hasTarget')} {target}"
    yield f"{target} {_term('rdf:type')} {_term('oa:SpecificResource')}"
    yield f"{target} {_term('oa:hasSource')} {note}"
    yield f"{target} {_term('oa:hasSelector')} {selector}"
    yield f"{selector} {_term('rdf:type')} {_term('oa:TextPositionSelector')}"
    yield f"{selector} {_term('oa:start')} {literal(offsets['start'])}"
    yield f"{selector} {_term('oa:end')} {literal(offsets['end'])}"


def _interval(event: str, properties: Mapping[str, Scalar]) -> Iterator[str]:
    """Yield when an event was, in OWL-Time; its last day is part of it.

    Source: https://www.w3.org/TR/owl-time/
    """
    days = {"time:hasBeginning": properties.get("start"), "time:hasEnd": properties.get("end")}
    if not any(days.values()):
        return
    interval = _iri(ids.path("interval", "..".join(str(day or "unknown") for day in days.values())))
    yield f"{event} {_term('time:hasTime')} {interval}"
    yield f"{interval} {_term('rdf:type')} {_term('time:Interval')}"
    for bound, day in days.items():
        if day is not None:
            instant = _iri(ids.path("day", str(day)))
            yield f"{interval} {_term(bound)} {instant}"
            yield f"{instant} {_term('rdf:type')} {_term('time:Instant')}"
            yield f"{instant} {_term('time:inXSDDate')} {literal(day)}"


def _edge(edge: Edge) -> Iterator[str]:
    """Yield an edge: one triple, and a node that says more of it where the edge has properties.

    Only the best code (rank 1) is stated as a triple; alternatives are codings alone, so that no query takes one for
    the code.
    """
    if edge.properties.get("rank", 1) == 1:
        yield f"{_iri(edge.source)} {_term(EDGES[edge.type])} {_iri(edge.target)}"
    if edge.type == "CODED_AS":
        yield from _coding(edge)
    elif "source_mention" in edge.properties:
        yield from _statement(edge)


def _coding(edge: Edge) -> Iterator[str]:
    """Yield what is known of an entity's code: score, rank, release, note."""
    coding = _reified("coding", edge, "note", "release")
    yield f"{coding} {_term('rdf:type')} {_term('kg:Coding')}"
    yield f"{coding} {_term('kg:codedEntity')} {_iri(edge.source)}"
    yield f"{coding} {_term('kg:codedConcept')} {_iri(edge.target)}"
    yield f"{coding} {_term('prov:wasDerivedFrom')} {_iri(ids.note(str(edge.properties['note'])))}"
    for name in ("score", "rank", "release"):
        yield f"{coding} {_term(f'kg:{name}')} {literal(edge.properties[name])}"


def _statement(edge: Edge) -> Iterator[str]:
    """Yield what is known of a relation: score, note, both mentions, and the label of one that is not ours."""
    statement = _reified("statement", edge, "note", "label", "source_mention", "target_mention")
    yield f"{statement} {_term('rdf:type')} {_term('kg:RelationStatement')}"
    yield f"{statement} {_term('rdf:subject')} {_iri(edge.source)}"
    yield f"{statement} {_term('rdf:predicate')} {_term(EDGES[edge.type])}"
    yield f"{statement} {_term('rdf:object')} {_iri(edge.target)}"
    yield f"{statement} {_term('prov:wasDerivedFrom')} {_iri(ids.note(str(edge.properties['note'])))}"
    yield f"{statement} {_term('kg:score')} {literal(edge.properties['score'])}"
    yield f"{statement} {_term('kg:sourceMention')} {_iri(str(edge.properties['source_mention']))}"
    yield f"{statement} {_term('kg:targetMention')} {_iri(str(edge.properties['target_mention']))}"
    if "label" in edge.properties:
        yield f"{statement} {_term('kg:label')} {literal(edge.properties['label'])}"


def _reified(kind: str, edge: Edge, *names: str) -> str:
    """Return the IRI of the node that speaks of an edge: a digest of what makes the edge this one."""
    parts = (edge.type, edge.source, edge.target, *(str(edge.properties.get(name, "")) for name in names))
    return _iri(ids.path(kind, hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]))
