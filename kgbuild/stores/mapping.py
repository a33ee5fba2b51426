"""A note graph as RDF: which class, property and IRI each node, property and edge becomes."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache

from pyoxigraph import Literal, NamedNode, Triple

from kgbuild import ids
from kgbuild.graph import Edge, Node, NoteGraph, Scalar
from kgbuild.schema import ID_BASE, VOCABULARY
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
DATE = term("xsd:date")

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


def triples(graph: NoteGraph) -> list[Triple]:
    """Return what a note says, each triple once, without blank nodes: the same note gives the same set."""
    found = {triple for node in graph.nodes for triple in _node(node, graph.note_id)}
    found |= {triple for edge in graph.edges for triple in _edge(edge)}
    return list(found)


def iri(node_id: str) -> NamedNode:
    """Return the IRI of a node: a concept's official one, for everything else a URN of its id.

    >>> iri("concept/icd10cm/K76.9").value, iri("patient/p%2F1").value
    ('http://hl7.org/fhir/sid/icd-10-cm/K76.9', 'urn:kgbuild:patient/p%2F1')
    """
    if node_id.startswith("concept/"):
        _, system, code = ids.parts(node_id)
        return NamedNode(concept_iri(system, code))
    return NamedNode(ID_BASE + node_id)


def literal(value: Scalar) -> Literal:
    """Return a property's value as a literal."""
    if isinstance(value, date):
        return Literal(value.isoformat(), datatype=DATE)
    return Literal(value)


def _node(node: Node, note: str) -> Iterator[Triple]:
    """Yield what a node says."""
    subject = iri(node.id)
    yield Triple(subject, TYPE, term(CLASSES[node.type]))
    for name, value in node.properties.items():
        if node.type != "Mention" or name not in ("start", "end"):
            yield Triple(subject, term(PROPERTIES[node.type, name]), literal(value))
    if node.type == "Mention":
        yield from _selector(subject, node.properties, iri(ids.note(note)))
    elif node.type == "Event":
        yield from _interval(subject, node.properties)
    elif node.type == "Concept":
        scheme = NamedNode(ID_BASE + ids.path("system", str(node.properties["system"])))
        yield Triple(subject, term("skos:inScheme"), scheme)


def _selector(mention: NamedNode, offsets: Mapping[str, Scalar], note: NamedNode) -> Iterator[Triple]:
    """Yield where a mention stands: Web Annotation's selectors, and the note as its origin.

    Source: https://www.w3.org/TR/annotation-model/#text-position-selector; the fragment is RFC 5147's.
    """
    place = f"{offsets['start']},{offsets['end']}"
    target, selector = NamedNode(f"{note.value}#char={place}"), NamedNode(f"{note.value}#selector={place}")
    yield Triple(mention, term("prov:wasDerivedFrom"), note)
    yield Triple(mention, term("oa:hasTarget"), target)
    yield Triple(target, TYPE, term("oa:SpecificResource"))
    yield Triple(target, term("oa:hasSource"), note)
    yield Triple(target, term("oa:hasSelector"), selector)
    yield Triple(selector, TYPE, term("oa:TextPositionSelector"))
    yield Triple(selector, term("oa:start"), literal(offsets["start"]))
    yield Triple(selector, term("oa:end"), literal(offsets["end"]))


def _interval(event: NamedNode, properties: Mapping[str, Scalar]) -> Iterator[Triple]:
    """Yield when an event was, in OWL-Time; its last day is part of it.

    Source: https://www.w3.org/TR/owl-time/
    """
    days = {"time:hasBeginning": properties.get("start"), "time:hasEnd": properties.get("end")}
    if not any(days.values()):
        return
    interval = NamedNode(ID_BASE + ids.path("interval", "..".join(str(day or "unknown") for day in days.values())))
    yield Triple(event, term("time:hasTime"), interval)
    yield Triple(interval, TYPE, term("time:Interval"))
    for bound, day in days.items():
        if day is not None:
            instant = NamedNode(ID_BASE + ids.path("day", str(day)))
            yield Triple(interval, term(bound), instant)
            yield Triple(instant, TYPE, term("time:Instant"))
            yield Triple(instant, term("time:inXSDDate"), literal(day))


def _edge(edge: Edge) -> Iterator[Triple]:
    """Yield an edge: one triple, and a node that says more of it where the edge has properties.

    Only the best code (rank 1) is stated as a triple; alternatives are codings alone, so that no query takes one for
    the code.
    """
    source, predicate, target = iri(edge.source), term(EDGES[edge.type]), iri(edge.target)
    if edge.properties.get("rank", 1) == 1:
        yield Triple(source, predicate, target)
    if edge.type == "CODED_AS":
        yield from _coding(edge)
    elif "source_mention" in edge.properties:
        yield from _statement(edge)


def _coding(edge: Edge) -> Iterator[Triple]:
    """Yield what is known of an entity's code: score, rank, release, note."""
    coding = _reified("coding", edge, "note", "release")
    yield Triple(coding, TYPE, term("kg:Coding"))
    yield Triple(coding, term("kg:codedEntity"), iri(edge.source))
    yield Triple(coding, term("kg:codedConcept"), iri(edge.target))
    yield Triple(coding, term("prov:wasDerivedFrom"), iri(ids.note(str(edge.properties["note"]))))
    for name in ("score", "rank", "release"):
        yield Triple(coding, term(f"kg:{name}"), literal(edge.properties[name]))


def _statement(edge: Edge) -> Iterator[Triple]:
    """Yield what is known of a relation: score, note, both mentions, and the label of one that is not ours."""
    statement = _reified("statement", edge, "note", "label", "source_mention", "target_mention")
    yield Triple(statement, TYPE, term("kg:RelationStatement"))
    yield Triple(statement, term("rdf:subject"), iri(edge.source))
    yield Triple(statement, term("rdf:predicate"), term(EDGES[edge.type]))
    yield Triple(statement, term("rdf:object"), iri(edge.target))
    yield Triple(statement, term("prov:wasDerivedFrom"), iri(ids.note(str(edge.properties["note"]))))
    yield Triple(statement, term("kg:score"), literal(edge.properties["score"]))
    yield Triple(statement, term("kg:sourceMention"), iri(str(edge.properties["source_mention"])))
    yield Triple(statement, term("kg:targetMention"), iri(str(edge.properties["target_mention"])))
    if "label" in edge.properties:
        yield Triple(statement, term("kg:label"), literal(edge.properties["label"]))


def _reified(kind: str, edge: Edge, *names: str) -> NamedNode:
    """Return the IRI of the node that speaks of an edge: a digest of what makes the edge this one."""
    parts = (edge.type, edge.source, edge.target, *(str(edge.properties.get(name, "")) for name in names))
    return NamedNode(ID_BASE + ids.path(kind, hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]))
