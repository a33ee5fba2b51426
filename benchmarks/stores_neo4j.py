"""Ready note graphs into Neo4j: kgbuild beside the bare driver, on one server, one after the other.

    python benchmarks/stores_neo4j.py

The bare driver writes the same rows with the same statements, made before the clock starts, in batches of 10,000 of one
label or type: no note by note, no lock, no look at what is there. Then, with many patients in the store: a timeline,
and the cost of adding notes as the store grows.
"""

import argparse
import os
import platform
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the server of the tests

from extractors.document import Document, Mention, Relation
from kgbuild.enrich import chunks
from kgbuild.graph import NoteGraph, note_graph
from kgbuild.note import Note
from kgbuild.query import timeline
from kgbuild.resolve import Resolution, ResolvedNote
from kgbuild.stores.neo4j import Neo4jStore
from kgbuild.stores.neo4j_rows import EDGES, NODES, rows
from ontologies.concept import Concept
from resolvers.candidate import Candidate
from tests.neo4j.server import Server, new_server, running_server

_BATCH = 10_000
_LABELS = ("Sign_symptom", "Disease_disorder", "Diagnostic_procedure", "Medication", "Therapeutic_procedure")
_SHORT = 6  # mentions of a note while the store grows; those of the comparison have 60
_CODED = 2_000  # different findings, each with a code of its own and two alternatives


def synthetic(number: int, *, patient: str, mentions: int = 60) -> NoteGraph:
    """Return the graph of a made-up note: mentions of findings, most of them coded, every third with a site."""
    chance = random.Random(number)  # noqa: S311 (made-up notes)
    text, found, relations, names = "", [], [], []
    for i in range(mentions):
        kind = "Biological_structure" if i % 3 == 2 else _LABELS[chance.randrange(len(_LABELS))]
        name = f"site {chance.randrange(80)}" if i % 3 == 2 else f"finding {int(chance.paretovariate(0.6)) % _CODED}"
        mention = Mention(
            len(text), len(text) + len(name), kind, name, "absent" if chance.random() < 0.1 else "present"
        )
        text += name + ". "
        if i % 3 == 2:
            relations.append(Relation(mention, found[-1], "MODIFY", 0.9))
        found.append(mention)
        names.append(name)
    day = date(2015, 1, 1) + timedelta(chance.randrange(3_000))
    read = Document(text, tuple(found), tuple(relations))
    answers = [_resolution(chunk) for chunk in chunks(read) if chunk.mention.text.startswith("finding")]
    note = Note(f"n{number}", text, patient, None, day)
    return note_graph(ResolvedNote(note, read, tuple(answers)), "f1")


def _resolution(chunk: object) -> Resolution:
    """Return the codes of a finding: its own and two alternatives, each below a category."""
    number = int(chunk.mention.text.split()[1])  # type: ignore[attr-defined]
    offered = [(number, 0.8), ((number + 7) % _CODED, 0.4), ((number + 13) % _CODED, 0.2)]
    candidates = tuple(
        Candidate(Concept("icd10cm", f"X{code:04}", f"Finding {code}", parents=(f"X{code // 10:03}",)), score, "")
        for code, score in offered
    )
    return Resolution(chunk, "icd10cm", "2026", candidates, 0.5)  # type: ignore[arg-type]


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


def growth(server: Server, patients: int, steps: int = 10) -> None:
    """Print what notes and a timeline cost as the store grows to so many patients of two notes."""
    server.empty()
    added = 0
    with Neo4jStore(server.url, create=True) as store:
        for step in range(1, steps + 1):
            until = 2 * patients * step // steps
            start = time.perf_counter()
            store.put(synthetic(i, patient=f"p{i // 2}", mentions=_SHORT) for i in range(added, until))
            bulk = (time.perf_counter() - start) / (until - added)
            added = until
            single = median(_seconds(store, until + i) for i in range(9))
            for i in range(9):
                store.retract(f"n{until + i}")
            waits = sorted(_timeline(store, f"p{random.Random(i).randrange(added // 2)}") for i in range(200))  # noqa: S311
            print(
                f"{added:,} notes: {1_000 * bulk:.1f} ms a note in bulk, {1_000 * single:.1f} ms alone; "
                f"timeline median {1_000 * median(waits):.1f} ms, 95th percentile {1_000 * waits[189]:.1f} ms",
                flush=True,
            )


def _seconds(store: Neo4jStore, number: int) -> float:
    """Return the seconds that one more note takes."""
    graph = synthetic(number, patient=f"p{number}", mentions=_SHORT)
    start = time.perf_counter()
    store.put([graph])
    return time.perf_counter() - start


def _timeline(store: Neo4jStore, patient: str) -> float:
    """Return the seconds that a timeline takes."""
    start = time.perf_counter()
    assert timeline(store, patient)
    return time.perf_counter() - start


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


def measure(notes: int = 100, patients: int = 10_000) -> float:
    """Print the speed of kgbuild beside the bare driver's, and what a growing store costs; return the share."""
    with server_for_bench() as server:
        share = compare([synthetic(i, patient=f"p{i // 3}") for i in range(notes)], server)
        if patients:
            growth(server, patients)
    return share


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--notes", type=int, default=100)
    parser.add_argument("--patients", type=int, default=10_000)
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    measure(options.notes, options.patients)


if __name__ == "__main__":
    main()
