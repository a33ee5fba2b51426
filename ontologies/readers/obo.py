"""Terms of OBO flat files, 1.2 and 1.4: the Human Phenotype Ontology, Mondo, the Human Disease Ontology.

Of a ``[Term]`` that has the prefix of the system (``HP:``) and is not obsolete, ``name``, ``synonym`` and ``is_a`` are
read. These files also hold terms of other ontologies; those are left out, as concepts and as parents.

A synonym counts as a name by its scope. EXACT does. NARROW and RELATED do (layperson's words often are RELATED; what is
narrower has no code of its own here) unless the text is the name or an EXACT synonym of some term, which then means
that one. BROAD does not: it says less than the concept. The type behind the scope (``layperson``, ``abbreviation``,
``obsolete_synonym``) is not looked at: notes hold all of them.

Source: OBO Flat File Format Guide 1.4, https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ontologies.concept import CodeTable, TableError
from ontologies.readers.draft import Draft, finished
from ontologies.readers.lines import read_lines
from ontologies.systems import system_of

_TEXT = re.compile(r"(?:\\.|[^\\!{])*")
"""A value up to its qualifiers in braces or its comment after ``!``."""

_SYNONYM = re.compile(r'"(?P<text>(?:\\.|[^\\"])*)"\s*(?:(?P<scope>EXACT|RELATED|NARROW|BROAD)\b|(?=[\[{!]|$))')
"""A synonym; one without a scope is RELATED."""

_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "W": " "}
"""What stands for white space; any other character after a backslash stands for itself."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(slots=True)
class _Term:
    draft: Draft
    code: str = ""
    looser: list[str] = field(default_factory=list)  # NARROW and RELATED synonyms
    is_obsolete: bool = False


def is_obo(files: Sequence[Path]) -> bool:
    """Tell whether files are OBO flat files, by their suffix."""
    return bool(files) and all(file.name.casefold().endswith((".obo", ".obo.gz")) for file in files)


def obo_release(file: Path) -> str | None:
    """Return the release in the header, the date in it if there is one: ``2026-02-16``; None where it names none.

    Raises:
        TableError: Where a line of the header is not UTF-8.
        OSError: If the file cannot be read.
    """
    for _, line in read_lines(file):
        if line.startswith("["):
            return None
        if line.startswith("data-version:"):
            value = line.removeprefix("data-version:").strip()
            date = _DATE.search(value)
            return value if date is None else date[0]
    return None


def read_obo(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read the terms of one system from OBO files.

    Raises:
        TableError: ``FILE:LINE: expected ..., found ...`` where a term cannot be used or stands twice, or ``is_a``
            goes in a circle; the files if no term has the prefix of the system.
        OSError: If a file cannot be read.
    """
    prefix = system_of(system).code_prefix
    terms: dict[str, _Term] = {}
    for term in (term for file in files for term in _terms(file)):
        if term.is_obsolete or not term.code.startswith(prefix):
            continue
        earlier = terms.setdefault(term.code, term)
        if earlier is not term:
            place, first = term.draft.place, earlier.draft.place
            raise TableError(f"{place}: expected each id once, found {term.code} again, first in {first}")
    _add_looser(terms.values())
    return finished(system, release, {code: term.draft for code, term in terms.items()}, files)


def _add_looser(terms: Collection[_Term]) -> None:
    """Add the NARROW and RELATED synonyms that are not what some term is called."""
    exact = {name.casefold() for term in terms for name in (term.draft.name, *term.draft.synonyms)}
    for term in terms:
        term.draft.synonyms += [name for name in term.looser if name.casefold() not in exact]


def _terms(file: Path) -> Iterator[_Term]:
    """Yield what each ``[Term]`` holds."""
    term: _Term | None = None
    for number, line in read_lines(file):
        place = f"{file}:{number}"
        if line.startswith("["):
            if term is not None:
                yield _with_id(term)
            term = _Term(Draft(place, "")) if line.strip() == "[Term]" else None
        elif term is not None and line.strip() and not line.startswith("!"):
            _take(term, place, line)
    if term is not None:
        yield _with_id(term)


def _with_id(term: _Term) -> _Term:
    if not term.code:
        raise TableError(f"{term.draft.place}: expected a [Term] with an id, found none")
    return term


def _take(term: _Term, place: str, line: str) -> None:
    """Add what a line says to its term."""
    tag, colon, value = line.partition(":")
    if not colon:
        raise TableError(f"{place}: expected TAG: VALUE, found {line[:60]!r}")
    match tag:
        case "id":
            term.code = _text(value)
        case "name":
            term.draft.name = _text(value)
        case "is_a":
            term.draft.parents.append(_text(value))
        case "is_obsolete":
            term.is_obsolete = _text(value) == "true"
        case "synonym":
            _take_synonym(term, place, value.strip())


def _take_synonym(term: _Term, place: str, value: str) -> None:
    found = _SYNONYM.match(value)
    if found is None:
        raise TableError(f'{place}: expected "TEXT" and EXACT, RELATED, NARROW or BROAD, found {value[:60]!r}')
    if found["scope"] == "EXACT":
        term.draft.synonyms.append(_unescaped(found["text"]))
    elif found["scope"] != "BROAD":
        term.looser.append(_unescaped(found["text"]))


def _text(value: str) -> str:
    """Return a value without qualifiers and comment.

    >>> _text(' HP:0000118 {source="x"} ! Phenotypic abnormality')
    'HP:0000118'
    """
    found = _TEXT.match(value)
    assert found is not None  # it may be empty
    return _unescaped(found[0]).strip()


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
