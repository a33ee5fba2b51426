"""A table of SNOMED CT's size: how long its index takes, how fast it opens and answers, in how much memory.

    python benchmarks/scale.py --check

Protocol: 350,000 made-up concepts in a hierarchy with 1,500,000 names, each of two to six words drawn from the names
of ICD-10-CM and MeSH as often as they stand there (seed 13), under a ``KGBUILD_HOME`` of its own. Built: written as a
user's table is, then indexed. Opened and asked in a process of its own: 1,000 queries one by one, each a name of the
table with a word left out, median and mean; the same of ICD-10-CM (98,466 codes). Memory is the peak of that process.
One thread.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ontologies.concept import CodeTable, Concept
from ontologies.packed import write_table
from ontologies.store import open_table
from resolvers.index import open_resolver

CONCEPTS, NAMES = 350_000, 1_500_000
QUERIES = 1_000
MOST_SECONDS, MOST_MB, MOST_OPEN, MOST_TIMES = 600.0, 3000.0, 0.5, 3.0
"""What ``--check`` asks for."""


def concepts(seed: int = 13) -> Iterator[Concept]:
    """Yield made-up concepts; each but the first stands below one before it."""
    words = np.array([word for system in ("icd10cm", "mesh") for c in open_table(system) for word in c.name.split()])
    random = np.random.default_rng(seed)
    above = (random.random(CONCEPTS) * np.arange(CONCEPTS)).astype(np.int64)
    counts = 1 + random.multinomial(NAMES - CONCEPTS, np.full(CONCEPTS, 1 / CONCEPTS))
    lengths = random.integers(2, 7, NAMES)
    drawn = iter(words[random.integers(0, len(words), int(lengths.sum()))].tolist())
    sizes = iter(lengths.tolist())
    for row, count in enumerate(counts.tolist()):
        names = list(dict.fromkeys(" ".join(next(drawn) for _ in range(next(sizes))) for _ in range(count)))
        parents = (f"{above[row]:09}",) if row else ()
        yield Concept("snomedct", f"{row:09}", names[0], tuple(names[1:]), parents)


def build(home: Path) -> dict[str, float]:
    """Write the table and its index; return what each took."""
    table = CodeTable("snomedct", "made up", concepts())
    place = home / "tables" / "snomedct" / "added.table"
    place.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    write_table(place, table, "made up")
    written = time.perf_counter()
    del table
    open_resolver("snomedct")
    return {"table": written - began, "index": time.perf_counter() - written, "peak": peak()}


def ask(system: str) -> dict[str, float]:
    """Open a table and ask it; return seconds and MB."""
    began = time.perf_counter()
    resolver = open_resolver(system)
    opened = time.perf_counter() - began
    random = np.random.default_rng(7)
    queries = []
    for row in random.integers(0, len(resolver.table), QUERIES).tolist():
        words = resolver.table.rows[row].name.split()
        del words[int(random.integers(0, len(words)))]
        queries.append(" ".join(words) or resolver.table.rows[row].name)
    seconds = []
    for query in queries:
        start = time.perf_counter()
        resolver([query], 5)
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    resolver(queries, 5)
    batch = QUERIES / (time.perf_counter() - start)
    return {
        "opened": opened, "median": float(np.median(seconds)), "mean": float(np.mean(seconds)), "batch": batch,
        "peak": peak(),
    }  # fmt: skip


def peak() -> float:
    """Return the most MB that this process has held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def apart(what: str, home: Path) -> dict[str, float]:
    """Return what this script finds in a process of its own."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") | {"KGBUILD_HOME": str(home)}
    done = subprocess.run([sys.executable, __file__, "--part", what], stdout=-1, env=os.environ | limits, check=True)  # noqa: S603
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print what building and asking take."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="Exit 1 if it is slower or larger than it may be.")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        home = Path(os.environ["KGBUILD_HOME"])
        print(json.dumps(build(home) if options.part == "build" else ask(options.part)))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}), one thread")
    with TemporaryDirectory() as home:
        built = apart("build", Path(home))
        print(
            f"{CONCEPTS:,} concepts, {NAMES:,} names: table {built['table']:.0f} s, index {built['index']:.0f} s,"
            f" peak {built['peak']:.0f} MB",
            flush=True,
        )
        apart("icd10cm", Path(home))  # builds its index
        found = {system: apart(system, Path(home)) for system in ("snomedct", "icd10cm")}
    for system, one in found.items():
        print(
            f"{system}: opens in {one['opened']:.2f} s; one by one median {one['median'] * 1e3:.2f} ms, mean"
            f" {one['mean'] * 1e3:.2f} ms; then in one batch {one['batch']:.0f} queries/s; peak {one['peak']:.0f} MB"
        )
    times = found["snomedct"]["mean"] / found["icd10cm"]["mean"]
    print(f"latency {times:.1f} times that of ICD-10-CM")
    wrong = [
        name
        for name, is_wrong in {
            "build": built["table"] + built["index"] > MOST_SECONDS,
            "memory": found["snomedct"]["peak"] > MOST_MB,
            "opening": found["snomedct"]["opened"] > MOST_OPEN,
            "latency": times > MOST_TIMES,
        }.items()
        if is_wrong
    ]
    if options.check and wrong:
        sys.exit(f"more than may be: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
