"""Addresses of servers: what is wrong with one is told without a word of it but its scheme, it could be a password."""

from urllib.parse import SplitResult, urlsplit

from kgbuild.stores import StoreError

_VARIABLES = {"http": "SPARQL", "https": "SPARQL"}  # of all others NEO4J


def parsed(url: str) -> SplitResult:
    """Return the parts of a server's address; host and port are such.

    Raises:
        StoreError: If it is none, or holds user or password: these would end up in logs and process lists.
    """
    scheme = url.partition(":")[0]
    if "@" in url:
        kind = _VARIABLES.get(scheme.lower(), "NEO4J")
        raise StoreError(
            f"{scheme}: user and password are no part of an address: set {kind}_USERNAME and {kind}_PASSWORD"
        )
    if not url.isascii() or not url.isprintable() or " " in url:
        raise StoreError(f"{scheme}: an address is of ASCII characters, without blanks; write others as %20")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (a number of 0 to 65535, or a ValueError that repeats it)
        (parts.hostname or "").encode("idna")  # as the system is asked for it: no part empty or too long
    except ValueError:
        fault = StoreError(f"{scheme}: expected {scheme}://HOST or {scheme}://HOST:PORT, with a port up to 65535")
    else:
        return parts
    raise fault
