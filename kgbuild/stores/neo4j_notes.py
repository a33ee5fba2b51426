"""Notes as they were put into Neo4j: read back from what each brought of its own and what it shares with others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from neo4j import Record
from neo4j.time import Date

from kgbuild import ids
from kgbuild.graph import Edge, Node, NoteGraph, Scalar
from kgbuild.stores.escaping import restored
from kgbuild.stores.graphs import assembled
from kgbuild.stores.neo4j_rows import BY_NOTE, HAD, LONG_ID, key

_BATCH = 50  # notes asked for at once
_NOTES = "UNWIND $ids AS id MATCH (note:Note {id: id})"
_ENTITIES = "MATCH (note)-[:MENTIONS]->()-[:REFERS_TO]->(n:Entity) WITH DISTINCT note, n"
_EVENTS = "MATCH (note)-[:MENTIONS]->()<-[:EVIDENCED_BY]-(n:Event) WITH DISTINCT note, n"
_OWN = "WHERE e.note = note.key RETURN note.id AS note, n, e"

_PATIENTS = f"""{_NOTES} MATCH (patient:Patient)-[:HAS_NOTE]->(note)
OPTIONAL MATCH (note)-[:IN_ENCOUNTER]->(encounter:Encounter)
RETURN note.id AS note, note AS n, patient, encounter"""
_MENTIONS = f"""{_NOTES} MATCH (note)-[:MENTIONS]->(n:Mention)
OPTIONAL MATCH (n)-[:REFERS_TO]->(entity:Entity)
RETURN note.id AS note, n, entity"""
_HAPPENED = f"""{_NOTES}
MATCH (note)-[:MENTIONS]->(mention)<-[e:EVIDENCED_BY|DATED_BY|VALUED_BY]-(n:Event)-[:OF]->(entity:Entity)
RETURN note.id AS note, n, type(e) AS type, mention, entity"""
_CODES = f"""{_NOTES} {_ENTITIES} MATCH (n)-[e:CODED_AS]->(code:Concept) {_OWN}, code,
  [(code)-[:IS_A]->(above:Concept) WHERE e.parents IS NULL OR above.id IN e.parents | above] AS above"""
_RELATIONS = [
    f"{_NOTES} {way} MATCH (n)-[e:{'|'.join(name for name in BY_NOTE[type] if name != 'CODED_AS')}]->(other) {_OWN}, "
    "type(e) AS type, other"
    for type, way in (("Entity", _ENTITIES), ("Event", _EVENTS))
]

Found = Mapping[str, object]
"""Properties of a node or an edge, as the driver gives them."""


class _Note:
    """Gathers the nodes and edges of one note."""

    def __init__(self, row: Record) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str, str, str], Edge] = {}
        self._this = self._node("Note", row["n"])
        self._patient = self._node("Patient", row["patient"])
        self._edge("HAS_NOTE", self._patient, self._this)
        if row["encounter"] is not None:
            self._edge("IN_ENCOUNTER", self._this, self._node("Encounter", row["encounter"]))

    def mention(self, row: Record) -> None:
        """Add a mention, and the entity that it refers to."""
        this = self._node("Mention", row["n"])
        self._edge("MENTIONS", self._this, this)
        if row["entity"] is not None:
            entity = self._node("Entity", row["entity"])
            self._edge("REFERS_TO", this, entity)
            if f"{row['n']['label']} {row['n']['assertion']}" in HAD:
                self._edge("HAS_ENTITY", self._patient, entity)

    def happened(self, row: Record) -> None:
        """Add an event, and one of the mentions that tell of it."""
        this = self._node("Event", row["n"])
        self._edge("HAS_EVENT", self._patient, this)
        self._edge("OF", this, _id(row["entity"]))
        self._edge(row["type"], this, _id(row["mention"]))

    def code(self, row: Record) -> None:
        """Add a code as the note calls it, which may name an entity, and those above, which have no names here."""
        entity, code, coding = row["n"], row["code"], dict(row["e"])
        called = {"name": coding.pop("name", code.get("name"))}
        coding.pop("parents", None)
        this = self._node("Concept", {**code, **called})
        if (entity.get("system"), entity.get("code")) == (code["system"], code["code"]):
            self._node("Entity", {**entity, **called})
        self._edge("CODED_AS", _id(entity), this, coding)
        for above in row["above"]:
            unnamed = {name: value for name, value in above.items() if name != "name"}
            self.nodes.setdefault(_id(above), Node("Concept", _id(above), _properties(unnamed)))
            self._edge("IS_A", this, _id(above))

    def relation(self, row: Record) -> None:
        """Add a relation between entities, or between events."""
        self._edge(row["type"], _id(row["n"]), _id(row["other"]), row["e"])

    def graph(self) -> NoteGraph:
        """Return all of it."""
        _, note_id = ids.parts(self._this)
        return assembled(note_id, [*self.nodes.values(), *self.edges.values()])

    def _node(self, type: str, found: Found) -> str:
        """Add a node; return its id."""
        this = _id(found)
        self.nodes[this] = Node(type, this, _properties(found))
        return this

    def _edge(self, type: str, source: str, target: str, found: Found | None = None) -> None:
        """Add an edge."""
        about = {} if found is None else _properties(found)
        self.edges[type, source, target, repr(sorted(about.items()))] = Edge(type, source, target, about)


_ANSWERS: Sequence[tuple[str, Callable[[_Note, Record], None]]] = (
    (_MENTIONS, _Note.mention),
    (_HAPPENED, _Note.happened),
    (_CODES, _Note.code),
    *((question, _Note.relation) for question in _RELATIONS),
)
"""What is asked of some notes, and what adds an answer to a note."""


def note_graphs(read: Callable[..., list[Record]], note_ids: Iterator[str]) -> Iterator[NoteGraph]:
    """Yield notes as they were put; those that are not there are left out.

    Args:
        read: Answers a statement, ``Connection.read``.
        note_ids: Their ids.
    """
    while some := list(islice(note_ids, _BATCH)):
        keys = [key(ids.note(note)) for note in some]
        notes = {row["note"]: _Note(row) for row in read(_PATIENTS, ids=keys)}
        for question, add in _ANSWERS:
            for row in read(question, ids=list(notes)):
                add(notes[row["note"]], row)
        yield from (notes[this].graph() for this in keys if this in notes)


def _id(found: Found) -> str:
    """Return the id of a node."""
    return str(found.get(LONG_ID, found["id"]))


def _properties(found: Found) -> dict[str, Scalar]:
    """Return properties as they were before ``neo4j_rows`` wrote them."""
    return {name: _scalar(value) for name, value in found.items() if name not in ("id", LONG_ID)}


def _scalar(value: object) -> Scalar:
    """Return a value as it was before it was written."""
    if isinstance(value, Date):
        return value.to_native()
    assert isinstance(value, str | int | float)
    return restored(value) if isinstance(value, str) else value
