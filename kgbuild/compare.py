"""Base chunk against enriched chunk: the paper's Table 4 as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kgbuild.resolve import Resolution, ResolvedNote, answered
from resolvers.candidate import Candidate, Resolver


@dataclass(frozen=True, slots=True)
class Comparison:
    """One chunk in one system, coded by its own words and by the words its relations bring.

    Attributes:
        note_id: The note.
        start: Of the mention.
        end: Of the mention.
        system: Short name of the code system.
        base_text: The mention's own words.
        base: Their best candidate; None where the system abstains.
        enriched_text: The mention's words and its modifiers'.
        enriched: Their best candidate; None where the system abstains.
    """

    note_id: str
    start: int
    end: int
    system: str
    base_text: str
    base: Candidate | None
    enriched_text: str
    enriched: Candidate | None

    @property
    def is_changed(self) -> bool:
        """Whether the relations changed the code."""
        return _code(self.base) != _code(self.enriched)


COLUMNS = (
    "note", "start", "end", "system", "base", "base_code", "base_score", "enriched", "enriched_code", "enriched_score",
    "enriched_name",
)  # fmt: skip
"""Columns of ``as_row``."""


def as_row(row: Comparison) -> dict[str, object]:
    """Return a comparison under the names of ``COLUMNS``; codes and scores are None where a system abstains."""
    before, after = _columns(row.base, "base"), _columns(row.enriched, "enriched")
    texts: dict[str, object] = {"base": row.base_text, "enriched": row.enriched_text}
    return {"note": row.note_id, "start": row.start, "end": row.end, "system": row.system} | texts | before | after


def _columns(candidate: Candidate | None, prefix: str) -> dict[str, object]:
    """Return the columns of one side."""
    code, name, score = (
        (None, None, None)
        if candidate is None
        else (candidate.concept.code, candidate.concept.name, round(candidate.score, 4))
    )
    return {f"{prefix}_code": code, f"{prefix}_name": name, f"{prefix}_score": score}


def compare(resolved: ResolvedNote, resolvers: Mapping[str, Resolver]) -> list[Comparison]:
    """Return a row for each resolution whose chunk has modifiers, in the note's order.

    Args:
        resolved: A note with its enriched resolutions.
        resolvers: By system; asked again for the base words.

    Source: papers/004, Table 4.
    """
    enriched = [r for r in resolved.resolutions if r.chunk.modifiers]
    base = _base(enriched, resolvers)
    return [
        Comparison(
            resolved.note.id, r.chunk.mention.start, r.chunk.mention.end, r.system,
            r.chunk.base_text, base[_key(r)], r.chunk.text, r.best,
        )
        for r in enriched
    ]  # fmt: skip


def _base(
    resolutions: Sequence[Resolution], resolvers: Mapping[str, Resolver]
) -> dict[tuple[str, str, str], Candidate | None]:
    """Return the best candidate of each system, label and base text."""
    found = answered({_key(r) for r in resolutions if r.system in resolvers}, resolvers, 1)
    return {
        key: candidates[0] if candidates and candidates[0].score >= resolvers[key[0]].threshold else None
        for key, candidates in found.items()
    }


def _key(resolution: Resolution) -> tuple[str, str, str]:
    """Return system, label and base text."""
    return resolution.system, resolution.chunk.mention.label, resolution.chunk.base_text


def _code(candidate: Candidate | None) -> str | None:
    """Return the code of a candidate, if there is one."""
    return None if candidate is None else candidate.concept.code
