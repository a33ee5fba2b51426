"""The nodes and edges of one note: a pure function of what was read and resolved."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from extractors.document import Mention, Relation
from kgbuild import ids
from kgbuild.dating import assertion_of
from kgbuild.entity import Entity, entities
from kgbuild.resolve import Resolution, ResolvedNote
from kgbuild.schema import (
    ALTERNATIVE_SCORE,
    EDGE_TYPES,
    EVENT_LABELS,
    EVENT_RELATIONS,
    HAD_ASSERTIONS,
    NODE_TYPES,
)
from kgbuild.timeline import Event, events
from ontologies.concept import Concept
from resolvers.candidate import Candidate

Scalar = str | int | float | date
"""What a property may hold; an absent property is left out, never None."""

__all__ = ["Edge", "Entity", "Node", "NoteGraph", "Scalar", "note_graph"]


@dataclass(frozen=True, slots=True)
class Node:
    """A thing with properties.

    The properties of what several notes share (patients, encounters, entities, events, concepts) follow from its id
    alone, but for the names that code tables give; of several, stores answer with the least. So notes may be written in
    any order.
    """

    type: str
    id: str = field(repr=False)
    properties: Mapping[str, Scalar] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Edge:
    """A typed link from ``source`` to ``target``, both ids of nodes of the same note graph."""

    type: str
    source: str = field(repr=False)
    target: str = field(repr=False)
    properties: Mapping[str, Scalar] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class NoteGraph:
    """All that one note brings.

    Attributes:
        note_id: The note.
        fingerprint: Changes when the note, or what read it, changes.
        nodes: Ordered by type, then id; each id once.
        edges: Ordered by type, source, target and properties; both ends are among the nodes.
    """

    note_id: str
    fingerprint: str
    nodes: tuple[Node, ...] = field(repr=False)
    edges: tuple[Edge, ...] = field(repr=False)


def note_graph(resolved: ResolvedNote, fingerprint: str) -> NoteGraph:
    """Return the nodes and edges of a note: deterministic, sorted, every edge between two of its nodes."""
    note = resolved.note
    entity_of = entities(resolved)
    happened = events(resolved, entity_of)
    entity_ids = {mention: [entity.id] for mention, entity in entity_of.items()}
    event_ids = _event_ids(happened)
    nodes = [
        *_note_nodes(resolved, fingerprint),
        *(_mention_node(note.id, mention) for mention in resolved.document.mentions),
        *(_entity_node(entity) for entity in entity_of.values()),
        *(_event_node(event) for event in happened),
        *(node for resolution in resolved.resolutions for node in _concept_nodes(resolution)),
    ]
    edges = [
        *_note_edges(resolved, entity_of),
        *(edge for event in happened for edge in _event_edges(event)),
        *(edge for resolution in resolved.resolutions for edge in _code_edges(note.id, resolution, entity_of)),
        *(edge for r in resolved.document.relations for edge in _relation_edges(note.id, r, entity_ids, event_ids)),
    ]
    return _checked(NoteGraph(note.id, fingerprint, _unique_nodes(nodes), _unique_edges(edges)))


# --- nodes --------------------------------------------------------------------------------------------------------
def _properties(**found: Scalar | None) -> dict[str, Scalar]:
    """Return the properties that are there."""
    return {name: value for name, value in found.items() if value is not None}


def _note_nodes(resolved: ResolvedNote, fingerprint: str) -> list[Node]:
    """Return the note, its patient and its encounter."""
    note = resolved.note
    digest = hashlib.sha256(note.text.encode("utf-8", "surrogatepass")).hexdigest()
    about = _properties(key=note.id, date=note.date, kind=note.kind, sha256=digest, fingerprint=fingerprint)
    nodes = [
        Node("Patient", ids.patient(note.patient_id), {"key": note.patient_id}),
        Node("Note", ids.note(note.id), about),
    ]
    if note.encounter_id is not None:
        encounter = ids.encounter(note.patient_id, note.encounter_id)
        nodes.append(Node("Encounter", encounter, {"key": note.encounter_id}))
    return nodes


def _mention_node(note: str, mention: Mention) -> Node:
    about = _properties(
        start=mention.start,
        end=mention.end,
        label=mention.label,
        text=mention.text,
        assertion=mention.assertion,
        score=float(mention.score),
    )
    return Node("Mention", ids.mention(note, mention), about)


def _entity_node(entity: Entity) -> Node:
    concept = entity.concept
    about = _properties(
        patient=entity.patient_id,
        label=entity.label,
        name=entity.name,
        system=None if concept is None else concept.system,
        code=None if concept is None else concept.code,
    )
    return Node("Entity", entity.id, about)


def _event_node(event: Event) -> Node:
    about = _properties(
        start=event.start,
        end=event.end,
        assertion=event.assertion,
        value=event.value,
        number=event.number,
        unit=event.unit,
    )
    return Node("Event", event.id, about)


def _concept_node(concept: Concept) -> Node:
    about = _properties(system=concept.system, code=concept.code, name=concept.name)
    return Node("Concept", ids.concept(concept.system, concept.code), about)


def _offered(resolution: Resolution) -> list[Candidate]:
    """Return the code and the alternatives worth keeping, best first; none for NIL."""
    if resolution.best is None:
        return []
    return [c for i, c in enumerate(resolution.candidates) if i == 0 or c.score >= ALTERNATIVE_SCORE]


def _concept_nodes(resolution: Resolution) -> list[Node]:
    """Return the candidates and their direct parents, of which only the codes are known; none for NIL."""
    concepts = [candidate.concept for candidate in _offered(resolution)]
    parents = {(concept.system, parent) for concept in concepts for parent in concept.parents}
    return [_concept_node(concept) for concept in concepts] + [
        Node("Concept", ids.concept(system, code), {"system": system, "code": code}) for system, code in sorted(parents)
    ]


# --- edges --------------------------------------------------------------------------------------------------------
def _note_edges(resolved: ResolvedNote, entity_of: Mapping[Mention, Entity]) -> list[Edge]:
    """Return the edges from patient to note to mention to entity."""
    note = resolved.note
    patient, this = ids.patient(note.patient_id), ids.note(note.id)
    edges = [Edge("HAS_NOTE", patient, this)]
    if note.encounter_id is not None:
        edges.append(Edge("IN_ENCOUNTER", this, ids.encounter(note.patient_id, note.encounter_id)))
    for mention in resolved.document.mentions:
        edges.append(Edge("MENTIONS", this, ids.mention(note.id, mention)))
        if (entity := entity_of.get(mention)) is None:
            continue
        edges.append(Edge("REFERS_TO", ids.mention(note.id, mention), entity.id))
        if mention.label in EVENT_LABELS and assertion_of(mention) in HAD_ASSERTIONS:
            edges.append(Edge("HAS_ENTITY", patient, entity.id))
    return edges


def _event_edges(event: Event) -> list[Edge]:
    """Return the edges of an event to its patient, entity and mentions."""
    this = event.id
    mentions = {"EVIDENCED_BY": event.evidence, "DATED_BY": event.dated_by, "VALUED_BY": event.valued_by}
    return [
        Edge("HAS_EVENT", ids.patient(event.patient_id), this),
        Edge("OF", this, event.entity.id),
        *(Edge(name, this, ids.mention(event.note_id, mention)) for name, some in mentions.items() for mention in some),
    ]


def _code_edges(note: str, resolution: Resolution, entity_of: Mapping[Mention, Entity]) -> list[Edge]:
    """Return the edges from an entity to its code (rank 1) and the alternatives, and on to their parents."""
    entity = entity_of.get(resolution.chunk.mention)
    if entity is None:
        return []
    edges = []
    for rank, candidate in enumerate(_offered(resolution), start=1):
        concept = candidate.concept
        this = ids.concept(concept.system, concept.code)
        about: dict[str, Scalar] = {
            "note": note,
            "score": float(candidate.score),
            "rank": rank,
            "release": resolution.release,
        }
        edges.append(Edge("CODED_AS", entity.id, this, about))
        edges += [Edge("IS_A", this, ids.concept(concept.system, parent)) for parent in concept.parents]
    return edges


def _event_ids(happened: Iterable[Event]) -> dict[Mention, list[str]]:
    """Return the ids of the events that each mention is evidence of."""
    found: dict[Mention, list[str]] = defaultdict(list)
    for event in happened:
        event_id = event.id
        for mention in event.evidence:
            found[mention].append(event_id)
    return found


def _relation_edges(
    note: str, relation: Relation, entity_ids: Mapping[Mention, list[str]], event_ids: Mapping[Mention, list[str]]
) -> list[Edge]:
    """Return what a relation says of two events, or of two entities; nothing of a thing with itself."""
    is_temporal = relation.label in EVENT_RELATIONS
    name, is_turned = EVENT_RELATIONS.get(relation.label, (relation.label, False))
    first, second = (relation.tail, relation.head) if is_turned else (relation.head, relation.tail)
    about: dict[str, Scalar] = {
        "note": note,
        "score": float(relation.score),
        "source_mention": ids.mention(note, first),
        "target_mention": ids.mention(note, second),
    }
    if not is_temporal and EDGE_TYPES.get(name) != ("Entity", "Entity"):
        name, about = "RELATED_TO", about | {"label": relation.label}
    ids_of = event_ids if is_temporal else entity_ids
    ends = [(source, target) for source in ids_of.get(first, ()) for target in ids_of.get(second, ())]
    return [Edge(name, source, target, about) for source, target in ends if source != target]


# --- order --------------------------------------------------------------------------------------------------------
def _unique_nodes(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return each node once, with all its properties: a parent known by its code alone may be a candidate as well."""
    by_id: dict[str, Node] = {}
    for node in nodes:
        known = by_id.get(node.id)
        by_id[node.id] = node if known is None else Node(node.type, node.id, {**node.properties, **known.properties})
    return tuple(sorted(by_id.values(), key=lambda node: (NODE_TYPES.index(node.type), node.id)))


