"""Addresses of servers, and what was meant for one: told without a word of it, any of them could be a password.

A store is named by the address of a server, which begins with a scheme and ``://``, or by a folder. What is no address
but looks like a mistyped one is refused and never taken for a folder's name: the folder would be made, and printed with
the password that the address held. ``./NAME`` is always a folder.
"""

import os
import re
import unicodedata
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from kgbuild.stores import StoreError

NEO4J = tuple(f"{name}{kind}" for name in ("neo4j", "bolt") for kind in ("", "+s", "+ssc"))
"""Schemes of Neo4j's driver: not encrypted, encrypted, encrypted to whoever answers."""

SPARQL = ("http", "https")
"""Schemes of a SPARQL server."""

_EXPECTED = "expected the name of a folder, neo4j://HOST, bolt://HOST, http://HOST/DATASET or https://HOST/DATASET"

_VARIABLES = dict.fromkeys(SPARQL, "SPARQL")  # of all others NEO4J

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)

_NAMED = r"(?:neo4j|bolt|https?|jdbc|sparql|fuseki|rdf4j)(?:\+\w*)?"
"""Words that begin an address: our schemes, and what people write for them."""

_ALIKE = str.maketrans("\\;\u02d0", "/::")
"""Characters typed for a slash or a colon, and a letter that is taken for one; NFKC knows the full-width ones."""

_SIGN = "\xa7"
"""Stands for any sign that is not ASCII: somebody may take it for a colon, a slash or an at sign."""

_SIGNS = ("Po", "Sm", "So", "Sk", "Mc", "Me")
"""Categories of Unicode of such signs: punctuation but dashes, brackets and quotes; symbols; marks that stand alone."""

_KEY = r"(?:passw\w*|passphrase|pwd|auth|token|secret)\s*[=:]"
"""What settings call a password, and what follows."""

_FOLDER = re.compile(r"(?:\.{1,2}|~)[/\\]")
"""What says that a folder is meant."""

_LOOKS = re.compile(
    r"^.*://"  # a scheme, or what stands where one should
    rf"|^{_NAMED}(?:[^\w/]*(?:[:{_SIGN}]|//)|\s*[/ ].*@)"  # a known scheme and what follows one, or half of that
    r"|^[a-z][a-z0-9+.-]+:/"  # any scheme with one slash; a single letter is a drive
    rf"|[:{_SIGN}].*@|@.*[:{_SIGN}]|:.*{_SIGN}"  # user:password@host, token@host:port
    rf"|{_KEY}"  # NEO4J_AUTH=user/password
    r"|^[\w.-]+:[0-9]+(?:/|$)"  # host:port
    r"|^\[[0-9a-f:.]+\]",  # a host of IPv6
    re.DOTALL,
)
"""What looks like an address, in the form that ``_as_read`` gives it."""

_LOOKS_BELOW_ROOT = re.compile(
    rf"^[^/]*(?:[:{_SIGN}].*@|@[^/]*[:{_SIGN}]|{_KEY})|^{_NAMED}\s*[:{_SIGN}]|^[\w.-]+:[0-9]+(?:/|$)"
)
"""What looks like an address after slashes or a drive; the names of folders farther below may hold any character."""

_PLAIN = re.compile(r"[a-z][a-z0-9+.-]*://[\w.-]+(?::[0-9]+)?(?:[/#][\w./#~-]*)?|[\w.-]+:[0-9]+", re.IGNORECASE)
"""An IRI without user, password and settings, or a number of somebody: an id that may be printed."""

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(?:%25?[A-Za-z0-9._-]+)?")
"""A name or number of IPv4; or a number of IPv6, with its zone."""


def place(store: str) -> str | Path:
    """Return where a store is: the address of a server as text, or the path of a folder.

    >>> place("neo4j://localhost"), place("notes: 2020/kg").parts
    ('neo4j://localhost', ('notes: 2020', 'kg'))

    Raises:
        StoreError: If it is neither, or looks like an address and is none; without a word of it.
    """
    scheme = _SCHEME.match(store)
    if scheme is not None and scheme[1].lower() in (*SPARQL, *NEO4J):
        parsed(store)
        return store
    if not store.strip():
        raise StoreError(f"store: the name is empty: {_EXPECTED}")
    if looks_like_address(store):
        raise StoreError(f"store: what is given looks like an address and is none: {_EXPECTED}; ./NAME is a folder")
    if not _is_name(store):
        raise StoreError(f"store: no file system has such a name: {_EXPECTED}")
    return Path(store)


