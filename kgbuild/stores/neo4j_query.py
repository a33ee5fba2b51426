"""Cypher statements of users: read only by the server's own judgement, and for a limited time."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from threading import Event
from typing import Any

from neo4j import ManagedTransaction, ResultSummary, unit_of_work
from neo4j.exceptions import BrokenRecordError
from neo4j.graph import Node, Path, Relationship
from neo4j.time import Date, DateTime, Duration, Time

from extractors.strict_json import dumps
from kgbuild.stores import Cell, StoreError, Table
from kgbuild.stores.escaping import restored
from kgbuild.stores.neo4j_connection import Connection, ServerError
from kgbuild.stores.patience import in_time
from kgbuild.stores.statement import bounded, on_one_line

_OF_SERVER = frozenset(("ShowSettings", "ShowTransactions", "TerminateTransactions"))
"""Steps that tell of the server and of what others do there, or end it, though the server takes them for reading."""
_LOADS = "LoadCSV"
_LOAD = "LOAD CSV"
"""How a plan shows LOAD CSV in a subquery of an expression, which is no step of its own."""

_CALLED = re.compile(r"((?:[\w`]+\.)+\w+|`)\(")
"""What a plan shows as called by a name of several parts, as procedures and all functions of plug-ins have one."""
_READING = frozenset(
    f"db.{name}"
    for name in (
        *("awaitIndex", "awaitIndexes", "info", "labels", "ping", "propertyKeys", "relationshipTypes"),
        *("index.fulltext.listAvailableAnalyzers", "index.fulltext.queryNodes", "index.fulltext.queryRelationships"),
        *("index.vector.queryNodes", "index.vector.queryRelationships"),
        *("schema.nodeTypeProperties", "schema.relTypeProperties", "schema.visualization"),
    )
)
"""Neo4j's own procedures that read the graph and do nothing else, of 5.26 and 2026.08 (SHOW PROCEDURES)."""
_BUILT_IN = frozenset(("coll", "date", "datetime", "duration", "localdatetime", "localtime", "point", "time", "vector"))
"""Where names of several parts of Cypher's own functions begin (SHOW FUNCTIONS, isBuiltIn)."""

_UNREADABLE = (BrokenRecordError, OverflowError, RecursionError, TypeError, ValueError)
"""What the driver and Python raise at values that they have nothing for."""

_EXPLAIN = "EXPLAIN "
_PLACE = re.compile(r"\s*\(line (\d{1,9}), column (\d{1,9}) \(offset: \d{1,9}\)\)")
_GRACE = 2.0  # seconds in which the server may end a query that has had its time, and say so
_TIMED_OUT = "Neo.ClientError.Transaction.TransactionTimedOut"  # or this with ClientConfiguration
_LONGEST_EXPECTATION = 120  # characters of the parser's list of what it expected
_STATEMENT = "Neo.ClientError.Statement."


def ask(connection: Connection, statement: str, seconds: float, *, may_call: bool = False) -> Table:
    """Answer a statement in a read transaction, after the server has said by its plan that it only reads.

    Nodes come as their ids, relationships as their types, lists, maps and paths as JSON, days as dates, other times as
    text. With ``may_call`` it may read files of the server and call another one: LOAD CSV, and what plug-ins offer.

    Raises:
        StoreError: If it would write, load a file, do something to the server, take too long, or is no Cypher.
    """

    @unit_of_work(timeout=seconds)
    def explain(transaction: ManagedTransaction) -> ResultSummary:
        return transaction.run(_EXPLAIN + statement).consume()

    @unit_of_work(timeout=seconds)
    def answer(transaction: ManagedTransaction) -> Table:
        try:
            found = transaction.run(statement)
            columns = tuple(found.keys())
            return Table(columns, [tuple(cell(value) for value in record.values()) for record in found])
        except _UNREADABLE:
            fault = StoreError(
                "query: the answer holds a value that cannot be read here: a date beyond the years 1 to 9999, or lists "
                "in lists in lists; ask for it as text, with toString()"
            )
        raise fault

    def work(given_up: Event) -> Table | None:
        try:
            explained = connection.reading(explain)
        except ServerError as error:
            raise _invalid(error, seconds) from None
        _refuse(explained, may_call=may_call)
        if given_up.is_set():
            return None
        try:
            return connection.reading(answer)
        except ServerError as error:
            raise _fault(error, seconds) from None

    bounded(statement)
    try:
        found = in_time(work, seconds + _GRACE)
    except TimeoutError:
        raise StoreError(f"query: took longer than {seconds:g} s; the server has been told to stop it") from None
    assert found is not None
    return found


