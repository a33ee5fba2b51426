"""MACCROBAT2020 (Caufield et al. 2019): labels, relations and the split that the shipped model is trained on."""

from collections.abc import Collection, Sequence
from itertools import product
from pathlib import Path

from extractors.corpora.annotated import Annotated, check_labels, make_document
from extractors.corpora.brat import read_brat
from extractors.corpora.splits import Split
from extractors.document import Document, ExtractionError, Mention, Relation
from extractors.strict_json import loads

LABELS = (
    "Activity", "Administration", "Age", "Area", "Biological_structure", "Clinical_event", "Color", "Coreference",
    "Date", "Detailed_description", "Diagnostic_procedure", "Disease_disorder", "Distance", "Dosage", "Duration",
    "Family_history", "Frequency", "History", "Lab_value", "Medication", "Nonbiological_location", "Outcome",
    "Personal_background", "Qualitative_concept", "Quantitative_concept", "Severity", "Sex", "Shape", "Sign_symptom",
    "Subject", "Texture", "Therapeutic_procedure", "Time", "Volume",
)  # fmt: skip
"""The 34 labels with at least 30 mentions in the corpus; none is merged. Dropped, too rare to learn or to measure:
Other_event (25), Other_entity (15), Occupation (13), Biological_attribute (10), Height (4), Weight (4), Mass (2)."""

RELATIONS = ("AFTER", "BEFORE", "CAUSE", "IDENTICAL", "MODIFY", "OVERLAP", "SUB_PROCEDURE")
"""The relations learnt; CO-OCCURRENCE (5) is dropped."""

LOCAL = ("CAUSE", "MODIFY", "OVERLAP", "SUB_PROCEDURE")
"""Relations read within a sentence only: in the training split 100, 99, 100 and 90 % of them lie in one line, and
leaving out what a model reads across sentences raises F1 on the validation split."""

_TIMES = ("Date", "Duration", "Time")
_SPLIT = Path(__file__).with_name("maccrobat2020.split.json")


def read_maccrobat(
    folder: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    """Return the 200 reports with the labels and relations above.

    OVERLAP is n-ary in the corpus (up to whole paragraphs). It is kept where it ties a time (Date, Duration, Time) or a
    result (Lab_value, to a Diagnostic_procedure) to an event of the same line; head is the time or the result.

    Raises:
        ExtractionError: As ``read_brat``, or if one of them is not among the labels or relations given.
    """
    items = [Annotated(item.id, _kept(item)) for item in read_brat(folder)]
    check_labels(items, labels, relations)
    return items


def read_split(name: str, folder: Path) -> list[Document]:
    """Return the documents of ``train``, ``validation`` or ``test`` of the checked-in split.

    Raises:
        ExtractionError: If the corpus lacks a document of the split.
    """
    return [item.document for item in _part(name, folder, read_maccrobat(folder))]


def fixed_split(folder: Path) -> Split:
    """Return the checked-in split with the documents' names, which are PMIDs.

    Raises:
        ExtractionError: As ``read_split``.
    """
    items = read_maccrobat(folder)
    return Split(*(_part(name, folder, items) for name in ("train", "validation", "test")))


def _part(name: str, folder: Path, items: Sequence[Annotated]) -> list[Annotated]:
    """Return the documents of a part of the checked-in split."""
    by_id = {item.id: item for item in items}
    wanted = loads(_SPLIT.read_text("utf-8"))[name]
    missing = sorted(set(wanted) - by_id.keys())
    if missing:
        raise ExtractionError(f"{folder}: {len(missing)} documents of the {name} split are missing, first {missing[0]}")
    return [by_id[key] for key in wanted]


def _kept(item: Annotated) -> Document:
    """Return the document with the labels and relations that are learnt."""
    document = item.document
    mentions = [m for m in document.mentions if m.label in LABELS]
    known = set(mentions)
    relations = [r for r in document.relations if r.label in RELATIONS]
    for label, members in item.groups:
        if label == "OVERLAP":
            relations += [Relation(a, b, label) for a, b in product(members, members) if _dates(document.text, a, b)]
    return make_document(document.text, mentions, [r for r in relations if r.head in known and r.tail in known])


def _dates(text: str, head: Mention, tail: Mention) -> bool:
    """Tell whether ``head`` is a time or result of the event ``tail`` in the same line."""
    tied = head.label in _TIMES and tail.label not in _TIMES
    result = head.label == "Lab_value" and tail.label == "Diagnostic_procedure"
    return (tied or result) and "\n" not in text[min(head.start, tail.start) : max(head.end, tail.end)]
