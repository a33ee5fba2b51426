"""What is wrong with a note before it is written: its triples against the shapes of ``ontologies/shapes.ttl``.

Asked of notes that ``quick_check.py`` does not see to be right. One pass over the triples holds them against SHACL's
Core; its SPARQL constraints run in Oxigraph's memory. pyshacl, which ``kgbuild validate`` asks, reads the same file,
and a test holds both to the same answers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256

from pyoxigraph import QuerySolutions, RdfFormat, Store

from kgbuild.schema import ID_BASE
from kgbuild.stores.mapping import PREFIXES
from kgbuild.stores.shapes import NodeShape, PropertyShape, shapes

_TYPE = f"<{PREFIXES['rdf']}type>"
_XSD = PREFIXES["xsd"]
_STRING = f"<{_XSD}string>"
_READERS: dict[str, Callable[[str], float | date]] = {
    f"<{_XSD}integer>": int,
    f"<{_XSD}double>": float,
    f"<{_XSD}date>": date.fromisoformat,
}
"""Datatype -> what reads its literals."""

_ByNode = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Violation:
    """A node of a note that breaks a rule of a shape; nothing of the note's text.

    Attributes:
        note: Id of the note.
        shape: Name of the shape, as in ``shapes.ttl``.
        node: Which node, as ``shown`` names it.
        rule: What it breaks.
    """

    note: str
    shape: str
    node: str
    rule: str

    def __str__(self) -> str:
        return f"note {self.note!r}: shape {self.shape}, {self.node}: {self.rule}"


def violations(note: str, lines: Sequence[str]) -> list[Violation]:
    """Return what is wrong with a note; nothing if it is as it should be.

    Args:
        note: Its id.
        lines: What it says, as ``mapping.lines`` writes it.
    """
    found = {*_core(note, lines), *_constraints(note, lines)}
    return sorted(found, key=lambda one: (one.shape, one.node, one.rule))


def shown(node: str) -> str:
    """Return a node as a message may name it: notes, mentions and codes by id or IRI, all else by kind and digest.

    The id of an entity or event holds the patient's, and words of the note.

    Args:
        node: As N-Triples write it.

    >>> shown("<urn:kgbuild:mention/n1/0-4/Sign_symptom>")
    'mention/n1/0-4/Sign_symptom'
    >>> shown("<urn:kgbuild:entity/p1/Sign_symptom/pain>")
    'entity ~4b9c4d7996b0'
    """
    iri = node[1:-1]
    if not iri.startswith(ID_BASE):
        return iri if node.startswith("<http") else f"node ~{_digest(node)}"
    kind, _, _ = iri.removeprefix(ID_BASE).partition("/")
    is_harmless = kind in ("note", "mention", "coding", "statement", "interval", "day")
    return iri.removeprefix(ID_BASE) if is_harmless else f"{kind} ~{_digest(node)}"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


# --- SHACL Core ---------------------------------------------------------------------------------------------------
def _core(note: str, lines: Iterable[str]) -> Iterator[Violation]:
    """Yield what is wrong with the triples of a note, taken by themselves."""
    inverse = _inverse_paths()
    forward: _ByNode = {}
    backward: _ByNode = {}
    for line in lines:
        subject, predicate, value = line.split(" ", 2)
        forward.setdefault(subject, {}).setdefault(predicate, []).append(value)
        if predicate in inverse:
            backward.setdefault(value, {}).setdefault(predicate, []).append(subject)
    classes = {node: said.get(_TYPE, []) for node, said in forward.items()}
    known = _by_class()
    for node, said in forward.items():
        of_class = [known[target] for target in classes[node] if target in known]
        if not of_class:
            yield Violation(note, "any", shown(node), "is of a class that has a shape")
        for shape in of_class:
            for rule in _broken(shape, node, said, backward.get(node, {}), classes):
                yield Violation(note, shape.name, shown(node), rule)


@cache
def _by_class() -> dict[str, NodeShape]:
    """Return the shape of each class."""
    return {shape.target: shape for shape in shapes()}


@cache
def _inverse_paths() -> frozenset[str]:
    """Return the properties whose shapes look at what they lead to."""
    return frozenset(wanted.path for shape in shapes() for wanted in shape.properties if wanted.is_inverse)


def _broken(
    shape: NodeShape,
    node: str,
    said: Mapping[str, list[str]],
    said_of: Mapping[str, list[str]],
    classes: Mapping[str, list[str]],
) -> Iterator[str]:
    """Yield the rules of a shape that a node breaks."""
    if not node.startswith("<"):
        yield "is an IRI"
    left = set(said) - {_TYPE}
    for wanted in shape.properties:
        values = (said_of if wanted.is_inverse else said).get(wanted.path)
        if not wanted.is_inverse:
            left.discard(wanted.path)
        if values is None:
            if wanted.is_required:
                yield f"{wanted.name} is missing"
        else:
            yield from _wrong(wanted, values, said, classes)
    if left:
        yield "has a property that its class does not have"


def _wrong(
    wanted: PropertyShape,
    values: Sequence[str],
    said: Mapping[str, list[str]],
    classes: Mapping[str, list[str]],
) -> Iterator[str]:
    """Yield what is wrong with the values along a path."""
    if wanted.is_single and len(values) > 1:
        yield f"{wanted.name} is there more than once"
    if wanted.class_ is not None and not all(wanted.class_ in classes.get(value, ()) for value in values):
        yield f"{wanted.name} is of another class"
    if wanted.allowed and not wanted.allowed.issuperset(values):
        yield f"{wanted.name} is none of those allowed"
    if wanted.is_iri and not all(value.startswith("<") for value in values):
        yield f"{wanted.name} is no IRI"
    if wanted.datatype is not None:
        yield from _wrong_literals(wanted, wanted.datatype, values, said)


def _wrong_literals(
    wanted: PropertyShape, datatype: str, values: Sequence[str], said: Mapping[str, list[str]]
) -> Iterator[str]:
    """Yield what is wrong with literals along a path."""
    read = [_value(value, datatype) for value in values]
    if any(value is None for value in read):
        yield f"{wanted.name} is of another datatype"
        return
    if wanted.pattern is not None and not all(wanted.pattern.search(str(value)) for value in read):
        yield f"{wanted.name} does not have its pattern"
    numbers = [value for value in read if isinstance(value, int | float)]
    if wanted.least is not None and any(not value >= wanted.least for value in numbers):
        yield f"{wanted.name} is too small"
    if wanted.most is not None and any(not value <= wanted.most for value in numbers):
        yield f"{wanted.name} is too great"
    for path, is_equal_right in ((wanted.less_than, False), (wanted.at_most, True)):
        for other in said.get(path, ()) if path is not None else ():
            if not all(_is_less(value, _value(other, datatype), is_equal_right) for value in read):
                yield f"{wanted.name} is not before the end"


def _value(literal: str, datatype: str) -> str | float | date | None:
    """Return the value of a literal, or None if it is no literal of the datatype."""
    if datatype == _STRING:
        return literal[1:-1] if len(literal) > 1 and literal[0] == literal[-1] == '"' else None
    text, _, found = literal.rpartition('"^^')
    if found == datatype and text.startswith('"'):
        with suppress(ValueError):
            return _READERS[datatype](text[1:])
    return None


def _is_less(value: object, other: object, is_equal_right: bool) -> bool:
    """Tell whether a value stands before another; of different kinds, none does."""
    if isinstance(value, date) and isinstance(other, date):
        return value < other or (is_equal_right and value == other)
    if isinstance(value, int | float) and isinstance(other, int | float):
        return value < other or (is_equal_right and value == other)
    return False


# --- SPARQL constraints -------------------------------------------------------------------------------------------
def _constraints(note: str, lines: Iterable[str]) -> Iterator[Violation]:
    """Yield what the SPARQL constraints find in a note."""
    memory = Store()
    memory.load("".join(f"{line} .\n" for line in lines).encode(), RdfFormat.N_TRIPLES)
    for shape in shapes():
        for constraint in shape.constraints:
            answers = memory.query(constraint.query)
            assert isinstance(answers, QuerySolutions)
            for answer in answers:
                yield Violation(note, shape.name, shown(str(answer["node"])), constraint.rule)
