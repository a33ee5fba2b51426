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

_MESH_PROBLEMS = (
    "D007239 D009369 D009140 D004066 D009057 D012140 D010038 D009422 D005128 D000091642 D002318 D006425 D009358 "
    "D017437 D009750 D004700 D007154 D007280 D000820 D013568 D009784 D064419 D014947 D001523 D001526".split()
)
_MESH_DRUGS = (
    "D007287 D009930 D006571 D011083 D046911 D006730 D045762 D002241 D008055 D000602 D009706 D045424 D001685 D001697 "
    "D004364 D020164".split()
)
ROOTS: dict[tuple[str, str], tuple[str, ...]] = {
    # MeSH: branches C and F03 with Behavioral Symptoms; D; E
    **{("mesh", label): tuple(_MESH_PROBLEMS) for label in PROBLEM_LABELS},
    ("mesh", "Medication"): tuple(_MESH_DRUGS),
    ("mesh", "Diagnostic_procedure"): ("D003933", "D008919", "D013812"),
    ("mesh", "Therapeutic_procedure"): ("D013812", "D013514", "D000760", "D003813", "D008919"),
    # HPO: Phenotypic abnormality, not modes of inheritance, modifiers or frequencies
    **{("hpo", label): ("HP:0000118",) for label in PROBLEM_LABELS},
    # SNOMED CT: clinical finding; procedure; pharmaceutical product, substance; body structure
    **{("snomedct", label): ("404684003",) for label in (*PROBLEM_LABELS, "History")},
    **{("snomedct", label): ("71388002",) for label in ("Diagnostic_procedure", "Therapeutic_procedure")},
    ("snomedct", "Medication"): ("373873005", "105590001"),
    ("snomedct", "Biological_structure"): ("123037004",),
}
"""By system and label: the codes that hold all that a mention of the label can be. A table that has none of them, such
as one without a hierarchy, is searched as a whole."""

UNASKED_SYSTEMS = ("icd10cm",)
"""Systems whose built-in table codes notes without being asked for; others that come with kgbuild when they are named
(``--system``), and tables of the user's own always."""

ALTERNATIVE_SCORE = 0.1
"""Least score of a second-best code that a store keeps: of those below, about one in ten is right (resolvers.fit)."""

CODED_LABELS = frozenset(SYSTEMS_OF_LABEL)
"""Labels that make a chunk."""


# --- enrichment ---------------------------------------------------------------------------------------------------
class Enrichment(NamedTuple):
    """One rule: over ``relation``, a ``modifier`` joins the query of a mention with one of ``labels``.

    ``target`` says which end of the relation is the mention that is coded. Without a modifier that ``may_drop`` the
    code is less specific; without another it is one of something else: a liver's lesion is no lesion of the skin.
    """

    relation: str
    modifier: str
    labels: tuple[str, ...]
    target: Literal["head", "tail"]
    may_drop: bool


_PROBLEMS = ("Disease_disorder", "Sign_symptom", "History")
_PROCEDURES = ("Diagnostic_procedure", "Therapeutic_procedure")

ENRICHMENTS: tuple[Enrichment, ...] = (
    # papers/004, "Enriching Chunks": severity, location in the body, administration, method.
    # MODIFY runs from modifier to target.
    Enrichment("MODIFY", "Biological_structure", _PROBLEMS + _PROCEDURES, "tail", may_drop=False),
    # laterality, technique, contrast
    Enrichment("MODIFY", "Detailed_description", _PROBLEMS + _PROCEDURES, "tail", may_drop=True),
    Enrichment("MODIFY", "Severity", _PROBLEMS, "tail", may_drop=True),
    Enrichment("MODIFY", "Dosage", ("Medication",), "tail", may_drop=True),
    Enrichment("MODIFY", "Administration", ("Medication",), "tail", may_drop=True),
)
"""Rules in the order in which their modifiers enter the query."""

# --- graph --------------------------------------------------------------------------------------------------------
NODE_TYPES = ("Patient", "Encounter", "Note", "Mention", "Entity", "Event", "Concept")


class EdgeType(NamedTuple):
    """Which node types an edge may join; it runs from ``source`` to ``target``."""

    source: str
    target: str


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
    "DATED_BY": EdgeType("Event", "Mention"),  # the time expression that dates it; none: the note's date, or unknown
    "VALUED_BY": EdgeType("Event", "Mention"),  # the result or size that is its value
    "BEFORE": EdgeType("Event", "Event"),
    "OVERLAPS": EdgeType("Event", "Event"),
    "MODIFY": EdgeType("Entity", "Entity"),  # from the modifier to what it modifies, as in the corpus
    "SUB_PROCEDURE": EdgeType("Entity", "Entity"),
    "CAUSE": EdgeType("Entity", "Entity"),
    "IDENTICAL": EdgeType("Entity", "Entity"),
    "RELATED_TO": EdgeType("Entity", "Entity"),  # a relation of another model; its own label is a property
}
"""What joins what. An edge that was read from text carries ``note``, one read from two mentions both their ids."""

RELATION_LABELS = ("MODIFY", "SUB_PROCEDURE", "CAUSE", "BEFORE", "AFTER", "IDENTICAL", "OVERLAP")
"""Relations between mentions that a model may read."""

EVENT_RELATIONS: dict[str, tuple[str, bool]] = {
    "BEFORE": ("BEFORE", False),
    "AFTER": ("BEFORE", True),
    "OVERLAP": ("OVERLAPS", False),
}
"""Temporal relation -> edge between events, and whether it is turned round. They hold between events, not between
entities: a fever may come before a cough this year and after it the next. All other relations join entities."""

LATERALITY = frozenset(("left", "right", "bilateral", "left-sided", "right-sided"))
"""Sides of the body: with the body site they make another entity, as severity, dose and technique do not."""

TYING_RELATIONS = ("OVERLAP", "MODIFY")
"""Relations that tie a time expression to what happened then; BEFORE and AFTER say that it did not."""

MEASURED_LABELS: dict[str, tuple[str, ...]] = {
    "Lab_value": (*EVENT_LABELS, "Coreference"),
    "Distance": (*PROBLEM_LABELS, "Diagnostic_procedure", "Coreference"),
    "Area": (*PROBLEM_LABELS, "Diagnostic_procedure", "Coreference"),
    "Volume": (*PROBLEM_LABELS, "Diagnostic_procedure", "Coreference"),
    "Mass": (*PROBLEM_LABELS, "Diagnostic_procedure", "Coreference"),
}
"""Labels whose mentions are values, and of what: "a 2.1 cm cyst", "calcium score of 142"."""

HAD_ASSERTIONS = ("present", "historical")
"""With these a patient has or had it: the only ones that make HAS_ENTITY."""

TIMELINE_ASSERTIONS = ("present", "historical", "possible")
"""What a timeline shows unless asked: what happened, or may have; never what was denied, is another person's, or is
only talked of."""

NOTE_DATED_ASSERTIONS = ("present", "absent", "possible")
"""Said without a date, these hold on the note's date. What is historical does not: when it was stays unknown."""

ASSERTION_OF_LABEL = {"Family_history": "associated_with_someone_else", "History": "historical"}
"""What a label says by itself of a mention that is asserted as present."""

ID_BASE = "urn:kgbuild:"
"""IRIs of what a note brings: ``urn:kgbuild:patient/p1``. A URN, because patients' data has no address on the web."""

VOCABULARY = "https://w3id.org/kgbuild#"
"""Our own classes and properties, ``ontologies/kgbuild.ttl``."""