def _refuse(explained: ResultSummary, *, may_call: bool) -> None:
    """Refuse a statement whose plan does something else than reading the graph."""
    steps = list(_steps(explained.plan or {}))
    if explained.query_type != "r" or not _OF_SERVER.isdisjoint(name for name, _ in steps):
        raise StoreError("query: refused: a query only reads the graph")
    if not may_call and (found := calls(steps)) is not None:
        reason = (
            "reads the server's files or calls another one" if found == _LOAD else "may do more than read the graph"
        )
        raise StoreError(f"query: {found} is refused: it {reason}, unless allowed")


def calls(steps: Iterable[tuple[str, str]]) -> str | None:
    """Return what some steps of a plan, each with its details, call that may do more than read the graph, or None.

    Functions of plug-ins count: one may run a statement that is the text given to it.

    >>> calls([("Projection", "date.truncate($a, n.day) AS x"), ("ProcedureCall", "db.labels() :: (label :: STRING)")])
    >>> calls([("Projection", "apoc.text.join([n.key], $b) AS x")])
    'apoc.text.join'
    >>> calls([("ProduceResults", "`date.truncate('month', n.day)`")])  # a column that has no other name
    """
    for name, details in steps:
        if name == _LOADS or _LOAD in details:
            return _LOAD
        for called in _CALLED.findall(details):
            if called not in _READING and called.partition(".")[0].strip("`") not in _BUILT_IN:
                return str(called)
    return None


def _steps(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name of each step of a plan, and what it shows of what it does."""
    yield plan.get("operatorType", "").partition("@")[0], str(plan.get("args", {}).get("Details", ""))
    for child in plan.get("children", ()):
        yield from _steps(child)


def cell(value: object) -> Cell:
    """Return a value of Neo4j's as a plain one."""
    if value is None or isinstance(value, bool | int | float | date):
        return value
    if isinstance(value, str):
        return restored(value)
    if isinstance(value, Date):
        return value.to_native()
    plain = _plain(value)
    return plain if isinstance(plain, str) else dumps(plain)


def _plain(value: object) -> object:
    """Return a value as JSON can hold it."""
    if isinstance(value, Node):
        return restored(str(value.get("id", value.element_id)))
    if isinstance(value, Relationship):
        return value.type
    if isinstance(value, Path):
        first, *others = value.nodes
        steps = zip(value.relationships, others, strict=True)
        return [_plain(first), *(_plain(part) for step in steps for part in step)]
    if isinstance(value, Date | DateTime | Duration | Time):
        return value.iso_format()
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return restored(str(value))


def _invalid(error: ServerError, seconds: float) -> StoreError:
    """Return what is wrong with a statement that the server has not run: its message repeats that, nothing stored."""
    return _syntax(error.message) if error.code.startswith(_STATEMENT) else _fault(error, seconds)


def _fault(error: ServerError, seconds: float) -> StoreError:
    """Return what was wrong with a query that was run; messages may hold what it met, and are not shown."""
    if error.code.startswith(_TIMED_OUT):
        return StoreError(f"query: took longer than {seconds:g} s")
    if error.code.endswith(".AccessMode"):
        return StoreError("query: refused: a query only reads the graph")
    return StoreError(f"query: the server answered {error.code}")


def _syntax(message: str) -> StoreError:
    """Return what is wrong with a statement, and where in it."""
    first = (message.strip().splitlines() or [""])[0]
    place = _PLACE.search(first)
    expected = on_one_line(_PLACE.sub("", first), _LONGEST_EXPECTATION)
    if place is None:
        return StoreError(f"query: {expected}")
    line, column = int(place[1]), int(place[2])
    if line == 1:
        column = max(1, column - len(_EXPLAIN))
    return StoreError(f"query: line {line}, column {column}: {expected}")
