"""Entities: what a patient has or had, one for all the mentions that speak of it."""

import hashlib
import unicodedata
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from extractors.document import Mention, Relation
from kgbuild import ids
from kgbuild.enrich import Chunk, chunks
from kgbuild.resolve import Resolution, ResolvedNote
from kgbuild.schema import SYSTEMS_OF_LABEL, TIME_LABELS
from ontologies.concept import Concept

_LONGEST_NAME = 120  # characters of a name in an id; a digest stands for a longer one


def short(text: str) -> str:
    """Return a text as part of an id: itself, or the beginning and a digest of a very long one.

    >>> short("lesion"), len(short("lesion" * 1_000_000))
    ('lesion', 53)
    """
    if len(text) <= _LONGEST_NAME:
        return text
    return f"{text[:20]}~{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def normalise(text: str) -> str:
    """Return a name for comparison: compatibility forms, case and white space folded, no punctuation at its ends.

    >>> normalise("Coronary  calcium score:")
    'coronary calcium score'
    """
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return folded.strip(" .,;:()[]'\"") or folded or text


@dataclass(frozen=True, slots=True)
class Entity:
    """What a patient has or had, once per patient.

    Attributes:
        patient_id: Whose.
        label: Label of its mentions.
        name: The concept's name, or the normalised words of the mention with their body site.
        concept: What it is coded as, or None when no system resolved it.
    """

    patient_id: str = field(repr=False)
    label: str
    name: str = field(repr=False)
    concept: Concept | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """The same for every note that speaks of it."""
        if self.concept is not None:
            return ids.path("entity", self.patient_id, self.label, self.concept.system, self.concept.code)
        return ids.path("entity", self.patient_id, self.label, short(self.name))


def entities(resolved: ResolvedNote) -> dict[Mention, Entity]:
    """Return the entity of each mention that names one.

    Time expressions name none, nor does a coreference ("it") that no IDENTICAL relation leads to a name.
    """
    document = resolved.document
    chunk_of = {chunk.mention: chunk for chunk in chunks(document)}
    resolutions = _by_mention(resolved.resolutions)
    named = {
        mention: _entity(resolved.note.patient_id, chunk_of.get(mention, Chunk(mention)), resolutions.get(mention, {}))
        for mention in document.mentions
        if mention.label not in TIME_LABELS and mention.label != "Coreference"
    }
    identical = _neighbours(r for r in document.relations if r.label == "IDENTICAL")
    referring = {m: _antecedent(m, identical, named) for m in document.mentions if m.label == "Coreference"}
    return named | {mention: named[other] for mention, other in referring.items() if other is not None}


def _by_mention(resolutions: Iterable[Resolution]) -> dict[Mention, dict[str, Resolution]]:
    """Return the resolutions of each mention by system."""
    found: dict[Mention, dict[str, Resolution]] = defaultdict(dict)
    for resolution in resolutions:
        found[resolution.chunk.mention][resolution.system] = resolution
    return found


def _entity(patient_id: str, chunk: Chunk, resolutions: Mapping[str, Resolution]) -> Entity:
    """Name the entity of a chunk by the first system that resolved it, else by its own words."""
    label = chunk.mention.label
    preferred = SYSTEMS_OF_LABEL.get(label, ())
    for system in (*preferred, *sorted(set(resolutions) - set(preferred))):
        if system in resolutions and (best := resolutions[system].best) is not None:
            return Entity(patient_id, label, best.concept.name, best.concept)
    return Entity(patient_id, label, _name(chunk))


def _name(chunk: Chunk) -> str:
    """Return the chunk's words and, after them, its body sites and sides: a cyst of the liver is not one of the kidney.

    Severity, dose and technique do not make another entity. A site is written as the note has it, its side with it.
    """
    name = normalise(chunk.mention.text)
    sites: set[str] = set()
    for relation in chunk.modifiers:
        modifier = relation.tail if relation.head == chunk.mention else relation.head
        if modifier.label == "Biological_structure":
            sites.add(normalise(modifier.text))
    sites.update(
        normalise(part.text)
        for part in chunk.parts
        if part.aspect == "laterality" and part.relation.head.label != "Biological_structure"
    )
    return ", ".join((name, *sorted(sites)))


def _neighbours(relations: Iterable[Relation]) -> dict[Mention, set[Mention]]:
    """Return what each mention is related with, in either direction."""
    found: dict[Mention, set[Mention]] = defaultdict(set)
    for relation in relations:
        found[relation.head].add(relation.tail)
        found[relation.tail].add(relation.head)
    return found


def _antecedent(
    mention: Mention, identical: Mapping[Mention, set[Mention]], named: Mapping[Mention, Entity]
) -> Mention | None:
    """Return the named mention fewest IDENTICAL steps away, the nearest in the text among several."""
    seen, queue = {mention}, deque(identical.get(mention, ()))
    while queue:
        step = sorted(set(queue) - seen, key=lambda other: (abs(other.start - mention.start), other.start))
        for other in step:
            if other in named:
                return other
        seen |= set(step)
        queue = deque(following for other in step for following in identical.get(other, ()))
    return None
