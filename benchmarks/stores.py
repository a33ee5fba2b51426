"""Ready note graphs into each store: beside Oxigraph's own bulk load and the bare Neo4j driver, and as a store grows.

    python benchmarks/stores.py

Bulk load reads the quads that the store ends up with from an N-Quads file into an empty database: no mapping, no check,
no look at what is there. Both are run in turn, and the median of the rounds is printed. Then, with more and more notes
and patients in the store: what one more costs, put, changed and withdrawn, and a timeline.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pyoxigraph import RdfFormat, Store, serialize

sys.path.insert(0, str(Path(__file__).parents[1]))  # for stores_neo4j.py, which takes the server of the tests

from stores_growth import Costs, faults, growth, plot, synthetic

from kgbuild.graph import NoteGraph
from kgbuild.stores.mapping import lines
from kgbuild.stores.rdf import RdfStore

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


def growing(sizes: Sequence[int], of_patient: int, kept: Path | None = None) -> list[Costs]:
    """Return and print what a growing store costs; it is filled without the check of each note.

    Args:
        sizes: Notes in it.
        of_patient: Notes of each patient.
        kept: Where it stays, to be measured again or filled further; nowhere by default.
    """
    with TemporaryDirectory() as folder, RdfStore(kept or Path(folder) / "kg", create=True) as store:
        print("RDF: ", end="")
        fill = lambda graphs: store._load({graph.note_id: lines(graph) for graph in graphs})  # noqa: E731
        found = growth(store, fill, sizes, of_patient)
        files = [file.stat().st_size for file in store.path.rglob("*") if file.is_file()]
        print(f"{sum(files) / 1e6:,.0f} MB on disk")
    return found


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--notes", type=int, default=300, help="notes of the comparison")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default="1000,3000,10000,30000,100000", help="notes in the store as it grows")
    parser.add_argument("--of-patient", type=int, default=10, help="notes of each patient then")
    parser.add_argument("--no-neo4j", action="store_true", help="only the RDF store")
    parser.add_argument("--keep", type=Path, help="fill the RDF store in this folder, further if it is there")
    parser.add_argument("--plot", type=Path, help="draw what a growing store costs into this SVG file")
    parser.add_argument("--check", action="store_true", help="fail where a store is slower than it may be")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.python_version()}")
    sizes = [int(size) for size in options.sizes.split(",") if size]
    notes = [synthetic(i, patient=f"p{i // 3}") for i in range(options.notes)]
    shares = {"of Oxigraph's bulk load": compare(notes, options.rounds)}
    costs: dict[str, Sequence[Costs]] = {}
    if sizes:
        costs["RDF"] = growing(sizes, options.of_patient, options.keep)
    if not options.no_neo4j:
        import stores_neo4j

        with stores_neo4j.server_for_bench() as server:
            shares["of the bare Neo4j driver"] = stores_neo4j.compare(notes, server, options.rounds)
            if sizes:
                costs["Neo4j"] = stores_neo4j.growing(server, sizes, options.of_patient)
    if options.plot and costs:
        plot(costs, options.plot)
    wrong = [f"{share:.2f} {whose}" for whose, share in shares.items() if share < LEAST]
    wrong += [fault for name, found in costs.items() for fault in faults(name, found)]
    if options.check and wrong:
        sys.exit(f"slower than it may be: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
