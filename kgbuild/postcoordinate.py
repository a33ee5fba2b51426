"""SNOMED CT expressions for what no pre-coordinated concept holds: side, site and severity as refinements of a code.

Source: SNOMED International, Compositional Grammar 2.3: a focus concept, a colon, attributes and values, of which one
in brackets is an expression itself. Which attribute refines what, ``schema.py`` says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractors.document import Mention
from kgbuild.enrich import Chunk, Part, aspects_of
from kgbuild.schema import (
    FINDING_SITE,
    LATERALITY,
    LATERALITY_VALUES,
    ROOTS,
    SEVERITY,
    SEVERITY_VALUES,
    SITE_ATTRIBUTES,
    Qualifier,
)
from kgbuild.support import is_held
from ontologies.concept import CodeTable, Concept
from ontologies.hierarchy import is_within
from resolvers.candidate import Resolver

SYSTEM = "snomedct"
"""The only system here that has post-coordination."""

_STRUCTURE = "Biological_structure"


@dataclass(frozen=True, slots=True)
class _Site:
    """A body site of a chunk, with the side of it that is known."""

    text: str
    side: str | None


def expressions(
    coded: Sequence[tuple[Chunk, Concept]], resolver: Resolver, table: CodeTable | None
) -> list[str | None]:
    """Return for each chunk and its code the expression that says what the code does not hold; None if it holds all.

    A site enters if the table has it, surely enough, among body structures; a side only with its site, of which it is
    said in SNOMED CT; a severity only of what a patient has. What cannot be expressed is left out.

    Args:
        coded: Chunks and the concepts that they are coded as.
        resolver: Of SNOMED CT; asked for the body sites.
        table: Its table; without a hierarchy to tell body structures by, there is no site.
    """
    sites = [_wanted_sites(chunk, concept, table) for chunk, concept in coded]
    texts = {text for some in sites for site in some for text in _texts(site)}
    structures = _structures(sorted(texts), resolver, table)
    return [
        _expression(chunk, concept, wanted, structures, table)
        for (chunk, concept), wanted in zip(coded, sites, strict=True)
    ]


def _expression(
    chunk: Chunk, concept: Concept, sites: Sequence[_Site], structures: dict[str, Concept], table: CodeTable | None
) -> str | None:
    """Return a concept with its refinements, or None if there are none."""
    label = chunk.mention.label
    if label == _STRUCTURE:
        sides = [side for side in _sides(chunk) if side in LATERALITY_VALUES and not is_held(side, concept, table)][:1]
        return _refined(concept, [_attribute(LATERALITY, LATERALITY_VALUES[side]) for side in sides])
    values = [value for site in sites if (value := _site_value(site, structures, table)) is not None]
    refinements = [f"{_term(SITE_ATTRIBUTES[label])} = {value}" for value in dict.fromkeys(values)]
    if SITE_ATTRIBUTES.get(label) == FINDING_SITE:
        unsaid = [text for text in _severities(chunk) if not is_held(text, concept, table)][:1]
        refinements += [_attribute(SEVERITY, SEVERITY_VALUES[text]) for text in unsaid]
    return _refined(concept, refinements)


# --- what a chunk says --------------------------------------------------------------------------------------------
def _wanted_sites(chunk: Chunk, concept: Concept, table: CodeTable | None) -> list[_Site]:
    """Return the sites that the code does not hold, or not with their side."""
    if chunk.mention.label not in SITE_ATTRIBUTES:
        return []
    found = []
    for part in chunk.parts:
        if part.must_stay and part.aspect == "body site":
            side = next(iter(_sides_of(chunk, part)), None)
            is_sided = side is None or is_held(side, concept, table)
            if not is_sided or not is_held(part.text, concept, table):
                found.append(_Site(part.text, side))
    return found


def _sides_of(chunk: Chunk, site: Part) -> Iterator[str]:
    """Yield the sides of a site: those said with it, those said of it, those said of the whole mention."""
    mine, of_mention = site.relation.head, (chunk.mention, site.relation.tail)
    parts = [part for part in chunk.parts if part.aspect == "laterality"]
    for part in parts:
        if part.relation == site.relation or mine in _ends(part):
            yield _side(part.text)
    for part in parts:
        if part.relation.head.label != _STRUCTURE and part.relation.tail in of_mention:
            yield _side(part.text)
    yield from _own(chunk.mention, "laterality")


def _ends(part: Part) -> tuple[Mention, Mention]:
    return part.relation.head, part.relation.tail


def _sides(chunk: Chunk) -> Iterator[str]:
    """Yield the sides of a body structure."""
    yield from (_side(part.text) for part in chunk.parts if part.aspect == "laterality")
    yield from _own(chunk.mention, "laterality")


def _severities(chunk: Chunk) -> Iterator[str]:
    """Yield the severities that SNOMED CT has a value for."""
    said = [part.text.casefold() for part in chunk.parts if part.aspect == "severity"]
    yield from (text for text in (*said, *_own(chunk.mention, "severity")) if text in SEVERITY_VALUES)


def _own(mention: Mention, aspect: str) -> list[str]:
    """Return what a mention says itself of an aspect."""
    return [text.casefold() for found, text in aspects_of(mention.text, (aspect,), None) if found == aspect]


def _side(text: str) -> str:
    return text.casefold()


# --- body structures ----------------------------------------------------------------------------------------------
def _texts(site: _Site) -> list[str]:
    """Return what a site is looked up as: with its side, then without."""
    return [site.text] if site.side is None else [f"{site.side} {site.text}", site.text]


def _structures(texts: Sequence[str], resolver: Resolver, table: CodeTable | None) -> dict[str, Concept]:
    """Return the body structures that are sure enough, by text."""
    roots = [root for root in ROOTS[SYSTEM, _STRUCTURE] if table is not None and root in table.by_code]
    if table is None or not roots:
        return {}
    answers = zip(texts, resolver.within(roots)(texts, 1), strict=True)
    best = {text: found[0] for text, found in answers if found and found[0].score >= resolver.threshold}
    return {
        text: found.concept
        for text, found in best.items()
        if any(is_within(table, found.concept.code, root) for root in roots)
    }


def _site_value(site: _Site, structures: dict[str, Concept], table: CodeTable | None) -> str | None:
    """Return a body structure as the value of an attribute, refined by a side that it does not hold itself."""
    found = next((structures[text] for text in _texts(site) if text in structures), None)
    if found is None:
        return None
    if site.side is None or site.side not in LATERALITY_VALUES or is_held(site.side, found, table):
        return _term(Qualifier(found.code, found.name))
    return f"( {_refined(found, [_attribute(LATERALITY, LATERALITY_VALUES[site.side])])} )"


# --- grammar ------------------------------------------------------------------------------------------------------
def _refined(concept: Concept, refinements: Sequence[str]) -> str | None:
    """Return a concept and its refinements, or None without any."""
    return f"{_term(Qualifier(concept.code, concept.name))} : {', '.join(refinements)}" if refinements else None


def _attribute(name: Qualifier, value: Qualifier) -> str:
    return f"{_term(name)} = {_term(value)}"


def _term(concept: Qualifier) -> str:
    """Return a code with its term; a term may not hold the bar that ends it."""
    return f"{concept.code} |{' '.join(concept.name.replace('|', ' ').split())}|"
