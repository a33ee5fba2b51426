"""Code tables in the Rich Release Format of the NLM: RxNorm, and any source of the UMLS Metathesaurus.

A file has no header; ``|`` ends every value, the last one too. RXNCONSO and MRCONSO hold atoms: one name of one concept
in one source. RXNREL and MRREL hold relations, read from the second side to the first: ``ID2 RELA ID1``. Only English
names that the NLM does not suppress are read.

Source: NLM, RxNorm Technical Documentation (file formats); UMLS Reference Manual, chapter 3.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ontologies.concept import CodeTable, TableError
from ontologies.hierarchy import cycle
from ontologies.readers.draft import Draft, finished
from ontologies.readers.lines import read_lines
from ontologies.systems import system_of

_RXNORM_FILES = ("RXNCONSO", "RXNREL")
_UMLS_FILES = ("MRCONSO", "MRREL")
_RXNORM = "RXNORM"

SOURCES = {
    "icd10cm": "ICD10CM",
    "icd10pcs": "ICD10PCS",
    "snomedct": "SNOMEDCT_US",
    "cpt": "CPT",
    "hcpcs": "HCPCS",
    "rxnorm": _RXNORM,
    "mesh": "MSH",
    "loinc": "LNC",
    "hpo": "HPO",
    "atc": "ATC",
    "cvx": "CVX",
    "omim": "OMIM",
    "orphanet": "ORPHANET",
}
"""What the UMLS calls our systems (SAB). NDC is missing as its codes are no atoms but attributes (MRSAT)."""

_NAME_TYPES = (
    # RxNorm, where a concept has one of these: ingredient, precise and multiple ingredients, brand name
    *("IN", "PIN", "MIN", "BN"),
    # drug components, forms and groups, whole drugs and packs: clinical, then branded; dose forms
    *("SCDC", "SCDF", "SCDFP", "SCDG", "SCDGP", "SCD", "GPCK"),
    *("SBDC", "SBDF", "SBDFP", "SBDG", "SBD", "BPCK", "DF", "DFG"),
    # other sources: preferred terms; MeSH headings, supplementary concepts, qualifiers
    *("PT", "MH", "NM", "TQ"),
    # LOINC: long common name before the one of six parts, which nobody writes in a note; display and name of a part
    *("LC", "LN", "LPDN", "LPN"),
    # headings; the name of SNOMED CT that ends in a semantic tag
    *("HT", "FN"),
    # RxNorm's synonyms
    *("PSN", "SY", "TMSY"),
)
"""Term types (TTY), what is preferred first; others come after them. After MRRANK, but for LOINC."""

_RANKS = {name_type: rank for rank, name_type in enumerate(_NAME_TYPES)}
_UNRANKED = len(_RANKS)
_OTHER_SOURCE = _UNRANKED + 1

_SUPPRESSED = frozenset("OYE")
"""Obsolete, by the NLM's editors, by its term type. RXNREL leaves the column empty where a relation is not."""

_UPWARD = frozenset(
    {
        "isa",  # SCD SCDF, SCDF SCDG, SBD SBDF, SBDF SBDG, DF DFG
        "tradename_of",  # BN IN, SBD SCD, SBDC SCDC, SBDF SCDF, SBDG SCDG, BPCK GPCK
        "consists_of",  # SCD SCDC, SBD SBDC
        "contains",  # GPCK SCD, BPCK SBD
        "quantified_form_of",  # SCD SCD, SBD SBD: of one amount, and without an amount
        "has_ingredient",  # SCDC IN, SCDF IN, SCDG IN, SBD BN
        "has_ingredients",  # SCD MIN
        "has_precise_ingredient",  # SCDC PIN, BN PIN
        "has_part",  # MIN IN, MIN PIN
        "form_of",  # PIN IN
    }
)
"""RELA from a specific drug (ID2) to a more general one (ID1), with term types on both sides.

All lead from packs over drugs, components and brand names to ingredients and never back, so they form no cycle. The
inverse of each (``constitutes``, ``ingredient_of``, ``has_form``, ...) stands in the same file and says nothing new.
Source: NLM, RxNorm Technical Documentation, appendix 1.
"""


class _Atom(NamedTuple):
    """A line of RXNCONSO or MRCONSO; the columns of both stand in this order."""

    concept: str  # RXCUI, CUI
    language: str  # LAT
    ts: str
    lui: str
    stt: str
    sui: str
    is_preferred: str  # ISPREF
    atom: str  # RXAUI, AUI
    saui: str
    scui: str
    sdui: str
    source: str  # SAB
    name_type: str  # TTY
    code: str
    name: str  # STR
    srl: str
    suppress: str
    cvf: str


