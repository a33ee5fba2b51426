"""Which reader a user's files are for: by what they are called, or by how they begin."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ontologies.concept import CodeTable, TableError
from ontologies.readers import athena, cpt, hcpcs, icd10pcs, loinc, mesh, obo, rf2, rrf
from ontologies.readers.tsv import read_tsv

Files = Sequence[Path]


class Format(NamedTuple):
    """How a publisher writes its table.

    Attributes:
        title: What the files are called among users.
        systems: The systems that files of this format can hold.
        fits: Tells whether files are of this format.
        read: Reads them.
        is_folder: Whether the folder of a release may stand for its files.
    """

    title: str
    systems: tuple[str, ...]
    fits: Callable[[Files], bool]
    read: Callable[[str, str, Files], CodeTable]
    is_folder: bool = False


FORMATS = (
    Format("SNOMED CT RF2", ("snomedct",), rf2.is_rf2, rf2.read_rf2, is_folder=True),
    Format("RxNorm RRF", ("rxnorm",), rrf.is_rxnorm, rrf.read_rxnorm),
    Format("UMLS MRCONSO", ("umls", *rrf.SOURCES), rrf.is_mrconso, rrf.read_mrconso),
    Format("the AMA's CPT files", ("cpt",), cpt.is_cpt, cpt.read_cpt),
    Format("HCPCS Level II", ("hcpcs",), hcpcs.is_hcpcs, hcpcs.read_hcpcs),
    Format("LOINC csv", ("loinc",), loinc.is_loinc, loinc.read_loinc),
    Format("OMOP Athena", tuple(athena.VOCABULARIES), athena.is_athena, athena.read_athena, is_folder=True),
    Format("ICD-10-PCS order file", ("icd10pcs",), icd10pcs.is_icd10pcs, icd10pcs.read_icd10pcs),
    Format("ICD-10-CM order file", ("icd10cm",), icd10pcs.is_icd10cm_order, icd10pcs.read_icd10cm_order),
    Format("OBO", ("hpo", "mondo", "doid"), obo.is_obo, obo.read_obo),
    Format("MeSH", ("mesh",), mesh.is_mesh, mesh.read_mesh),
)
"""In the order in which they are tried; what fits none is a table of the user's own, ``readers.tsv``."""


def read_files(system: str, release: str, files: Files) -> CodeTable:
    """Read a table from files or a folder of any known format.

    Raises:
        TableError: If they are of a format that does not hold the system, or cannot be used.
        OSError: If a file cannot be read.
    """
    folder = next((file for file in files if file.is_dir()), None)
    possible = [form for form in FORMATS if folder is None or form.is_folder]
    found = next((form for form in possible if form.fits(files)), None)
    if found is None and folder is not None:
        raise TableError(f"{folder}: expected a release of {' or '.join(form.title for form in possible)}, found none")
    if found is None:
        return read_tsv(system, release, files)
    if system not in found.systems:
        raise TableError(f"{files[0]}: expected a table of {system}, found {found.title} ({', '.join(found.systems)})")
    return found.read(system, release, files)
