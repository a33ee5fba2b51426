"""Read notes with each runtime of a model and print how fast, against the bare encoder, and how well.

    python benchmarks/extract.py ../shared/data/mtsamples/mtsamples.jsonl.gz --corpus ../shared/data/maccrobat2020

Protocol: each runtime has a process and ``--threads`` threads of its own. The bare encoder is the same encoder, through
the same call, on the same notes' subwords, in windows as long as the model's and without context; nothing else.
Extraction is text to Document: words, subwords, windows, encoder, CRF, relations, rules for dates, assertion and
headings. The two take turns, a few notes at a time, so that a busy machine slows both; where other processes leave
little of it, the ratio of processor times is the one to look at. Tokens are the subwords of the notes, each counted
once. The long note is a megabyte of notes, one behind the other, read in a process of its own.
"""

import argparse
import gzip
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from extractors.annotate import annotate
from extractors.decode import read_text
from extractors.document import Document
from extractors.encode import Window, subwords, windows
from extractors.runtime import SHIPPED, JointExtractor
from extractors.tags import Array

TRAINED = Path("runs/joint")
"""Where ``kgbuild train joint`` leaves its model when asked as docs/reproduce.md asks."""

ANCHOR = date(2020, 5, 1)
"""The day every note is taken to be of: relative times are then computed too."""

TURN = 5
"""Notes after which bare encoder and extraction change places."""

LONG = 1_000_000
"""Characters of the long note."""

LEAST_RATIO, MOST_MB, MOST_LOSS = 0.8, 1500.0, 0.005
"""What ``--check`` asks for."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What reading some notes took.

    Attributes:
        notes: How many.
        tokens: Their subwords.
        seconds: Extraction.
        bare: Seconds of the bare encoder.
        cpu: Processor seconds of extraction, all threads.
        bare_cpu: Processor seconds of the bare encoder.
        stages: Share of each stage in the processor time.
    """

    notes: int
    tokens: int
    seconds: float
    bare: float
    cpu: float
    bare_cpu: float
    stages: dict[str, float]

    @property
    def ratio(self) -> float:
        """Tokens a second of extraction over those of the bare encoder."""
        return self.bare / self.seconds


class Model:
    """An extractor opened for measuring: the parts that the library keeps to itself."""

    def __init__(self, runtime: str, folder: Path, threads: int) -> None:
        if runtime == "torch":
            import torch

            from extractors.training.store import TorchExtractor

            torch.set_num_threads(threads)
            trained = TorchExtractor.load(folder)
            self.read, self.states = trained.__call__, trained._states
            self.reading, self.tokenizer = trained._reading, trained._tokenizer
            self.encode: Callable[[list[Window]], Iterator[Array]] = lambda cut: map(self.states, cut)
        else:
            exported = JointExtractor(folder, threads)
            self.read, self.states, self.encode = exported.__call__, exported._states, exported._encode
            self.reading, self.tokenizer = exported._reading, exported._tokenizer

    def documents(self, texts: Sequence[str]) -> list[Document]:
        """Return what extraction gives: what the model reads, and what the rules add."""
        return [annotate(document, ANCHOR) for document in self.read(texts)]

    def cut(self, text: str, context: int = 0) -> list[Window]:
        """Return the windows of a text."""
        return windows(subwords(text, self.tokenizer), self.tokenizer, limit=self.reading.limit, context=context)


