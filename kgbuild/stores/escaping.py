r"""Characters that a format cannot hold, written so that they come back.

RDF holds no half of a surrogate pair, XML no control characters. A text that has one is written with ``MARK`` and the
character's number before it, so that what goes in comes out the same; a text without any is written as it is.

>>> shown = escaped("half \\ud800 a pair", RDF)
>>> shown.encode().decode() == shown, restored(shown) == "half \\ud800 a pair", escaped("any other", RDF)
(True, True, 'any other')
"""

import re

MARK = "\ufdd0"
"""A noncharacter, which Unicode keeps for use inside programs: no text has it, and one that does is escaped too."""

RDF = re.compile(f"[\ud800-\udfff{MARK}]")
"""What a literal cannot hold: RDF 1.1 Concepts section 3.3, Unicode strings."""

XML = re.compile(f"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|{MARK}")
"""What a document cannot hold: XML 1.0, production 2."""

_ESCAPED = re.compile(f"{MARK}([0-9a-f]+);")


def escaped(text: str, held_by_none: re.Pattern[str]) -> str:
    """Return a text without the characters that a format cannot hold."""
    return held_by_none.sub(lambda found: f"{MARK}{ord(found[0]):x};", text)


def restored(text: str) -> str:
    """Return the text that ``escaped`` was given."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if MARK in text else text
