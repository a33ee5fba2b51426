"""Whether a note is as the shapes of ``ontologies/shapes.ttl`` say, told from its nodes and edges.

Every note that is written passes through here, so this looks at each node and edge once and makes no triples. It only
ever says that a note is right; of one that may not be, ``checking.py`` tells what is wrong, by its triples. What values
may be, and how often something is there, is read from the shapes; that the rest is as they say, ``mapping.py`` sees to
by what it writes of nodes and edges that are as asked here.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from kgbuild import ids
from kgbuild.graph import Edge, Node, NoteGraph, Scalar
from kgbuild.schema import EDGE_TYPES
from kgbuild.stores.mapping import CLASSES, EDGES, PROPERTIES, iri, term
from kgbuild.stores.shapes import NodeShape, PropertyShape, shapes

_Test = Callable[[Scalar], bool]

_ID = re.compile(r"[a-z]+/(?:[\w.~/-]|%[0-9A-F]{2})+", re.ASCII)
"""What ``ids.path`` makes: nothing that an IRI cannot hold, and no ``#``, by which selectors are named."""

_XSD = "http://www.w3.org/2001/XMLSchema#"
_TYPES: dict[str | None, type] = {
    f"<{_XSD}string>": str,
    f"<{_XSD}integer>": int,
    f"<{_XSD}double>": float,
    f"<{_XSD}date>": date,
}
"""Datatype -> type of the values that ``mapping.literal`` writes so."""

_SPAN = ("start", "end")
"""Properties of a mention that become a selector."""

_ENDS = ("source_mention", "target_mention")
_OF_CODE = frozenset(("note", "score", "rank", "release"))
_OF_RELATION = frozenset(("note", "score", *_ENDS))
_STATED = {"CODED_AS": ("kg:Coding", (_OF_CODE,))} | dict.fromkeys(
    (name for name, ends in EDGE_TYPES.items() if ends.source == ends.target and name != "IS_A"),
    ("kg:RelationStatement", (_OF_RELATION, _OF_RELATION | {"label"})),
)
"""Edge type -> the class that says more of such an edge, and the properties that it may have."""


@dataclass(frozen=True, slots=True)
class _NodeRules:
    """What nodes of a type must be: how their ids begin, and what their properties may hold."""

    prefix: str
    tests: Mapping[str, _Test]
    required: frozenset[str]
    ordered: tuple[tuple[str, str], ...]  # the first is not greater than the second
    is_span: bool  # whether it starts before it ends


@dataclass(frozen=True, slots=True)
class _EdgeRules:
    """What edges of a type must be.

    Attributes:
        is_single: Whether a node has one at most; ``is_single_back``: whether one at most leads to a node.
        is_required: Whether its source has one at least; ``is_required_back``: whether one leads to its target.
        properties: Names of the properties that it has, or may have instead; none if it has none.
        tests: What they may hold.
    """

    is_single: bool
    is_single_back: bool
    is_required: bool
    is_required_back: bool
    properties: tuple[frozenset[str], ...]
    tests: Mapping[str, _Test]


def is_right(graph: NoteGraph) -> bool:
    """Tell whether a note is as the shapes say; False if that cannot be seen here."""
    type_of = {node.id: node.type for node in graph.nodes}
    nodes, edges = _rules()
    return (
        len(type_of) == len(graph.nodes)
        and type_of.get(ids.note(graph.note_id)) == "Note"
        and all(node.type in nodes and _is_node(node, nodes[node.type]) for node in graph.nodes)
        and _have_iris([node.id for node in graph.nodes if node.type == "Concept"])
        and _are_edges(graph, type_of, edges)
        and _are_named(graph)
    )


# --- nodes --------------------------------------------------------------------------------------------------------
def _is_node(node: Node, rules: _NodeRules) -> bool:
    """Tell whether a node has what it must have, and nothing else."""
    said, tests = node.properties, rules.tests
    return (
        node.id.startswith(rules.prefix)
        and _ID.fullmatch(node.id) is not None
        and all(name in tests and tests[name](value) for name, value in said.items())
        and rules.required <= said.keys()
        and all(said[a] <= said[b] for a, b in rules.ordered if a in said and b in said)  # type: ignore[operator]
        and (not rules.is_span or said["start"] < said["end"])  # type: ignore[operator]
    )


def _have_iris(codes: list[str]) -> bool:
    """Tell whether each code has an IRI, and one of its own."""
    try:
        return len({iri(code) for code in codes}) == len(codes)
    except ValueError:
        return False


def _are_named(graph: NoteGraph) -> bool:
    """Tell whether the code that names an entity is one of its codes."""
    code_of = {n.id: (n.properties["system"], n.properties["code"]) for n in graph.nodes if n.type == "Concept"}
    best = (edge for edge in graph.edges if edge.type == "CODED_AS" and edge.properties["rank"] == 1)
    coded = {(edge.source, *code_of[edge.target]) for edge in best}
    names = ((n.id, n.properties.get("system"), n.properties.get("code")) for n in graph.nodes if n.type == "Entity")
    return all(name in coded for name in names if name[1:] != (None, None))