def looks_like_address(store: str) -> bool:
    r"""Tell whether what names a store may have been meant for the address of a server, however it is mistyped.

    >>> [looks_like_address(text) for text in ("https:/u:pw@host/ds", ' "http://host', "neo4j:u:pw@host", "u:pw@host")]
    [True, True, True, True]
    >>> [looks_like_address(text) for text in ("kg@2024", "C:\\kg", "./u:pw@host", "/data/a:b@c")]
    [False, False, False, False]
    """
    if _FOLDER.match(store):
        return False
    text = _as_read(store)
    if rooted := re.match(r"(?:[a-z]:)?/(?!/)|//+(?!.*[:@].*[:@])", text):
        return _LOOKS_BELOW_ROOT.search(text[rooted.end() :]) is not None or "://" in text
    return _LOOKS.search(text) is not None


def may_hold_password(name: str) -> bool:
    """Tell whether an id, which may be an IRI or have a number behind a colon, could be an address with a password.

    >>> [may_hold_password(text) for text in ("http://hospital/notes/1", "visit:12", "http://u:pw@host/1", "neo4j:pw")]
    [False, False, True, True]
    """
    text = _as_read(name)
    if re.match(rf"{_NAMED}(?!://)[^\w/]*[:{_SIGN}]", text):
        return True
    return looks_like_address(name) and not _PLAIN.fullmatch(name)


def named(name: str) -> str:
    """Return an id as messages may name it, or what stands for one that may hold a password."""
    return "(looks like an address)" if may_hold_password(name) else name


def _as_read(store: str) -> str:
    """Return what somebody reads who does not look closely: without quotes, escapes and what is not seen."""
    text = store
    for _ in range(3):  # %2540 is %40 is @
        text = unquote(text, errors="replace")
    text = "".join(map(_seen, unicodedata.normalize("NFKC", text).translate(_ALIKE).casefold()))
    return re.sub(r"^[^\w/\[.~]+", "", " ".join(text.split()))


def _seen(c: str) -> str:
    """Return what is seen of a character: nothing of controls and combining marks, of signs that there is one."""
    if c.isascii():
        return c if c.isspace() or c.isprintable() else ""
    kind = unicodedata.category(c)
    return _SIGN if kind in _SIGNS else "" if kind[0] in "CM" else c


def _is_name(store: str) -> bool:
    """Tell whether a file system can be asked for such a name."""
    try:
        return b"\0" not in os.fsencode(store)
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def parsed(url: str) -> SplitResult:
    """Return the parts of a server's address; host and port are such.

    Raises:
        StoreError: If it is none, or holds user or password: these would end up in logs and process lists.
    """
    scheme = url.partition(":")[0]
    if "@" in url or "@" in unquote(url.partition("://")[2].partition("/")[0]):
        kind = _VARIABLES.get(scheme.lower(), "NEO4J")
        raise StoreError(
            f"{scheme}: user and password are no part of an address: set {kind}_USERNAME and {kind}_PASSWORD"
        )
    if not url.isascii() or not url.isprintable() or " " in url:
        raise StoreError(f"{scheme}: an address is of ASCII characters, without blanks; write others as %20")
    after = unquote(url.partition("://")[2].partition("/")[2])
    if set("?#;&=,:") & set(after) or set("?#;&=,") & set(unquote(url)):
        if scheme.lower() in SPARQL:
            raise StoreError(
                f"{scheme}: expected the address of a data set, as {scheme}://HOST/DATASET, nothing behind it"
            )
        raise StoreError(f"{scheme}: expected {scheme}://HOST:PORT; the database is named by NEO4J_DATABASE")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (a number of 0 to 65535, or a ValueError that repeats it)
        host = (parts.hostname or "").encode("idna").decode()  # no part empty or too long
        is_host = not host or _HOST.fullmatch(host) is not None
    except ValueError:
        is_host = False
    if is_host:
        return parts
    raise StoreError(f"{scheme}: expected {scheme}://HOST or {scheme}://HOST:PORT, with a port up to 65535")
