"""Chunks into codes: the only place where text and codes meet."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from extractors.document import Document
from kgbuild.enrich import Chunk, forms
from kgbuild.note import Note
from kgbuild.schema import ROOTS, SYSTEMS_OF_LABEL
from resolvers.candidate import Candidate, Resolver


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one code system says of a chunk.

    Attributes:
        chunk: What was asked.
        system: Short name of the code system.
        release: Its release.
        candidates: Best first.
        threshold: Below it the system abstains.
    """

    chunk: Chunk
    system: str
    release: str
    candidates: tuple[Candidate, ...]
    threshold: float

    @property
    def best(self) -> Candidate | None:
        """The first candidate that reaches the threshold; None is NIL."""
        if self.candidates and self.candidates[0].score >= self.threshold:
            return self.candidates[0]
        return None


@dataclass(frozen=True, slots=True)
class ResolvedNote:
    """A note, what was read in it, and what its chunks were resolved to: the record that crosses stage lines."""

    note: Note
    document: Document
    resolutions: tuple[Resolution, ...] = ()


def resolve_chunks(chunks: Sequence[Chunk], resolvers: Mapping[str, Resolver], k: int = 5) -> list[list[Resolution]]:
    """Resolve each chunk in every system that its label is coded in, by the fullest of its forms that is sure there.

    A table may not be as detailed as the text: where the enriched text reaches no code, ``enrich.forms`` says what may
    be left out of it. If no form reaches the threshold, the fullest one's resolution is kept, and is NIL.

    Args:
        chunks: What to code.
        resolvers: By system; a system without a resolver is not asked.
        k: Candidates kept a chunk and system.

    Returns:
        The resolutions of each chunk, in the order of ``SYSTEMS_OF_LABEL``.
    """
    systems = [[s for s in SYSTEMS_OF_LABEL.get(chunk.mention.label, ()) if s in resolvers] for chunk in chunks]
    asked = {
        (system, chunk.mention.label, form.text)
        for chunk, some in zip(chunks, systems, strict=True)
        for system in some
        for form in forms(chunk)
    }
    answers = answered(asked, resolvers, k)

    def resolution(chunk: Chunk, system: str) -> Resolution:
        resolver = resolvers[system]
        tried = [
            Resolution(
                form, system, resolver.release, answers[system, chunk.mention.label, form.text], resolver.threshold
            )
            for form in forms(chunk)
        ]
        return next((one for one in tried if one.best is not None), tried[0])

    return [[resolution(chunk, system) for system in some] for chunk, some in zip(chunks, systems, strict=True)]


def answered(
    asked: Collection[tuple[str, str, str]], resolvers: Mapping[str, Resolver], k: int
) -> dict[tuple[str, str, str], tuple[Candidate, ...]]:
    """Return the candidates of each (system, label, text): those of the part of the system that the label may be."""
    texts: dict[tuple[str, str], list[str]] = {}
    for system, label, text in sorted(asked):
        texts.setdefault((system, label), []).append(text)
    found: dict[tuple[str, str, str], tuple[Candidate, ...]] = {}
    for (system, label), queries in texts.items():
        resolver = resolvers[system].within(ROOTS.get((system, label), ()))
        for text, candidates in zip(queries, resolver(queries, k), strict=True):
            found[system, label, text] = tuple(candidates)
    return found


def query_rows(queries: Sequence[str], resolver: Resolver, k: int) -> list[dict[str, object]]:
    """Return one row a query: ``query``, ``system``, ``best`` (the code to use, or None) and ``candidates``."""
    rows: list[dict[str, object]] = []
    for query, candidates in zip(queries, resolver(queries, k), strict=True):
        best = candidates[0].concept.code if candidates and candidates[0].score >= resolver.threshold else None
        found = [
            {"code": c.concept.code, "name": c.concept.name, "score": round(c.score, 4), "matched": c.matched}
            for c in candidates
        ]
        rows.append({"query": query, "system": resolver.system, "best": best, "candidates": found})
    return rows
