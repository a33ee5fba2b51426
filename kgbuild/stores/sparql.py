"""SPARQL queries of users: read only, within a time, and never calling another server unless allowed."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import takewhile
from threading import Event
from typing import TypeVar

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    QueryBoolean,
    QuerySolutions,
    QueryTriples,
    Store,
    Triple,
)

from kgbuild.stores import QUERY_SECONDS, Cell, StoreError, Table, sparql_calls
from kgbuild.stores.escaping import restored
from kgbuild.stores.folder import is_damage
from kgbuild.stores.mapping import PREFIXES
from kgbuild.stores.patience import in_time
from kgbuild.stores.statement import bounded, on_one_line

_One = TypeVar("_One")

_XSD = PREFIXES["xsd"]
_NUMBERS: dict[str, type[int] | type[float]] = {
    **dict.fromkeys((f"{_XSD}{name}" for name in ("integer", "int", "long", "nonNegativeInteger")), int),
    **dict.fromkeys((f"{_XSD}{name}" for name in ("double", "float", "decimal")), float),
}

_OTHER_THAN_KEYWORDS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?' + r"|'''(?:[^'\\]|\\.|'(?!''))*+(?:''')?"
    r'|"(?:[^"\\\n\r]|\\.)*+"?' + r"|'(?:[^'\\\n\r]|\\.)*+'?"
    r"|<[^<>\"{}|^`\\\x00-\x20]*+>"
    r"|\#[^\n\r]*+"
    r"|[?$]\w++"
    r"|@[a-z]++(?:-[a-z0-9]++)*+"
    r"|(?<=:)(?:[\w.:%-]|\\.)++",  # the local part of a prefixed name; its prefix stays
    re.DOTALL | re.IGNORECASE,
)
"""What a query may hold besides its keywords, as RDF4J's reader cuts it up; nothing that must be safe hangs on this.

