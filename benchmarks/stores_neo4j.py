"""Ready note graphs into Neo4j: kgbuild beside the bare driver, on one server, one after the other.

The bare driver writes the same rows with the same statements, made before the clock starts, in batches of 10,000 of one
label or type: no note by note, no lock, no look at what is there.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the server of the tests

from stores_growth import Costs, growth

from kgbuild.graph import NoteGraph
from kgbuild.stores.neo4j import Neo4jStore
from kgbuild.stores.neo4j_rows import EDGES, NODES, rows
from tests.neo4j.server import Server, new_server, running_server

_BATCH = 10_000


def compare(graphs: Sequence[NoteGraph], server: Server, rounds: int = 3) -> float:
    """Print how fast notes go into an empty database, beside the bare driver; return the share of its speed."""
    size = sum(len(graph.nodes) + len(graph.edges) for graph in graphs)
    ours, bare = [], []
    for i in range(rounds + 1):
        for seconds, put in ((bare, _bare), (ours, _ours)):
            server.empty()
            with Neo4jStore(server.url, create=True) as store:
                took = put(graphs, server, store)
            if i:  # the first round warms the server up
                seconds.append(took)
    share = median(bare) / median(ours)
    print(f"Neo4j: {len(graphs)} notes, {size:,} nodes and edges, median of {rounds}: ", end="")
    print(f"bare driver {size / median(bare):,.0f} rows/s ({median(bare):.1f} s), ", end="")
    print(f"kgbuild {size / median(ours):,.0f} rows/s ({median(ours):.1f} s): {share:.2f} of its speed", flush=True)
    return share


def _ours(graphs: Sequence[NoteGraph], server: Server, store: Neo4jStore) -> float:
    """Return the seconds that kgbuild takes."""
    start = time.perf_counter()
    store.put(graphs)
    return time.perf_counter() - start


def _bare(graphs: Sequence[NoteGraph], server: Server, store: Neo4jStore) -> float:
    """Return the seconds that batches of rows take, to the database that kgbuild has made indexes in."""
    new = rows(graphs)
    batches = [(NODES[label], part) for label, some in new.nodes.items() for part in _parts(some)]
    batches += [(EDGES[name], part) for name, links in new.edges.items() for part in _parts(links)]
    with server.driver() as driver, driver.session() as session:
        start = time.perf_counter()
        for statement, part in batches:
            session.execute_write(lambda tx, s=statement, p=part: tx.run(s, rows=p).consume())
        return time.perf_counter() - start


def _parts(some: Sequence[object]) -> Iterator[Sequence[object]]:
    """Yield rows in batches."""
    waiting = iter(some)
    while part := list(islice(waiting, _BATCH)):
        yield part


def growing(server: Server, sizes: Sequence[int], of_patient: int) -> list[Costs]:
    """Return and print what a growing store costs."""
    server.empty()
    with Neo4jStore(server.url, create=True) as store:
        print("Neo4j: ", end="")
        return growth(store, store.put, sizes, of_patient)


@contextmanager
def server_for_bench() -> Iterator[Server]:
    """A server of our own with room for many notes, or that of ``NEO4J_URI``, whose database will be emptied."""
    server = running_server()
    if server is not None:
        os.environ["NEO4J_PASSWORD"] = server.password
        yield server
        return
    with TemporaryDirectory() as folder:
        server = new_server(Path(folder) / "neo4j", options=("-Xmx2g",), cache="512m")
        server.start()
        os.environ["NEO4J_PASSWORD"] = server.password
        try:
            yield server
        finally:
            server.kill()