def clocks(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds and processor seconds of some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def speed(model: Model, texts: Sequence[str]) -> Speed:
    """Measure extraction against the bare encoder."""
    model.documents(texts[:2])
    totals = {"bare": [0.0, 0.0], "extraction": [0.0, 0.0]}
    for i in range(0, len(texts), TURN):
        some = texts[i : i + TURN]
        cut = [window for text in some for window in model.cut(text)]
        turns: dict[str, Callable[[], object]] = {
            "bare": lambda cut=cut: list(model.encode(cut)),
            "extraction": lambda some=some: model.documents(some),
        }
        for name in turns if i // TURN % 2 else reversed(turns):
            for k, seconds in enumerate(clocks(turns[name])):
                totals[name][k] += seconds
    tokens = sum(len(subwords(text, model.tokenizer).ids) for text in texts)
    return Speed(
        len(texts), tokens, totals["extraction"][0], totals["bare"][0], totals["extraction"][1], totals["bare"][1],
        stages(model, texts),
    )  # fmt: skip


def stages(model: Model, texts: Sequence[str]) -> dict[str, float]:
    """Return each stage's share of the processor time of reading the texts one by one."""
    encoder = 0.0

    def states(window: Window) -> Array:
        nonlocal encoder
        start = time.process_time()
        found = model.states(window)
        encoder += time.process_time() - start
        return found

    def read() -> list[Document]:
        return [read_text(text, model.tokenizer, states, model.reading) for text in texts]

    _, cut = clocks(lambda: [model.cut(text) for text in texts])
    _, total = clocks(read)
    documents = model.read(texts)
    _, rules = clocks(lambda: [annotate(document, ANCHOR) for document in documents])
    parts = {"subwords and windows": cut, "encoder": encoder, "tags and relations": total - cut - encoder}
    whole = total + rules
    return {name: seconds / whole for name, seconds in (parts | {"rules": rules}).items()}


def scores(model: Model, corpus: Path, split: str) -> dict[str, float]:
    """Return the strict, end-to-end F1 of mentions and relations on a split of MACCROBAT2020."""
    from extractors.corpora.maccrobat import read_split
    from extractors.training.score import mention_scores, relation_scores

    gold = read_split(split, corpus)
    found = model.read([document.text for document in gold])
    return {
        "mentions": mention_scores(gold, found)["micro"].f1,
        "relations": relation_scores(gold, found)["micro"].f1,
    }


def peak() -> float:
    """Return the most MB that this process has held; ``getrusage`` would count its parent's before it began."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def read_notes(source: Path, count: int) -> list[str]:
    """Return the texts of some notes, evenly spread over a JSON Lines file."""
    opened = gzip.open(source, "rt", encoding="utf-8") if source.suffix == ".gz" else source.open(encoding="utf-8")
    with opened as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return texts[:: max(1, len(texts) // count)][:count]


def long_note(texts: Sequence[str], size: int) -> str:
    """Return a note of some size, made of notes."""
    pieces, length = [], 0
    for text in cycle(texts):
        if length >= size:
            return "\n\n".join(pieces)[:size]
        pieces.append(text)
        length += len(text) + 2
    raise ValueError("no notes")


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Do what one process does: read the notes, or the long note."""
    model = Model(options.runtime, options.folder, options.threads)
    texts = read_notes(options.notes, options.count)
    if options.long:
        model.documents(texts[:2])
        text = long_note(texts, options.long)
        seconds, _ = clocks(lambda: model.documents([text]))
        return {"seconds": seconds, "peak": peak()}
    found: dict[str, object] = {"speed": asdict(speed(model, texts)), "peak": peak()}
    if options.corpus is not None:
        found["scores"] = scores(model, options.corpus, options.split)
    return found


def apart(options: argparse.Namespace, runtime: str, folder: Path, size: int = 0) -> dict[str, object]:
    """Return what ``measure`` finds in a process of its own."""
    command = [sys.executable, __file__, str(options.notes), "--runtime", runtime, "--folder", str(folder)]
    command += ["--threads", str(options.threads), "--count", str(options.count), "--long", str(size)]
    command += ["--split", options.split, *(["--corpus", str(options.corpus)] if options.corpus is not None else [])]
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(options.threads))
    done = subprocess.run(command, stdout=subprocess.PIPE, env=os.environ | limits, check=True)  # noqa: S603
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def export(source: Path, target: Path, *, int8: bool) -> Path:
    """Export a trained model."""
    from extractors.training.export import export_model

    export_model(source, target, int8=int8)
    return target


