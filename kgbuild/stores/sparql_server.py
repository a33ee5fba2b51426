"""How a SPARQL 1.1 server is spoken to: where its services are, and how its default graph is named.

Not every server's default graph is a graph of its own. RDF4J asks and deletes from all graphs at once where a query or
an update names none, so there the graph without a name is always named.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from pyoxigraph import NamedNode, Store, Triple

from kgbuild import ids
from kgbuild.stores import QUERY_SECONDS, QUESTION_SECONDS, StoreError, Table
from kgbuild.stores.answers import RESULTS, columns_of, store_of, table_of, triples_of
from kgbuild.stores.http import Answer, Connection
from kgbuild.stores.mapping import PREFIXES
from kgbuild.stores.sparql import chooses_graphs, names_graphs, remote_fault, within

_One = TypeVar("_One")


class Layout(NamedTuple):
    """Where below its address a server has its services.

    Attributes:
        query: What answers queries.
        update: What takes updates.
        graphs: The Graph Store protocol.
        union: How the graph without a name is named, where leaving out a name means all graphs at once.
    """

    query: str
    update: str
    graphs: str
    union: str | None = None


LAYOUTS: dict[str, Layout] = {
    "Fuseki": Layout("/query", "/update", "/data"),
    "Oxigraph": Layout("/query", "/update", "/store"),
    "RDF4J": Layout("", "/statements", "/rdf-graphs/service", "http://www.openrdf.org/schema/sesame#nil"),
}
"""Kinds of servers, tried in this order."""

_TRIPLES = "application/n-triples"
_QUERY = "application/sparql-query; charset=utf-8"
_UPDATE = "application/sparql-update; charset=utf-8"  # servlets take what says no charset for Latin-1
_DECLARED = " ".join(f"PREFIX {prefix}: <{base}>" for prefix, base in PREFIXES.items())


class SparqlServer:
    """A data set of a server, as one user.

    Args:
        url: Its address.
        user: Who asks, or None.
        password: Of the user.

    Raises:
        StoreError: If the address is none, the server does not answer, or answers like none that is known.
    """

    def __init__(self, url: str, user: str | None, password: str | None) -> None:
        self.url = url
        self._connection = Connection(url, user, password)
        self._layout = self._found_layout()

    def _found_layout(self) -> Layout:
        """Ask the server what it has where."""
        for layout in LAYOUTS.values():
            asked = self._ask_service(layout.query, "ASK {}", QUERY_SECONDS)
            if asked.status == 200 and self._send("HEAD", f"{layout.graphs}?default").status in (200, 204):
                return layout
        raise StoreError(f"{self.url}: no SPARQL 1.1 server here, or none like {', '.join(LAYOUTS)}")

    def union(self, pattern: str) -> str:
        """Return a pattern of an update as one about the graph without a name."""
        name = self._layout.union
        return pattern if name is None else f"GRAPH <{name}> {{ {pattern} }}"

    def ask(self, question: str) -> Table:
        """Answer a SELECT query of ours, whose prefixes need no declaration.

        Raises:
            StoreError: If the server does not, or answers with other columns.
        """
        found = self.query(question, seconds=QUESTION_SECONDS)
        if found.columns != columns_of(question):
            raise StoreError(f"{self.url}: the server answered with other columns than it was asked for")
        return found

    def query(self, statement: str, *, seconds: float) -> Table:
        """Answer a query of a user, whose prefixes need no declaration; what is done with the answer is in the time."""
        end = time.monotonic() + seconds
        answer = self._send_query(statement, seconds)
        if answer.status != 200:
            raise remote_fault(statement, answer.status, answer.body, len(_DECLARED) + 1)
        try:
            return table_of(answer.body, answer.type, seconds=max(end - time.monotonic(), 0.001))
        except TimeoutError:
            raise _stopped(seconds) from None

    def constructed(self, statement: str) -> Store:
        """Return the triples that a CONSTRUCT query of ours makes."""
        return self._parsed(store_of, self._content(self._send_query(statement, QUESTION_SECONDS)))

    def graph(self, name: NamedNode | None) -> list[Triple]:
        """Return the triples of a graph, or of the one without a name, by the Graph Store protocol."""
        which = "default" if name is None else f"graph={ids.path(name.value)}"
        answer = self._send("GET", f"{self._layout.graphs}?{which}", accept=_TRIPLES)
        return [] if answer.status == 404 else self._parsed(triples_of, self._content(answer))

    def _parsed(self, parse: Callable[..., _One], body: bytes) -> _One:
        """Return what an answer to a question of ours says."""
        try:
            return parse(body, seconds=QUESTION_SECONDS)
        except TimeoutError:
            raise StoreError(f"{self.url}: what the server answered is too much to be read in time") from None

    def update(self, update: str) -> None:
        """Have the server change what it holds; what it says of an error could be words of a note."""
        answer = self._send("POST", self._layout.update, update.encode(), _UPDATE)
        if answer.status not in (200, 201, 204):
            raise StoreError(f"{self.url}: not written: the server answered {answer.status}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send_query(self, statement: str, seconds: float) -> Answer:
        """Send a query that is about the union, and about named graphs where it names them."""
        union = self._layout.union
        if union is None or chooses_graphs(statement):
            return self._ask_service(self._layout.query, statement, seconds)
        if names_graphs(statement):
            return self._ask_service(self._layout.query, within(statement, union), seconds)
        return self._ask_service(self._layout.query, statement, seconds, union)

    def _ask_service(self, service: str, statement: str, seconds: float, graph: str | None = None) -> Answer:
        """Send a query about one graph, or all; prefixes stand on its first line, so that lines keep their numbers.

        How long it may take is told the servers that listen: they would go on with what was given up.
        """
        path = f"{service}?timeout={math.ceil(seconds)}"
        if graph is not None:
            path += f"&default-graph-uri={quote(graph, safe='')}"
        accept = f"{RESULTS}, {_TRIPLES};q=0.9"
        body = f"{_DECLARED} {statement}".encode()
        try:
            return self._connection.send("POST", path, body, _QUERY, accept=accept, seconds=seconds)
        except TimeoutError:
            raise _stopped(seconds) from None

    def _send(
        self, method: str, path: str, body: bytes | None = None, type: str | None = None, *, accept: str = "*/*"
    ) -> Answer:
        """Send what is no query.

        Raises:
            StoreError: If the server does not answer, or not in time.
        """
        try:
            return self._connection.send(method, path, body, type, accept=accept)
        except TimeoutError:
            raise StoreError(f"{self.url}: the server did not answer in time") from None

    def _content(self, answer: Answer) -> bytes:
        """Return what a server answered.

        Raises:
            StoreError: If it did not.
        """
        if answer.status != 200:
            raise StoreError(f"{self.url}: the server answered {answer.status}")
        return answer.body


def _stopped(seconds: float) -> StoreError:
    """Return the error for a query that took too long."""
    return StoreError(f"query: stopped after {round(seconds, 1):g} s; ask for less, or allow more time")
