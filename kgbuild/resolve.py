"""Chunks into codes: the only place where text and codes meet."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from extractors.document import Document
from kgbuild import postcoordinate
from kgbuild.enrich import Chunk, forms
from kgbuild.note import Note
from kgbuild.schema import ROOTS, SYSTEMS_OF_LABEL
from kgbuild.support import Support, is_other, support
from ontologies.concept import CodeTable
from resolvers.candidate import Candidate, Resolver

if TYPE_CHECKING:
    from resolvers.index import TableResolver  # it takes numpy to load, and all commands read what this file defines

Answers = Mapping[tuple[str, str, str], tuple[Candidate, ...]]
"""Candidates by system, label and text."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one code system says of a chunk.

    Attributes:
        chunk: What was asked: of the modifiers, ``chunk.left_out`` says which were not.
        system: Short name of the code system.
        release: Its release.
        candidates: Best first.
        threshold: Below it the system abstains.
        base: The code of the mention's own words; None where the system abstains.
        expression: What SNOMED CT has no code for: the code refined by side, site and severity; None for all else.
    """

    chunk: Chunk
    system: str
    release: str
    candidates: tuple[Candidate, ...]
    threshold: float
    base: Candidate | None = None
    expression: str | None = None

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


def resolve_chunks(
    chunks: Sequence[Chunk],
    resolvers: Mapping[str, Resolver],
    k: int = 5,
    tables: Mapping[str, CodeTable] | None = None,
) -> list[list[Resolution]]:
    """Resolve each chunk in every system that its label is coded in, by the form of it that the system knows best.

    A table may not be as detailed as the text, so all ``enrich.forms`` are asked for. Among those that reach the
    threshold with a code that is none of something else (``support.is_other``), the one is used whose code holds most
    of what the text says (``support.Support``); among equals the mention's own code, since a code that holds nothing
    of what changed it was changed by chance; then the higher score, the fuller form. If there is none, it is NIL.

    Args:
        chunks: What to code.
        resolvers: By system; a system without a resolver is not asked.
        k: Candidates kept a chunk and system.
        tables: By system, for what stands above a code; without one a code says only what its own names hold.

    Returns:
        The resolutions of each chunk, in the order of ``SYSTEMS_OF_LABEL``.
    """
    wanted = [
        (index, system)
        for index, chunk in enumerate(chunks)
        for system in SYSTEMS_OF_LABEL.get(chunk.mention.label, ())
        if system in resolvers
    ]
    asked = {
        (system, chunks[index].mention.label, form.text)
        for index, system in wanted
        for form in (*forms(chunks[index], system), replace(chunks[index], modifiers=()))
    }
    answers = answered(asked, resolvers, k)
    known = tables or {}
    found = [_resolution(chunks[index], resolvers[system], answers, known.get(system)) for index, system in wanted]
    found = _expressed(found, resolvers, known)
    resolutions: list[list[Resolution]] = [[] for _ in chunks]
    for (index, _), resolution in zip(wanted, found, strict=True):
        resolutions[index].append(resolution)
    return resolutions


def _resolution(chunk: Chunk, resolver: Resolver, answers: Answers, table: CodeTable | None) -> Resolution:
    """Return the resolution by the form that is supported best; the fullest form's, which is NIL, if none is sure."""
    system, label, parts = resolver.system, chunk.mention.label, chunk.helpful(resolver.system)
    first = answers[system, label, chunk.base_text][:1]
    base = first[0] if first and first[0].score >= resolver.threshold else None
    tried = [
        Resolution(
            form,
            system,
            resolver.release,
            tuple(c for c in answers[system, label, form.text] if not is_other(c, form, parts, table)),
            resolver.threshold,
            base,
        )
        for form in forms(chunk, system)
    ]

    def order(one: Resolution) -> tuple[Support, bool, float]:
        assert one.best is not None
        held = support(one.best, chunk.base_text, parts, table)
        return held, base is not None and one.best.concept.code == base.concept.code, one.best.score

    return max((one for one in tried if one.best is not None), key=order, default=tried[0])


def _expressed(
    resolutions: Sequence[Resolution], resolvers: Mapping[str, Resolver], tables: Mapping[str, CodeTable]
) -> list[Resolution]:
    """Return the resolutions, those of SNOMED CT with the expressions of what their codes do not hold."""
    system = postcoordinate.SYSTEM
    coded = [(one.chunk, one.best.concept) for one in resolutions if one.system == system and one.best is not None]
    if not coded:
        return list(resolutions)
    found = iter(postcoordinate.expressions(coded, resolvers[system], tables.get(system)))
    return [
        replace(one, expression=next(found)) if one.system == system and one.best is not None else one
        for one in resolutions
    ]


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


def query_rows(
    queries: Sequence[str], resolver: "TableResolver", k: int, *, why: bool = False
) -> list[dict[str, object]]:
    """Return one row a query: ``query``, ``system``, ``best`` (the code to use, or None) and ``candidates``.

    Args:
        queries: What is asked for.
        resolver: Of one system.
        k: Candidates a query.
        why: Whether each candidate has ``why``: what every feature of the ranking adds for it, the most first.
    """
    rows: list[dict[str, object]] = []
    for query, candidates in zip(queries, resolver(queries, k), strict=True):
        best = candidates[0].concept.code if candidates and candidates[0].score >= resolver.threshold else None
        found: list[dict[str, object]] = [
            {"code": c.concept.code, "name": c.concept.name, "score": round(c.score, 4), "matched": c.matched}
            for c in candidates
        ]
        for row, parts in zip(found, resolver.why(query, candidates) if why else [], strict=False):
            row["why"] = {name: round(parts[name], 2) for name in sorted(parts, key=lambda name: -abs(parts[name]))}
        rows.append({"query": query, "system": resolver.system, "best": best, "candidates": found})
    return rows
