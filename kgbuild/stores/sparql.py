"""SPARQL queries of users: read only, within a time, and never calling another server unless allowed."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import takewhile
from threading import Event
from typing import TypeVar

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Store,
    Triple,
    parse,
    parse_query_results,
)

from kgbuild.stores import QUERY_SECONDS, Cell, StoreError, Table
from kgbuild.stores.escaping import restored
from kgbuild.stores.folder import is_damage
from kgbuild.stores.mapping import PREFIXES
from kgbuild.stores.patience import in_time

_One = TypeVar("_One")

_XSD = PREFIXES["xsd"]
_NUMBERS: dict[str, type[int] | type[float]] = {
    **dict.fromkeys((f"{_XSD}{name}" for name in ("integer", "int", "long", "nonNegativeInteger")), int),
    **dict.fromkeys((f"{_XSD}{name}" for name in ("double", "float", "decimal")), float),
}

# What a query may hold besides its keywords. An IRI with ")" before the word "service" is not taken for one: it may be
# a comparison, "FILTER(?a<?b)SERVICE...".
_OTHER_THAN_KEYWORDS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""' + r"|'''(?:[^'\\]|\\.|'(?!''))*'''"
    r'|"(?:[^"\\\n\r]|\\.)*"' + r"|'(?:[^'\\\n\r]|\\.)*'"
    r"|<(?![^<>\s]*\)[^<>\s]*service)[^<>\"{}|^`\\\x00-\x20]*>"
    r"|\#[^\n\r]*"
    r"|[?$]\w+"
    r"|@[a-z]+(?:-[a-z0-9]+)*"
    r"|(?<=:)(?:[\w.:%-]|\\.)+",  # the local part of a prefixed name; its prefix stays
    re.DOTALL | re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})")
_SERVICE, _GRAPH = re.compile("service", re.IGNORECASE), re.compile("graph", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\b(?!:)", re.IGNORECASE)
_NO_PATTERN = re.compile(r"\b(?:CONSTRUCT|EXISTS)\s*$", re.IGNORECASE)
_UPDATE = re.compile(r"\b(INSERT|DELETE|LOAD|CLEAR|DROP|CREATE|ADD|MOVE|COPY|WITH)\b", re.IGNORECASE)
_PLACE = re.compile(r"error at (\d+):(\d+): (.*)", re.DOTALL)
_LONGEST_EXPECTATION = 120  # characters of the parser's list of what it expected


def ask(store: Store, statement: str, *, seconds: float = QUERY_SECONDS, may_call: bool = False) -> Table:
    """Answer a SELECT, ASK, CONSTRUCT or DESCRIBE query.

    The prefixes of ``mapping.PREFIXES`` need no declaration. IRIs come as text, numbers, booleans and dates as
    themselves; ASK gives one cell, CONSTRUCT and DESCRIBE the columns subject, predicate and object.

    Args:
        store: What to ask.
        statement: The query.
        seconds: How long it may take. The thread of a query that took longer ends with its next answer, or with the
            process: Oxigraph cannot be interrupted in search of one.
        may_call: Allow SERVICE.

    Raises:
        StoreError: If it would write or call another server, is not SPARQL, or takes too long; the message names line
            and column.
        RuntimeError: If the store is damaged.
    """
    if not may_call:
        refuse_calls(statement)
    try:
        return in_time(lambda given_up: _answer(store, statement, given_up), seconds)
    except TimeoutError:
        raise StoreError(f"query: stopped after {seconds:g} s; ask for less, or allow more time") from None


def table_of(body: bytes, type: str) -> Table:
    """Return what a server answered as ``ask`` returns it.

    Raises:
        StoreError: If it is no answer to a query.
    """
    try:
        if type == "application/sparql-results+json":
            return _table(parse_query_results(body, QueryResultsFormat.JSON))
        return _triples(quad.triple for quad in parse(body, RdfFormat.N_TRIPLES))
    except (SyntaxError, ValueError):
        fault = StoreError(f"query: the server answered with {type}, which is no answer to a query")
    raise fault


def remote_fault(statement: str, status: int, body: bytes) -> StoreError:
    """Return what is wrong with a statement that a server did not answer."""
    if status in (408, 503):
        return StoreError(f"query: the server stopped it ({status}); ask for less")
    said = (body.decode("utf-8", "replace").strip().splitlines() or [""])[0]
    return syntax_fault(statement, f"the server answered {status}: {said[:_LONGEST_EXPECTATION]}")


def _answer(store: Store, statement: str, given_up: Event) -> Table:
    """Return what a query answers.

    Raises:
        StoreError: If something is wrong with it.
        RuntimeError: If the store is damaged.
    """
    try:
        return _table(store.query(statement, prefixes=PREFIXES), given_up)
    except SyntaxError as error:
        fault: Exception = syntax_fault(statement, str(error))
    except (OSError, RuntimeError, ValueError) as error:
        message = _first_line(error)
        fault = RuntimeError(message) if is_damage(error) else StoreError(f"query: {message}")
    raise fault  # not where the answer is among the variables: it must not leave this thread


def _table(answer: QuerySolutions | QueryBoolean | QueryTriples, given_up: Event | None = None) -> Table:
    """Return an answer as plain values, or what is there of it when nobody waits any more."""
    if isinstance(answer, QuerySolutions):
        columns = tuple(variable.value for variable in answer.variables)
        return Table(columns, [tuple(cell(value) for value in solution) for solution in _wanted(answer, given_up)])
    if isinstance(answer, QueryBoolean):
        return Table(("ask",), [(bool(answer),)])
    return _triples(_wanted(answer, given_up))


def _wanted(answers: Iterable[_One], given_up: Event | None) -> Iterator[_One]:
    """Yield answers as long as somebody waits for them: they would fill the memory of a process that goes on."""
    return takewhile(lambda _: given_up is None or not given_up.is_set(), answers)


def cell(value: NamedNode | BlankNode | Literal | Triple | None) -> Cell:
    """Return an RDF term as a plain value."""
    if value is None:
        return None
    if isinstance(value, Literal):
        return _plain(value)
    return value.value if isinstance(value, NamedNode) else str(value)


def _plain(literal: Literal) -> Cell:
    """Return a literal as a number, boolean or date if it is a valid one, else as text."""
    datatype, text = literal.datatype.value, literal.value
    try:
        if datatype in _NUMBERS:
            return _NUMBERS[datatype](text)
        if datatype == f"{_XSD}date":
            return date.fromisoformat(text)
    except ValueError:
        return text
    return {"true": True, "1": True}.get(text, False) if datatype == f"{_XSD}boolean" else restored(text)


def _triples(answer: Iterable[Triple]) -> Table:
    """Return the triples of a graph, each once, sorted."""
    found = {tuple(str(term) for term in triple): triple for triple in answer}
    rows = [tuple(cell(term) for term in found[key]) for key in sorted(found)]
    return Table(("subject", "predicate", "object"), rows)


def refuse_calls(statement: str) -> None:
    """Refuse a query that calls another server, before it is parsed: the parser's own client would."""
    if _says(statement, _SERVICE):
        raise StoreError("query: SERVICE is refused: it sends what is found to another server, unless that is allowed")


