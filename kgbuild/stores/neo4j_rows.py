"""Note graphs as rows of statements that never change: the Cypher that writes nodes and edges, and takes them back.

Only names of ``schema.py`` enter a statement, all of them before a note is seen; what notes say are parameters.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from extractors.document import ASSERTIONS, Mention
from kgbuild.dating import assertion_of
from kgbuild.graph import Node, NoteGraph, Scalar
from kgbuild.schema import EDGE_TYPES, EVENT_LABELS, HAD_ASSERTIONS, NODE_TYPES
from kgbuild.stores.escaping import RDF, escaped

STORE = "KgbuildStore"
"""Label of the one node that says that a database is a store; who writes holds a lock on it."""

LONGEST_KEY = 4_000  # characters of an id that is indexed; Neo4j indexes some 8,000 bytes
LONG_ID = "long_id"

_SHARED = ("HAS_ENTITY", "HAS_EVENT", "OF", "IS_A")
"""Edges that several notes may state; all others belong to the note that brought them."""

BY_NOTE = {
    "Entity": [name for name, ends in EDGE_TYPES.items() if ends.source == "Entity"],
    "Event": [name for name, ends in EDGE_TYPES.items() if ends == ("Event", "Event")],
}
"""Edges between things that several notes share, which say by ``note`` whose they are."""

Row = Mapping[str, object]


def constraints() -> list[str]:
    """Return the statements that make ids unique, and so found at once."""
    return [
        f"CREATE CONSTRAINT kgbuild_{label.lower()}_id IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE"
        for label in (STORE, *NODE_TYPES)
    ]


LOCK = f"MERGE (store:{STORE} {{id: 'kgbuild'}}) SET store.turn = 0"
"""Waits until no other transaction writes. A property is set, even to what it was, only with a lock on its node, and
the lock ends with the transaction. Without it, what one note leaves behind could go while another comes to need it."""

_NAMED = ("Entity", "Concept")
"""Node types whose names are a code table's: where notes were coded with different ones, the least holds."""

_LEAST_NAME = (
    "ON CREATE SET n = row "
    "ON MATCH SET n.name = CASE WHEN row.name IS NULL OR n.name <= row.name THEN n.name ELSE row.name END"
)
NODES = {
    label: f"UNWIND $rows AS row MERGE (n:{label} {{id: row.id}}) {_LEAST_NAME if label in _NAMED else 'SET n += row'}"
    for label in NODE_TYPES
}
"""Node type -> the statement that writes some."""

EDGES = {
    name: f"UNWIND $rows AS row MATCH (a:{ends.source} {{id: row[0]}}) MATCH (b:{ends.target} {{id: row[1]}}) "
    + (f"MERGE (a)-[:{name}]->(b)" if name in _SHARED else f"CREATE (a)-[e:{name}]->(b) SET e = row[2]")
    for name, ends in EDGE_TYPES.items()
}
"""Edge type -> the statement that writes some. What belongs to a note is created: nothing of the note is there yet."""

_NOTES = "UNWIND $notes AS id MATCH (note:Note {id: id})"
_OF_NOTE = {
    "Patient": "<-[:HAS_NOTE]-(n:Patient)",
    "Encounter": "-[:IN_ENCOUNTER]->(n:Encounter)",
    "Entity": "-[:MENTIONS]->()-[:REFERS_TO]->(n:Entity)",
    "Event": "-[:MENTIONS]->()<-[:EVIDENCED_BY]-(n:Event)",
}
SHARED_BY = {label: f"{_NOTES}{path} RETURN DISTINCT n.id AS id" for label, path in _OF_NOTE.items()}
"""Node type -> the statement that finds what notes share with others."""

CODED = (
    f"{_NOTES}{_OF_NOTE['Entity']} WITH DISTINCT note, n MATCH (n)-[e:CODED_AS]->(code) WHERE e.note = note.key "
    "RETURN DISTINCT code.id AS id, e.name AS name, e.parents AS parents"
)
"""Finds the codes of notes, and what these say of them."""

WITHDRAW = (
    *(
        f"{_NOTES}{_OF_NOTE[label]} WITH DISTINCT note, n MATCH (n)-[e:{'|'.join(names)}]->() "
        "WHERE e.note = note.key DELETE e"
        for label, names in BY_NOTE.items()
    ),
    f"{_NOTES}-[:MENTIONS]->(mention) DETACH DELETE mention",
    f"{_NOTES} DETACH DELETE note",
)
"""Take away what belongs to notes, in this order."""

PARENTS = (
    "UNWIND $said AS row MATCH (code:Concept {id: row.id})-[e:IS_A]->(parent) "
    "WHERE (row.parents IS NULL OR parent.id IN row.parents) "
    "AND NOT EXISTS { (code)<-[c:CODED_AS]-() WHERE c.parents IS NULL OR parent.id IN c.parents } "
    "DELETE e RETURN DISTINCT parent.id AS id"
)
"""Takes back what no note says any more of what stands above codes; returns those that did."""

