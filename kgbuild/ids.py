"""Ids built from content, never random: the same note gives the same ids on every machine."""

from functools import lru_cache

from extractors.document import Mention
from kgbuild.note import composed
from ontologies.segment import segment, text_of


def path(*parts: str) -> str:
    """Join parts with ``/``, each as a segment of an IRI's path, so that different parts never give one id.

    Only letters, digits and ``_.-~`` stand for themselves, and no part is ``.`` or ``..``: the result can end an IRI
    or a URL as it is.

    >>> path("note", "p1/2019 visit"), path("note", "..")
    ('note/p1%2F2019%20visit', 'note/~..')
    """
    return "/".join(map(_segment, parts))


@lru_cache(maxsize=10_000)  # a note's id and its labels are quoted for each of its mentions
def _segment(part: str) -> str:
    """Return a part as a segment."""
    return segment(part)


def parts(id: str) -> tuple[str, ...]:
    """Return what ``path`` joined.

    >>> parts("note/p1%2F2019%20visit")
    ('note', 'p1/2019 visit')
    """
    return tuple(map(text_of, id.split("/")))


def patient(patient_id: str) -> str:
    """``patient/p1``, in whatever Unicode spelling it is asked for."""
    return path("patient", composed(patient_id))


def note(note_id: str) -> str:
    """``note/n1``, in whatever Unicode spelling it is asked for."""
    return path("note", composed(note_id))


def encounter(patient_id: str, encounter_id: str) -> str:
    """``encounter/p1/e7``: hospitals number encounters each on their own, so the patient is part of it."""
    return path("encounter", patient_id, encounter_id)


def mention(note_id: str, mention: Mention) -> str:
    """``mention/n1/40-46/Disease_disorder``: offsets and label are one mention's in a document.

    >>> from extractors.document import Mention
    >>> mention("n1", Mention(40, 46, "Disease_disorder", "lesion"))
    'mention/n1/40-46/Disease_disorder'
    """
    return path("mention", note_id, f"{mention.start}-{mention.end}", mention.label)


def concept(system: str, code: str) -> str:
    """``concept/icd10cm/K76.9``."""
    return path("concept", system, code)
