"""ICD-10-PCS and ICD-10-CM from CMS: the order file with its headers, or the plain list of codes.

Columns of the order file, from 1: order number 1-5, code 7-13, 0 (header) or 1 (valid code) in 15, short description
17-76, long description from 78. Of the list: code 1-7, long description from 9. Codes stand there without a dot.

Source: icd10pcsOrderFile.pdf, as the NLM gives it in "ICD10PCS - Source Representation"; ICD-10-CM is alike.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ontologies.concept import CodeTable, TableError
from ontologies.readers.draft import Draft, add_once, finished
from ontologies.readers.lines import read_lines

_ORDER_LINE = re.compile(r"\d{5} (?P<code>.{7}) (?P<flag>[01]) (?P<short>.{60}) (?P<name>.+)")
_ORDER_COLUMNS = "order number 1-5, code 7-13, 0 or 1 in 15, short description 17-76 and long description from 78"
_LIST_LINE = re.compile(r"(?P<code>.{7}) (?P<name>.+)")
_LIST_COLUMNS = "code 1-7 and long description from 9"


@dataclass(frozen=True, slots=True)
class _Codes:
    """How a system writes codes.

    Attributes:
        pattern: What a code in a file looks like.
        dot: After how many characters a dot is written; ``None`` for no dot.
        has_headings: Whether a header only holds codes. One of ICD-10-CM is a category, which ``readers.icd10cm`` takes
            as a meaning of its own too.
    """

    pattern: re.Pattern[str]
    dot: int | None
    has_headings: bool


_ICD10PCS = _Codes(re.compile("[0-9A-HJ-NP-Z]{3,7}"), dot=None, has_headings=True)
_ICD10CM = _Codes(re.compile("[A-Z][0-9][0-9A-Z]{1,5}"), dot=3, has_headings=False)


def read_icd10pcs(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read ``icd10pcs_order_2026.txt`` or ``icd10pcs_codes_2026.txt``; a code's parent is its longest prefix there.

    Raises:
        TableError: ``FILE:LINE`` where a line cannot be used or a code stands twice.
        OSError: If a file cannot be read.
    """
    return _read(_ICD10PCS, system, release, files)


def read_icd10cm_order(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read ``icd10cm_order_2026.txt`` or ``icd10cm_codes_2026.txt``, as ``read_icd10pcs`` does."""
    return _read(_ICD10CM, system, release, files)


def is_icd10pcs(files: Sequence[Path]) -> bool:
    """Tell by their names whether these are order files or lists of ICD-10-PCS."""
    return _are_named("icd10pcs", files)


def is_icd10cm_order(files: Sequence[Path]) -> bool:
    """Tell by their names whether these are order files or lists of ICD-10-CM."""
    return _are_named("icd10cm", files)


def _are_named(system: str, files: Sequence[Path]) -> bool:
    """Tell whether the files are whole editions; an addenda file holds changes only."""
    pattern = re.compile(rf"{system}[-_ ](order|codes)(?!.*addenda).*\.txt(\.gz)?", re.IGNORECASE)
    return bool(files) and all(pattern.fullmatch(file.name) for file in files)


def _read(codes: _Codes, system: str, release: str, files: Sequence[Path]) -> CodeTable:
    drafts: dict[str, Draft] = {}
    for file in files:
        for code, draft in _drafts(codes, file):
            add_once(drafts, code, draft)
    for code, draft in drafts.items():
        draft.parents = [_written(codes, prefix) for prefix in _longest_prefix(code, drafts)]
    return finished(system, release, {_written(codes, code): draft for code, draft in drafts.items()}, files)


def _drafts(codes: _Codes, file: Path) -> Iterator[tuple[str, Draft]]:
    is_order = "order" in file.name.casefold()
    pattern, columns = (_ORDER_LINE, _ORDER_COLUMNS) if is_order else (_LIST_LINE, _LIST_COLUMNS)
    for number, line in read_lines(file):
        if not line.strip():
            continue
        match = pattern.fullmatch(line)
        code = "" if match is None else match["code"].rstrip()
        if match is None or not codes.pattern.fullmatch(code):
            raise TableError(f"{file}:{number}: expected {columns}, found {line[:20]!r} in {len(line)} characters")
        found = match.groupdict()
        is_heading = codes.has_headings and found.get("flag") == "0"
        yield code, Draft(f"{file}:{number}", found["name"], [found.get("short", "")], assignable=not is_heading)


def _longest_prefix(code: str, drafts: Mapping[str, Draft]) -> list[str]:
    """Return the longest proper prefix of a code that is a code, if there is one."""
    prefixes = (code[:length] for length in range(len(code) - 1, 0, -1))
    return [prefix for prefix in prefixes if prefix in drafts][:1]


def _written(codes: _Codes, code: str) -> str:
    """Return a code as its system writes it."""
    return code if codes.dot is None or len(code) <= codes.dot else f"{code[: codes.dot]}.{code[codes.dot :]}"