# --- edges --------------------------------------------------------------------------------------------------------
def _are_edges(graph: NoteGraph, type_of: Mapping[str, str], rules: Mapping[str, _EdgeRules]) -> bool:
    """Tell whether edges join what they may join, as often as they must, and say of themselves what they must."""
    forth: dict[str, dict[str, str]] = {name: {} for name in rules}
    back: dict[str, dict[str, str]] = {name: {} for name in rules}
    stated = []
    for edge in graph.edges:
        name, source, target = edge.type, edge.source, edge.target
        if (type_of.get(source), type_of.get(target)) != EDGE_TYPES.get(name):
            return False
        asked = rules[name]
        if forth[name].setdefault(source, target) != target and asked.is_single:
            return False
        if back[name].setdefault(target, source) != source and asked.is_single_back:
            return False
        if asked.properties:
            if not _is_stated(edge, graph.note_id, type_of, asked):
                return False
            stated.append((name, source, target, *map(edge.properties.get, ("release", "label", *_ENDS))))
        elif edge.properties:
            return False
    return len(set(stated)) == len(stated) and all(
        (not rules[name].is_required or type != ends.source or node in forth[name])
        and (not rules[name].is_required_back or type != ends.target or node in back[name])
        for node, type in type_of.items()
        for name, ends in EDGE_TYPES.items()
    )


def _is_stated(edge: Edge, note: str, type_of: Mapping[str, str], asked: _EdgeRules) -> bool:
    """Tell whether an edge says of itself what it must, and nothing else."""
    said = edge.properties
    return (
        said.keys() in asked.properties
        and said["note"] == note
        and all(test(said[name]) for name, test in asked.tests.items() if name in said)
        and all(type_of.get(str(said[end])) == "Mention" for end in _ENDS if end in said)
        and said.get("label") != ""  # which would have the IRI of one without a label
    )


# --- the rules, from the shapes -----------------------------------------------------------------------------------
@cache
def _rules() -> tuple[dict[str, _NodeRules], dict[str, _EdgeRules]]:
    """Return what the shapes ask of nodes and edges, by type."""
    shape_of = {shape.target: shape for shape in shapes()}
    of_type = {type: shape_of[str(term(class_))] for type, class_ in CLASSES.items()}
    nodes = {type: _node_rules(type, shape) for type, shape in of_type.items()}
    return nodes, {name: _edge_rules(name, of_type, shape_of) for name in EDGE_TYPES}


def _node_rules(type: str, shape: NodeShape) -> _NodeRules:
    """Return what the shape of a node type asks of its properties."""
    name_of = {str(term(curie)): name for (owner, name), curie in PROPERTIES.items() if owner == type}
    asked = {name_of[p.path]: p for p in shape.properties if p.path in name_of}
    span = _SPAN if type == "Mention" else ()
    return _NodeRules(
        prefix=f"{type.lower()}/",
        tests={name: _test(p) for name, p in asked.items()} | dict.fromkeys(span, _is_offset),
        required=frozenset(name for name, p in asked.items() if p.is_required).union(span),
        ordered=tuple((name, name_of[p.at_most]) for name, p in asked.items() if p.at_most is not None),
        is_span=bool(span),
    )


def _edge_rules(name: str, of_type: Mapping[str, NodeShape], shape_of: Mapping[str, NodeShape]) -> _EdgeRules:
    """Return what the shapes of both ends, and of what is said of it, ask of an edge type."""
    ends, path = EDGE_TYPES[name], str(term(EDGES[name]))
    (forth,) = (p for p in of_type[ends.source].properties if p.path == path and not p.is_inverse)
    back = [p for p in of_type[ends.target].properties if p.path == path and p.is_inverse]
    class_, properties = _STATED.get(name, ("", ()))
    said = shape_of[str(term(class_))].properties if class_ else ()
    return _EdgeRules(
        is_single=forth.is_single,
        is_single_back=any(p.is_single for p in back),
        is_required=forth.is_required,
        is_required_back=any(p.is_required for p in back),
        properties=properties,
        tests={
            name: _test(p) for p in said for name in ("score", "rank", "release", "label") if p.name == f"kg:{name}"
        },
    )


def _test(asked: PropertyShape) -> _Test:
    """Return what tells whether a property may hold a value."""
    if asked.allowed:
        return frozenset(value[1:-1] for value in asked.allowed).__contains__
    type_, pattern, least, most = _TYPES[asked.datatype], asked.pattern, asked.least, asked.most
    if pattern is not None:
        return lambda value: isinstance(value, str) and pattern.search(value) is not None
    if least is not None or most is not None:
        low, high = -math.inf if least is None else least, math.inf if most is None else most
        return lambda value: type(value) is type_ and low <= value <= high  # type: ignore[operator]
    return lambda value: type(value) is type_


def _is_offset(value: Scalar) -> bool:
    return type(value) is int and value >= 0
