"""The SHACL shapes of ``ontologies/shapes.ttl``, read into what the check of a note needs.

What is read: node shapes with a target class, closed, whose properties have predicates or inverse ones as paths, and
SPARQL constraints; every component named in ``PropertyShape``. Another one is an error, never passed over.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Store, Triple

from kgbuild.stores.mapping import PREFIXES

SHAPES = files("ontologies") / "shapes.ttl"

_SH = "http://www.w3.org/ns/shacl#"
_RDF = PREFIXES["rdf"]
_Term = NamedNode | BlankNode | Literal | Triple
_PREFIXED = re.compile(rf"\b({'|'.join(PREFIXES)}):(\w+)")
_SELECT = re.compile(r"\s*SELECT\s+\$this\s+WHERE\s*\{(.*)\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PropertyShape:
    """What the values along one path must be; terms as N-Triples write them.

    Source: https://www.w3.org/TR/shacl/#core-components
    """

    name: str
    path: str
    is_inverse: bool
    is_required: bool
    is_single: bool
    class_: str | None
    datatype: str | None
    is_iri: bool
    allowed: frozenset[str]
    pattern: re.Pattern[str] | None
    least: float | None
    most: float | None
    less_than: str | None
    at_most: str | None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule in SPARQL: ``query`` answers with each ``?node`` that breaks it."""

    rule: str
    query: str


@dataclass(frozen=True, slots=True)
class NodeShape:
    """What a node of a class must be; it has no other properties than these and its class."""

    name: str
    target: str
    properties: tuple[PropertyShape, ...]
    constraints: tuple[Constraint, ...]


@cache
def shapes() -> tuple[NodeShape, ...]:
    """Return the shapes, by name; the file is read once."""
    read = _Reader(SHAPES.read_bytes())
    return tuple(read.node_shape(shape) for shape in read.node_shapes())


class _Reader:
    """The file as a graph."""

    def __init__(self, turtle: bytes) -> None:
        self._store = Store()
        self._store.load(turtle, RdfFormat.TURTLE)

    def node_shapes(self) -> list[NamedNode]:
        """Return the node shapes, by name."""
        found = self._store.quads_for_pattern(None, NamedNode(f"{_RDF}type"), NamedNode(f"{_SH}NodeShape"))
        return sorted((q.subject for q in found if isinstance(q.subject, NamedNode)), key=lambda shape: shape.value)

    def node_shape(self, shape: NamedNode) -> NodeShape:
        """Return one node shape."""
        given = self._components(shape)
        assert given.keys() <= {"targetClass", "nodeKind", "closed", "ignoredProperties", "property", "sparql"}, shape
        assert {"targetClass", "nodeKind", "closed"} <= given.keys(), shape
        (target,) = given["targetClass"]
        return NodeShape(
            name=shape.value.partition("#")[2],
            target=str(target),
            properties=tuple(sorted(map(self._property, given["property"]), key=lambda p: p.name)),
            constraints=tuple(self._constraint(found, str(target)) for found in given.get("sparql", ())),
        )

    def _property(self, shape: _Term) -> PropertyShape:
        """Return one property shape."""
        given = self._components(shape)
        (path,) = given.pop("path")
        inverse = [] if isinstance(path, NamedNode) else self._components(path)["inversePath"]
        counts = [_number(count) for name in ("minCount", "maxCount") for count in given.get(name, ())]
        assert counts in ([], [1], [1, 1]), path
        members = [str(member) for head in given.pop("in", ()) for member in self._list(head)]
        kinds, classes = given.pop("nodeKind", []), given.pop("class", [])
        assert all(str(kind) == f"<{_SH}IRI>" for kind in kinds), path
        found = PropertyShape(
            name="^" + _short(inverse[0]) if inverse else _short(path),
            path=str(inverse[0] if inverse else path),
            is_inverse=bool(inverse),
            is_required=bool(given.pop("minCount", ())),
            is_single=bool(given.pop("maxCount", ())),
            class_=_only(classes),
            datatype=_only(given.pop("datatype", [])),
            is_iri=bool(kinds),
            allowed=frozenset(members),
            pattern=next((re.compile(_text(text).replace("$", r"\Z")) for text in given.pop("pattern", ())), None),
            least=next(map(_number, given.pop("minInclusive", ())), None),
            most=next(map(_number, given.pop("maxInclusive", ())), None),
            less_than=_only(given.pop("lessThan", [])),
            at_most=_only(given.pop("lessThanOrEquals", [])),
        )
        assert not given, given.keys()
        return found

    def _constraint(self, constraint: _Term, target: str) -> Constraint:
        """Return a SPARQL constraint as a query."""
        given = self._components(constraint)
        (message,), (select,) = given["message"], given["select"]
        found = _SELECT.fullmatch(_text(select))
        assert found is not None, message
        body = _PREFIXED.sub(lambda name: f"<{PREFIXES[name[1]]}{name[2]}>", found[1]).replace("$this", "?node")
        query = f"SELECT DISTINCT ?node WHERE {{ ?node a {target} . {body} }}"
        return Constraint(_text(message), query)

    def _components(self, subject: _Term) -> dict[str, list[_Term]]:
        """Return what SHACL says of a shape, by component."""
        assert not isinstance(subject, Literal)
        found: dict[str, list[_Term]] = {}
        for quad in self._store.quads_for_pattern(subject, None, None):
            if quad.predicate.value.startswith(_SH):
                found.setdefault(quad.predicate.value.removeprefix(_SH), []).append(quad.object)
        return found

    def _list(self, head: _Term) -> Iterator[_Term]:
        """Yield the members of an RDF list."""
        while str(head) != f"<{_RDF}nil>":
            assert isinstance(head, BlankNode)
            cell = {quad.predicate.value: quad.object for quad in self._store.quads_for_pattern(head, None, None)}
            yield cell[f"{_RDF}first"]
            head = cell[f"{_RDF}rest"]


def _only(terms: Sequence[_Term]) -> str | None:
    """Return the one term, or None without any."""
    assert len(terms) < 2
    return str(terms[0]) if terms else None


def _text(literal: _Term) -> str:
    assert isinstance(literal, Literal)
    return literal.value


def _number(literal: _Term) -> float:
    return float(_text(literal))


def _short(term: _Term) -> str:
    """Return an IRI as a prefixed name."""
    assert isinstance(term, NamedNode)
    prefix, base = next((prefix, base) for prefix, base in PREFIXES.items() if term.value.startswith(base))
    return f"{prefix}:{term.value.removeprefix(base)}"
