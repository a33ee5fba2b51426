"""MeSH as the National Library of Medicine gives it out: XML, ASCII, and a table of its terms.

- XML: ``desc2026.xml`` (descriptors) and ``supp2026.xml`` (supplementary concepts), as they are or in gzip.
- ASCII: ``d2026.bin`` and ``c2026.bin``.
- A tab-separated table, a line a term, with the columns ``code``, ``display``, ``term_type`` (``preferred`` or
  ``entry``) and ``tree_numbers`` (between ``|``, beside the preferred term).

Every term of a record is a name of it: MeSH codes its entry terms to the record, narrower ones too. Parents of a
descriptor are the descriptors one step up its tree numbers (C06 above C06.552), those of a supplementary concept the
headings that it maps to; given without the descriptors, supplementary concepts have no parents. Every record is
assignable.

Source: https://www.nlm.nih.gov/mesh/xml_data_elements.html, dtype.html and ctype.html beside it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser
from xml.parsers.expat.errors import messages

from ontologies.concept import CodeTable, TableError
from ontologies.hierarchy import cycle
from ontologies.readers.draft import Draft, finished
from ontologies.readers.lines import read_lines, read_rows

_COLUMNS = ("code", "display", "term_type", "tree_numbers")

_XML = {
    "DescriptorRecord": ("DescriptorUI", "DescriptorName/String"),
    "SupplementalRecord": ("SupplementalRecordUI", "SupplementalRecordName/String"),
}
"""Elements that hold a record: where its code and its name stand."""

_SUFFIXES = ("", ".xml", ".bin", ".tsv")
"""Of the files above, ``.gz`` left out: NLM calls them ``desc2026.gz``."""

_HEAD = 5
"""Lines at the beginning of a file in which its layout shows."""


@dataclass(slots=True)
class _Record:
    place: str  # FILE:LINE
    code: str = ""
    name: str = ""
    terms: list[str] = field(default_factory=list)
    tree_numbers: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)  # codes or names that a supplementary concept maps to


def is_mesh(files: Sequence[Path]) -> bool:
    """Tell whether files are MeSH in one of the layouts, by their first lines.

    Raises:
        TableError: If one that could be, by its suffix, is not UTF-8 or is damaged gzip.
        OSError: If one cannot be read.
    """
    return bool(files) and all(_layout(file) is not None for file in files)


def read_mesh(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read descriptors and supplementary concepts from any mixture of the layouts.

    Raises:
        TableError: ``FILE:LINE: expected ..., found ...`` where a record cannot be used or stands twice.
        OSError: If a file cannot be read.
    """
    records: dict[str, _Record] = {}
    for record in (record for file in files for record in _records(file)):
        earlier = records.setdefault(record.code, record)
        if earlier is not record:
            found = f"found {record.code} again, first in {earlier.place}"
            raise TableError(f"{record.place}: expected each code once, {found}")
    parents_of = _parents(records)
    return finished(
        system,
        release,
        {code: Draft(record.place, record.name, record.terms, parents_of[code]) for code, record in records.items()},
        files,
    )


def _records(file: Path) -> Iterable[_Record]:
    layout = _layout(file)
    if layout is None:
        raise TableError(f"{file}:1: expected MeSH in XML, in ASCII or as a table of terms, found none of them")
    return layout(file)


# --- layouts --------------------------------------------------------------------------------------------------------
def _xml_records(file: Path) -> Iterator[_Record]:
    """Yield the records of an XML file, each emptied before the next is read."""
    for number, element in _xml_elements(file):
        if element.tag in _XML:
            yield _xml_record(f"{file}:{number}", element)
            element.clear()


def _xml_elements(file: Path) -> Iterator[tuple[int, Element]]:
    """Yield (line, element) where an element ends.

    A file that declares entities is refused, so that none can be expanded without bound; and the parser opens no other
    file, so the document type that NLM names is not fetched.
    """
    parser: XMLPullParser[Element] = XMLPullParser(("end",))
    number = 1
    try:
        for number, line in read_lines(file):
            if "<!ENTITY" in line:
                raise TableError(f"{file}:{number}: expected XML without entities of its own, found <!ENTITY")
            parser.feed(line + "\n")
            yield from _ended(parser, number)
        parser.close()
        yield from _ended(parser, number)
    except ParseError as error:
        raise TableError(f"{file}:{error.position[0]}: expected XML, found {messages[error.code]}") from None


def _ended(parser: "XMLPullParser[Element]", number: int) -> Iterator[tuple[int, Element]]:
    events = cast("Iterable[tuple[str, Element]]", parser.read_events())  # "end" events hold an element
    return ((number, element) for _, element in events)


