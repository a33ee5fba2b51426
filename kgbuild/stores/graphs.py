"""The way back from RDF: nodes and edges of what ``mapping.py`` wrote, of one note or of the union of all."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Protocol, runtime_checkable

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from kgbuild import ids
from kgbuild.graph import Edge, Node, NoteGraph, Scalar, edge_order
from kgbuild.note import composed
from kgbuild.schema import EDGE_TYPES, ID_BASE, NODE_TYPES
from kgbuild.stores.mapping import CLASSES, EDGES, PROPERTIES, TYPE, iri, term
from kgbuild.stores.sparql import cell

_Term = NamedNode | BlankNode | Literal | Triple
Said = Mapping[str, list[_Term]]
"""What is said of a subject: IRI of a property -> its values."""

_TYPE_OF_CLASS = {term(curie).value: name for name, curie in CLASSES.items()}
_NAME_OF = {(type, term(curie).value): name for (type, name), curie in PROPERTIES.items()}
_EDGE_OF = {term(curie).value: name for name, curie in EDGES.items()}
_READ_FROM_TEXT = {"CODED_AS"} | {name for name, ends in EDGE_TYPES.items() if ends.source == ends.target} - {"IS_A"}
"""Edges that say more than their ends: codings and relation statements have them whole."""


@runtime_checkable
class Graphs(Protocol):
    """A store that keeps a named graph a note."""

    def graphs(self) -> list[NamedNode]:
        """Return the names of the notes' graphs, sorted."""
        ...

    def quads(self, graph: NamedNode | None = None) -> Iterator[Quad]:
        """Return what one note says, or the union of all."""
        ...


def note_graph(note_id: str, triples: Iterable[Triple]) -> NoteGraph:
    """Return the graph of which these are the ``mapping.triples``."""
    said: dict[NamedNode, dict[str, list[_Term]]] = defaultdict(lambda: defaultdict(list))
    for triple in triples:
        assert isinstance(triple.subject, NamedNode)
        said[triple.subject][triple.predicate.value].append(triple.object)
    return assembled(note_id, nodes_and_edges(said, lambda subject: said[subject]))


def assembled(note_id: str, found: Iterable[Node | Edge]) -> NoteGraph:
    """Return the graph of a note whose nodes and edges these are, in any order."""
    nodes, edges = list[Node](), list[Edge]()
    for one in found:
        (nodes if isinstance(one, Node) else edges).append(one)  # type: ignore[arg-type]
    nodes.sort(key=lambda node: (NODE_TYPES.index(node.type), node.id))
    edges.sort(key=edge_order)
    fingerprint = next(str(node.properties["fingerprint"]) for node in nodes if node.type == "Note")
    return NoteGraph(note_id, fingerprint, tuple(nodes), tuple(edges))


def note_graphs(store: Graphs, note_ids: Iterable[str]) -> Iterator[NoteGraph]:
    """Yield notes as they were put, in this order; those that are not there are left out."""
    for note in note_ids:
        if triples := [quad.triple for quad in store.quads(iri(ids.note(note)))]:
            yield note_graph(composed(note), triples)


def said_of(triples: Iterable[Triple]) -> Said:
    """Return triples of one subject by property."""
    found: dict[str, list[_Term]] = defaultdict(list)
    for triple in triples:
        found[triple.predicate.value].append(triple.object)
    return found


def nodes_and_edges(subjects: Iterable[NamedNode], said: Callable[[NamedNode], Said]) -> Iterator[Node | Edge]:
    """Yield the nodes, and the edges that run from them, by subject.

    Args:
        subjects: What is spoken of.
        said: Returns what is said of a subject, of these and of the codes that they lead to.
    """
    names: dict[NamedNode, str] = {}

    def id_of(thing: _Term) -> str:
        assert isinstance(thing, NamedNode)
        if thing.value.startswith(ID_BASE) and not thing.value.startswith(f"{ID_BASE}code/"):
            return thing.value.removeprefix(ID_BASE)
        if thing not in names:
            system, code = (_value(said(thing), curie) for curie in ("kg:system", "skos:notation"))
            names[thing] = ids.concept(str(system), str(code))
        return names[thing]

    for subject in subjects:
        about = said(subject)
        types = [_TYPE_OF_CLASS[t.value] for t in about[TYPE.value] if isinstance(t, NamedNode) and _is_ours(t)]
        for type in types:
            yield Node(type, id_of(subject), _properties(type, subject, about))
        yield from _edges(subject, about, id_of)


def _is_ours(class_: NamedNode) -> bool:
    return class_.value in _TYPE_OF_CLASS


def _properties(type: str, subject: NamedNode, about: Said) -> dict[str, Scalar]:
    """Return the properties of a node; a mention's offsets are part of its id."""
    found: dict[str, Scalar] = {}
    for predicate, values in about.items():
        name = _NAME_OF.get((type, predicate))
        if name is not None:
            found[name] = _scalar(min(values, key=str))
    if type == "Mention":
        start, end = ids.parts(subject.value.removeprefix(ID_BASE))[2].split("-")
        found |= {"start": int(start), "end": int(end)}
    return found


def _edges(subject: NamedNode, about: Said, id_of: Callable[[_Term], str]) -> Iterator[Edge]:
    """Yield the edges that a subject has, or is."""
    classes = about[TYPE.value]
    if term("kg:Coding") in classes:
        known = {name: _value(about, f"kg:{name}") for name in ("score", "rank", "release")}
        (source,), (target,) = about[term("kg:codedEntity").value], about[term("kg:codedConcept").value]
        yield Edge("CODED_AS", id_of(source), id_of(target), {"note": _note(about), **known})
    elif term("kg:RelationStatement") in classes:
        (source,), (predicate,), (target,) = (about[term(f"rdf:{end}").value] for end in _STATEMENT)
        (first,), (second,) = about[term("kg:sourceMention").value], about[term("kg:targetMention").value]
        known = {"note": _note(about), "score": _value(about, "kg:score")}
        known |= {"source_mention": id_of(first), "target_mention": id_of(second)}
        if term("kg:label").value in about:
            known["label"] = _value(about, "kg:label")
        assert isinstance(predicate, NamedNode)
        yield Edge(_EDGE_OF[predicate.value], id_of(source), id_of(target), known)
    else:
        for property, values in about.items():
            name = _EDGE_OF.get(property)
            if name is not None and name not in _READ_FROM_TEXT:
                yield from (Edge(name, id_of(subject), id_of(value)) for value in values)


_STATEMENT = ("subject", "predicate", "object")


def _note(about: Said) -> str:
    """Return the id of the note that a coding or statement is of."""
    (note,) = about[term("prov:wasDerivedFrom").value]
    assert isinstance(note, NamedNode)
    return ids.parts(note.value.removeprefix(ID_BASE))[1]


def _value(about: Said, curie: str) -> Scalar:
    """Return the value of a property that is there."""
    return _scalar(min(about[term(curie).value], key=str))


def _scalar(value: _Term) -> Scalar:
    """Return a literal as a plain value."""
    found = cell(value)
    assert isinstance(found, str | int | float | date)
    return found
