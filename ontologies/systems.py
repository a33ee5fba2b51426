"""The code systems kgbuild knows: titles, official IRIs, licences."""

from typing import NamedTuple

from ontologies.concept import TableError
from ontologies.segment import segment


class System(NamedTuple):
    """What is fixed about a code system.

    Attributes:
        title: Its name in full.
        iri_base: What stands before the code in the official IRI of a concept.
        licence: Who owns it and what a user needs.
        code_prefix: The part of the code that ``iri_base`` already holds: ``HP:``.
        is_classification: Whether only codes without others below them may be used, as in billing; a category then
            stands for its unspecified child. In a terminology every concept is as good as those below it.
    """

    title: str
    iri_base: str
    licence: str
    code_prefix: str = ""
    is_classification: bool = False


_OBO = "http://purl.obolibrary.org/obo/"
_PUBLIC = "US government work, public domain"

# IRI bases: FHIR R5 "Using Code Systems" (hl7.org/fhir/R5/terminologies-systems.html) with "/" and the code; SNOMED
# CT's own URI standard; MeSH RDF; LOINC's IRI; OBO PURLs. Licences as their publishers state them.
SYSTEMS: dict[str, System] = {
    "icd10cm": System(
        "ICD-10-CM", "http://hl7.org/fhir/sid/icd-10-cm/", f"CDC/NCHS: {_PUBLIC}", is_classification=True
    ),
    "icd10pcs": System(
        "ICD-10-PCS", "http://www.cms.gov/Medicare/Coding/ICD10/", f"CMS: {_PUBLIC}", is_classification=True
    ),
    "snomedct": System(
        "SNOMED CT",
        "http://snomed.info/id/",
        "SNOMED International: free in member countries, own file",
    ),
    "cpt": System("CPT", "http://www.ama-assn.org/go/cpt/", "American Medical Association: licence needed, own file"),
    "hcpcs": System(
        "HCPCS Level II",
        "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets/",
        f"CMS: {_PUBLIC}",
    ),
    "rxnorm": System(
        "RxNorm",
        "http://www.nlm.nih.gov/research/umls/rxnorm/",
        "NLM: its own names are public, others need UMLS",
    ),
    "mesh": System("MeSH", "http://id.nlm.nih.gov/mesh/", "Courtesy of the U.S. National Library of Medicine"),
    "loinc": System("LOINC", "https://loinc.org/rdf/", "Regenstrief: free under loinc.org/license, with notice"),
    "hpo": System("Human Phenotype Ontology", f"{_OBO}HP_", "Free with attribution, hpo.jax.org/license", "HP:"),
    "mondo": System("Mondo Disease Ontology", f"{_OBO}MONDO_", "CC BY 4.0", "MONDO:"),
    "doid": System("Human Disease Ontology", f"{_OBO}DOID_", "CC0 1.0", "DOID:"),
    "atc": System("ATC", "http://www.whocc.no/atc/", "WHO Collaborating Centre: free for non-commercial use; own file"),
    "cvx": System("CVX vaccine codes", "http://hl7.org/fhir/sid/cvx/", f"CDC: {_PUBLIC}"),
    "ndc": System("National Drug Code", "http://hl7.org/fhir/sid/ndc/", f"FDA: {_PUBLIC}"),
    "omim": System("OMIM", "https://omim.org/entry/", "Johns Hopkins University: registration needed; own file"),
    "orphanet": System("Orphanet", "http://www.orpha.net/ORDO/Orphanet_", "INSERM: CC BY 4.0", "ORPHA:"),
    "umls": System("UMLS Metathesaurus", "https://uts.nlm.nih.gov/uts/umls/concept/", "NLM: UMLS licence; own file"),
    "local": System("Local codes", "urn:kgbuild:code/", "The user's own"),
}
"""By short name, which is the prefix of a curie (``icd10cm:K76.9``) and the folder of the table."""


def system_of(short_name: str) -> System:
    """Return what is known of a code system.

    Raises:
        TableError: If the name is not a key of ``SYSTEMS``.
    """
    if short_name not in SYSTEMS:
        raise TableError(f"{short_name}: expected a code system, one of {', '.join(SYSTEMS)}; found {short_name!r}")
    return SYSTEMS[short_name]


def concept_iri(system: str, code: str) -> str:
    """Return the official IRI of a code, with every character percent-encoded that an IRI may not hold.

    A code that an IRI would take for a step to another place has a tilde before it.

    Raises:
        TableError: If the system is unknown.

    >>> concept_iri("icd10cm", "K76.9")
    'http://hl7.org/fhir/sid/icd-10-cm/K76.9'
    >>> concept_iri("hpo", "HP:0001250")
    'http://purl.obolibrary.org/obo/HP_0001250'
    >>> concept_iri("local", "a b/c>")
    'urn:kgbuild:code/a%20b%2Fc%3E'
    >>> concept_iri("snomedct", "..")
    'http://snomed.info/id/~..'
    """
    known = system_of(system)
    return known.iri_base + segment(code.removeprefix(known.code_prefix))
