"""A code table in the making: names and parents of codes as they are come upon, from whatever file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ontologies.concept import CodeTable, Concept, TableError
from ontologies.hierarchy import cycle


@dataclass(slots=True)
class Draft:
    """A code whose names are being collected.

    Attributes:
        place: ``FILE:LINE`` where it was first read.
        name: The preferred name.
        synonyms: Other names as read; repeated ones are dropped later.
        parents: Codes of direct parents.
        assignable: As in ``Concept``.
    """

    place: str
    name: str
    synonyms: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    assignable: bool = True


def add_once(drafts: dict[str, Draft], code: str, draft: Draft) -> None:
    """Add the draft of a code.

    Raises:
        TableError: ``FILE:LINE`` where the code is there already.
    """
    first = drafts.setdefault(code, draft)
    if first is not draft:
        raise TableError(f"{draft.place}: expected each code once, found {code} again, first in {first.place}")


def finished(system: str, release: str, drafts: Mapping[str, Draft], sources: Iterable[object]) -> CodeTable:
    """Return the table of some drafts, in their order.

    Names are compared without case and white space. A parent that is no code of the table is left out: publishers keep
    relations to codes that they withdrew, or that another file holds.

    Args:
        system: Short name of the code system.
        release: Its release.
        drafts: By code.
        sources: The files, for the error when there is nothing in them.

    Raises:
        TableError: ``FILE:LINE`` where a code or name is empty or parents form a cycle; the files if there is no code.
    """
    if not drafts:
        raise TableError(f"{', '.join(map(str, sources))}: expected at least one code of {system}, found none")
    for code, draft in drafts.items():
        if not code or not draft.name.strip():
            raise TableError(f"{draft.place}: expected a code with a name, found {code!r} with {draft.name!r}")
    circle = cycle({code: draft.parents for code, draft in drafts.items()})
    if circle:
        raise TableError(f"{drafts[circle[0]].place}: expected parents without a cycle, found {' -> '.join(circle)}")
    return CodeTable(system, release, (_concept(system, code, draft, drafts) for code, draft in drafts.items()))


def _concept(system: str, code: str, draft: Draft, drafts: Mapping[str, Draft]) -> Concept:
    """Return the concept of a draft."""
    name, *synonyms = _different([draft.name, *draft.synonyms])
    parents = tuple(parent for parent in dict.fromkeys(draft.parents) if parent in drafts and parent != code)
    return Concept(system, code, name, tuple(synonyms), parents, draft.assignable)


def _different(names: Iterable[str]) -> list[str]:
    """Return the names that differ in more than case and white space, in order."""
    found: dict[str, str] = {}
    for name in names:
        plain = " ".join(name.split())
        if plain:
            found.setdefault(plain.casefold(), plain)
    return list(found.values())
