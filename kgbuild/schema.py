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
ASPECTS = (
    "body site",
    "laterality",
    "severity",
    "acuity",
    "technique",
    "contrast",
    "views",
    "episode",
    "stage",
    "strength",
    "route",
    "form",
    "detail",
)
"""What a modifier says of what it modifies: the variables to which codes are sensitive (papers/004, "Enriching Chunks":
severity, location in the body, administration type, diagnosis method), told apart as finely as code systems do."""

ASPECT_TERMS: dict[str, str] = {
    "laterality": r"right and left|left and right|(?:both|right|left)[- ]sided?|both|bilateral(?:ly)?|right|left|"
    r"unilateral(?:ly)?|b/l|(?:rt|lt|(?-i:[RL]))(?=\.?(?:$|\s+(?!(?:spine|waves?|dopa|pcr)\b)[^\W\d]{3}))",
    "severity": r"(?:mild|moderate) to (?:moderate|severe)|mild(?:ly)?|moderate(?:ly)?|severe(?:ly)?|profound|extreme|"
    r"massive|slight|minimal|marked(?:ly)?|life[- ]threatening|fatal",
    "acuity": r"acute on chronic|acute onset|acute(?:ly)?|subacute|hyperacute|chronic(?:ally)?|"
    r"sudden(?:ly)?(?: onset)?|long-?standing|persistent|progressive|intermittent|paroxysmal",
    "technique": r"multi-?slice|multi-?detector|spiral|helical|high[- ]resolution|(?:colou?r )?doppler|duplex|"
    r"(?:laparo|endo|thoraco|arthro|broncho|fluoro)scopic(?:ally)?|fib(?:er|re)optic|robot(?:ic|-assisted)|open|"
    r"percutaneous|"
    r"(?:ct|ultrasound|image|us)-guided|trans(?:thoracic|o?esophageal|abdominal|vaginal|rectal)|[23]d|[23]-dimensional|"
    r"(?:two|three)-dimensional|t[12]-weighted|minimally invasive|stereotactic|core needle|fine[- ]needle|core|"
    r"excisional|incisional|plain|radical|partial|total|subtotal",
    "contrast": r"(?:with |without |no |non-?)?(?:iv |intravenous |oral )?contrast(?:[- ]enhanced| (?:medium|material|"
    r"agent|enhancement))?|gadolinium(?:-enhanced)?|un-?enhanced|enhanced",
    "views": r"(?:one|two|three|four|single|multiple|[1-4])[- ]views?|(?:(?-i:PA|AP)|frontal) and lateral|"
    r"antero-?posterior|postero-?anterior|(?:lateral|oblique|frontal) views?|(?-i:PA|AP)",
    "episode": r"(?:initial|subsequent)(?: (?:encounter|episode))?|(?:first|second|single) episode|recurrent|recurring|"
    r"relaps(?:ed|ing)|in (?:full |partial )?remission|repeat(?:ed)?|follow-?up|sequela",
    "stage": r"(?:stage|grade|class|type) (?:\d|[ivx]+)[a-c]?|[cp]?T[0-4x][a-d]?N[0-3x][a-c]?M[01x][a-c]?",
    "strength": r"\d[\d.,]{0,20}\s{0,3}(?:mg|mcg|[\u00b5\u03bc]g|ug|g|ml|units?|iu|meq|mmol|%)"
    r"(?:\s{0,3}/\s{0,3}(?:\d{0,9}\s{0,3}ml|actuation))?",
    "route": r"oral(?:ly)?|by mouth|p\.o\.?|po|intravenous(?:ly)?|i\.v\.?|iv|intramuscular(?:ly)?|i\.m\.?|im|"
    r"subcutaneous(?:ly)?|s\.c\.?|sc|sq|topical(?:ly)?|inhaled|inhalation|nebuli[sz]ed|rectal(?:ly)?|sublingual(?:ly)?|"
    r"transdermal|ophthalmic|otic|intranasal|nasal|intrathecal|vaginal",
    "form": r"tablets?|pills?|capsules?|solution|suspension|syrup|cream|ointment|gel|lotion|patch(?:es)?|drops?|spray|"
    r"inhaler|suppositor(?:y|ies)|inject(?:ion|able)s?|powder|(?:extended|delayed|sustained|slow)[- ]release|chewable|"
    r"enteric[- ]coated|(?-i:ER|XR|SR|XL)",
}
"""Words that say an aspect, in any casing but where they say ``(?-i:``; written by hand after the modifiers of
MACCROBAT2020. R and L are sides only alone or before a word: not in L4, L spine, R wave."""

