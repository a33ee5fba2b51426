"""Ingest a file of notes as a user does, in a process of its own, and print what it cost.

    python benchmarks/ingest.py ../shared/data/mtsamples/mtsamples.jsonl.gz

The code tables are built before the clock starts. Afterwards every mention that ``kgbuild extract`` prints is checked
against its note (``--check``), and the notes are ingested once more, which must write nothing.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

KGBUILD = str(Path(sys.executable).with_name("kgbuild"))


def run(*arguments: str) -> tuple[float, str, float]:
    """Run kgbuild; return the seconds it took, the last line it printed and the most MB it held."""
    start, peak = time.perf_counter(), 0.0
    with TemporaryFile("w+") as out, TemporaryFile("w+") as errors:
        process = subprocess.Popen([KGBUILD, *arguments], stdout=out, stderr=errors)  # noqa: S603
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.2)
        seconds = time.perf_counter() - start
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"kgbuild {arguments[0]} failed with {process.returncode}: {errors.read().strip()[-300:]}")
        return seconds, (out.read().strip().splitlines() or [""])[-1], peak


def memory(root: int) -> float:
    """Return the MB that a process and those it started hold together, shared pages counted once."""
    parent_of: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                parent_of[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    total = 0.0
    for process in parent_of:
        ancestor = process
        while ancestor not in (root, 0, 1):
            ancestor = parent_of.get(ancestor, 0)
        if ancestor == root:
            with suppress(OSError):
                lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def check_offsets(records: Path) -> tuple[int, int]:
    """Return the number of notes and mentions of ``kgbuild extract``, all mentions being the text at their offsets."""
    notes = mentions = 0
    with records.open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            text = record["note"]["text"]
            wrong = [m["id"] for m in record["mentions"] if text[m["start"] : m["end"]] != m["text"]]
            if wrong:
                sys.exit(f"note {record['note']['id']}: {len(wrong)} mentions are not the text at their offsets")
            notes, mentions = notes + 1, mentions + len(record["mentions"])
    return notes, mentions


def main() -> None:
    """Print seconds, notes a second, peak memory and store size of an ingest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--check", action="store_true", help="also run extract and compare every mention with its text")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    run("resolve", "fever", "--system", "icd10cm")
    with TemporaryDirectory() as folder:
        store = Path(folder) / "kg"
        seconds, said, peak = run("ingest", str(options.notes), "--store", str(store))
        count = int(said.split(":")[1].split()[0])
        print(f"ingest: {said.split(':')[1].strip()}; {seconds:.0f} s, {count / seconds:.1f} notes/s")
        print(f"peak memory {peak:.0f} MB; store {size(store) / 1e6:.0f} MB")
        seconds, said, _ = run("ingest", str(options.notes), "--store", str(store))
        print(f"again: {said.split(':')[1].strip()}; {seconds:.1f} s")
        if options.check:
            records = Path(folder) / "records.jsonl"
            run("extract", str(options.notes), "-o", str(records))
            notes, mentions = check_offsets(records)
            print(f"extract: {notes} notes, {mentions} mentions, each the text at its offsets")


if __name__ == "__main__":
    main()
