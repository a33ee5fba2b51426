"""Ready note graphs into the embedded RDF store, beside Oxigraph's own bulk load; then the same for Neo4j.

    python benchmarks/stores.py

Bulk load reads the quads that the store ends up with from an N-Quads file into an empty database: no mapping, no check,
no look at what is there. Both are run in turn, and the median of the rounds is printed. Then, with many patients in the
store: a timeline, and what one more note costs as the store grows, put, changed and withdrawn.
"""

import argparse
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pyoxigraph import RdfFormat, Store, serialize

sys.path.insert(0, str(Path(__file__).parents[1]))  # for stores_neo4j.py, which takes the server of the tests

from stores_neo4j import synthetic

from kgbuild.graph import Edge, Node, NoteGraph, Scalar
from kgbuild.query import timeline
from kgbuild.stores.mapping import lines
from kgbuild.stores.rdf import RdfStore

_SHORT = 6  # mentions of a note while the store grows; those of the comparison have 60, a discharge summary's hundreds
_ONE_BY_ONE = 20
_TEMPLATES = 300

LEAST = 0.5
"""Share of the speed of what is beside that ``--check`` asks for."""


def compare(graphs: Sequence[NoteGraph], rounds: int) -> float:
    """Print how fast notes go in, beside a bulk load of their quads; return the share of its speed."""
    ours, bare, quads = [], [], 0
    with TemporaryDirectory() as folder:
        place = Path(folder)
        for i in range(rounds):
            with RdfStore(place / f"kg{i}", create=True) as store:
                start = time.perf_counter()
                store.put(graphs)
                ours.append(time.perf_counter() - start)
                if i == 0:
                    quads = _dump(store, place / "kg.nq")
            database = Store(str(place / f"bare{i}"))
            start = time.perf_counter()
            database.bulk_load(path=str(place / "kg.nq"), format=RdfFormat.N_QUADS)
            bare.append(time.perf_counter() - start)
            assert len(database) == quads
            del database
    share = median(bare) / median(ours)
    print(f"RDF: {len(graphs)} notes, {quads:,} quads, median of {rounds}: ", end="")
    print(f"bulk load {quads / median(bare):,.0f} quads/s ({median(bare):.1f} s), ", end="")
    print(f"kgbuild {quads / median(ours):,.0f} quads/s ({median(ours):.1f} s): {share:.2f} of its speed")
    return share


def _dump(store: RdfStore, path: Path) -> int:
    """Write all quads, of the notes and of their union; return how many."""
    with path.open("wb") as out:
        quads = [quad for name in (None, *store.graphs()) for quad in store.quads(name)]
        serialize(quads, out, RdfFormat.N_QUADS)
    return len(quads)


def growth(sizes: Sequence[int], of_patient: int) -> None:
    """Print what notes and a timeline cost when the store holds so many notes, some of each patient.

    Milliseconds on the clock and, after the stroke, of CPU: on a busy machine only these say something. The store is
    filled without the check of each note, which is of the cost of those that are put one by one.
    """
    print(f"{of_patient} notes a patient; milliseconds, and of CPU:")
    print(
        "notes    patients ", *(name.ljust(14) for name in ("put", "change", "retract", "timeline", "95th pct.")), "MB"
    )
    added = 0
    with TemporaryDirectory() as folder, RdfStore(Path(folder) / "kg", create=True) as store:
        for size in sizes:
            for begin in range(added, size, _TEMPLATES):
                graphs = [_note(i, of_patient) for i in range(begin, min(begin + _TEMPLATES, size))]
                store._load({graph.note_id: lines(graph) for graph in graphs})
            added = size
            new = [_note(size + i, of_patient) for i in range(_ONE_BY_ONE)]
            put = [_cost(partial(store.put, [graph])) for graph in new]
            change = [_cost(partial(store.put, [_changed(graph)])) for graph in new]
            retract = [_cost(partial(store.retract, graph.note_id)) for graph in new]
            patients = [f"p{random.Random(i).randrange(size // of_patient)}" for i in range(200)]  # noqa: S311
            waits = sorted(_cost(partial(timeline, store, patient)) for patient in patients)
            disk = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 1e6
            costs = (
                *map(_median, (put, change, retract, waits)),
                (waits[189][0], sorted(c for _, c in waits)[189]),
            )
            shown = [f"{1e3 * wall:.1f}/{1e3 * cpu:.1f}".ljust(14) for wall, cpu in costs]
            print(f"{size:<9,}{size // of_patient:<9,}", *shown, f"{disk:.0f}", flush=True)