WRITTEN: dict[str, str] = {
    **dict.fromkeys(("r", "rt", "right side", "right-side", "right sided", "right-sided"), "right"),
    **dict.fromkeys(("l", "lt", "left side", "left-side", "left sided", "left-sided"), "left"),
    **dict.fromkeys(("b/l", "both", "both side", "both-side", "both sided", "both-sided", "bilaterally"), "bilateral"),
    **dict.fromkeys(("right and left", "left and right"), "bilateral"),
    "unilaterally": "unilateral",
    **dict.fromkeys(("contrast-enhanced", "contrast enhanced", "enhanced", "gadolinium-enhanced"), "with contrast"),
    **dict.fromkeys(("unenhanced", "un-enhanced", "noncontrast", "non-contrast", "no contrast"), "without contrast"),
    "gadolinium": "with contrast",
    **dict.fromkeys(("orally", "by mouth", "p.o", "po"), "oral"),
    **dict.fromkeys(("intravenously", "i.v", "iv"), "intravenous"),
    **dict.fromkeys(("intramuscularly", "i.m", "im"), "intramuscular"),
    **dict.fromkeys(("subcutaneously", "s.c", "sc", "sq"), "subcutaneous"),
    **dict.fromkeys(("pill", "pills"), "tablet"),
    **dict.fromkeys(("er", "xr", "sr", "xl"), "extended release"),
}
"""How code systems write what a note abbreviates; other terms enter a query as the note has them."""


class Enrichment(NamedTuple):
    """One rule: over ``relation``, a ``modifier`` joins the query of a mention with one of ``labels``.

    ``target`` says which end of the relation is the mention that is coded. What is said of a modifier joins too: "left"
    of the "lower lobe" of a "mass". Of the modifier's words, those in ``ASPECT_TERMS`` of ``aspects`` say these, all
    others say ``rest``; where that is None they do not enter. Without a modifier that ``may_drop`` the code is less
    specific; without another it may be one of something else: a liver's lesion is no lesion of the skin.
    """

    relation: str
    modifier: str
    labels: tuple[str, ...]
    target: Literal["head", "tail"]
    may_drop: bool
    aspects: tuple[str, ...]
    rest: str | None


_PROBLEMS = ("Disease_disorder", "Sign_symptom", "History")
_PROCEDURES = ("Diagnostic_procedure", "Therapeutic_procedure")
_SITE = ("Biological_structure",)
_DRUG = ("strength", "route", "form")

SIDED_LABELS = frozenset(_PROBLEMS + _PROCEDURES + _SITE)
"""Labels of what has a side: R and L in their mentions are right and left."""

# papers/004, "Enriching Chunks": severity, location in the body, administration, method. MODIFY runs from modifier to
# target. Which labels modify which, and what they say: the relations of MACCROBAT2020.
# fmt: off
ENRICHMENTS: tuple[Enrichment, ...] = (
    Enrichment("MODIFY", "Biological_structure", _PROBLEMS + _PROCEDURES, "tail", may_drop=False,
               aspects=("laterality",), rest="body site"),
    Enrichment("MODIFY", "Biological_structure", _SITE, "tail", may_drop=True,  # "lumbar" of the "spine"
               aspects=("laterality",), rest="body site"),
    Enrichment("MODIFY", "Detailed_description", _SITE, "tail", may_drop=True,  # "left" of the "lower lobe"
               aspects=("laterality",), rest=None),
    Enrichment("MODIFY", "Lab_value", _SITE, "tail", may_drop=True,  # "both" of the "breasts"
               aspects=("laterality",), rest=None),
    Enrichment("MODIFY", "Detailed_description", _PROBLEMS, "tail", may_drop=True,
               aspects=("laterality", "severity", "acuity", "episode", "stage"), rest="detail"),
    Enrichment("MODIFY", "Detailed_description", _PROCEDURES, "tail", may_drop=True,
               aspects=("laterality", "technique", "contrast", "views", "episode"), rest="detail"),
    Enrichment("MODIFY", "Severity", _PROBLEMS, "tail", may_drop=True,
               aspects=("stage",), rest="severity"),
    Enrichment("MODIFY", "Severity", ("Detailed_description",), "tail", may_drop=True,  # "mild" "left" effusion
               aspects=(), rest="severity"),
    Enrichment("MODIFY", "Lab_value", _PROBLEMS, "tail", may_drop=True,
               aspects=("stage",), rest=None),
    Enrichment("MODIFY", "Dosage", ("Medication",), "tail", may_drop=True,
               aspects=_DRUG, rest=None),
    Enrichment("MODIFY", "Administration", ("Medication",), "tail", may_drop=True,
               aspects=_DRUG, rest="route"),
    Enrichment("MODIFY", "Detailed_description", ("Medication",), "tail", may_drop=True,
               aspects=_DRUG, rest="detail"),
)
# fmt: on
"""Rules in the order in which their modifiers enter the query."""