def show(name: str, found: dict[str, object]) -> Speed:
    """Print what a runtime did."""
    took = Speed(**found["speed"])  # type: ignore[arg-type]
    print(
        f"{name:10} {took.tokens / took.seconds:7.0f} tokens/s {took.notes / took.seconds:6.2f} notes/s;"
        f" bare encoder {took.tokens / took.bare:7.0f} tokens/s; ratio {took.ratio:.2f}"
        f" ({took.bare_cpu / took.cpu:.2f} by processor time); peak {found['peak']:.0f} MB"
    )
    print(" " * 10, ", ".join(f"{stage} {share:.1%}" for stage, share in took.stages.items()))
    if "scores" in found:
        print(" " * 10, ", ".join(f"{what} F1 {f1:.4f}" for what, f1 in found["scores"].items()))  # type: ignore[attr-defined]
    return took


def main() -> None:
    """Print speed, memory and scores of each runtime."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("notes", type=Path, help="JSON Lines with a text a line, as .gz or not")
    parser.add_argument("--model", type=Path, default=TRAINED, help="trained model; its exports are made on the way")
    parser.add_argument("--corpus", type=Path, help="folder of MACCROBAT2020, for the F1 lost to 8 bits")
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    parser.add_argument("--count", type=int, default=60, help="notes read, evenly spread over the file")
    parser.add_argument("--threads", type=int, default=1, help="of each process; one, as each of `kgbuild ingest` has")
    parser.add_argument("--check", action="store_true", help="exit 1 if it is slower, larger or worse than it may be")
    for hidden, kind in (("--runtime", str), ("--folder", Path), ("--long", int)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.runtime is not None:
        print(json.dumps(measure(options)))
    else:
        wrong = compare(options)
        if options.check and wrong:
            sys.exit("; ".join(wrong))


def compare(options: argparse.Namespace) -> list[str]:
    """Measure each runtime, print it, and return what is not as ``--check`` asks."""
    print(
        f"{platform.machine()}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}),"
        f" Python {platform.python_version()}; {options.count} notes, {options.threads} thread(s) a process"
    )
    with TemporaryDirectory() as scratch:
        places = {"int8": SHIPPED}
        if (options.model / "model.safetensors").is_file():
            places = {
                "torch": options.model,
                "ONNX fp32": export(options.model, Path(scratch) / "fp32", int8=False),
                "int8": export(options.model, Path(scratch) / "int8", int8=True),
            }
        else:
            print(
                f"torch, ONNX fp32: no model in {options.model}: train one (docs/reproduce.md) or give its folder with"
                " --model; int8 is the shipped model"
            )
        found = {name: apart(options, "torch" if name == "torch" else "onnx", where) for name, where in places.items()}
        took = {name: show(name, result) for name, result in found.items()}
        long = apart(options, "onnx", places["int8"], LONG)
    print(f"note of {LONG / 1e6:.0f} MB, int8: {long['seconds']:.0f} s, peak {long['peak']:.0f} MB")
    wrong = [] if took["int8"].ratio >= LEAST_RATIO else [f"int8: ratio {took['int8'].ratio:.2f}"]
    wrong += [f"long note: {long['peak']:.0f} MB"] if float(str(long["peak"])) >= MOST_MB else []
    if "ONNX fp32" in found and "scores" in found["int8"]:
        lost = {what: f1 - found["int8"]["scores"][what] for what, f1 in found["ONNX fp32"]["scores"].items()}  # type: ignore[index, attr-defined]
        print("F1 lost to int8:", ", ".join(f"{what} {loss:+.4f}" for what, loss in lost.items()))
        wrong += [f"int8 loses {loss:.4f} F1 of {what}" for what, loss in lost.items() if loss > MOST_LOSS]
    return wrong


if __name__ == "__main__":
    main()
