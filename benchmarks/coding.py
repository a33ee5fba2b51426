"""Codes of gold mentions: accuracy on NCBI disease and BC5CDR (MeSH) and on phrases of the ICD-10-CM index, and speed.

    python benchmarks/coding.py ../shared/data --part test

Protocol: every annotated mention with a code is asked for by its own text, the abbreviations that its abstract defines
written out (Schwartz and Hearst), among the codes that its type may have (``schema.ROOTS``); nothing else is seen. No
gold mention is in the dictionary: the MeSH table in use, the packaged one unless one was added. Counted are mentions of
which a gold code is in the dictionary; their share is the coverage (OMIM codes are not in MeSH). Right: the first code
(of five, for @5) is one of the mention's gold codes. Mentions are counted, not different texts; scores below the
threshold count like others.

A second line has the mentions of the training parts as further names of their codes. The weights of the ranking were
fitted on the training parts (``resolvers.fit``), for both lines.

Speed: the different queries of all parts, each once, in one batch in this process and in a process a core, opened
before; over the same names rapidfuzz ``process.extractOne`` (WRatio) on a few of them, and gilda, which finds only
names that are the query but for case, dashes and plurals. All in the same run.
"""

import argparse
import os
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from rapidfuzz import fuzz, process

from extractors.abbreviations import abbreviations, expanded
from extractors.corpora.annotated import Annotated
from extractors.corpora.pubtator import read_bc5cdr, read_ncbi_disease
from extractors.document import ExtractionError
from kgbuild import asking
from kgbuild.schema import ROOTS
from ontologies.concept import CodeTable, TableError
from resolvers.candidate import Resolver
from resolvers.evaluate import accuracy, read_phrases
from resolvers.index import TableResolver, memory_resolver, open_resolver

FILES = {
    "train": ("NCBItrainset_corpus.txt", "CDR_TrainingSet.PubTator.txt"),
    "dev": ("NCBIdevelopset_corpus.txt", "CDR_DevelopmentSet.PubTator.txt"),
    "test": ("NCBItestset_corpus.txt", "CDR_TestSet.PubTator.txt"),
}
"""Parts of NCBI disease and BC5CDR."""

_SEVERAL = re.compile(r"[|+]")
_SLOW = 20
"""Queries that rapidfuzz is timed on: one takes some tenths of a second."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A gold mention.

    Attributes:
        query: What is asked for.
        codes: Its gold codes; any of them is right.
    """

    query: str
    codes: frozenset[str]


def mentions(items: Iterable[Annotated], label: str | None = None) -> list[Asked]:
    """Return the coded mentions of some abstracts, of one label or all."""
    found = []
    for item in items:
        known = abbreviations(item.document.text)
        for mention in item.document.mentions:
            if mention in item.codes and label in (None, mention.label):
                codes = (code.removeprefix("MESH:") for code in _SEVERAL.split(item.codes[mention]))
                found.append(Asked(expanded(mention.text, known), frozenset(codes)))
    return found


def sets_of(data: Path, part: str) -> dict[tuple[str, str], list[Asked]]:
    """Return the mentions by the name of their set and our label for its type."""
    ncbi, cdr = FILES[part]
    both = read_bc5cdr(data / "bc5cdr" / cdr)
    return {
        ("NCBI disease", "Disease_disorder"): mentions(read_ncbi_disease(data / "ncbi_disease" / ncbi)),
        ("BC5CDR diseases", "Disease_disorder"): mentions(both, "Disease"),
        ("BC5CDR chemicals", "Medication"): mentions(both, "Chemical"),
    }


def report(name: str, asked: list[Asked], resolver: Resolver, known: frozenset[str]) -> str:
    """Return a row of the table."""
    within = [one for one in asked if one.codes & known]
    queries = sorted({one.query for one in within})
    answers = {
        query: [candidate.concept.code for candidate in candidates]
        for query, candidates in zip(queries, resolver(queries, 5), strict=True)
    }
    first = sum(bool(one.codes & set(answers[one.query][:1])) for one in within) / len(within)
    five = sum(bool(one.codes & set(answers[one.query])) for one in within) / len(within)
    return f"| {name} | {len(asked)} | {len(within) / len(asked):.3f} | {first:.3f} | {five:.3f} |"


def write_asked(file: Path, sets: dict[tuple[str, str], list[Asked]]) -> None:
    """Write the mentions as ``resolvers.fit`` reads them."""
    counts = Counter((one.query, one.codes, label) for (_, label), asked in sets.items() for one in asked)
    lines = ["phrase\tcodes\troots\ttimes\n"]
    for (query, codes, label), times in sorted(counts.items(), key=lambda item: (item[0][0], sorted(item[0][1]))):
        roots = "|".join(ROOTS["mesh", label])
        lines.append(f"{' '.join(query.split())}\t{'|'.join(sorted(codes))}\t{roots}\t{times}\n")
    file.write_text("".join(lines), encoding="utf-8")


