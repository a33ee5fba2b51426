"""Words and sentences as offsets into a text; the text itself is never altered."""

import re

Span = tuple[int, int]
"""Start and end, 0-based code points, end excluded."""

# Letters, digits and everything else are words of their own kind: annotators (and dosages: "80mg") split between them.
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")

# A full stop after these does not end a sentence (a capital or a digit often follows them in notes).
_ABBREVIATIONS = frozenset(
    "dr mr mrs ms prof st vs e.g i.e fig figs no nos approx ca al dept hosp inc jr sr ext ave p.o q.d b.i.d t.i.d "
    "q.i.d p.r.n i.v i.m s.c sat wt ht temp resp pt pts hx dx rx tx sx jan feb mar apr jun jul aug sept oct nov "
    "dec".split()
)
_END = re.compile(r"(?<![.!?])[.!?]+[\"')\]”’]*(?=\s+[\"'(\[“‘]?[A-Z0-9*#])|\r?\n[^\S\n]*(?=\n)|\r?\n")
_LAST_TOKEN = re.compile(r"\S{1,20}$")
_INDENT = 200  # characters of white space that we look through for the beginning of a line
_BULLET = re.compile(r"\s*(?:[-*•>]|\(?\d{1,2}[.)])\s")


def words(text: str) -> list[Span]:
    """Return the words: runs of letters, runs of digits, and every other visible character by itself.

    >>> [text[s:e] for text in ["80mg b.i.d."] for s, e in words(text)]
    ['80', 'mg', 'b', '.', 'i', '.', 'd', '.']
    """
    return [match.span() for match in _WORD.finditer(text)]


def lower_case(text: str) -> str:
    """Return a text of the same length in lower case; a letter that would become two stays as it is."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


# What a pattern that ignores case takes for an ASCII letter, though lower case makes another one of it.
_SAME_LETTER = str.maketrans({"ſ": "s", "ı": "i", "İ": "i", "\u212a": "k"})  # the last is the sign of kelvin


def folded(text: str) -> str:
    """Return what a pattern of ASCII letters matched, case ignored, as the tables behind that pattern have it.

    >>> folded("AUGU\u017fT"), folded("2\u2003 d\u0131v")
    ('august', '2 div')
    """
    return " ".join(text.translate(_SAME_LETTER).lower().split())


def sentences(text: str) -> list[Span]:
    r"""Return the sentences without the white space around them, in order.

    A line break ends a sentence unless the next line goes on in lower case and is no list item: notes wrap their lines.

    >>> [text[s:e] for text in ["Seen by Dr. Ho. No fever at 10 a.m. today."] for s, e in sentences(text)]
    ['Seen by Dr. Ho.', 'No fever at 10 a.m. today.']
    """
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        if _ends_sentence(text, match):
            _append_stripped(spans, text, start, match.end())
            start = match.end()
    _append_stripped(spans, text, start, len(text))
    return spans


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    """Tell whether a full stop or line break that looks like an end is one."""
    if match[0][0] in ".!?":
        token = _LAST_TOKEN.search(text, max(0, match.start() - 20), match.start())
        return match[0][0] != "." or token is None or not (_is_abbreviation(token[0]) or _is_item(text, token))
    after = text[match.end() : match.end() + 40]
    following = after.lstrip(" \t")
    return not following[:1].islower() or _BULLET.match(after) is not None


def _is_abbreviation(token: str) -> bool:
    """Tell whether a full stop belongs to the token before it."""
    bare = token.lstrip("([\"'").casefold()
    return bare in _ABBREVIATIONS or (len(bare) == 1 and bare.isalpha() and token.isupper())


def _is_item(text: str, token: re.Match[str]) -> bool:
    """Tell whether a token is the number of a list item: ``1`` or ``(2`` at the beginning of a line."""
    if not token[0].lstrip("(").isdigit() or len(token[0]) >= 4:
        return False
    before = text[max(0, token.start() - _INDENT) : token.start()]  # not the whole line: there may be no other
    return not before[before.rfind("\n") + 1 :].strip()


def _append_stripped(spans: list[Span], text: str, start: int, end: int) -> None:
    """Append the span without white space at its ends, if anything is left."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    right = len(piece.rstrip())
    if left < right:
        spans.append((start + left, start + right))
