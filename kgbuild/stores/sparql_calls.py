r"""Whether a SPARQL query calls another server: two judgements that know nothing of each other, and must agree.

The parser's: the word is spelled with other letters wherever it stands (``serxixe``). In a string, a comment, an IRI
or a name it is still one. Where it was a keyword there is none now, and the store's own parser stops: such a query is
refused, and so is one that this parser does not understand.

The eye's: a call is SERVICE, perhaps SILENT, a variable, IRI or prefixed name, and a brace. What stands before these is
not looked at, so that no string, comment or IRI can hide a call by its beginning, whoever the server is that reads it.

Servers differ in what they read for ``\u0053``, ``\\u0053`` or ``\uu0053``, and where. So a query for a server may
write no character so but a letter beyond ASCII, which makes no keyword, quote or end of a line, whoever reads it.

Nothing but SERVICE calls: FROM and GRAPH name graphs of the store, LATERAL only repeats, LOAD is no query. Fuseki also
runs Java classes by their names, <java:...>, and by one that a query puts together, CALL.
"""

import re
from itertools import product
from unicodedata import normalize

from pyoxigraph import Literal, Store, Variable

from kgbuild.stores import StoreError
from kgbuild.stores.mapping import PREFIXES

_WORD = re.compile("service", re.IGNORECASE)  # finds what folds to these letters too
_ESCAPE = re.compile(r"(?<!\\)\\++(?:u++([0-9a-fA-F]{4})|U++([0-9a-fA-F]{8}))")  # Java's readers take \uu0053 as well
_LIKE_ESCAPE = re.compile(r"(?<!\\)\\++[uU]++(?=(.))", re.DOTALL)  # where a digit follows
_LETTER = re.compile(r"(?<!\\)\\++u([0-9a-fA-F]{4})")
_WIDE_DIGITS = "\uff21\uff22\uff23\uff24\uff25\uff26\uff41\uff42\uff43\uff44\uff45\uff46"  # Java takes these for A to F

_MOST = 2_000  # times that the word may stand in a query: each costs a look at what follows
_FAR = 1_000  # characters that are looked at behind the word; a call that is longer is taken for one
_GAP = r"(?:[\s\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|#[^\n\r]*+(?:[\n\r]|\Z))*+"
_IRI = r"<[^<>]*+(?:>|\Z)"
_VARIABLE = r"[?$](?:\w|[^\x00-\x7f])*+"
_NAME = r"""[^\x00-\x20{}<>"'?$:#]*+(?::(?:\\[^\x00-\x20{}]|[^\x00-\x20{}<>"'#\\])*+\\?|\Z)"""
_CALL = re.compile(
    rf"service{_GAP}(?:\Z|(?:silent{_GAP})?(?:\Z|(?:{_IRI}|{_VARIABLE}|{_NAME}){_GAP}(?:\{{|\Z)))", re.IGNORECASE
)
"""A call, or the beginning of one that goes on behind what is looked at."""
_NO_CALL = "\n}>\n}"
"""What is put behind the end of a query, so that nothing that ends there looks as if it went on."""
_JAVA = re.compile(r"<[\x00-\x20]*+java:", re.IGNORECASE)  # an IRI, or what a prefix stands for
_ARQ_CALL = re.compile(rf"call{_GAP}\(", re.IGNORECASE)  # of a function whose name may be put together
_IN_NAME = re.compile(r"[?$:][A-Za-z0-9_]*\Z")
"""Before a word that is the end of a variable or prefixed name: all parsers take the longest."""
_LONGEST_NAME = 100  # characters that are looked at for that

_NAMED_NONE = re.compile("none[0-9]+")
_LETTERS = "xqzjkwbfghmnpt"  # "ser" and one of these begin no keyword

_REFUSED = (
    "query: SERVICE is refused: it could send what is found to another server; allow it (--allow-calls), or, where the "
    "word only stands in a string or comment, write SERV ICE"
)
_CODE_REFUSED = (
    "query: <java:...> and CALL( are refused: they run code of the server by its name; allow it (--allow-calls), or, "
    "where they only stand in a string or comment, write them with a blank in the word"
)
_ESCAPE_REFUSED = (
    r"query: \uXXXX is refused but for a letter beyond ASCII: servers differ in what they read for it; write the "
    "character itself, or allow calls (--allow-calls)"
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
    readings = list(dict.fromkeys((statement, unescaped(statement))))
    if any(map(_looks_like_a_call, readings)):
        raise StoreError(_REFUSED)
    if not is_for_oxigraph:
        if _has_doubtful_escape(statement):
            raise StoreError(_ESCAPE_REFUSED)
        if any(map(_runs_code, readings)):
            raise StoreError(_CODE_REFUSED)
    if any(map(_WORD.search, readings)):
        for reading in readings[:1] if is_for_oxigraph else readings:
            parse_alone(_respelled(reading))


def _runs_code(statement: str) -> bool:
    """Tell whether a query may run a class of the server's by its name, as Fuseki does."""
    if _JAVA.search(statement):
        return True
    starts = (found.start() for found in _ARQ_CALL.finditer(statement))
    return any(_IN_NAME.search(statement[max(0, start - _LONGEST_NAME) : start]) is None for start in starts)


def _has_doubtful_escape(statement: str) -> bool:
    r"""Tell whether something may be read as a character that is no letter beyond ASCII, by whatever rule.

    >>> [_has_doubtful_escape(said) for said in (r"'caf\u00e9'", r"'C:\\users'", r"\u0053", r"\\uu000A", r"\u017f")]
    [False, False, True, True, True]
    """
    fine = {found.start() for found in _LETTER.finditer(statement) if _is_letter(chr(int(found[1], 16)))}
    return any(found.start() not in fine and _is_digit(found[1]) for found in _LIKE_ESCAPE.finditer(statement))


def _is_letter(char: str) -> bool:
    """Tell whether a character is a letter that is none of ASCII, in capitals or not or as a compatible one neither."""
    forms = (normalize("NFKC", form) for form in (char, char.lower(), char.upper(), char.casefold()))
    return char.isalpha() and not any(one.isascii() for form in forms for one in form)


def _is_digit(char: str) -> bool:
    """Tell whether some reader may take a character for a hexadecimal digit."""
    return char.isdecimal() or char in "abcdefABCDEF{" + _WIDE_DIGITS


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
    for found in _WORD.finditer(statement):
        start, end = found.start(), found.start() + _FAR
        followed = statement[start:end] + (_NO_CALL if end >= len(statement) else "")
        if _CALL.match(followed) and _IN_NAME.search(statement[max(0, start - _LONGEST_NAME) : start]) is None:
            return True
    return False


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
    taken = set(_NAMED_NONE.findall(statement))
    free = next(name for number in range(len(taken) + 1) if (name := f"none{number}") not in taken)
    try:
        Store().query(statement, prefixes=PREFIXES, substitutions={Variable(free): Literal("")})
    except RuntimeError:
        return  # it has no such variable
    except ValueError as error:
        raise SyntaxError(str(error)) from None
