"""A chunk: a mention and the modifiers its relations bring, and the query text they make."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import combinations

from extractors.abbreviations import abbreviations, expanded
from extractors.document import Document, Mention, Relation
from kgbuild.schema import (
    ASPECT_TERMS,
    ASPECTS,
    ASPECTS_OF_SYSTEM,
    CODED_LABELS,
    ENRICHMENTS,
    SIDED_LABELS,
    WRITTEN,
    Enrichment,
)
from resolvers.normalize import words

MOST_FORMS = 16
"""Forms of a chunk that are asked for: all that four modifiers have; ours."""

_EXHAUSTIVE = 8
"""Modifiers from which on not all subsets are counted out, as of eleven there are two thousand."""

Unit = tuple[Relation, str]
"""What enters a query or is left out as a whole: an aspect of what a relation brings."""


@dataclass(frozen=True, slots=True)
class Part:
    """Words that a relation brings, and what they say.

    Attributes:
        relation: From where.
        aspect: One of ``schema.ASPECTS``.
        text: The words, as code systems write them.
        must_stay: Whether a code without them may be one of something else.
    """

    relation: Relation
    aspect: str
    text: str = field(repr=False)
    must_stay: bool = False

    @property
    def unit(self) -> Unit:
        """What the part enters or leaves a query with."""
        return self.relation, self.aspect


@dataclass(frozen=True, slots=True)
class Chunk:
    """A mention with the relations that say more about it.

    Attributes:
        mention: What is coded.
        modifiers: The relations that say more of it, or of one that does, in the order of the query.
        known: Short forms that the note defines, with their long forms; they are written out.
        left_out: What the relations say but the query does not, in the order of the query.
    """

    mention: Mention
    modifiers: tuple[Relation, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    left_out: tuple[Unit, ...] = ()

    @property
    def base_text(self) -> str:
        """The mention's own words, white space folded, the note's abbreviations and R and L for sides written out."""
        text = " ".join(expanded(self.mention.text, self.known).split())
        return with_sides(text) if self.mention.label in SIDED_LABELS else text

    @property
    def text(self) -> str:
        """The enriched query: the mention's words, then each modifier's that the query does not hold yet."""
        return self._with(part for part in self.parts if part.unit not in self.left_out)

    def full_text(self, system: str) -> str:
        """Return the mention's words and those of all modifiers that help a system, asked or left out."""
        return self._with(self.helpful(system))

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the relations say, in the order of the query, whether it enters or is left out."""
        return tuple(part for relation in self.modifiers for part in _parts(relation, self.known))

    def helpful(self, system: str) -> tuple[Part, ...]:
        """Return the parts that a code of a system may answer to."""
        aspects = ASPECTS_OF_SYSTEM.get(system, ASPECTS)
        return tuple(part for part in self.parts if part.aspect in aspects)

    def _with(self, parts: Iterable[Part]) -> str:
        found = self.base_text.split()
        for part in parts:
            seen = {word.casefold() for word in found}
            found += [word for word in part.text.split() if word.casefold() not in seen]
        return " ".join(found)


def forms(chunk: Chunk, system: str) -> list[Chunk]:
    """Return the forms in which a system is asked for a chunk: the subsets of its modifiers, the fullest first.

    What does not help the system is in none; all keep something of what must stay, but for the last, which is the
    mention alone. Of more than ``MOST_FORMS`` those in the middle are not asked for; of those with the same words the
    first is.
    """
    everything = list(dict.fromkeys(part.unit for part in chunk.parts))
    helpful = {part.unit for part in chunk.helpful(system)}
    units = [unit for unit in everything if unit in helpful]
    needed = {part.unit for part in chunk.helpful(system) if part.must_stay}
    by_text: dict[str, Chunk] = {}
    for dropped in _subsets(units[::-1], needed):
        kept = helpful.difference(dropped)
        form = replace(chunk, left_out=tuple(unit for unit in everything if unit not in kept))
        by_text.setdefault(form.text, form)
    return list(by_text.values())


def _subsets(units: Sequence[Unit], needed: Collection[Unit]) -> list[tuple[Unit, ...]]:
    """Return what to leave out of a query, by number: at most ``MOST_FORMS`` choices, the smallest and the largest.

    Args:
        units: All that is in the query.
        needed: Of these one is left at least, if there are any; but the last choice is to leave out everything.
    """
    sizes = range(len(units)) if len(units) < _EXHAUSTIVE else (0, 1, len(units) - 2, len(units) - 1)
    found = [
        some for size in sizes for some in combinations(units, size) if not needed or not set(some).issuperset(needed)
    ]
    half = MOST_FORMS // 2
    chosen = found if len(found) < MOST_FORMS else found[:half] + found[-half + 1 :]
    return [*chosen, tuple(units)] if units else [()]


# --- what a relation says -----------------------------------------------------------------------------------------
def _parts(relation: Relation, known: Mapping[str, str]) -> list[Part]:
    """Return what a relation brings, in the order of its words; nothing if no rule is about it."""
    rule = _rule(relation.label, relation.head.label, relation.tail.label)
    if rule is None:
        return []
    modifier = relation.head if rule.target == "tail" else relation.tail
    said = aspects_of(expanded(modifier.text, known), rule.aspects, rule.rest)
    return [Part(relation, aspect, text, not rule.may_drop and aspect == rule.rest) for aspect, text in said]


@cache
def _rule(label: str, head: str, tail: str) -> Enrichment | None:
    """Return the rule about a relation between two labels, the first of several."""
    for rule in ENRICHMENTS:
        modifier, target = (head, tail) if rule.target == "tail" else (tail, head)
        if (rule.relation, rule.modifier) == (label, modifier) and target in rule.labels:
            return rule
    return None


@lru_cache(maxsize=1 << 14)
def aspects_of(text: str, aspects: tuple[str, ...], rest: str | None) -> tuple[tuple[str, str], ...]:
    """Return the aspects that a modifier says and in what words, in their order.

    Args:
        text: The modifier.
        aspects: What may be said in words of ``schema.ASPECT_TERMS``.
        rest: What all other words say; None leaves them out.

    >>> aspects_of("left  kidney", ("laterality",), "body site")
    (('laterality', 'left'), ('body site', 'kidney'))
    >>> aspects_of("750 mg/d", ("strength",), None)
    (('strength', '750 mg'),)
    """
    found, place = [], 0
    for match in _terms(aspects).finditer(text) if aspects else ():
        aspect = str(match.lastgroup).replace("_", " ")
        found += [(rest, text[place : match.start()]), (aspect, _written(match[0]))]
        place = match.end()
    found.append((rest, text[place:]))
    return tuple((aspect, " ".join(some.split())) for aspect, some in found if aspect is not None and words(some))


def with_sides(text: str) -> str:
    """Return a text with the short forms of sides that stand before a word written out.

    >>> with_sides("R leg numbness"), with_sides("L spine MRI"), with_sides("b/l rales")
    ('right leg numbness', 'L spine MRI', 'bilateral rales')
    """
    return _terms(("laterality",)).sub(
        lambda match: _written(match[0]) if len(match[0]) < 4 and match.end() < len(text) else match[0], text
    )


@cache
def _terms(aspects: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of the terms of some aspects, each a group of its name."""
    groups = (f"(?P<{aspect.replace(' ', '_')}>{ASPECT_TERMS[aspect]})" for aspect in aspects)
    return re.compile(rf"(?<![\w/])(?:{'|'.join(groups)})(?!\w)", re.IGNORECASE)


