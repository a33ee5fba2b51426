r"""Whether a SPARQL query calls another server: two judgements that know nothing of each other, and must agree.

The parser's: the word is spelled with other letters wherever it stands (``serxixe``). In a string, a comment, an IRI
or a name it is still one. Where it was a keyword there is none now, and the store's own parser stops: such a query is
refused, and so is one that this parser does not understand.

The eye's: a call is SERVICE, perhaps SILENT, a variable, IRI or prefixed name, and a brace. What stands before these is
not looked at, so that no string, comment or IRI can hide a call by its beginning, whoever the server is that reads it.

Both are asked of a query as it is written, and as those servers read it that put characters for ``\u0053`` before all
else. Nothing but SERVICE calls: FROM and GRAPH name graphs of the store, LATERAL only repeats, LOAD is no query.
"""

import re
from itertools import product

from pyoxigraph import Literal, Store, Variable

from kgbuild.stores import StoreError
from kgbuild.stores.mapping import PREFIXES

_WORD = re.compile("service", re.IGNORECASE)  # finds what folds to these letters too
_ESCAPE = re.compile(r"\\+(?:u+([0-9a-fA-F]{4})|U+([0-9a-fA-F]{8}))")  # Java's readers take \uu0053 as well
_READINGS = 3  # escapes of escapes of escapes are nobody's spelling

_MOST = 2_000  # times that the word may stand in a query: each may cost a walk to its end
_GAP = r"(?:[\s\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|#[^\n\r]*+(?:[\n\r]|\Z))*+"
_IRI = r"<[^<>]*+>"
_VARIABLE = r"[?$](?:\w|[^\x00-\x7f])*+"
_NAME = r"""[^\s{}<>"'?$:#]*+:(?:\\[^\s{}]|[^\s{}<>"'#\\])*+"""
_CALL = re.compile(rf"service(?={_GAP}(?:silent{_GAP})?(?:{_IRI}|{_VARIABLE}|{_NAME}){_GAP}\{{)", re.IGNORECASE)
_IN_NAME = re.compile(r"[?$:][A-Za-z0-9_]*\Z")
"""Before a word that is the end of a variable or prefixed name: all parsers take the longest."""
_LONGEST_NAME = 100  # characters that are looked at for that

_LETTERS = "xqzjkwbfghmnpt"  # "ser" and one of these begin no keyword

_REFUSED = (
    "query: SERVICE is refused: it could send what is found to another server; allow it (--allow-calls), or, where the "
    "word only stands in a string or comment, write SERV ICE"
)


def refuse_calls(statement: str, *, is_for_oxigraph: bool) -> None:
    """Refuse a query that calls another server, or of which it cannot be told; it is bounded in length and depth.

    Args:
        statement: The query.
        is_for_oxigraph: Whether the parser that is asked here is the one that will run it, which knows one reading.

    Raises:
        StoreError: If it does, or may.
        SyntaxError: If the word is in it, and Oxigraph cannot parse it.
    """
    readings = _readings(statement)
    if len(readings) > _READINGS or any(map(_looks_like_a_call, readings)):
        raise StoreError(_REFUSED)
    for reading in readings[:1] if is_for_oxigraph else readings:
        if _WORD.search(reading):
            parse_alone(_respelled(reading))


def _readings(statement: str) -> list[str]:
    """Return a statement as it stands, and with characters for escapes, till there are none, or too many times."""
    found = [statement]
    while len(found) <= _READINGS and (read := unescaped(found[-1])) != found[-1]:
        found.append(read)
    return found


def unescaped(statement: str) -> str:
    """Return a statement with characters for escapes, as some servers read it before all else."""
    return _ESCAPE.sub(_character, statement)


def _character(escape: re.Match[str]) -> str:
    """Return the character that an escape stands for, or nothing if it stands for none."""
    number = int(escape[1] or escape[2], 16)
    return chr(number) if number < 0x110000 else ""


def _looks_like_a_call(statement: str) -> bool:
    """Tell whether what follows the word is what follows it in a call."""
    if len(_WORD.findall(statement)) > _MOST:
        raise StoreError(f"query: the word SERVICE stands in it more than {_MOST:,} times")
    starts = (found.start() for found in _CALL.finditer(statement))
    return any(_IN_NAME.search(statement[max(0, start - _LONGEST_NAME) : start]) is None for start in starts)


def _respelled(statement: str) -> str:
    """Return a statement with another word of the same length for SERVICE, one that stands nowhere in it.

    >>> _respelled("SELECT ?Service { ?Service a <a:services> }")
    'SELECT ?Serxixe { ?Serxixe a <a:serxixes> }'
    """
    lower = statement.lower()
    pairs = product(_LETTERS, repeat=2)
    first, second = next(pair for pair in pairs if "ser{}i{}e".format(*pair) not in lower)
    return _WORD.sub(lambda found: _with_case(found[0], first, second), statement)


def _with_case(word: str, first: str, second: str) -> str:
    """Return a word with another fourth and sixth letter, capitals where there were: names stay different names."""
    new = {3: first, 5: second}
    return "".join((new[i].upper() if char.isupper() else new[i]) if i in new else char for i, char in enumerate(word))


def parse_alone(statement: str) -> None:
    """Have Oxigraph parse a query and not answer it: it is given a value for a variable that the query does not have.

    Raises:
        SyntaxError: If it is no query.
    """
    free = next(name for number in range(len(statement) + 1) if (name := f"none{number}") not in statement)
    try:
        Store().query(statement, prefixes=PREFIXES, substitutions={Variable(free): Literal("")})
    except RuntimeError:
        return  # it has no such variable
    except ValueError as error:
        raise SyntaxError(str(error)) from None
