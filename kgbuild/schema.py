"""The domain as literal tables: labels, relations, enrichment rules, code systems of a label, nodes and edges, IRIs.

A domain rule that is not in this file is in the wrong place.
"""

from typing import Literal, NamedTuple

# --- labels -------------------------------------------------------------------------------------------------------
# MACCROBAT2020's labels (Caufield et al. 2019, doi:10.1101/19009118), unchanged.

PROBLEM_LABELS = ("Disease_disorder", "Sign_symptom")
"""What a patient has."""

EVENT_LABELS = (
    *PROBLEM_LABELS,
    "Diagnostic_procedure",
    "Therapeutic_procedure",
    "Medication",
    "Clinical_event",
    "History",
    "Family_history",
    "Outcome",
    "Activity",
)
"""What stands on a timeline."""

TIME_LABELS = ("Date", "Time", "Duration", "Frequency")
"""Time expressions."""

VALUE_LABELS = ("Lab_value",)
"""Results of a diagnostic procedure."""

SYSTEMS_OF_LABEL: dict[str, tuple[str, ...]] = {
    "Disease_disorder": ("icd10cm", "snomedct", "mesh", "hpo"),
    "Sign_symptom": ("icd10cm", "snomedct", "mesh", "hpo"),
    "History": ("icd10cm", "snomedct"),
    "Diagnostic_procedure": ("cpt", "hcpcs", "snomedct", "loinc", "mesh"),
    "Therapeutic_procedure": ("cpt", "hcpcs", "icd10pcs", "snomedct", "mesh"),
    "Medication": ("rxnorm", "snomedct", "mesh"),
    "Biological_structure": ("snomedct",),
}
"""Which systems code a mention of a label; the first that answers names the entity."""

CODED_LABELS = frozenset(SYSTEMS_OF_LABEL)
"""Labels that make a chunk."""


# --- enrichment ---------------------------------------------------------------------------------------------------
class Enrichment(NamedTuple):
    """One rule: over ``relation``, a ``modifier`` joins the query of a mention with one of ``labels``.

    ``target`` says which end of the relation is the mention that is coded.
    """

    relation: str
    modifier: str
    labels: tuple[str, ...]
    target: Literal["head", "tail"]


_PROBLEMS = ("Disease_disorder", "Sign_symptom", "History")
_PROCEDURES = ("Diagnostic_procedure", "Therapeutic_procedure")

ENRICHMENTS: tuple[Enrichment, ...] = (
    # papers/004, "Enriching Chunks": severity, location in the body, administration, method. MODIFY runs modifier -> target.
    Enrichment("MODIFY", "Biological_structure", _PROBLEMS + _PROCEDURES, "tail"),
    Enrichment("MODIFY", "Detailed_description", _PROBLEMS + _PROCEDURES, "tail"),  # laterality, technique, contrast
    Enrichment("MODIFY", "Severity", _PROBLEMS, "tail"),
    Enrichment("MODIFY", "Dosage", ("Medication",), "tail"),
    Enrichment("MODIFY", "Administration", ("Medication",), "tail"),
)
"""Rules in the order in which their modifiers enter the query."""

# --- graph --------------------------------------------------------------------------------------------------------
NODE_TYPES = ("Patient", "Encounter", "Note", "Mention", "Entity", "Event", "Concept")


class EdgeType(NamedTuple):
    """Which node types an edge may join."""

    tail: str
    head: str


EDGE_TYPES: dict[str, EdgeType] = {
    "HAS_NOTE": EdgeType("Patient", "Note"),
    "IN_ENCOUNTER": EdgeType("Note", "Encounter"),
    "MENTIONS": EdgeType("Note", "Mention"),
    "REFERS_TO": EdgeType("Mention", "Entity"),
    "CODED_AS": EdgeType("Entity", "Concept"),
    "IS_A": EdgeType("Concept", "Concept"),
    "HAS_ENTITY": EdgeType("Patient", "Entity"),
    "HAS_EVENT": EdgeType("Patient", "Event"),
    "OF": EdgeType("Event", "Entity"),
    "EVIDENCED_BY": EdgeType("Event", "Mention"),
    "PRECEDES": EdgeType("Event", "Event"),
}

RELATION_LABELS = ("MODIFY", "SUB_PROCEDURE", "CAUSE", "BEFORE", "AFTER", "IDENTICAL", "OVERLAP")
"""Relations between mentions that a model may read, and that become edges between entities."""

ID_BASE = "urn:kgbuild:"
"""IRIs of what a note brings: ``urn:kgbuild:patient/p1``. A URN, because patients' data has no address on the web."""

VOCABULARY = "https://w3id.org/kgbuild#"
"""Our own classes and properties, ``ontologies/kgbuild.ttl``."""
