"""SPARQL queries of users: read only, within a time, and never calling another server unless allowed."""

import re
from collections.abc import Iterable
from datetime import date
from queue import Empty, SimpleQueue
from threading import Thread

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
from kgbuild.stores.mapping import PREFIXES

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
        seconds: How long it may take. Oxigraph cannot be interrupted: the thread of a query that took longer ends by
            itself or with the process.
        may_call: Allow SERVICE.

    Raises:
        StoreError: If it would write or call another server, is not SPARQL, or takes too long; the message names line
            and column.
    """
    if not may_call:
        refuse_calls(statement)
    done: SimpleQueue[Table | StoreError] = SimpleQueue()
    Thread(target=lambda: done.put(_answer(store, statement)), daemon=True).start()
    try:
        found = done.get(timeout=seconds)
    except Empty:
        found = StoreError(f"query: stopped after {seconds:g} s; ask for less, or allow more time")
    if isinstance(found, StoreError):
        raise found
    return found


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


def _answer(store: Store, statement: str) -> Table | StoreError:
    """Return what a query answers, or what is wrong with it."""
    try:
        return _table(store.query(statement, prefixes=PREFIXES))
    except SyntaxError as error:
        return syntax_fault(statement, str(error))
    except (OSError, RuntimeError, ValueError) as error:
        return StoreError(f"query: {_first_line(error)}")


def _table(answer: QuerySolutions | QueryBoolean | QueryTriples) -> Table:
    """Return an answer as plain values."""
    if isinstance(answer, QuerySolutions):
        columns = tuple(variable.value for variable in answer.variables)
        return Table(columns, [tuple(cell(value) for value in solution) for solution in answer])
    if isinstance(answer, QueryBoolean):
        return Table(("ask",), [(bool(answer),)])
    return _triples(answer)


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
    if "service" in _OTHER_THAN_KEYWORDS.sub(" ", statement).casefold():
        raise StoreError("query: SERVICE is refused: it sends what is found to another server, unless that is allowed")


def syntax_fault(statement: str, message: str) -> StoreError:
    """Return what is wrong with a statement that is not a query, and where."""
    update = _UPDATE.search(_OTHER_THAN_KEYWORDS.sub(" ", statement))
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
