"""ADE, the published ten folds without overlapping mentions: train, test, and a table of what came out.

    python benchmarks/ade.py ../shared/data --folds 0,1,2 --encoders minilm,bilstm

Each fold and encoder is a model folder in ``runs/ade``; one that is done is not trained again, one that was interrupted
goes on. The table (``runs/ade/table.md``, ``scores.jsonl``) has a row a fold, then mean and standard deviation.

The word vectors of the Bi-LSTM are learnt first (skip-gram, gensim, ``kgbuild[bench]``) from texts that may be learnt
from: MTSamples, PubMedQA, MACCROBAT2020, BC5CDR, NCBI disease, ChemProt, without any sentence that ADE has.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from extractors.corpora.catalog import read_corpus
from extractors.corpora.leaks import drop_sentences
from extractors.corpora.plain import read_plain
from extractors.document import ExtractionError
from extractors.text import sentences, words
from extractors.training.loop import Watch
from extractors.training.parts import Source
from extractors.training.recipes import PRESETS, Plan, choose_device, train_corpus, use_threads
from kgbuild.progress import TrainingLine

ENCODERS = {"minilm": "ade", "bilstm": "ade-bilstm"}
"""Encoders and the presets that train them."""

TEXTS = ("maccrobat2020", "bc5cdr", "ncbi_disease", "chemprot")
"""Annotated corpora whose texts the word vectors are learnt from, beside MTSamples and PubMedQA."""

COLUMNS = {
    "mention micro": ("mention strict", "micro"),
    "mention macro": ("mention strict", "macro"),
    "relation micro": ("relation end to end", "micro"),
    "relation macro": ("relation end to end", "macro"),
    "relation, gold mentions": ("relation gold mentions", "micro"),
    "mention boundary": ("mention boundary", "micro"),
}
"""Columns of the table: protocol and label of the scores behind each."""

PROTOCOL = """\
ADE corpus v2, ten folds of SpERT (Eberts and Ulges 2020) without overlapping mentions; {folds}.
Trained on SpERT's train part, which the published files cut into train and validation (15 %), for a fixed number of
epochs: {epochs}; measured on the test part; seed {seed}.
Strict: span and label of a mention; type, direction, spans and labels of both arguments of a relation, from predicted
mentions. Macro: mean over Adverse-Effect and Drug; there is one relation, so its macro is its micro. F1 in percent;
± is the sample standard deviation over folds.
"""


def main() -> None:
    """Train and test what is asked for, then print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, help="Folder of the corpora.")
    parser.add_argument("--folds", default="0,1,2", help="Any of 0 to 9, with commas between.")
    parser.add_argument("--encoders", default="minilm,bilstm", help=f"Any of {', '.join(ENCODERS)}.")
    parser.add_argument(
        "--minilm", default="all-MiniLM-L6-v2", help="The encoder of minilm: `make encoder` teaches it."
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/ade"))
    parser.add_argument("--threads", type=int, default=0, help="Threads of torch; 0 takes every core.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--bf16", action="store_true", help="Compute minilm in bfloat16: quicker with AMX or on a GPU.")
    options = parser.parse_args()
    folds, encoders = options.folds.split(","), options.encoders.split(",")
    strange = sorted(set(encoders) - ENCODERS.keys())
    if strange:
        parser.error(f"no encoder {', '.join(strange)}; there are {', '.join(ENCODERS)}")
    use_threads(options.threads)
    options.runs.mkdir(parents=True, exist_ok=True)
    plans = {encoder: PRESETS[ENCODERS[encoder]].training for encoder in encoders}
    epochs = ", ".join(f"{plan.epochs} ({encoder})" for encoder, plan in plans.items())
    protocol = PROTOCOL.format(folds=f"folds {options.folds}", epochs=epochs, seed=plans[encoders[0]].seed)
    print(protocol, flush=True)
    rows = [
        {"encoder": encoder, "fold": fold, **scores(run(encoder, fold, options))}
        for encoder in encoders
        for fold in folds
    ]
    text = table(rows, encoders)
    (options.runs / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (options.runs / "table.md").write_text(f"{protocol}\n{text}", "utf-8")
    print(text)


def run(encoder: str, fold: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the facts of the run of an encoder on a fold, trained now if it is not done."""
    folder = options.runs / f"{encoder}-{fold}"
    plan = PRESETS[ENCODERS[encoder]]
    if plan.model.encoder == "bilstm":
        plan = replace(plan, vectors=str(word_vectors(options.data, options.runs)))
    else:
        training = replace(plan.training, bf16=options.bf16)
        plan = replace(plan, model=replace(plan.model, encoder=options.minilm), training=training)
    done = folder / "run.json"
    if done.is_file():
        facts: dict[str, Any] = json.loads(done.read_text("utf-8"))
        check_settings(folder, facts, plan)
        print(f"{folder}: done before", flush=True)
        return facts
    print(f"{folder}: fold {fold}, {encoder}", flush=True)
    shown = TrainingLine()
    watch = Watch(shown.epoch, shown.step, choose_device(options.device))
    return train_corpus(Source("ade", options.data / "ade_corpus_v2", fold=fold), plan, folder, watch, print)


def check_settings(folder: Path, facts: dict[str, Any], plan: Plan) -> None:
    """Stop if a fold that is done was trained with other settings than the preset has now."""
    learnt = {field.name for field in fields(plan.model)} - {"labels", "relations", "local", "sentences"}
    model = {key: value for key, value in asdict(plan.model).items() if key in learnt}
    other = _differing(facts["training"], asdict(plan.training)) + _differing(facts["model"], model)
    if other:
        sys.exit(f"{folder}: trained with another {', '.join(other)}; remove it, or give another --runs")


def _differing(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the settings that are not what they were."""
    return sorted(key for key, value in json.loads(json.dumps(now)).items() if then.get(key) != value)


def scores(facts: dict[str, Any]) -> dict[str, float]:
    """Return the columns of a run."""
    by_key = {(row["protocol"], row["label"]): row["F1"] for row in facts["scores"]}
    return {column: round(100 * by_key[key], 2) for column, key in COLUMNS.items()}


def table(rows: Sequence[dict[str, Any]], encoders: Sequence[str]) -> str:
    """Return the rows as Markdown, below each encoder's its mean and standard deviation.

    >>> rows = [{"encoder": "e", "fold": f, **dict.fromkeys(COLUMNS, 80.0 + f)} for f in (0, 2)]
    >>> print(table(rows, ["e"]).splitlines()[-1][:44])
    | e | mean of 2 | **81.00** ± 1.41 | **81.00
    """
    lines = [["encoder", "fold", *COLUMNS], ["---"] * (len(COLUMNS) + 2)]
    for encoder in encoders:
        own = [row for row in rows if row["encoder"] == encoder]
        lines += [[encoder, str(row["fold"]), *(f"{row[column]:.2f}" for column in COLUMNS)] for row in own]
        lines.append([encoder, f"mean of {len(own)}", *(_spread([row[column] for row in own]) for column in COLUMNS)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _spread(values: Sequence[float]) -> str:
    """Return mean and standard deviation."""
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"**{statistics.mean(values):.2f}**{spread}"


def word_vectors(data: Path, runs: Path) -> Path:
    """Return the file of 200-d word vectors, in word2vec's binary format, learnt now if it is not there."""
    file = runs / "vectors.bin"
    if file.is_file():
        return file
    try:
        from gensim.models import Word2Vec
    except ModuleNotFoundError:
        sys.exit(
            "the Bi-LSTM's word vectors are learnt with gensim: pip install 'kgbuild[bench]', or --encoders minilm"
        )
    texts, dropped = drop_sentences(raw_texts(data), read_corpus("ade", data / "ade_corpus_v2"))
    print(f"word vectors: {len(texts)} texts; leak check: dropped {dropped} sentences that ADE has", flush=True)
    spelled = [list(_words(text, start, end)) for text in texts for start, end in sentences(text)]
    learnt = Word2Vec(spelled, vector_size=200, sg=1, window=5, min_count=2, epochs=10, negative=10, seed=13, workers=1)
    part = file.with_suffix(".part")
    learnt.wv.save_word2vec_format(str(part), binary=True)
    part.replace(file)
    return file


def _words(text: str, start: int, end: int) -> Iterator[str]:
    """Yield the words of a sentence in lower case."""
    sentence = text[start:end]
    return (sentence[a:b].lower() for a, b in words(sentence))


def raw_texts(data: Path) -> Iterator[str]:
    """Yield the texts that word vectors may be learnt from."""
    yield from read_plain(data)
    for name in TEXTS:
        yield from (item.document.text for item in read_corpus(name, data / name))


if __name__ == "__main__":
    try:
        main()
    except (ExtractionError, OSError) as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; run the same command again to go on")