No character is looked at more than twice: a string that is not closed takes the rest of its line, or of the query."""
_GRAPH = re.compile("graph", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\b(?!:)", re.IGNORECASE)
_SERVICE = re.compile("service", re.IGNORECASE)
_NO_PATTERN = re.compile(r"\b(?:CONSTRUCT|EXISTS)\s*+\{", re.IGNORECASE)
_UPDATE = re.compile(r"\b(INSERT|DELETE|LOAD|CLEAR|DROP|CREATE|ADD|MOVE|COPY|WITH)\b", re.IGNORECASE)
_PLACE = re.compile(r"error at (\d+):(\d+): (.*)", re.DOTALL)
_PLACE_OF_SERVER = re.compile(r"line (\d{1,9}),? col(?:umn)?:? (\d{1,9})", re.IGNORECASE)
STACK, _STACK_OF_CHARACTER = 1 << 24, 5_000
"""Bytes of the stack on which a query is parsed and answered; Oxigraph takes up to 3,800 for each ``{``, its worst."""
_PAGES = 1 << 16  # a stack is of whole pages, which have 64 KiB at most
_PARSING_SECONDS = 10.0  # for telling what is wrong with a query that a server has refused
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
    bounded(statement)

    def work(given_up: Event) -> Table:
        if not may_call:
            _refuse_calls(statement, is_for_oxigraph=True)
        return _answer(store, statement, given_up)

    return _in_time(work, statement, seconds)


def answered(store: Store, question: str, *, seconds: float) -> Table:
    """Answer a question of ours, which may be long and is never deep."""
    try:
        return in_time(lambda given_up: _answer(store, question, given_up), seconds)
    except TimeoutError:
        raise StoreError(f"stopped after {seconds:g} s") from None


def refuse_calls(statement: str, seconds: float) -> None:
    """Refuse a query for another server that is too long or too deep, or calls a third one.

    Raises:
        StoreError: If it does, or it cannot be told.
    """
    bounded(statement)
    _in_time(lambda _: _refuse_calls(statement, is_for_oxigraph=False), statement, seconds)


def _refuse_calls(statement: str, *, is_for_oxigraph: bool) -> None:
    """Refuse a query that calls another server, or says SERVICE and cannot be parsed."""
    try:
        sparql_calls.refuse_calls(statement, is_for_oxigraph=is_for_oxigraph)
    except SyntaxError as error:
        fault = StoreError(f"{syntax_fault(statement, str(error))} (SERVICE stands in it, so it is parsed here first)")
    else:
        return
    raise fault


def _in_time(work: Callable[[Event], _One], statement: str, seconds: float) -> _One:
    """Do some work on a statement, on a stack that it cannot overrun."""
    try:
        return in_time(work, seconds, stack=STACK + _STACK_OF_CHARACTER * len(statement) // _PAGES * _PAGES)
    except TimeoutError:
        raise StoreError(f"query: stopped after {seconds:g} s; ask for less, or allow more time") from None


def remote_fault(statement: str, status: int, body: bytes, declared: int) -> StoreError:
    """Return what is wrong with a statement that a server did not answer.

    Of what the server says a place is read, no word: it may repeat what is stored, and what a terminal obeys.

    Args:
        statement: What was asked.
        status: What the server answered, as a number.
        body: What it said.
        declared: Characters that were sent before the statement, on its first line.
    """
    if status in (408, 503):
        return StoreError(f"query: the server stopped it ({status}); ask for less")
    said = f"the server answered {status}"
    if (place := _PLACE_OF_SERVER.search(body.decode("utf-8", "replace"))) is not None:
        line, column = int(place[1]), int(place[2])
        said += f" about line {line}, column {max(1, column - declared) if line == 1 else column}"
    try:
        _in_time(lambda _: sparql_calls.parse_alone(statement), statement, _PARSING_SECONDS)
    except SyntaxError as error:
        said = str(error)  # our parser knows of nothing but the statement
    except StoreError:
        pass  # it takes too long
    return syntax_fault(statement, said)


def _answer(store: Store, statement: str, given_up: Event) -> Table:
    """Return what a query answers.

    Of what is raised while it is answered no word is shown: with calls allowed, these may be another server's, or an
    address that holds what was found. What our parser says of a statement that is none repeats only that.

    Raises:
        StoreError: If something is wrong with it.
        RuntimeError: If the store is damaged.
    """
    try:
        return table(store.query(statement, prefixes=PREFIXES), given_up)
    except (OSError, RuntimeError, SyntaxError, ValueError) as error:
        if is_damage(error):
            fault: Exception = RuntimeError(on_one_line(str(error), _LONGEST_EXPECTATION))
        else:
            fault = _fault(statement, error)
    raise fault  # not where the answer is among the variables: it must not leave this thread


def _fault(statement: str, error: Exception) -> StoreError:
    """Return what is wrong with a query, or what kind of error came of it."""
    try:
        sparql_calls.parse_alone(statement)
    except SyntaxError as told:
        return syntax_fault(statement, str(told))
    if _SERVICE.search(statement):
        return StoreError("query: a server that it called did not answer as one")
    kind = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return StoreError(f"query: not answered: {kind}")


def table(answer: QuerySolutions | QueryBoolean | QueryTriples, given_up: Event | None = None) -> Table:
    """Return an answer as plain values, or what is there of it when nobody waits any more."""
    if isinstance(answer, QuerySolutions):
        columns = tuple(variable.value for variable in answer.variables)
        return Table(columns, [tuple(cell(value) for value in solution) for solution in _wanted(answer, given_up)])
    if isinstance(answer, QueryBoolean):
        return Table(("ask",), [(bool(answer),)])
    return triples_table(_wanted(answer, given_up))


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


def triples_table(answer: Iterable[Triple]) -> Table:
    """Return the triples of a graph, each once, sorted."""
    found = {tuple(str(term) for term in triple): triple for triple in answer}
    rows = [tuple(cell(term) for term in found[key]) for key in sorted(found)]
    return Table(("subject", "predicate", "object"), rows)


def names_graphs(statement: str) -> bool:
    """Tell whether a query may ask for named graphs."""
    return _says(statement, _GRAPH)


def chooses_graphs(statement: str) -> bool:
    """Tell whether a query says itself which graphs it is about."""
    return _says(statement, _FROM)


def _says(statement: str, word: re.Pattern[str]) -> bool:
    r"""Tell whether a word is among the keywords; some servers read ``\u0053`` before all else, some in names alone."""
    return any(word.search(_keywords(read)) for read in (statement, sparql_calls.unescaped(statement)))


def within(statement: str, graph: str) -> str:
    """Return a query that asks one graph where it names none; what has no pattern to be asked comes back as it is.

    A brace is added where there is one already, so that no call can come of it (``sparql_calls.py``).

    >>> within("SELECT ?n { ?s ?p ?o GRAPH ?n { ?s ?p ?o } } LIMIT 1", "urn:all")
    'SELECT ?n {GRAPH <urn:all>{ ?s ?p ?o GRAPH ?n { ?s ?p ?o } }} LIMIT 1'
    """
    keywords = _keywords(statement)
    opened: list[int] = []
    templates = {found.end() - 1 for found in _NO_PATTERN.finditer(keywords)}
    for brace in re.finditer("[{}]", keywords):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            begin, end = opened.pop(), brace.end()
            if not opened and begin not in templates:
                return f"{statement[:begin]}{{GRAPH <{graph}>{statement[begin:end]}}}{statement[end:]}"
    return statement


def _keywords(statement: str) -> str:
    """Return a statement with blanks for all that is not a keyword, each in its place."""
    return _OTHER_THAN_KEYWORDS.sub(lambda found: " " * len(found[0]), statement)


def syntax_fault(statement: str, message: str) -> StoreError:
    """Return what is wrong with a statement that is not a query, and where."""
    update = _UPDATE.search(_keywords(statement))
    if update is not None:
        return StoreError(f"query: {update[1].upper()} is refused: a query only reads")
    place = _PLACE.match(message)
    if place is None:
        return StoreError(f"query: {on_one_line(message, _LONGEST_EXPECTATION)}")
    expected = on_one_line(" ".join(place[3].split()), _LONGEST_EXPECTATION)
    return StoreError(f"query: line {place[1]}, column {place[2]}: {expected}")