def _written(term: str) -> str:
    """Return a term as code systems write it."""
    folded = " ".join(term.casefold().split())
    return WRITTEN.get(folded.rstrip("."), term)


# --- chunks -------------------------------------------------------------------------------------------------------
def chunks(document: Document) -> list[Chunk]:
    """Return one chunk for every mention that a code system may hold, in document order."""
    relations_of: dict[Mention, list[Relation]] = {}
    for relation in document.relations:
        relations_of.setdefault(relation.head, []).append(relation)
        relations_of.setdefault(relation.tail, []).append(relation)
    known = abbreviations(document.text)
    return [
        Chunk(mention, _modifiers(relations_of, mention, {mention}), known)
        for mention in document.mentions
        if mention.label in CODED_LABELS
    ]


def _modifiers(
    relations_of: Mapping[Mention, Sequence[Relation]], mention: Mention, seen: set[Mention]
) -> tuple[Relation, ...]:
    """Return the relations that a rule lets into the query of ``mention``, by rule, then position.

    After each stand those that say more of its modifier. No mention of ``seen`` modifies again.
    """
    found = []
    for relation in relations_of.get(mention, ()):
        rule = _rule(relation.label, relation.head.label, relation.tail.label)
        if rule is None:
            continue
        end, other = (relation.tail, relation.head) if rule.target == "tail" else (relation.head, relation.tail)
        if end == mention and other not in seen:
            found.append((ENRICHMENTS.index(rule), other.start, relation, other))
    ordered = sorted(found, key=lambda item: item[:2])
    seen = seen.union(other for *_, other in ordered)
    return tuple(one for *_, relation, other in ordered for one in (relation, *_modifiers(relations_of, other, seen)))