def _xml_record(place: str, element: Element) -> _Record:
    code, name = _XML[element.tag]
    return _Record(
        place,
        element.findtext(code, "").strip(),
        element.findtext(name, "").strip(),
        _texts(element, "ConceptList/Concept/TermList/Term/String"),
        _texts(element, "TreeNumberList/TreeNumber"),
        _texts(element, "HeadingMappedToList/HeadingMappedTo/DescriptorReferredTo/DescriptorUI"),
    )


def _texts(element: Element, path: str) -> list[str]:
    return [found.text.strip() for found in element.iterfind(path) if found.text is not None]


def _ascii_records(file: Path) -> Iterator[_Record]:
    record: _Record | None = None
    for number, line in read_lines(file):
        if line.strip() == "*NEWRECORD":
            if record is not None:
                yield record
            record = _Record(f"{file}:{number}")
        elif line.strip():
            key, equals, value = line.partition("=")
            if record is None or not equals:
                raise TableError(f"{file}:{number}: expected *NEWRECORD or ELEMENT = VALUE, found {line[:60]!r}")
            _take(record, key.strip(), value.strip())
    if record is not None:
        yield record


def _take(record: _Record, key: str, value: str) -> None:
    """Add an element of an ASCII record; what stands behind ``|`` tells of the term, and is not part of it."""
    match key:
        case "UI":
            record.code = value
        case "MH" | "NM":
            record.name = value
        case "ENTRY" | "PRINT ENTRY" | "SY":
            record.terms.append(value.partition("|")[0])
        case "MN":
            record.tree_numbers.append(value)
        case "HM":
            record.headings.append(value)


def _table_records(file: Path) -> Iterable[_Record]:
    records: dict[str, _Record] = {}
    for place, row in read_rows(file, _COLUMNS):
        record = records.setdefault(row["code"], _Record(place, row["code"]))
        if row["term_type"] == "preferred":
            record.name = row["display"]
            record.tree_numbers = [number for number in row["tree_numbers"].split("|") if number]
        elif row["term_type"] == "entry":
            record.terms.append(row["display"])
        else:
            raise TableError(f"{place}: expected the term_type preferred or entry, found {row['term_type']!r}")
    return records.values()


_LAYOUTS: dict[str, Callable[[Path], Iterable[_Record]]] = {
    "DescriptorRecordSet": _xml_records,
    "SupplementalRecordSet": _xml_records,
    "*NEWRECORD": _ascii_records,
    "tree_numbers": _table_records,
}
"""By what the first lines hold."""


def _layout(file: Path) -> Callable[[Path], Iterable[_Record]] | None:
    plain = file.with_suffix("") if file.suffix == ".gz" else file
    if plain.suffix not in _SUFFIXES or file.is_dir():
        return None
    head = "\n".join(line for _, line in islice(read_lines(file), _HEAD))
    return next((layout for sign, layout in _LAYOUTS.items() if sign in head), None)


# --- hierarchy ------------------------------------------------------------------------------------------------------
def _parents(records: Mapping[str, _Record]) -> dict[str, list[str]]:
    """Return the codes of the parents of every record."""
    by_tree_number = {number: record.code for record in records.values() for number in record.tree_numbers if number}
    by_heading = {record.name: record.code for record in records.values() if not record.headings}
    by_heading.update((code, code) for code in records)
    parents_of = {}
    for code, record in records.items():
        above = [by_tree_number.get(number.rpartition(".")[0]) for number in record.tree_numbers]
        mapped = [by_heading.get(_heading(text)) for text in record.headings]
        parents_of[code] = [parent for parent in dict.fromkeys([*above, *mapped]) if parent not in (None, code)]
    _break_circles(parents_of, records)
    return parents_of


def _heading(text: str) -> str:
    """Return the heading without the star of a main one and without its qualifier.

    >>> _heading("*Benzilates"), _heading("Acetylglucosamine/*analogs & derivatives")
    ('Benzilates', 'Acetylglucosamine')
    """
    return text.lstrip("*").partition("/")[0]


def _break_circles(parents_of: Mapping[str, list[str]], records: Mapping[str, _Record]) -> None:
    """Take out of every circle the parent that stands lowest in the trees.

    MeSH has Strabismus below Ocular Motility Disorders in two branches and above it in a third.
    """
    while circle := cycle(parents_of):
        below, parent = max(pairwise(circle), key=lambda pair: (_depth(records[pair[1]]), pair))
        parents_of[below].remove(parent)


def _depth(record: _Record) -> int:
    """Return the steps from the top to the highest place of a record."""
    return min((number.count(".") for number in record.tree_numbers), default=0)
