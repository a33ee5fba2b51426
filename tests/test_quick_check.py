"""The quick check says that a note is right only where the shapes say so too."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuild.graph import Edge, Node, NoteGraph, Scalar, note_graph
from kgbuild.schema import EDGE_TYPES, NODE_TYPES
from kgbuild.stores import writing
from kgbuild.stores.checking import violations
from kgbuild.stores.mapping import CLASSES, EDGES, PROPERTIES, lines, term
from kgbuild.stores.quick_check import is_right
from kgbuild.stores.shapes import shapes
from tests.marked import resolved
from tests.test_shacl import BROKEN, WHOLE

_VALUES: list[Scalar] = [
    "",
    "x",
    "present",
    "0" * 64,
    "icd10cm",
    "K76.9",
    0,
    1,
    -1,
    2,
    0.0,
    0.5,
    1.5,
    math.nan,
    math.inf,
]
_VALUES += [True, date(1999, 1, 1), date(2020, 1, 1), datetime(2020, 1, 1, 1), "n2", "\ud800", "a\nb"]
_IDS = [
    "note/100%",
    "patient/\u00e9",
    "note/n1#char=1,2",
    "day/2018-05-03",
    "concept/no_such_system/1",
    "Patient/p1",
    "x",
]
_IDS += ["concept/icd10cm/K76.9", "concept/hpo/1", "concept/hpo/HP%3A1", "entity/p1/a", "note/n2"]
_NAMES = sorted(
    {name for _, name in PROPERTIES} | {"start", "end", "note", "score", "rank", "release", "source_mention"}
)


def test_whole_note_is_right() -> None:
    assert is_right(WHOLE)
    assert is_right(note_graph(resolved("[Pain|Sign_symptom]."), "f1"))
    assert is_right(note_graph(resolved("Nothing."), "f1"))


def test_notes_that_are_right_are_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "violations", None)
    assert writing.written([WHOLE], lambda graphs: None) == 1


@pytest.mark.parametrize("name", BROKEN)
def test_broken_note_is_not(name: str) -> None:
    assert not is_right(BROKEN[name][1])


Change = Callable[[NoteGraph], NoteGraph]


def _with_node(graph: NoteGraph, i: int, *new: Node) -> NoteGraph:
    i %= len(graph.nodes)
    return replace(graph, nodes=(*graph.nodes[:i], *new, *graph.nodes[i + 1 :]))


def _with_edge(graph: NoteGraph, i: int, *new: Edge) -> NoteGraph:
    i %= len(graph.edges)
    return replace(graph, edges=(*graph.edges[:i], *new, *graph.edges[i + 1 :]))


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Something done to a node or an edge."""
    i, j = draw(st.integers(0, 999)), draw(st.integers(0, 999))
    name, value, new = draw(st.sampled_from(_NAMES)), draw(st.sampled_from(_VALUES)), draw(st.sampled_from(_IDS))
    node_type, edge_type = draw(st.sampled_from(NODE_TYPES)), draw(st.sampled_from(sorted(EDGE_TYPES)))
    is_kept = draw(st.booleans())

    def node(of: Callable[[Node], Node]) -> Change:
        def changed(graph: NoteGraph) -> NoteGraph:
            old = graph.nodes[i % len(graph.nodes)]
            return _with_node(graph, i, *([old] if is_kept and old.type == "Concept" else []), of(old))

        return changed

    def edge(of: Callable[[Edge, NoteGraph], Edge]) -> Change:
        def changed(graph: NoteGraph) -> NoteGraph:
            old = graph.edges[i % len(graph.edges)]
            return _with_edge(graph, i, *([old] if is_kept else []), of(old, graph))

        return changed

    def renamed(graph: NoteGraph) -> NoteGraph:
        """The graph with another id for one node, wherever it stands."""
        old = graph.nodes[i % len(graph.nodes)].id

        def other(value: Scalar) -> Scalar:
            return new if value == old else value

        nodes = tuple(replace(n, id=str(other(n.id))) for n in graph.nodes)
        edges = (
            Edge(e.type, str(other(e.source)), str(other(e.target)), {k: other(v) for k, v in e.properties.items()})
            for e in graph.edges
        )
        return replace(graph, nodes=nodes, edges=tuple(edges))

    def without(said: dict[str, Scalar]) -> dict[str, Scalar]:
        return {k: v for k, v in said.items() if k != sorted(said)[j % len(said)]} if said else said

    def one_of(said: dict[str, Scalar]) -> dict[str, Scalar]:
        return {**said, sorted(said)[j % len(said)]: value} if said else said

    kinds: list[Change] = [
        lambda graph: _with_node(graph, i),
        lambda graph: _with_edge(graph, i),
        node(lambda n: replace(n, properties={**n.properties, name: value})),
        node(lambda n: replace(n, properties=one_of(dict(n.properties)))),
        node(lambda n: replace(n, properties=without(dict(n.properties)))),
        node(lambda n: replace(n, type=node_type)),
        node(lambda n: replace(n, id=new)),
        renamed,
        edge(lambda e, _: replace(e, properties={**e.properties, name: value})),
        edge(lambda e, _: replace(e, properties=one_of(dict(e.properties)))),
        edge(lambda e, _: replace(e, properties=without(dict(e.properties)))),
        edge(lambda e, _: replace(e, type=edge_type)),
        edge(lambda e, graph: replace(e, source=graph.nodes[j % len(graph.nodes)].id)),
        edge(lambda e, graph: replace(e, target=graph.nodes[j % len(graph.nodes)].id)),
        edge(lambda e, _: replace(e, target=new)),
    ]
    return draw(st.sampled_from(kinds))


