r"""Cells that a spreadsheet shows instead of running, of which the text comes back: take one leading apostrophe away.

A spreadsheet takes a cell for a formula by its first character (OWASP, CSV Injection), full-width forms included, and
some skip blanks, quotes and what is not seen before it. Such a cell begins with an apostrophe, and so does one that
began with an apostrophe itself, so that two texts never become one cell. Numbers stay numbers.

>>> [guarded(text) for text in ("=1+1", "-5", "-5+cmd", "'=1+1", " @SUM(A1)", "fever")]
["'=1+1", '-5', "'-5+cmd", "''=1+1", "' @SUM(A1)", 'fever']
"""

import re
import unicodedata
from collections.abc import Iterable

_BEGINS = frozenset("=+-@\N{MINUS SIGN}")
"""What a formula begins with, in the form that Unicode's NFKC gives it."""

_QUOTES = frozenset("'\"`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT DOUBLE QUOTATION MARK}")
_MARKED = ("'", "\t", "\r", "\n")
"""What a cell must not begin with, whatever follows: the mark itself, and the white space that OWASP names."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

_PARTS = {
    delimiter: re.compile(rf'["{delimiters}\x00-\x1f\x7f-\x9f\u2028\u2029]|^\s|\s$')
    for delimiter, delimiters in {",": ",;", "\t": ""}.items()
}
"""Delimiter -> what may end a cell or a line for one reader or another, so that a cell that has it is put in quotes.

Where the comma is the decimal point, a spreadsheet takes the semicolon for the delimiter of CSV.
"""


def guarded(text: str) -> str:
    """Return a text as a cell that no spreadsheet runs."""
    return f"'{text}" if _is_marked(text) else text


def unguarded(cell: str) -> str:
    """Return the text that ``guarded`` was given."""
    return cell.removeprefix("'")


def line(cells: Iterable[str], delimiter: str) -> str:
    """Return the cells as a line of CSV or TSV, line feed included; each is guarded, and in quotes where it must be."""
    parts = _PARTS[delimiter]
    quoted = (_in_quotes(cell) if parts.search(cell) else cell for cell in map(guarded, cells))
    return (delimiter.join(quoted) or '""') + "\n"


def _is_marked(text: str) -> bool:
    """Tell whether a cell gets an apostrophe."""
    if text.startswith(_MARKED):
        return True
    first = next((c for c in text if not _is_passed_over(c)), "")
    return unicodedata.normalize("NFKC", first)[:1] in _BEGINS and _NUMBER.fullmatch(text) is None


def _is_passed_over(character: str) -> bool:
    """Tell whether a reader may pass over a character: a blank, a quote, or what is not seen."""
    return character in _QUOTES or character.isspace() or unicodedata.category(character)[0] in "CMZ"


def _in_quotes(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
