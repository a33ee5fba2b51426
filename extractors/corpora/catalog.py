"""The corpora that the command line knows by name."""

from collections.abc import Collection
from pathlib import Path

from extractors.corpora.ade import read_ade
from extractors.corpora.annotated import Annotated, Reader
from extractors.corpora.brat import read_brat
from extractors.corpora.chemprot import read_chemprot
from extractors.corpora.i2b2_2010 import read_i2b2_2010
from extractors.corpora.maccrobat import read_maccrobat
from extractors.corpora.phee import read_phee
from extractors.corpora.pubtator import read_bc5cdr, read_ncbi_disease, read_pubtator
from extractors.corpora.spert import read_spert
from extractors.document import ExtractionError

READERS: dict[str, Reader] = {
    "ade": read_ade,
    "bc5cdr": read_bc5cdr,
    "brat": read_brat,
    "chemprot": read_chemprot,
    "i2b2_2010": read_i2b2_2010,
    "maccrobat2020": read_maccrobat,
    "ncbi_disease": read_ncbi_disease,
    "phee": read_phee,
    "pubtator": read_pubtator,
    "spert": read_spert,
}


def read_corpus(
    name: str, path: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    """Return the documents of a corpus.

    Args:
        name: One of ``READERS``.
        path: Its folder, or a file of it where the reader takes one.
        labels: What a mention may be; None for the corpus's own, or any in brat, PubTator and SpERT files.
        relations: What may relate two; None likewise.

    Raises:
        ExtractionError: If there is no such corpus, or as its reader.
    """
    if name not in READERS:
        raise ExtractionError(f"corpus {name!r} is not among {', '.join(READERS)}")
    return READERS[name](path, labels, relations)
