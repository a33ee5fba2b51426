"""Silver mentions: a vocabulary's terms found in plain text, to teach an encoder what kind of thing a word names."""

from collections.abc import Iterable, Mapping

from extractors.document import Document, Mention
from extractors.text import words

LONGEST = 7
"""Most words of a term that is looked for: longer ones are chemical names, which notes do not spell out."""

Terms = Mapping[tuple[str, ...], str]
"""Label by term, in lower-case words."""


def term_table(names: Iterable[tuple[str, str]]) -> dict[tuple[str, ...], str]:
    """Return names with their labels as terms to be found; of two labels of a name the first.

    >>> term_table([("Heart Failure", "DISEASE"), ("heart failure", "SIGN"), ("H", "DRUG")])
    {('heart', 'failure'): 'DISEASE'}
    """
    table: dict[tuple[str, ...], str] = {}
    for name, label in names:
        term = tuple(name[start:end].lower() for start, end in words(name))
        if len(term) <= LONGEST and sum(map(len, term)) > 2:
            table.setdefault(term, label)
    return table


def project(texts: Iterable[str], table: Terms) -> list[Document]:
    """Return each text with the terms found in it, from left to right the longest that begins at a word.

    >>> [(m.text, m.label) for m in project(["No heart failure."], {("heart", "failure"): "DISEASE"})[0].mentions]
    [('heart failure', 'DISEASE')]
    """
    lengths: dict[str, set[int]] = {}
    for term in table:
        lengths.setdefault(term[0], set()).add(len(term))
    longest_first = {word: sorted(found, reverse=True) for word, found in lengths.items()}
    return [_project(text, table, longest_first) for text in texts]


def _project(text: str, table: Terms, lengths: Mapping[str, list[int]]) -> Document:
    """Return one text with the terms found in it."""
    spans = words(text)
    written = [text[start:end].lower() for start, end in spans]
    found: list[Mention] = []
    i = 0
    while i < len(spans):
        length = next((n for n in lengths.get(written[i], ()) if tuple(written[i : i + n]) in table), 0)
        if length:
            start, end = spans[i][0], spans[i + length - 1][1]
            found.append(Mention(start, end, table[tuple(written[i : i + length])], text[start:end]))
        i += max(length, 1)
    return Document(text, tuple(found), ())