_CLINICAL = ("body site", "laterality", "severity", "acuity", "episode", "stage", "detail")
_IMAGING = ("body site", "laterality", "technique", "contrast", "views", "detail")
# Ours, from what the names of each system hold; share of names counted in the tables that come with kgbuild.
ASPECTS_OF_SYSTEM: dict[str, tuple[str, ...]] = {
    # a side in 33 %, the visit in 50 %, stage or type in 7 %, acuity in 3 %, severity in 1 %
    "icd10cm": _CLINICAL,
    # site, approach and device; the side is part of the body part's name; no severity
    "icd10pcs": ("body site", "laterality", "technique", "contrast", "detail"),
    # all clinical ones, and what a procedure is done with; drugs by strength, route and form
    "snomedct": ASPECTS,
    # site, technique, contrast and the number of views; a side is said by a modifier code (LT, RT, 50), not by the code
    "cpt": ("body site", "technique", "contrast", "views", "episode", "detail"),
    # supplies and drugs: dose in 15 %, route in 17 %; a side in 1 %, where it is said by a modifier code too
    "hcpcs": ("body site", "technique", "contrast", "views", "strength", "route", "form", "detail"),
    # a clinical drug is ingredient, strength and form, which says the route
    "rxnorm": (*_DRUG, "detail"),
    # radiology by region, side, view, contrast, technique; the laboratory by specimen and method, which are details
    "loinc": _IMAGING,
    # headings: of sides, severity and dose next to none (under 0.2 %)
    "mesh": ("body site", "acuity", "technique", "stage", "detail"),
    # "unilateral", "bilateral" in 2 %, acuity in 2 %, severity in 0.6 %, which are mostly modifiers of their own
    "hpo": ("body site", "laterality", "severity", "acuity", "episode", "detail"),
}
"""By system: the aspects that help to find its codes; others do not enter its query, as no name answers to them. A
system that is not here is asked with all."""

BODY_WORDS = frozenset(
    "abdomen abdominal adrenal anal ankle anus aorta aortic appendix arm artery back biliary bladder blood body bone "
    "bowel brain breast bronchus bronchial buttock cardiac carotid cecum cerebral cervical cervix chest clavicle colon "
    "cornea coronary cranial cutaneous dental duodenum ear elbow endometrium esophagus eye eyelid face femur "
    "finger foot forearm gallbladder gastric genital gingiva gum hair hand head heart hepatic hip humerus ileum "
    "intestine jaw jejunum joint kidney knee larynx leg lens limb lip liver lung lymph mediastinum mouth muscle nail "
    "nasal neck nerve nipple nose ocular oral orbit ovary palate pancreas parotid pelvis pelvic penis pericardium "
    "peritoneum pharynx pituitary placenta pleura pleural prostate pulmonary rectum renal retina rib "
    "salivary scalp scrotum shoulder sinus skin skull spine spinal spleen stomach subcutaneous tendon testis thigh "
    "thorax throat thumb thyroid toe tongue tonsil tooth trachea ureter urethra urinary uterus uvula vagina vein "
    "vertebra vulva wrist".split()
)
"""Body sites as names of codes have them, normalised: a code that names one stands for no mention that has another."""


class Qualifier(NamedTuple):
    """A concept of SNOMED CT that refines others."""

    code: str
    name: str


# SNOMED CT Concept Model (SNOMED International, Editorial Guide): Finding site and Severity refine clinical findings,
# Procedure site - Direct procedures, Laterality body structures.
FINDING_SITE = Qualifier("363698007", "Finding site")
PROCEDURE_SITE = Qualifier("405813007", "Procedure site - Direct")
LATERALITY = Qualifier("272741003", "Laterality")
SEVERITY = Qualifier("246112005", "Severity")
SITE_ATTRIBUTES: dict[str, Qualifier] = {
    **dict.fromkeys(_PROBLEMS, FINDING_SITE),
    **dict.fromkeys(_PROCEDURES, PROCEDURE_SITE),
}
"""Label -> the attribute that says where in the body."""

LATERALITY_VALUES: dict[str, Qualifier] = {
    "left": Qualifier("7771000", "Left"),
    "right": Qualifier("24028007", "Right"),
    "bilateral": Qualifier("51440002", "Right and left"),
    "unilateral": Qualifier("66459002", "Unilateral"),
}
SEVERITY_VALUES: dict[str, Qualifier] = {
    **dict.fromkeys(("mild", "mildly"), Qualifier("255604002", "Mild")),
    **dict.fromkeys(("moderate", "moderately"), Qualifier("6736007", "Moderate")),
    **dict.fromkeys(("severe", "severely"), Qualifier("24484000", "Severe")),
    "mild to moderate": Qualifier("371923003", "Mild to moderate"),
    "moderate to severe": Qualifier("371924009", "Moderate to severe"),
    **dict.fromkeys(("life threatening", "life-threatening"), Qualifier("442452003", "Life threatening severity")),
    "fatal": Qualifier("399166001", "Fatal"),
}
"""Words -> values of the attributes, under Side and Severities in SNOMED CT."""

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
