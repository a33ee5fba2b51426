"""What the names of a code hold of what the text says: by it, not by the score alone, one form of a chunk is chosen."""

import re
from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from kgbuild.enrich import Chunk, Part, Unit
from kgbuild.schema import BODY_WORDS
from ontologies.concept import CodeTable, Concept
from ontologies.hierarchy import LEVELS_ABOVE, ancestors
from resolvers.candidate import Candidate
from resolvers.meanings import GENERIC_HEADS, NEUTRAL, OPPOSITES, RELATED, SETTINGS
from resolvers.normalize import OPTIONAL, words

_HALF = 0.5
"""Least share of its words by which a modifier counts as said: a code of the lobe speaks of the upper lobe; ours."""

_SURE = 0.8
"""Score from which the ranking is believed to know another word for what the names do not spell: ear pain, otalgia.
Ours; a wrong form of a chunk seldom scores so high."""

_SPELLED = 5
_ALIKE = 0.75
"""Letters, and share of the longer word, that two words begin with alike: epigastrium, epigastric; ours."""


class Support(NamedTuple):
    """How much of what the text says a code holds; compared in this order.

    Attributes:
        mention: Whether half of the mention's own words or more: a tumor of the sphenoid wing is no dysplasia of it.
        site: How many modifiers of those without which the code may be one of something else.
        other: How many others.
        added: Minus the words by which its preferred name adds what the text does not speak of: a cyst of the kidney is
            no congenital one (``resolvers.meanings.SETTINGS``).
    """

    mention: bool
    site: float
    other: float
    added: int


def support(candidate: Candidate, mention: str, parts: Sequence[Part], table: CodeTable | None) -> Support:
    """Return what the names of a code, and of those above it in a table, hold of a mention and its modifiers."""
    held = held_words(candidate.concept, table)
    texts: dict[tuple[bool, Unit], list[str]] = {}
    for part in parts:
        texts.setdefault((part.must_stay, part.unit), []).append(part.text)
    shares = [(must_stay, share(" ".join(some), held)) for (must_stay, _), some in texts.items()]
    site, other = (sum(s for must_stay, s in shares if must_stay == kind and s >= _HALF) for kind in (True, False))
    is_said = share(mention, held) >= _HALF or candidate.score >= _SURE
    text = _words(mention).union(*(_words(part.text) for part in parts))
    added = (_words(candidate.concept.name) & SETTINGS) - text
    return Support(is_said, round(site, 4), round(other, 4), -len(added))


def is_held(text: str, concept: Concept, table: CodeTable | None) -> bool:
    """Tell whether the names of a concept, or of those above it, hold a modifier."""
    return share(text, held_words(concept, table)) >= _HALF


def share(text: str, held: frozenset[str]) -> float:
    """Return the share of the words of a modifier that are held; none of a quantity whose number is not.

    >>> share("upper lobe", frozenset(("lobe", "lung"))), share("81 mg", frozenset(("mg", "325")))
    (0.5, 0.0)
    """
    asked = words(text)
    said = [_says(held, word) for word in asked]
    if not asked or any(word.isdigit() and not is_said for word, is_said in zip(asked, said, strict=True)):
        return 0.0
    return sum(said) / len(said)


def held_words(concept: Concept, table: CodeTable | None) -> frozenset[str]:
    """Return the normalised words of a concept's names and of the preferred names above it."""
    above = frozenset[str]() if table is None else _above(table, concept.parents)
    return above.union(*map(_words, concept.names))


@lru_cache(maxsize=1 << 14)
def _above(table: CodeTable, parents: tuple[str, ...]) -> frozenset[str]:
    """Return the words of the preferred names of some codes and of those above them, as far as we look."""
    known = [code for code in parents if code in table.by_code]
    above = (code for parent in known for code in (parent, *ancestors(table, parent, LEVELS_ABOVE)))
    codes = {code for code in above if code in table.by_code}
    return frozenset[str]().union(*(_words(table.by_code[code].name) for code in codes))


def is_other(candidate: Candidate, form: Chunk, parts: Sequence[Part], table: CodeTable | None) -> bool:
    """Tell whether a code is one of something else than the chunk, however well it matched.

    It is if its name says the opposite of a modifier (right for left, upper for lower, without contrast for with). And
    a code that does not hold the chunk's body site may not add anything else: without its site a lesion of the liver
    may be coded as a lesion, but not as one of the skin, nor its swelling as Calabar swelling. One that is sure enough
    holds the site that it was asked for in other words.

    Args:
        candidate: The code.
        form: What was asked.
        parts: Its modifiers that help the system.
        table: The code's table, if its hierarchy is known.
    """
    if not parts:
        return False
    text = [form.base_text, *(part.text for part in form.parts)]
    said = frozenset().union(*map(_words, text))
    name = _words(candidate.concept.name) | _words(candidate.matched)
    if any(_is_opposite(part.text, said, name) for part in parts):
        return True
    if any(part.aspect == "contrast" and _is_other_contrast(part.text, candidate) for part in parts):
        return True
    sited = [part for part in parts if part.must_stay]
    if not sited or any(is_held(part.text, candidate.concept, table) for part in sited):
        return False
    if candidate.score >= _SURE and any(part.unit not in form.left_out for part in sited):
        return False
    unsaid = {word for word in name - NEUTRAL if not _says(said, word)}
    return bool(unsaid & BODY_WORDS) or not unsaid.isdisjoint(_words(OPTIONAL.sub(" ", candidate.matched)))


def _is_opposite(text: str, said: frozenset[str], name: frozenset[str]) -> bool:
    """Tell whether a name has the opposite of a modifier's word, not the word, and the text does not have both."""
    return any(
        word in group and word not in name and any(other in name and other not in said for other in group)
        for word in _words(text)
        for group in OPPOSITES
    )


def _is_other_contrast(text: str, candidate: Candidate) -> bool:
    """Tell whether a code is one without contrast where there was some, or the other way round."""
    names = f"{candidate.concept.name} {candidate.matched}".casefold()
    if "contrast" not in names:
        return False
    wanted = "without" if "without" in _words(text) else "with"
    return re.search(rf"\b{wanted}\b", names) is None and re.search(r"\bwith(?:out)?\b", names) is not None


def _says(held: frozenset[str], word: str) -> bool:
    """Tell whether a word, or one related to it or spelled like it, is among some."""
    if word in held or not held.isdisjoint(_related().get(word, ())):
        return True
    if word in GENERIC_HEADS and not held.isdisjoint(GENERIC_HEADS):
        return True
    return any(_is_alike(word, other) for other in held if other.startswith(word[:_SPELLED]))


def _is_alike(word: str, other: str) -> bool:
    alike = max(_SPELLED, ceil(_ALIKE * max(len(word), len(other))))
    return len(word) >= alike and word[:alike] == other[:alike]


@lru_cache(maxsize=1)
def _related() -> dict[str, frozenset[str]]:
    """Return for each word of ``meanings.RELATED`` the words of its groups."""
    found: dict[str, frozenset[str]] = {}
    for group in RELATED:
        for word in group:
            found[word] = found.get(word, frozenset()).union(group)
    return found


@lru_cache(maxsize=1 << 15)
def _words(text: str) -> frozenset[str]:
    return frozenset(words(text))
