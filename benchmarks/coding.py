"""Codes of gold mentions: accuracy on NCBI disease and BC5CDR (MeSH) and on phrases of the ICD-10-CM index, and speed.

    python benchmarks/coding.py ../shared/data --part test

Protocol: every annotated mention with a code is asked for by its own text, the abbreviations that its abstract defines
written out (Schwartz and Hearst), among the codes that its type may have (``schema.ROOTS``); nothing else is seen. No
gold mention is in the dictionary: the MeSH table in use, the packaged one unless one was added. Counted are mentions of
which a gold code is in the dictionary; their share is the coverage (OMIM codes are not in MeSH). Right: the first code
(of five, for @5) is one of the mention's gold codes. Mentions are counted, not different texts; scores below the
threshold count like others.

Speed: the different queries of all sets in one batch in this process, and rapidfuzz ``process.extractOne`` (WRatio)
over all names of the same table, on a few of them, in the same run.
"""

import argparse
import os
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import fuzz, process

from extractors.abbreviations import abbreviations, expanded
from extractors.corpora.annotated import Annotated
from extractors.corpora.pubtator import read_bc5cdr, read_ncbi_disease
from extractors.document import ExtractionError
from kgbuild.schema import ROOTS
from ontologies.concept import TableError
from ontologies.store import open_table
from resolvers.candidate import Resolver
from resolvers.evaluate import accuracy, read_phrases
from resolvers.index import open_resolver

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


def speed(sets: dict[tuple[str, str], list[Asked]], resolver: Resolver, names: list[str]) -> list[str]:
    """Return what some queries take, here and by rapidfuzz."""
    queries = sorted({one.query for asked in sets.values() for one in asked})
    begin = time.perf_counter()
    resolver(queries, 5)
    rate = len(queries) / (time.perf_counter() - begin)
    some = queries[:: max(1, len(queries) // _SLOW)][:_SLOW]
    begin = time.perf_counter()
    for query in some:
        process.extractOne(query, names, scorer=fuzz.WRatio)
    slow = len(some) / (time.perf_counter() - begin)
    return [
        f"{len(queries)} different queries, whole ranking: {rate:.0f} queries/s;"
        f" rapidfuzz extractOne over the same {len(names)} names: {slow:.2f} queries/s; {rate / slow:.0f} times as fast"
    ]


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
    table = open_table("mesh")
    sets = sets_of(options.data, options.part)
    print(f"{platform.machine()}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}); {options.part} parts")
    print(f"MeSH {table.release}: {len(table)} codes; gold mentions, no training mentions in the dictionary\n")
    print("| set | mentions | coverage | accuracy@1 | @5 |\n|---|---|---|---|---|")
    for (name, label), asked in sets.items():
        part = resolver.within(ROOTS["mesh", label])
        print(report(name, asked, part, frozenset(table.by_code)), flush=True)
    print()
    print("\n".join(speed(sets, resolver, [name for concept in table for name in concept.names])))
    phrases = options.data / "icd10_index_dev" / "eval_dev.tsv"
    found = accuracy(read_phrases(phrases), open_resolver("icd10cm"))
    print(f"\nICD-10-CM, {phrases.name}, the code itself, accuracy@1: ", end="")
    print(", ".join(f"{bucket} {row.at_1:.3f} ({row.count})" for bucket, row in found.items()))


if __name__ == "__main__":
    try:
        main()
    except (ExtractionError, TableError, OSError) as error:
        sys.exit(f"Error: {error}")