NAMES = (
    "UNWIND $said AS row MATCH (code:Concept {id: row.id}) WHERE (row.name IS NULL OR code.name = row.name) "
    "AND NOT EXISTS { (code)<-[c:CODED_AS]-() WHERE c.name IS NULL OR c.name = row.name } "
    "SET code.name = COLLECT { MATCH (code)<-[c:CODED_AS]-() RETURN min(c.name) }[0]"
)
"""Takes back names of codes that no note says any more; the least of the others holds, if there is one."""

NAMES_OF_ENTITIES = (
    "UNWIND $ids AS id MATCH (n:Entity {id: id}) WHERE n.code IS NOT NULL "
    "SET n.name = coalesce(COLLECT { MATCH (n)-[c:CODED_AS {rank: 1}]->(code:Concept) "
    "WHERE code.system = n.system AND code.code = n.code RETURN min(c.name) }[0], n.name)"
)
"""The same for entities that a code names."""

_UNSAID = {
    "Event": "NOT EXISTS { (n)-[:EVIDENCED_BY]->() }",
    "Entity": "NOT EXISTS { (n)<-[:REFERS_TO]-() }",
    "Concept": "NOT EXISTS { (n)<-[:CODED_AS]-() } AND NOT EXISTS { (n)<-[:IS_A]-() }",
    "Encounter": "NOT EXISTS { (n)<-[:IN_ENCOUNTER]-() }",
    "Patient": "NOT EXISTS { (n)-[:HAS_NOTE]->() }",
}
FORGET = {
    label: f"UNWIND $ids AS id MATCH (n:{label} {{id: id}}) WHERE {unsaid} DETACH DELETE n"
    for label, unsaid in _UNSAID.items()
}
"""Node type -> the statement that takes away what no note says any more, in this order."""

NOT_HAD = (
    "UNWIND $ids AS id MATCH (n:Entity {id: id})<-[e:HAS_ENTITY]-() "
    "WHERE NOT EXISTS { (n)<-[:REFERS_TO]-(mention) WHERE mention.label + ' ' + mention.assertion IN $had } DELETE e"
)
"""Takes back that a patient has or had what no note says so of any more."""

HAD = [
    f"{label} {assertion}"
    for label in EVENT_LABELS
    for assertion in ASSERTIONS
    if assertion_of(Mention(0, 1, label, "-", assertion)) in HAD_ASSERTIONS
]
"""Label and assertion of the mentions that say so."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What some notes say, by statement.

    Attributes:
        nodes: Node type -> id and properties of each node.
        edges: Edge type -> source, target and properties of each edge.
    """

    nodes: dict[str, list[Row]] = field(repr=False)
    edges: dict[str, list[tuple[str, str, Row]]] = field(repr=False)


def rows(graphs: Iterable[NoteGraph]) -> Rows:
    """Return what notes say; a coding also says what its note calls the code, and what stands above it there."""
    nodes: dict[str, dict[str, dict[str, object]]] = defaultdict(dict)
    edges: dict[str, list[tuple[str, str, Row]]] = defaultdict(list)
    for graph in graphs:
        for node in graph.nodes:
            new = _node(node)
            known = nodes[node.type].setdefault(key(node.id), new)
            if known is not new:
                nodes[node.type][key(node.id)] = known | new | _least_name(known, new)
        said = _said_of_codes(graph)
        for edge in graph.edges:
            about = _properties(edge.properties) | (said[edge.target] if edge.type == "CODED_AS" else {})
            edges[edge.type].append((key(edge.source), key(edge.target), about))
    for name in edges.keys() & set(_SHARED):
        edges[name] = [(source, target, {}) for source, target in dict.fromkeys((e[0], e[1]) for e in edges[name])]
    return Rows(
        {label: list(some.values()) for label, some in nodes.items()}, {n: some for n, some in edges.items() if some}
    )


def _least_name(one: Row, other: Row) -> dict[str, str]:
    """Return the name that holds of two."""
    names = [str(row["name"]) for row in (one, other) if "name" in row]
    return {"name": min(names)} if names else {}


def _said_of_codes(graph: NoteGraph) -> dict[str, dict[str, object]]:
    """Return what a note says of each concept: its name, if any, and what stands above it."""
    said: dict[str, dict[str, object]] = {
        node.id: {name: value for name, value in _properties(node.properties).items() if name == "name"}
        for node in graph.nodes
        if node.type == "Concept"
    }
    above: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        if edge.type == "IS_A":
            above[edge.source].append(key(edge.target))
    return {code: {**about, "parents": above.get(code, [])} for code, about in said.items()}


def key(node_id: str) -> str:
    """Return what a node is found by: its id, or the beginning and a digest of a very long one.

    >>> key("note/n1"), len(key("note/" + "x" * 10_000_000))
    ('note/n1', 265)
    """
    if len(node_id) <= LONGEST_KEY:
        return node_id
    return f"{node_id[:200]}~{hashlib.sha256(node_id.encode()).hexdigest()}"


def _node(node: Node) -> dict[str, object]:
    """Return a node's id and properties."""
    found = key(node.id)
    whole = {} if found == node.id else {LONG_ID: node.id}
    return {"id": found, **whole, **_properties(node.properties)}


def _properties(properties: Mapping[str, Scalar]) -> dict[str, object]:
    """Return properties as Neo4j can hold them, see ``escaping``."""
    return {name: escaped(value, RDF) if isinstance(value, str) else value for name, value in properties.items()}