def names_graphs(statement: str) -> bool:
    """Tell whether a query may ask for named graphs."""
    return _says(statement, _GRAPH)


def chooses_graphs(statement: str) -> bool:
    """Tell whether a query says itself which graphs it is about."""
    return _says(statement, _FROM)


def _says(statement: str, word: re.Pattern[str]) -> bool:
    r"""Tell whether a word is among the keywords; some servers read ``\u0053`` before all else, some in names alone."""
    return any(word.search(_keywords(read)) for read in (statement, _ESCAPE.sub(_unescaped, statement)))


def within(statement: str, graph: str) -> str:
    """Return a query that asks one graph where it names none; what has no pattern to be asked comes back as it is.

    >>> within("SELECT ?n { ?s ?p ?o GRAPH ?n { ?s ?p ?o } } LIMIT 1", "urn:all")
    'SELECT ?n {GRAPH <urn:all>{ ?s ?p ?o GRAPH ?n { ?s ?p ?o } }} LIMIT 1'
    """
    keywords = _keywords(statement)
    opened: list[int] = []
    for brace in re.finditer("[{}]", keywords):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            begin, end = opened.pop(), brace.end()
            if not opened and _NO_PATTERN.search(keywords[:begin]) is None:
                return f"{statement[:begin]}{{GRAPH <{graph}>{statement[begin:end]}}}{statement[end:]}"
    return statement


def _keywords(statement: str) -> str:
    """Return a statement with blanks for all that is not a keyword, each in its place."""
    return _OTHER_THAN_KEYWORDS.sub(lambda found: " " * len(found[0]), statement)


def _unescaped(escape: re.Match[str]) -> str:
    """Return the character that an escape stands for, or nothing if it stands for none."""
    number = int(escape[1] or escape[2], 16)
    return chr(number) if number < 0x110000 else ""


def syntax_fault(statement: str, message: str) -> StoreError:
    """Return what is wrong with a statement that is not a query, and where."""
    update = _UPDATE.search(_keywords(statement))
    if update is not None:
        return StoreError(f"query: {update[1].upper()} is refused: a query only reads")
    place = _PLACE.match(message)
    if place is None:
        return StoreError(f"query: {message.splitlines()[0]}")
    expected = " ".join(place[3].split())
    if len(expected) > _LONGEST_EXPECTATION:
        expected = expected[:_LONGEST_EXPECTATION] + "..."
    return StoreError(f"query: line {place[1]}, column {place[2]}: {expected}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
