"""Normalised copies of strings: one spelling, one number, one form a word. The strings themselves are never altered."""

import re
import unicodedata
from functools import lru_cache

from resolvers.words import (
    ABBREVIATIONS,
    COMPOUNDS,
    JOINED_PREFIXES,
    LETTER_NUMBERS,
    LETTERED,
    NUMBERED,
    NUMBERS,
    PLURALS,
    SPELLINGS,
    STOP_WORDS,
    UNCHANGED,
)

OPTIONAL = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\bwithout\b[^,]*?(?= of |,|$)")
"""Parts of a name that need not be said: the nonessential modifiers of ICD-10-CM, other names in brackets, what is not
there ("Laceration without foreign body of scalp"). Only
"(congenital)" must be said even so, since another code has the same name with "(acquired)"."""

_SPELLED_OUT = {**ABBREVIATIONS, **COMPOUNDS}

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE_S = re.compile(r"(?<=\w)['\u2019]s\b")
_LETTER_A = re.compile(r"(?<=\S )A\b(?![-'])")
_LETTERED_A = re.compile(r"\b(" + "|".join(sorted(LETTERED)) + r") a\b")
_SUBSCRIPT = re.compile(r"(?<=[^\W\d_])\((\d{1,2}[a-z]?[+-]?)\)")
_HYPHEN = re.compile(r"\b(" + "|".join(sorted(JOINED_PREFIXES)) + r")-(?=[^\W\d_]{3})")
_NOT_SPECIFIED = re.compile(r"\bnot otherwise specified\b|\bnos\b")
_NOT_ELSEWHERE = re.compile(r"\bnot elsewhere classified\b|\bnec\b")
_PHRASES = (
    ("(", _SUBSCRIPT, r"\1"),
    ("'", _APOSTROPHE_S, ""),
    ("\u2019", _APOSTROPHE_S, ""),
    ("-", _HYPHEN, r"\1"),
    ("no", _NOT_SPECIFIED, " unspecified "),
    ("ne", _NOT_ELSEWHERE, " "),
    ("not else", _NOT_ELSEWHERE, " "),
)
"""What is seen to before words are told apart: a sign of it, how it is written, what comes in its place."""

_SPELLING_RULES = (
    (re.compile(r"[ao]e(?=..)"), "e"),  # haemorrhage, oedema
    (re.compile(r"(?<=..)our(?=$|s$|al$|ed$|less$)"), "or"),  # tumour, behaviour
    (re.compile(r"(?<=...)is(?=ed$|ation$|ing$)"), "iz"),  # localised
    (re.compile(r"(?<=...)ys(?=ed$|ing$)"), "yz"),  # paralysed
    (re.compile(r"ph(?=ate$|ide$)"), "f"),  # sulphate: sulfate, on both sides of a match
)
_PLURAL_RULES = (
    (re.compile(r"(?<=...)ae$"), "a"),  # larvae
    (re.compile(r"(?<=...)mata$"), "ma"),  # carcinomata
    (re.compile(r"(?<=.)([oe])ses$"), r"\1sis"),  # thromboses, prostheses
    (re.compile(r"(?<=...)ies$"), "y"),  # injuries
    (re.compile(r"(?<=..)(ia|oma)s$"), r"\1"),  # pneumonias, carcinomas
    (re.compile(r"(?<=.)(ss|x|ch|sh)es$"), r"\1"),  # abscesses, reflexes
    (re.compile(r"(?<=..)(?<![suioa])s$"), ""),  # fractures
)


def words(text: str) -> list[str]:
    """Return the normalised words of a text in its order, stop words dropped, abbreviations spelled out.

    >>> words("Haemorrhages of the left kidney, type II")
    ['hemorrhage', 'left', 'kidney', 'type', '2']
    >>> words("pt. w/ HTN & post-traumatic tumours NOS")
    ['pt', 'w', 'hypertension', 'posttraumatic', 'tumor', 'unspecified']
    >>> words("a hepatitis A")
    ['hepatitis', 'lettera']
    """
    folded = _fold(_with_letter(text))
    found = _once(_LETTERED_A.sub(r"\1 lettera", folded) if " a" in folded else folded)
    if "not" not in found and found == _WORD.findall(folded):  # no word changed, so none would again
        return found
    while (again := _once(" ".join(found))) != found:  # an abbreviation or a dropped word may make new neighbours
        found = again
    return found


def normalize(text: str) -> str:
    """Return the normalised words joined by spaces; normalising again changes nothing.

    >>> normalize("Liver disease, unspecified")
    'liver disease unspecified'
    """
    return " ".join(words(text))


def order_free(text: str) -> str:
    """Return the different normalised words of a text in alphabetical order, the same for every order of the words.

    >>> order_free("lesion of liver") == order_free("Liver lesions")
    True
    """
    return " ".join(sorted(set(words(text))))


def _with_letter(text: str) -> str:
    """Tell the letter A (hepatitis A, gentamicin A) from the article, where a text tells small from capital letters."""
    return text if "A" not in text or text.isupper() else _LETTER_A.sub("lettera", text)


def _fold(text: str) -> str:
    """Fold case and width, drop accents; may change the length."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _once(text: str) -> list[str]:
    for sign, pattern, replacement in _PHRASES:
        if sign in text:  # a table has a million names, of which few have any
            text = pattern.sub(replacement, text)
    forms = (_form(word) for word in _WORD.findall(text))
    kept = [part for form in forms for part in _SPELLED_OUT.get(form, form).split() if part not in STOP_WORDS]
    return [_number(word, before) for before, word in zip(["", *kept], kept, strict=False)]


def _number(word: str, before: str) -> str:
    if before in NUMBERED and word in LETTER_NUMBERS:
        return LETTER_NUMBERS[word]
    return NUMBERS.get(word, word)


@lru_cache(maxsize=1 << 16)
def _form(word: str) -> str:
    """Return the American spelling of the singular of a word."""
    for pattern, replacement in _PLURAL_RULES if _has_plural(word) else ():
        shorter, changes = pattern.subn(replacement, word)
        if changes:
            word = shorter
            break
    word = SPELLINGS.get(PLURALS.get(word, word), PLURALS.get(word, word))
    for pattern, replacement in _SPELLING_RULES if len(word) > 4 else ():
        word = pattern.sub(replacement, word)
    return word


def _has_plural(word: str) -> bool:
    return len(word) > 3 and word not in UNCHANGED and word not in PLURALS and word not in ABBREVIATIONS