def _median(costs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return median(wall for wall, _ in costs), median(cpu for _, cpu in costs)


@cache
def _template(number: int) -> NoteGraph:
    return synthetic(number, patient="p", mentions=_SHORT)


def _note(number: int, of_patient: int) -> NoteGraph:
    """Return one of some hundred made-up notes as that of another patient, which is made faster than a new one."""
    graph, note, patient = _template(number % _TEMPLATES), f"n{number}", f"p{number // of_patient}"
    names = dict.fromkeys(("note", "mention"), note) | dict.fromkeys(("patient", "entity", "event"), patient)

    def renamed(value: Scalar) -> Scalar:
        kind, slash, rest = str(value).partition("/")
        _, end, rest = rest.partition("/")
        return f"{kind}/{names[kind]}{end}{rest}" if slash and kind in names else value

    def of_edge(name: str, value: Scalar) -> Scalar:
        return note if name == "note" else renamed(value)

    def of_node(node: Node) -> Node:
        own = {"Note": {"key": note}, "Patient": {"key": patient}, "Entity": {"patient": patient}}
        return Node(node.type, str(renamed(node.id)), {**node.properties, **own.get(node.type, {})})

    edges = (
        Edge(
            e.type, str(renamed(e.source)), str(renamed(e.target)), {n: of_edge(n, v) for n, v in e.properties.items()}
        )
        for e in graph.edges
    )
    return NoteGraph(note, graph.fingerprint, tuple(map(of_node, graph.nodes)), tuple(edges))


def _changed(graph: NoteGraph) -> NoteGraph:
    """Return the note as another reading of it: half its mentions have another score."""
    nodes = [
        replace(node, properties={**node.properties, "score": 0.5}) if node.type == "Mention" and i % 2 else node
        for i, node in enumerate(graph.nodes)
    ]
    nodes = [Node(n.type, n.id, {**n.properties, "fingerprint": "f2"}) if n.type == "Note" else n for n in nodes]
    return replace(graph, fingerprint="f2", nodes=tuple(nodes))


def _cost(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that some work takes, on the clock and of CPU in this thread."""
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - wall, time.thread_time() - cpu


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--notes", type=int, default=300, help="notes of the comparison")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default="1000,10000,100000", help="notes in the store when its cost is measured")
    parser.add_argument("--of-patient", type=int, default=10, help="notes of each patient then")
    parser.add_argument("--no-neo4j", action="store_true", help="only the RDF store")
    parser.add_argument("--check", action="store_true", help=f"fail below {LEAST} of the speed of what is beside")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.python_version()}")
    notes = [synthetic(i, patient=f"p{i // 3}") for i in range(options.notes)]
    shares = {"of Oxigraph's bulk load": compare(notes, options.rounds)}
    growth([int(size) for size in options.sizes.split(",") if size], options.of_patient)
    if not options.no_neo4j:
        from stores_neo4j import measure

        shares["of the bare Neo4j driver"] = measure(options.notes)
    short = [f"{share:.2f} {whose}" for whose, share in shares.items() if share < LEAST]
    if options.check and short:
        sys.exit(f"less than {LEAST} of the speed: {', '.join(short)}")


if __name__ == "__main__":
    main()
