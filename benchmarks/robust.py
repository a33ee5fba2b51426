"""Strict F1 of the shipped model on MACCROBAT2020's validation split as published, and written as notes are written.

    python benchmarks/robust.py ../shared/data/maccrobat2020

Protocol: the same 20 documents and gold annotations; only the form of the text changes, and offsets. Strict, micro,
relations end to end. Validation, not test: what is learnt here may be mended.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from extractors import load
from extractors.corpora.annotated import make_document
from extractors.corpora.maccrobat import read_split
from extractors.document import Document, ExtractionError, Mention
from extractors.runtime import SHIPPED
from extractors.text import sentences
from extractors.training.score import mention_scores, relation_scores

Form = Callable[[str], list[tuple[str, int | None]]]
"""Writes a text in another form: pieces, each with the offset that it comes from, None for one that is new. Of a piece
that comes from the text, every character stands for one character there."""

WIDTH = 72
"""Columns of a wrapped line."""


def published(text: str) -> list[tuple[str, int | None]]:
    """The text as it is."""
    return [(text, 0)]


def capitals(text: str) -> list[tuple[str, int | None]]:
    """All in capitals, as dictated notes are; a letter that would become two stays."""
    return [("".join(c.upper() if len(c.upper()) == 1 else c for c in text), 0)]


def small(text: str) -> list[tuple[str, int | None]]:
    """All in small letters."""
    return [("".join(c.lower() if len(c.lower()) == 1 else c for c in text), 0)]


def wrapped(text: str) -> list[tuple[str, int | None]]:
    """Lines of at most 72 columns, broken at blanks wherever these are."""
    letters, begin, blank = list(text), 0, -1
    for i, letter in enumerate(text):
        if letter == "\n":
            begin, blank = i + 1, -1
        elif letter == " ":
            blank = i
        if i - begin >= WIDTH and blank >= begin:
            letters[blank] = "\n"
            begin, blank = blank + 1, -1
    return [("".join(letters), 0)]


def bullets(text: str) -> list[tuple[str, int | None]]:
    """A list: each sentence on a line of its own, behind a dash."""
    return [piece for a, b in sentences(text) for piece in (("- ", None), (text[a:b], a), ("\n", None))]


def numbered(text: str) -> list[tuple[str, int | None]]:
    """A numbered list without full stops under a heading."""
    pieces: list[tuple[str, int | None]] = [("ASSESSMENT AND PLAN:\n", None)]
    for number, (a, b) in enumerate(sentences(text), start=1):
        pieces += [(f"{number}. ", None), (text[a:b].rstrip("."), a), ("\n", None)]
    return pieces


def headed(text: str) -> list[tuple[str, int | None]]:
    """A heading in front of every third sentence, on the same line."""
    names = ("HISTORY OF PRESENT ILLNESS", "Physical Exam", "LABORATORY DATA", "Hospital course")
    pieces: list[tuple[str, int | None]] = []
    for i, (a, b) in enumerate(sentences(text)):
        heading = f"\n\n{names[i // 3 % len(names)]}: " if i % 3 == 0 else " "
        pieces += [(heading, None), (text[a:b], a)]
    return pieces


FORMS: tuple[Form, ...] = (published, capitals, small, wrapped, bullets, numbered, headed)


def rewritten(document: Document, form: Form) -> Document:
    """Return a document in another form, with the mentions that stand whole in one of its pieces."""
    text, moved = "", []
    for piece, start in form(document.text):
        if start is not None:
            moved.append((start, start + len(piece), len(text) - start))
        text += piece
    becomes: dict[Mention, Mention] = {}
    for mention in document.mentions:
        shift = next((by for a, b, by in moved if a <= mention.start and mention.end <= b), None)
        if shift is not None:
            start, end = mention.start + shift, mention.end + shift
            becomes[mention] = replace(mention, start=start, end=end, text=text[start:end])
    relations = [
        replace(r, head=becomes[r.head], tail=becomes[r.tail])
        for r in document.relations
        if r.head in becomes and r.tail in becomes
    ]
    return make_document(text, list(becomes.values()), relations)


def scores(gold: Sequence[Document], model: Path) -> tuple[float, float]:
    """Return the F1 of mentions and relations."""
    found = load(model)([document.text for document in gold])
    return mention_scores(gold, found)["micro"].f1, relation_scores(gold, found)["micro"].f1


def main() -> None:
    """Print a row a form."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpus", type=Path, help="Folder of MACCROBAT2020.")
    parser.add_argument("--model", type=Path, default=SHIPPED)
    options = parser.parse_args()
    documents = read_split("validation", options.corpus)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores; validation split, {len(documents)} documents, strict micro F1"
    )
    print("| form | gold mentions | mentions | relations |\n|---|---|---|---|")
    for form in FORMS:
        gold = [rewritten(document, form) for document in documents]
        mentions, relations = scores(gold, options.model)
        count = sum(len(document.mentions) for document in gold)
        print(f"| {form.__name__} | {count} | {mentions:.3f} | {relations:.3f} |", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (ExtractionError, OSError) as error:
        sys.exit(f"Error: {error}")
