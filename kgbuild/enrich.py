"""A chunk: a mention and the modifiers its relations bring, and the query text they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from extractors.abbreviations import abbreviations, expanded
from extractors.document import Document, Mention, Relation
from kgbuild.schema import CODED_LABELS, ENRICHMENTS


@dataclass(frozen=True, slots=True)
class Chunk:
    """A mention with the relations that say more about it.

    Attributes:
        mention: What is coded.
        modifiers: The relations whose other end enters the query, in the order of the query.
        known: Short forms that the note defines, with their long forms; those of the mention are written out.
    """

    mention: Mention
    modifiers: tuple[Relation, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)

    @property
    def base_text(self) -> str:
        """The mention's own words, white space folded, the note's abbreviations written out."""
        return " ".join(expanded(self.mention.text, self.known).split())

    @property
    def text(self) -> str:
        """The enriched query: the mention's words, then each modifier's that the query does not hold yet."""
        words = self.base_text.split()
        for relation in self.modifiers:
            modifier = relation.tail if relation.head == self.mention else relation.head
            seen = {word.casefold() for word in words}
            words += [word for word in expanded(modifier.text, self.known).split() if word.casefold() not in seen]
        return " ".join(words)


def forms(chunk: Chunk) -> list[Chunk]:
    """Return the chunk with all its modifiers, then with fewer: what a rule lets drop goes one by one, last first."""
    found = [chunk]
    for relation in reversed([r for r in chunk.modifiers if _may_drop(r, chunk.mention)]):
        found.append(replace(chunk, modifiers=tuple(r for r in found[-1].modifiers if r is not relation)))
    return found


def _may_drop(relation: Relation, mention: Mention) -> bool:
    """Tell whether a code without this modifier is only less specific."""
    other = relation.head if relation.tail == mention else relation.tail
    return all(rule.may_drop for rule in ENRICHMENTS if (rule.relation, rule.modifier) == (relation.label, other.label))


def chunks(document: Document) -> list[Chunk]:
    """Return one chunk for every mention that a code system may hold, in document order."""
    relations_of: dict[Mention, list[Relation]] = {}
    for relation in document.relations:
        relations_of.setdefault(relation.head, []).append(relation)
        relations_of.setdefault(relation.tail, []).append(relation)
    known = abbreviations(document.text)
    return [
        Chunk(mention, _modifiers(relations_of.get(mention, ()), mention), known)
        for mention in document.mentions
        if mention.label in CODED_LABELS
    ]


def _modifiers(relations: Sequence[Relation], mention: Mention) -> tuple[Relation, ...]:
    """Return the relations that an enrichment rule lets into the query of ``mention``, by rule, then position."""
    found = []
    for rank, rule in enumerate(ENRICHMENTS):
        for relation in relations:
            end, other = (relation.tail, relation.head) if rule.target == "tail" else (relation.head, relation.tail)
            applies = relation.label == rule.relation and other.label == rule.modifier and mention.label in rule.labels
            if applies and end == mention:
                found.append((rank, other.start, relation))
    return tuple(relation for _, _, relation in sorted(found, key=lambda item: item[:2]))
