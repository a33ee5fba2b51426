"""What RDF4J still holds of acknowledged updates after its process ends in the middle of them (docs/stores.md).

Updates go one after the other; each adds a graph, which the default graph repeats as kgbuild does for a note, and takes
away the third one before it. The process is ended at a random moment and started again. What it then holds should be
the state after the last acknowledged update, or after the one under way.
"""

import argparse
import random
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the server of the tests

from tests.rdf4j import STORES
from tests.sparql_servers import Server, rdf4j_server

_DEFAULT = "http://www.openrdf.org/schema/sesame#nil"  # RDF4J's name for the default graph alone
_FACTS = 40
"""Facts of a graph, about as many as a short note has."""

_KEPT = 3
"""Graphs that are there at a time."""

_SLOW = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . FILTER(?c < ?f) }"
"""A query that is still read when the process ends."""


def main() -> None:
    """End the server so many times and print what was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=STORES, default="native")
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--reading", action="store_true", help="A query is read meanwhile.")
    parser.add_argument("--term", action="store_true", help="SIGTERM in place of SIGKILL.")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311 (moments, no secrets)
    lost = [
        count for _ in range(options.kills) for count in _trial(options.store, options.reading, options.term, chance)
    ]
    behind = [count for count in lost if count]
    print(
        f"{options.store}, {'a query is read' if options.reading else 'nobody reads'}, seed {options.seed}: "
        f"{options.kills} times {'SIGTERM' if options.term else 'SIGKILL'}; in part {options.kills - len(lost)}, "
        f"whole but behind {len(behind)}, by up to {max(behind, default=0)} acknowledged requests",
        flush=True,
    )


def _trial(store: str, reading: bool, term: bool, chance: random.Random) -> Iterator[int]:
    """End a new server once; yield how many acknowledged requests are gone, nothing where a graph is there in part."""
    with TemporaryDirectory() as home:
        server = rdf4j_server(Path(home), store)
        server.start()
        acknowledged: list[int] = []
        over = Event()
        writer = Thread(target=_write, args=(server, acknowledged, over))
        writer.start()
        time.sleep(0.3)
        if reading:
            Thread(target=_read, args=(server,), daemon=True).start()
        time.sleep(chance.uniform(0, 0.8))
        server.stop(kill=not term)
        over.set()
        writer.join()
        try:
            server.start()
            found = _held(server)
        except (OSError, RuntimeError):
            return
        finally:
            server.stop()
        count = len(acknowledged)
        at = next((number for number in range(count + 1, -1, -1) if _expected(number) == found), None)
        if at is not None:
            yield max(0, count - at)


def _write(server: Server, acknowledged: list[int], over: Event) -> None:
    """Send updates until the server is gone; note each that it acknowledges."""
    try:
        while not over.is_set():
            _sent(f"{server.url}/statements", _update(len(acknowledged)), "application/sparql-update")
            acknowledged.append(len(acknowledged))
    except OSError:
        return


def _read(server: Server) -> None:
    """Ask what takes long."""
    try:
        _sent(f"{server.url}?timeout=5", _SLOW, "application/sparql-query")
    except OSError:
        return


def _update(number: int) -> str:
    """Return the update that adds a graph and takes one away."""
    old = number - _KEPT
    gone = (
        f"DELETE WHERE {{ GRAPH <urn:g{old}> {{ ?s ?p ?o }} }} ; "
        f"DELETE WHERE {{ GRAPH <{_DEFAULT}> {{ <urn:s{old}> ?p ?o }} }} ; "
    )
    facts = " ".join(f"<urn:s{number}> <urn:p{k}> {k} ." for k in range(_FACTS))
    return f"{gone if old >= 0 else ''}INSERT DATA {{ {facts} GRAPH <urn:g{number}> {{ {facts} }} }}"


def _held(server: Server) -> set[str]:
    """Return what the server holds, a line a fact."""
    asked = f"SELECT ?g ?s ?p {{ {{ GRAPH ?g {{ ?s ?p ?o }} }} UNION {{ GRAPH <{_DEFAULT}> {{ ?s ?p ?o }} }} }}"
    return set(_sent(server.url, asked, "application/sparql-query").splitlines()[1:]) - {""}


def _expected(updates: int) -> set[str]:
    """Return what is there after so many updates."""
    numbers = range(max(0, updates - _KEPT), updates)
    return {f"{g},urn:s{i},urn:p{k}" for i in numbers for k in range(_FACTS) for g in (f"urn:g{i}", "")}


def _sent(url: str, body: str, type: str) -> str:
    """Return what the server answers to a request."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": type, "Accept": "text/csv"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (our server)
        return str(answer.read().decode())


if __name__ == "__main__":
    main()