def _unique_edges(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """Return each edge once; of several codings of an entity as one concept in one note, the best."""
    unique: dict[tuple[str, ...], Edge] = {}
    for edge in sorted(edges, key=edge_order):
        unique.setdefault(_edge_key(edge), edge)
    return tuple(unique.values())


def _edge_key(edge: Edge) -> tuple[str, ...]:
    """Return what makes two edges the same: codings by release, relations by the mentions they were read from."""
    read = ("release", "label", "source_mention", "target_mention")
    return (edge.type, edge.source, edge.target, *(str(edge.properties.get(name, "")) for name in read))


def edge_order(edge: Edge) -> tuple[int, str, str, int, float, str]:
    """Return the sort key of an edge: the best rank and score first among its like."""
    rank, score = edge.properties.get("rank", 0), edge.properties.get("score", 0.0)
    assert isinstance(rank, int)
    assert isinstance(score, float)
    types = list(EDGE_TYPES)
    return (types.index(edge.type), edge.source, edge.target, rank, -score, repr(sorted(edge.properties.items())))


def _checked(graph: NoteGraph) -> NoteGraph:
    """Assert that every edge joins two nodes of the graph, of the types that the schema allows."""
    types = {node.id: node.type for node in graph.nodes}
    for edge in graph.edges:
        allowed = EDGE_TYPES[edge.type]
        assert (types.get(edge.source), types.get(edge.target)) == allowed, edge.type
    return graph