class _Relation(NamedTuple):
    """A line of RXNREL or MRREL."""

    concept1: str
    atom1: str
    stype1: str
    rel: str
    concept2: str
    atom2: str
    stype2: str
    rela: str
    rui: str
    srui: str
    source: str  # SAB
    sl: str
    rg: str  # RXNREL has DIR before RG; we read neither
    dir: str
    suppress: str
    cvf: str


def is_rxnorm(files: Sequence[Path]) -> bool:
    """Tell whether a file has a name of RxNorm's release, in any case, as it is or in gzip."""
    return any(_kind(file) in _RXNORM_FILES for file in files)


def is_mrconso(files: Sequence[Path]) -> bool:
    """Tell whether a file has a name of the Metathesaurus, in any case, as it is or in gzip."""
    return any(_kind(file) in _UMLS_FILES for file in files)


def read_rxnorm(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read RXNCONSO.RRF and, where it is given, RXNREL.RRF for parents.

    A concept is an RXCUI that RxNorm itself names; what other sources call it are synonyms. Parents lead from packs,
    drugs and brand names to ingredients (``_UPWARD``).

    Raises:
        TableError: If a file has another name or RXNCONSO is missing; ``FILE:LINE`` where a line has other columns than
            the format, or parents form a cycle.
        OSError: If a file cannot be read.
    """
    by_kind = _by_kind(files, _RXNORM_FILES)
    drafts, ranks = _drafts(by_kind["RXNCONSO"], lambda atom: atom.concept, _rxnorm_rank)
    named = {code: draft for code, draft in drafts.items() if ranks[code] < _OTHER_SOURCE}
    for file in by_kind["RXNREL"]:
        for relation in _relations(file, _RXNORM):
            if relation.rela in _UPWARD:
                _add_parent(named, relation.concept2, relation.concept1)
    return finished(system, release, named, files)


def read_mrconso(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read one system from MRCONSO.RRF and, where it is given, MRREL.RRF for parents.

    For ``umls`` a concept is a CUI under the name that the Metathesaurus prefers. For another system it is a code of
    that source, preferred name by ``_NAME_TYPES``; a heading (TTY HT) is not assignable, but a category of ICD-10-CM
    is, as in the built-in table. Codes that the NLM made up for the source (``MTHU...``, ``NOCODE``) are left out.

    Parents come from rows of MRREL whose second side is a child (CHD) or ``isa`` the first in that source; a relation
    that closes a cycle, as MeSH has them, is left out. ``umls`` has none: parents of all sources together
    contradict each other (Bodenreider, Circular hierarchical relationships in the UMLS, AMIA 2001).

    Raises:
        TableError: If a file has another name, MRCONSO is missing, the Metathesaurus lacks the system, or MRREL is
            given for ``umls``; ``FILE:LINE`` where a line has other columns than the format.
        OSError: If a file cannot be read.
    """
    by_kind = _by_kind(files, _UMLS_FILES)
    if system == "umls":
        if by_kind["MRREL"]:
            raise TableError(f"{by_kind['MRREL'][0]}: expected MRCONSO.RRF alone for umls: it has no single hierarchy")
        drafts, _ = _drafts(by_kind["MRCONSO"], lambda atom: atom.concept, _umls_rank)
    elif system in SOURCES:
        drafts = _source_drafts(system, by_kind)
    else:
        raise TableError(f"{system}: expected a system that MRCONSO.RRF holds, one of umls, {', '.join(SOURCES)}")
    return finished(system, release, drafts, files)


def _source_drafts(system: str, by_kind: Mapping[str, Sequence[Path]]) -> dict[str, Draft]:
    """Return the codes of one source of the Metathesaurus, with parents that form no cycle."""
    source, prefix = SOURCES[system], system_of(system).code_prefix

    def own_code(atom: _Atom) -> str | None:
        if atom.source != source or atom.code == "NOCODE" or atom.code.startswith("MTHU"):
            return None
        return prefix + atom.code.removeprefix(prefix)

    drafts, ranks = _drafts(by_kind["MRCONSO"], own_code, _type_rank)
    for code, draft in drafts.items():
        is_category = system == "icd10cm" and "-" not in code  # chapters and blocks are ranges: K70-K77
        draft.assignable = is_category or ranks[code] != _RANKS["HT"]
    if by_kind["MRREL"]:
        atoms = (atom for file in by_kind["MRCONSO"] for _, atom in _atoms(file))
        code_of_atom = {atom.atom: own for atom in atoms if (own := own_code(atom)) is not None}
        _add_parents(drafts, source, by_kind["MRREL"], code_of_atom)
    return drafts


def _add_parents(
    drafts: Mapping[str, Draft], source: str, files: Sequence[Path], code_of_atom: Mapping[str, str]
) -> None:
    """Add the parents that MRREL gives, and take out again those that close a cycle, in the order of the codes."""
    upward = _UPWARD if source == _RXNORM else {"isa"}
    for file in files:
        for relation in _relations(file, source):
            if relation.rel == "CHD" or relation.rela in upward:
                _add_parent(drafts, code_of_atom.get(relation.atom2, ""), code_of_atom.get(relation.atom1, ""))
    while circle := cycle({code: draft.parents for code, draft in drafts.items()}):
        drafts[circle[-2]].parents.remove(circle[-1])


def _drafts(
    files: Sequence[Path], code_of: Callable[[_Atom], str | None], rank_of: Callable[[_Atom], int]
) -> tuple[dict[str, Draft], dict[str, int]]:
    """Return the drafts and the rank of each preferred name, both by code.

    Args:
        files: RXNCONSO or MRCONSO.
        code_of: The code that an atom names, None if it is of no interest.
        rank_of: The lowest is preferred, the first of several.
    """
    drafts: dict[str, Draft] = {}
    ranks: dict[str, int] = {}
    for file in files:
        for number, atom in _atoms(file):
            code = code_of(atom)
            if code is None or atom.language != "ENG" or atom.suppress in _SUPPRESSED:
                continue
            rank = rank_of(atom)
            if code not in drafts:
                drafts[code], ranks[code] = Draft(f"{file}:{number}", atom.name), rank
            elif rank < ranks[code]:
                drafts[code].synonyms.insert(0, drafts[code].name)
                drafts[code].name, ranks[code] = atom.name, rank
            else:
                drafts[code].synonyms.append(atom.name)
    return drafts, ranks


def _type_rank(atom: _Atom) -> int:
    return _RANKS.get(atom.name_type, _UNRANKED)


def _rxnorm_rank(atom: _Atom) -> int:
    return _type_rank(atom) if atom.source == _RXNORM else _OTHER_SOURCE


def _umls_rank(atom: _Atom) -> int:
    """Return 0 for the name that the Metathesaurus prefers: preferred term, preferred form of it, preferred atom."""
    return 4 * (atom.ts != "P") + 2 * (atom.stt != "PF") + (atom.is_preferred != "Y")


def _add_parent(drafts: Mapping[str, Draft], child: str, parent: str) -> None:
    """Add a parent where both are in the table and differ: two atoms of one code may be related."""
    if child in drafts and parent in drafts and child != parent:
        drafts[child].parents.append(parent)


def _atoms(file: Path) -> Iterator[tuple[int, _Atom]]:
    """Yield (line number, atom)."""
    return ((number, _Atom._make(values)) for number, values in _rows(file, len(_Atom._fields)))


def _relations(file: Path, source: str) -> Iterator[_Relation]:
    """Yield the relations of one source that are not suppressed."""
    for _, values in _rows(file, len(_Relation._fields)):
        relation = _Relation._make(values)
        if relation.source == source and relation.suppress not in _SUPPRESSED:
            yield relation


def _rows(file: Path, columns: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in read_lines(file):
        values = line.removesuffix("|").split("|")
        if len(values) != columns:
            raise TableError(f"{file}:{number}: expected {columns} columns, found {len(values)}")
        yield number, values


def _by_kind(files: Sequence[Path], kinds: tuple[str, str]) -> dict[str, list[Path]]:
    """Return the files of each kind; the first kind must be there."""
    by_kind: dict[str, list[Path]] = {kind: [] for kind in kinds}
    for file in files:
        if _kind(file) not in by_kind:
            raise TableError(f"{file}: expected {' or '.join(f'{kind}.RRF' for kind in kinds)}, found another name")
        by_kind[_kind(file)].append(file)
    if not by_kind[kinds[0]]:
        raise TableError(f"{', '.join(map(str, files))}: expected {kinds[0]}.RRF among the files, found none")
    return by_kind


def _kind(file: Path) -> str:
    """Return the name of a file in capitals without its endings: ``RXNCONSO``."""
    return file.name.upper().removesuffix(".GZ").removesuffix(".RRF")