@settings(max_examples=1_000, deadline=None)
@given(st.lists(changes(), min_size=1, max_size=2))
def test_note_that_is_right_however_it_was_changed_breaks_no_shape(done: list[Change]) -> None:
    graph = WHOLE
    for change in done:
        graph = change(graph)
    if is_right(graph):
        assert violations(graph.note_id, lines(graph)) == []


def test_shapes_ask_nothing_that_the_quick_check_was_not_written_for() -> None:
    """Who changes the shapes comes by here: the properties of nodes and edges are read from them, these are not."""
    ours = {str(term(curie)) for curie in (*CLASSES.values(), *PROPERTIES.values(), *EDGES.values())}
    of_ours = {str(term(curie)) for curie in CLASSES.values()}
    left = {
        (shape.name, wanted.name)
        for shape in shapes()
        for wanted in shape.properties
        if shape.target not in of_ours or wanted.path not in ours
    }
    assert left == {
        *(("Coding", name) for name in ("kg:codedConcept", "kg:codedEntity", "prov:wasDerivedFrom")),
        *(("Coding", f"kg:{name}") for name in ("score", "rank", "release")),
        *(("RelationStatement", f"rdf:{name}") for name in ("subject", "predicate", "object")),
        *(("RelationStatement", f"kg:{name}") for name in ("score", "label", "sourceMention", "targetMention")),
        ("RelationStatement", "prov:wasDerivedFrom"),
        *(("Target", name) for name in ("oa:hasSource", "oa:hasSelector", "^oa:hasTarget")),
        *(("Selector", name) for name in ("oa:start", "oa:end")),
        *(("Interval", name) for name in ("time:hasBeginning", "time:hasEnd", "^time:hasTime")),
        ("Instant", "time:inXSDDate"),
        ("Mention", "prov:wasDerivedFrom"),
        ("Mention", "oa:hasTarget"),
        ("Event", "time:hasTime"),
        ("Concept", "skos:inScheme"),
    }
    assert {constraint.rule for shape in shapes() for constraint in shape.constraints} == {
        "the code that names the entity is one of its codes",
        "a system names the entity together with a code",
        "a code has a coding of rank 1",
        "a relation has a statement with both mentions",
        "the concept of a coding of rank 1 is a code of the entity",
        "what a statement speaks of is stated",
        "the first day is that of the interval",
        "the last day is that of the interval",
    }
