"""What a server answered, as rows and triples: the one place where its bytes are parsed.

A server may be another than we take it for. So its answer is bounded in depth before a parser sees it, parsed within
the time that the question has, and of what is wrong with it nothing is told in its own words.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from threading import Event
from typing import TypeVar

from pyoxigraph import Quad, QueryResultsFormat, QuerySolutions, RdfFormat, Store, Triple, parse, parse_query_results

from kgbuild.stores import StoreError, Table
from kgbuild.stores.mapping import PREFIXES
from kgbuild.stores.patience import in_time
from kgbuild.stores.sparql import STACK, table, triples_table

_One = TypeVar("_One")

RESULTS = "application/sparql-results+json"

_DEEPEST = 200
"""Brackets open at once in an answer; Oxigraph ends the process at some thousand triple terms in each other."""

_JSON = re.compile(rb'(?:[^{}\[\]"]++|"(?:[^"\\]++|\\.)*+"?)*+([{}\[\]]|\Z)', re.DOTALL)
_TRIPLES = re.compile(
    rb'(?:[^<>"#]++|>(?!>)|<(?!<)[^>\n\r]*+>?|"(?:[^"\\\n\r]++|\\.)*+"?|#[^\n\r]*+)*+(<<|>>|\Z)', re.DOTALL
)
"""What is no bracket outside of strings, IRIs and comments, and the bracket that follows, or the end."""

_OPENING = (b"{", b"[", b"<<")
_TOLD_TYPES = ("text/html", "text/plain", "text/turtle", "application/json", "application/xml")
"""Types of answers that are named in an error: the others may be any words."""


def table_of(body: bytes, type: str, *, seconds: float) -> Table:
    """Return what a server answered to a query as ``sparql.ask`` returns it.

    Raises:
        StoreError: If it is no answer to a query.
        TimeoutError: If it is not parsed in time.
    """

    def work(given_up: Event) -> Table:
        if type == RESULTS:
            return table(parse_query_results(body, QueryResultsFormat.JSON), given_up)
        return triples_table(_wanted((quad.triple for quad in parse(body, RdfFormat.N_TRIPLES)), given_up))

    return _parsed(work, body, type, seconds)


def triples_of(body: bytes, *, seconds: float) -> list[Triple]:
    """Return the triples that a server answered, as N-Triples.

    Raises:
        StoreError: If these are none.
        TimeoutError: If they are not parsed in time.
    """

    def work(given_up: Event) -> list[Triple]:
        return list(_wanted((quad.triple for quad in parse(body, RdfFormat.N_TRIPLES)), given_up))

    return _parsed(work, body, "", seconds)


def store_of(body: bytes, *, seconds: float) -> Store:
    """Return a store in memory with the triples that a server answered, as N-Triples.

    Raises:
        StoreError: If these are none.
        TimeoutError: If they are not parsed in time.
    """

    def work(given_up: Event) -> Store:
        memory = Store()
        memory.extend(_wanted((Quad(*quad.triple) for quad in parse(body, RdfFormat.N_TRIPLES)), given_up))
        return memory

    return _parsed(work, body, "", seconds)


def columns_of(question: str) -> tuple[str, ...]:
    """Return the columns that a SELECT query of ours has."""
    answer = Store().query(question, prefixes=PREFIXES)
    assert isinstance(answer, QuerySolutions)
    return tuple(variable.value for variable in answer.variables)


def _parsed(work: Callable[[Event], _One], body: bytes, type: str, seconds: float) -> _One:
    """Do the work of parsing an answer, in time, on a stack that it cannot overrun.

    What holds a parser must not leave the thread that made it, so that its errors do not.
    """

    def tried(given_up: Event) -> _One | None:
        if _is_deep(body, type, given_up):
            return None
        try:
            return work(given_up)
        except (SyntaxError, ValueError, RuntimeError):
            return None

    found = in_time(tried, seconds, stack=STACK)
    if found is None:
        what = f"{type}, " if type in _TOLD_TYPES else ""
        raise StoreError(f"query: the server answered with {what}what is no answer to a query")
    return found


def _is_deep(body: bytes, type: str, given_up: Event) -> bool:
    """Tell whether brackets are nested so that a parser could overrun its stack."""
    if type == RESULTS and b"triple" not in body and rb"\u" not in body:
        return False  # nothing else is parsed by recursion
    if type != RESULTS and body.count(b"<<") <= _DEEPEST:
        return False
    depth = 0
    for found in _wanted((_JSON if type == RESULTS else _TRIPLES).finditer(body), given_up):
        if found[1] in _OPENING:
            depth += 1
            if depth > _DEEPEST:
                return True
        else:
            depth = max(0, depth - 1)
    return False


def _wanted(some: Iterable[_One], given_up: Event) -> Iterator[_One]:
    """Yield things as long as somebody waits for them."""
    for one in some:
        if given_up.is_set():
            return
        yield one
