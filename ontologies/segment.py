"""Any text as one segment of an IRI's path, and back.

``.`` and ``..`` are no names there but steps, which readers of IRIs take away (RFC 3986, section 5.2.4), ``%2E`` too,
since it is only another spelling of the full stop (section 6.2.2.2). So they stand behind a tilde, and a text that has
tildes and such a step behind them gets one tilde more: no two texts are one segment.
"""

import re
from urllib.parse import quote, unquote

_STEP = re.compile(r"~*\.{1,2}")
_BEHIND_TILDE = re.compile(r"~+\.{1,2}")


def segment(text: str) -> str:
    """Return a text as a segment: letters, digits and ``_.-~`` stand for themselves, all else is percent-encoded.

    >>> segment("p1/2019 visit"), segment(".."), segment("~..")
    ('p1%2F2019%20visit', '~..', '~~..')
    """
    return f"~{text}" if _STEP.fullmatch(text) else quote(text, safe="", errors="surrogatepass")


def text_of(segment: str) -> str:
    """Return the text that ``segment`` was given.

    >>> text_of("p1%2F2019%20visit"), text_of("~.."), text_of("~lesion")
    ('p1/2019 visit', '..', '~lesion')
    """
    text = unquote(segment, errors="surrogatepass")
    return text[1:] if _BEHIND_TILDE.fullmatch(text) else text
