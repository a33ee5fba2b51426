"""PHEE (Sun et al. 2022): sentences with adverse and therapeutic drug events, their arguments as mentions."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

from extractors.corpora.annotated import Annotated, check_known, check_text, make_document, mention_at
from extractors.corpora.files import corpus_files, json_items, member
from extractors.document import ExtractionError, Mention, Relation

LABELS = (
    "Effect", "Severity", "Subject", "Subject.Age", "Subject.Disorder", "Subject.Gender", "Subject.Population",
    "Subject.Race", "Treatment.Disorder", "Treatment.Dosage", "Treatment.Drug", "Treatment.Duration", "Treatment.Freq",
    "Treatment.Route", "Treatment.Time_elapsed",
)  # fmt: skip
"""The arguments that become mentions. Left out: Treatment, a phrase around the drug and its attributes; Combination,
whose drugs are the treatment's; Trigger, Negated and Speculated, which are cues."""

EVENTS = {"Adverse_event": "Adverse-Effect", "Potential_therapeutic_event": "Therapeutic-Effect"}
"""Event type -> relation of its effects (head) with its drugs (tail), named and directed as in ADE."""

ATTRIBUTES = {
    "Treatment.Dosage": "DOSE",
    "Treatment.Route": "ROUTE",
    "Treatment.Freq": "FREQUENCY",
    "Treatment.Duration": "DURATION",
}
"""Argument -> relation of its drug (head) with it (tail)."""

RELATIONS = (*EVENTS.values(), *ATTRIBUTES.values())

_WHOLES = ("Subject", "Treatment")
_Arguments = dict[str, list[Mention]]


def read_phee(
    path: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    """Return the sentences of a file (JSON Lines) or of a folder's files, in order; ids are ``PMID:n/sentence``.

    The pieces of a discontinuous argument ("methemoglobinemia ... transient pallor") are mentions of their own: most
    are several effects. ``Subject`` holds ``Subject.Age`` and the like inside it. An effect's assertion is absent where
    its event is negated, possible where it is speculated, present where one of its events is neither.

    PHEE gives dosage, route, frequency and duration to a treatment; of several drugs the nearest one gets them.

    Raises:
        ExtractionError: If an item breaks the format, leaves the text, disagrees with it, or has a label or relation
            that is not known; names file:line.
    """
    known = (LABELS if labels is None else labels, RELATIONS if relations is None else relations)
    files = corpus_files(path, ("*.json", "*.jsonl"))
    return [_annotated(where, item, *known) for file in files for where, item in json_items(file)]


def _annotated(where: str, item: dict[str, object], labels: Collection[str], relations: Collection[str]) -> Annotated:
    """Return one sentence."""
    text, name = member(where, item, "context", str), member(where, item, "id", str)
    status: dict[Mention, str] = {}
    linked: list[Relation] = []
    for event in _events(where, item):
        arguments = _arguments(where, event, text)
        for mention in (mention for found in arguments.values() for mention in found):
            check_known(where, "label", mention.label, labels)
            told = _assertion(event) if mention.label == "Effect" else "present"
            status[mention] = min(told, status.get(mention, told), key=("present", "possible", "absent").index)
        linked += _relations(where, event, arguments)
    for relation in linked:
        check_known(where, "relation", relation.label, relations)
    final = {mention: replace(mention, assertion=told) for mention, told in status.items()}
    ends = [Relation(final[relation.head], final[relation.tail], relation.label) for relation in linked]
    return Annotated(f"PMID:{name.replace('_', '/')}", make_document(text, final.values(), ends))


def _events(where: str, item: dict[str, object]) -> Iterator[dict[str, object]]:
    """Yield the events of a sentence."""
    for annotation in member(where, item, "annotations", list):
        match annotation:
            case {"events": [*events]} if all(isinstance(event, dict) for event in events):
                yield from events
            case _:
                raise ExtractionError(f"{where}: expected a list of objects 'events'")


def _arguments(where: str, event: dict[str, object], text: str) -> _Arguments:
    """Return label -> mentions of the arguments of an event."""
    found: _Arguments = {}
    for name, value in event.items():
        if not isinstance(value, dict):
            continue
        parts = {f"{name}.{part}": inner for part, inner in value.items()} if name in _WHOLES else {}
        for label, argument in {name: value, **parts}.items():
            if label in LABELS:
                found[label] = list(_mentions(where, label, argument, text))
    return found


def _mentions(where: str, label: str, argument: object, text: str) -> Iterator[Mention]:
    """Yield the pieces of an argument as mentions."""
    match argument:
        case {"text": [*texts], "start": [*starts]} if len(texts) == len(starts):
            for written, first in zip(texts, starts, strict=True):
                yield from _pieces(f"{where}, {label}", label, written, first, text)
        case _:
            raise ExtractionError(f"{where}: expected lists 'text' and 'start' of equal length in {label}")


def _pieces(where: str, label: str, texts: object, starts: object, text: str) -> Iterator[Mention]:
    """Yield the pieces of one span, which has as many starts."""
    if not (isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts)):
        raise ExtractionError(f"{where}: expected as many starts as texts")
    for written, start in zip(texts, starts, strict=True):
        if not (isinstance(written, str) and isinstance(start, int)):
            raise ExtractionError(f"{where}: expected a text and its start")
        mention = mention_at(where, text, start, start + len(written), label)
        check_text(where, start, start + len(written), mention.text, written)
        yield mention


def _assertion(event: dict[str, object]) -> str:
    """Return the status of an event."""
    if "Negated" in event:
        return "absent"
    return "possible" if "Speculated" in event else "present"


def _relations(where: str, event: dict[str, object], arguments: _Arguments) -> Iterator[Relation]:
    """Yield the relations of one event."""
    kind = member(where, event, "event_type", str)
    check_known(where, "event", kind, EVENTS)
    drugs = arguments.get("Treatment.Drug", [])
    for effect, drug in product(arguments.get("Effect", []), drugs):
        yield Relation(effect, drug, EVENTS[kind])
    for label, relation in ATTRIBUTES.items():
        for attribute in arguments.get(label, []) if drugs else []:
            yield Relation(min(drugs, key=lambda drug: _gap(drug, attribute)), attribute, relation)


def _gap(one: Mention, other: Mention) -> tuple[int, int]:
    """Return how many characters lie between two mentions, then where the first begins."""
    return max(one.start - other.end, other.start - one.end, 0), one.start