def taught(table: CodeTable, data: Path) -> CodeTable:
    """Return the table with the mentions of the training parts as names of their codes, each by its most common one."""
    counts: dict[str, Counter[str]] = {}
    for asked in sets_of(data, "train").values():
        for one in asked:
            if len(one.codes) == 1 and one.codes <= table.by_code.keys():
                counts.setdefault(one.query, Counter()).update(one.codes)
    more: dict[str, list[str]] = {}
    for query, codes in sorted(counts.items()):
        more.setdefault(max(codes, key=lambda code: (codes[code], code)), []).append(query)
    concepts = (replace(c, synonyms=(*c.synonyms, *more.get(c.code, ()))) for c in table)
    return CodeTable(table.system, table.release, concepts)


def speed(queries: list[str], resolver: TableResolver) -> list[str]:
    """Return what some queries take here, by rapidfuzz and by gilda, over the same names."""
    table = resolver.table
    seconds = {}
    begin = time.perf_counter()
    resolver(queries, 5)
    seconds["kgbuild, this process"] = (time.perf_counter() - begin) / len(queries)
    one_by_one = []
    for query in queries[:: max(1, len(queries) // 500)]:
        begin = time.perf_counter()
        resolver([query], 5)
        one_by_one.append(time.perf_counter() - begin)
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, get_context("spawn"), asking.open_tables, ((table.system,),)) as pool:
        list(pool.map(asking.ask, [(table.system, ("fever",), 5, False)] * cores * 4))  # until they are open
        size = asking.PART
        parts = [(table.system, queries[i : i + size], 5, False) for i in range(0, len(queries), size)]
        begin = time.perf_counter()
        list(pool.map(asking.ask, parts))
        seconds[f"kgbuild, {cores} processes"] = (time.perf_counter() - begin) / len(queries)
    names = [name for concept in table for name in concept.names]
    some = queries[:: max(1, len(queries) // _SLOW)][:_SLOW]
    begin = time.perf_counter()
    for query in some:
        process.extractOne(query, names, scorer=fuzz.WRatio)
    seconds["rapidfuzz extractOne"] = (time.perf_counter() - begin) / len(some)
    ground = gilda_over(table)
    if ground is not None:
        begin = time.perf_counter()
        for query in queries:
            ground(query)
        seconds["gilda, names that are the query but for spelling"] = (time.perf_counter() - begin) / len(queries)
    slow = seconds["rapidfuzz extractOne"]
    return [
        f"{len(queries)} different queries, {len(names)} names, {len(some)} of them for rapidfuzz;"
        f" one by one, median: {sorted(one_by_one)[len(one_by_one) // 2] * 1e3:.2f} ms",
        *(f"{name}: {1 / each:.1f} queries/s, {slow / each:.0f} times rapidfuzz" for name, each in seconds.items()),
    ]


def gilda_over(table: CodeTable) -> Callable[[str], list[str]] | None:
    """Return gilda's grounding over the names of a table, the codes best first; None where it is not installed."""
    try:
        from gilda.grounder import Grounder
        from gilda.process import normalize
        from gilda.term import Term
    except ImportError:
        print("gilda is not installed: make .venv/bench")
        return None
    terms = [
        Term(normalize(name), name, table.system, concept.code, concept.name, "name" if i == 0 else "synonym", "mesh")
        for concept in table
        for i, name in enumerate(concept.names)
    ]
    grounder = Grounder(terms)
    return lambda text: [match.term.id for match in grounder.ground(text)]


def main() -> None:
    """Print accuracy and speed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, help="Folder of the corpora.")
    parser.add_argument("--part", choices=FILES, default="test")
    parser.add_argument("--write", type=Path, metavar="FILE", help="Only write the mentions, for resolvers.fit.")
    options = parser.parse_args()
    if options.write:
        write_asked(options.write, sets_of(options.data, options.part))
        return
    resolver = open_resolver("mesh", lambda line: print(line, file=sys.stderr))
    table = resolver.table
    sets = sets_of(options.data, options.part)
    print(f"{platform.machine()}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}); {options.part} parts")
    print(f"MeSH {table.release}: {len(table)} codes; gold mentions\n")
    print("| dictionary | set | mentions | coverage | accuracy@1 | @5 |\n|---|---|---|---|---|---|")
    known = frozenset(table.by_code)
    for line, asked_of in (("MeSH", resolver), ("and training mentions", memory_resolver(taught(table, options.data)))):
        for (name, label), asked in sets.items():
            print(f"| {line} {report(name, asked, asked_of.within(ROOTS['mesh', label]), known)}", flush=True)
    begin = time.perf_counter()
    fresh = open_resolver("mesh")
    print(f"\nopened in {time.perf_counter() - begin:.2f} s")
    queries = {one.query for part in FILES for asked in sets_of(options.data, part).values() for one in asked}
    print("\n".join(speed(sorted(queries), fresh)))
    classification = open_resolver("icd10cm")
    print("\nthe same queries asked of ICD-10-CM")
    print("\n".join(speed(sorted(queries), classification)))
    phrases = options.data / "icd10_index_dev" / "eval_dev.tsv"
    found = accuracy(read_phrases(phrases), classification)
    print(f"\nICD-10-CM, {phrases.name}, the code itself, accuracy@1: ", end="")
    print(", ".join(f"{bucket} {row.at_1:.3f} ({row.count})" for bucket, row in found.items()))


if __name__ == "__main__":
    try:
        main()
    except (ExtractionError, TableError, OSError) as error:
        sys.exit(f"Error: {error}")
