"""Base chunk against enriched chunk: the paper's Table 4 as rows, what the relations changed, and who is right."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kgbuild.note import NoteError
from kgbuild.resolve import Resolution, ResolvedNote
from ontologies.concept import CodeTable, Concept
from ontologies.hierarchy import is_within
from ontologies.systems import SYSTEMS
from resolvers.candidate import Candidate

ALL = "all"
"""Stands for every system in the rows of scores."""

GoldKey = tuple[str, int, int, str]
"""A chunk in one system: note id, start, end, system."""


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
        enriched_text: The mention's words and all of its modifiers' that help the system.
        query: The part of them that the enriched code was found by.
        enriched: The best candidate; None where the system abstains.
        is_below: Whether the enriched code stands below the base code; None if one is missing or no table says.
        expression: The SNOMED CT expression of what the enriched code does not hold, if there is one.
    """

    note_id: str
    start: int
    end: int
    system: str
    base_text: str
    base: Candidate | None
    enriched_text: str
    query: str
    enriched: Candidate | None
    is_below: bool | None = None
    expression: str | None = None

    @property
    def is_changed(self) -> bool:
        """Whether the relations changed the code."""
        return _code(self.base) != _code(self.enriched)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the relations did, in chunks; those of several systems count in each.

    Attributes:
        compared: All that relations say more of.
        same: With the same code, or none, before and after.
        more_specific: With a code below the base code.
        other: With another code that is not below it, or of which it is not known.
        newly_coded: With a code where the mention's own words had none.
        withdrawn: Without a code where they had one.
    """

    compared: int
    same: int
    more_specific: int
    other: int
    newly_coded: int
    withdrawn: int

    @property
    def changed(self) -> int:
        """All whose code is not the base code."""
        return self.compared - self.same

    def __str__(self) -> str:
        """Return the counts in one line."""
        return (
            f"{self.compared} chunks enriched by relations, {self.changed} codes changed: {self.more_specific} more "
            f"specific, {self.other} other, {self.newly_coded} newly coded, {self.withdrawn} withdrawn"
        )


COLUMNS = (
    "note", "start", "end", "system", "base", "base_code", "base_score", "enriched", "enriched_code", "enriched_score",
    "is_below", "enriched_name", "query", "expression",
)  # fmt: skip
"""Columns of ``as_row``."""


def as_row(row: Comparison) -> dict[str, object]:
    """Return a comparison under the names of ``COLUMNS``; codes and scores are None where a system abstains."""
    before, after = _columns(row.base, "base"), _columns(row.enriched, "enriched")
    return (
        {"note": row.note_id, "start": row.start, "end": row.end, "system": row.system}
        | {"base": row.base_text, "enriched": row.enriched_text}
        | before
        | after
        | {"is_below": row.is_below, "query": row.query, "expression": row.expression}
    )


def _columns(candidate: Candidate | None, prefix: str) -> dict[str, object]:
    """Return the columns of one side."""
    code, name, score = (
        (None, None, None)
        if candidate is None
        else (candidate.concept.code, candidate.concept.name, round(candidate.score, 4))
    )
    return {f"{prefix}_code": code, f"{prefix}_name": name, f"{prefix}_score": score}


def compare(resolved: ResolvedNote, tables: Mapping[str, CodeTable]) -> list[Comparison]:
    """Return a row for each resolution whose chunk relations say more of, in the note's order.

    Args:
        resolved: A note with its resolutions.
        tables: By system, for what stands above a code.

    Source: papers/004, Table 4.
    """
    return [
        _comparison(resolved.note.id, one, tables.get(one.system))
        for one in resolved.resolutions
        if one.chunk.helpful(one.system)
    ]


def compared(
    resolved: ResolvedNote, tables: Mapping[str, CodeTable], gold: Mapping[GoldKey, frozenset[str]]
) -> tuple[list[Comparison], dict[GoldKey, tuple[bool, bool]]]:
    """Return the rows of a note, and which of its gold chunks are right."""
    return compare(resolved, tables), judged(resolved, gold)


def _comparison(note_id: str, one: Resolution, table: CodeTable | None) -> Comparison:
    mention, best = one.chunk.mention, one.best
    return Comparison(
        note_id,
        mention.start,
        mention.end,
        one.system,
        one.chunk.base_text,
        one.base,
        one.chunk.full_text(one.system),
        one.chunk.text,
        best,
        None if table is None or best is None or one.base is None else is_below(best.concept, one.base.concept, table),
        one.expression,
    )


def is_below(concept: Concept, base: Concept, table: CodeTable) -> bool:
    """Tell whether a concept is more specific than another: it stands below it in the hierarchy.

    In a classification the unspecified child of a category stands for it, so the others of the category are below that:
    M25.561, pain in right knee, is more specific than M25.569, pain in unspecified knee.
    """
    if concept.code == base.code:
        return False
    is_category = SYSTEMS[table.system].is_classification and "unspecified" in base.name.casefold()
    above = (base.code, *(base.parents if is_category else ()))
    return any(is_within(table, concept.code, code) for code in above)


def summaries(rows: Sequence[Comparison]) -> dict[str, Summary]:
    """Return what the relations did, by system in the order of their first row; if they are several, of all too."""
    systems = dict.fromkeys(row.system for row in rows)
    by_system = {system: summary([row for row in rows if row.system == system]) for system in systems}
    return by_system if len(by_system) == 1 else by_system | {ALL: summary(rows)}


def summary(rows: Sequence[Comparison]) -> Summary:
    """Return what the relations did in some rows."""
    changed = [row for row in rows if row.is_changed]
    both = [row for row in changed if row.base is not None and row.enriched is not None]
    below = sum(row.is_below is True for row in both)
    return Summary(
        len(rows),
        len(rows) - len(changed),
        below,
        len(both) - below,
        sum(row.base is None for row in changed),
        sum(row.enriched is None for row in changed),
    )


# --- against gold codes -------------------------------------------------------------------------------------------
_OFFSET = re.compile(r"[0-9]{1,12}")

GOLD_HEADER = ("note", "start", "end", "system", "code")

SCORE_COLUMNS = ("system", "gold", "found", "base_right", "base_accuracy", "enriched_right", "enriched_accuracy")
"""Columns of ``scores``."""


def read_gold(lines: Iterable[str], name: str) -> dict[GoldKey, frozenset[str]]:
    """Read gold codes: tab-separated, ``note start end system code``; blank lines are passed over.

    Args:
        lines: Lines, as an open file gives them.
        name: What messages call the file.

    Returns:
        The codes that are right for each chunk; the empty one says that to abstain is right.

    Raises:
        NoteError: At the first line that cannot be used; it names file and line.
    """
    found: dict[GoldKey, set[str]] = {}
    for number, line in enumerate(lines, 1):
        cells = line.removeprefix("\ufeff").rstrip("\r\n").split("\t")
        if number == 1:
            if tuple(cells) != GOLD_HEADER:
                raise NoteError(f"{name}:1: expected the header {' '.join(GOLD_HEADER)}, tabs between")
        elif line.strip():
            key, code = _gold(cells, f"{name}:{number}")
            found.setdefault(key, set()).add(code)
    if not found:
        raise NoteError(f"{name}: expected gold codes, found none")
    return {key: frozenset(codes) for key, codes in found.items()}


def _gold(cells: Sequence[str], where: str) -> tuple[GoldKey, str]:
    """Return the chunk and the code of one line."""
    if len(cells) not in (4, 5):
        raise NoteError(f"{where}: expected 5 columns, found {len(cells)}")
    note, start, end, system, code = (cell.strip() for cell in (*cells, "")[:5])
    if not (_OFFSET.fullmatch(start) and _OFFSET.fullmatch(end) and int(start) < int(end)):
        raise NoteError(f"{where}: expected start and end, two numbers of characters, start before end")
    if system not in SYSTEMS:
        raise NoteError(f"{where}: expected a code system, one of {', '.join(SYSTEMS)}")
    return (note, int(start), int(end), system), code


def judged(resolved: ResolvedNote, gold: Mapping[GoldKey, frozenset[str]]) -> dict[GoldKey, tuple[bool, bool]]:
    """Return for each gold chunk of a note whether the base code is right, and the enriched code.

    Only of those chunks that a mention with the same offsets is coded for; of two such mentions the first counts.
    """
    found: dict[GoldKey, tuple[bool, bool]] = {}
    for one in resolved.resolutions:
        key = (resolved.note.id, one.chunk.mention.start, one.chunk.mention.end, one.system)
        if key in gold and key not in found:
            found[key] = ((_code(one.base) or "") in gold[key], (_code(one.best) or "") in gold[key])
    return found


def scores(
    gold: Mapping[GoldKey, frozenset[str]], found: Mapping[GoldKey, tuple[bool, bool]]
) -> list[dict[str, object]]:
    """Return how often base and enriched code are right, a row a system under ``SCORE_COLUMNS``, then one of all.

    Accuracy is over the gold chunks that were found, as what was not read cannot be coded; None where none was.

    Args:
        gold: From ``read_gold``.
        found: From ``judged``, of all notes.
    """
    systems = sorted({key[3] for key in gold})
    return [_scores(system, gold, found) for system in (*systems, ALL)]


def _scores(
    system: str, gold: Mapping[GoldKey, frozenset[str]], found: Mapping[GoldKey, tuple[bool, bool]]
) -> dict[str, object]:
    right = [is_right for key, is_right in found.items() if system in (key[3], ALL)]
    base, enriched = sum(one for one, _ in right), sum(one for _, one in right)
    return {
        "system": system,
        "gold": sum(system in (key[3], ALL) for key in gold),
        "found": len(right),
        "base_right": base,
        "base_accuracy": round(base / len(right), 4) if right else None,
        "enriched_right": enriched,
        "enriched_accuracy": round(enriched / len(right), 4) if right else None,
    }


def _code(candidate: Candidate | None) -> str | None:
    """Return the code of a candidate, if there is one."""
    return None if candidate is None else candidate.concept.code
