"""ICD-10-CM from the PyPI package simple_icd_10_cm: the official tabular list, US government work."""

import re
from collections.abc import Iterator
from importlib.metadata import version

from ontologies.concept import CodeTable, Concept

SYSTEM = "icd10cm"
RELEASE = "April 2026"

_REFERENCE = re.compile(r"^(?P<name>[^:()]{4,}?)\s*\((?P<code>[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?)\.?-?\)$")
"""A line of a note that names one code, or one category (``E24.-``), after what it calls it."""

_NO_NAME = re.compile(r"\b(?:code|any|associated|conditions?|if applicable|such as|specified|other)\b", re.IGNORECASE)
"""What makes a line an instruction to the coder and not a name."""

_RANGE = re.compile(r"\s*\([A-Z]\d[0-9A-Z]-[A-Z]\d[0-9A-Z]\)$")
"""The range of codes after the title of a chapter or block."""


def icd10cm_key() -> str:
    """Return what the table depends on: the version of the package."""
    return f"simple_icd_10_cm {version('simple_icd_10_cm')}"


def read_icd10cm() -> CodeTable:
    """Read the whole tabular list; takes some seconds.

    Names of a code, beside its title: its inclusion and includes terms, and what the Excludes and Code first notes of
    other codes call it ("Excludes1: alcoholic liver disease (K70.-)"). Chapters and blocks are
    headings, not assignable.
    """
    import simple_icd_10_cm as tabular  # parses 12 MB of XML when imported

    codes = list(dict.fromkeys(tabular.get_all_codes(True)))  # a block of one category stands twice: C50
    parent_of = {child: code for code in codes for child in tabular.get_children(code) if child != code}
    referred: dict[str, list[str]] = {}
    for code in codes:
        for note in (tabular.get_excludes1(code), tabular.get_excludes2(code), tabular.get_code_first(code)):
            for target, name in _references(note):
                referred.setdefault(target, []).append(name)
    return CodeTable(
        SYSTEM,
        RELEASE,
        (
            _concept(
                code,
                _RANGE.sub("", tabular.get_description(code)),
                [*tabular.get_inclusion_term(code), *tabular.get_includes(code), *referred.get(code, ())],
                parent_of.get(code),
                is_heading=tabular.is_chapter_or_block(code) and not tabular.is_category(code),
            )
            for code in codes
        ),
    )


def _concept(code: str, title: str, terms: list[str], parent: str | None, *, is_heading: bool) -> Concept:
    by_folded: dict[str, str] = {}
    for term in terms:
        name = " ".join(term.split())
        by_folded.setdefault(name.casefold(), name)
    synonyms = tuple(name for folded, name in by_folded.items() if folded not in ("", title.casefold()))
    return Concept(SYSTEM, code, title, synonyms, () if parent is None else (parent,), not is_heading)


def _references(note: str | list[str]) -> Iterator[tuple[str, str]]:
    """Yield (code, name) for every line of a note that names one code."""
    lines = note.split("\n") if isinstance(note, str) else [line for part in note for line in part.split("\n")]
    for line in lines:
        match = _REFERENCE.match(line.strip())
        if match and not _NO_NAME.search(match["name"]):
            yield match["code"], match["name"]
