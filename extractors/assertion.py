"""Assertion status of mentions by the words around them: ConText with the tables of ``cues.py``.

A cue reaches from where it stands over the list it belongs to ("denies hypertension, psychosis and glaucoma": all three), up to a
stop ("no fever but cough") or the end of the sentence or section. Where no cue reaches, the section decides, then the
label, and else a mention is present.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from extractors.cues import (
    COMPANY,
    CUES,
    FAMILY,
    PRECEDENCE,
    PSEUDO,
    RELATIVES,
    REPORTING,
    STATUS_OF_LABEL,
    STATUS_OF_SECTION,
    STOPS,
    Cue,
)
from extractors.document import Mention
from extractors.sections import Section, sections
from extractors.text import sentences

LABELS = frozenset(
    "Disease_disorder Sign_symptom Diagnostic_procedure Therapeutic_procedure Medication Clinical_event History Family_history "
    "Outcome Activity Coreference".split()
)
"""Labels of what can be absent, possible or past; mentions of other labels stay as they are."""

DONE = frozenset("Diagnostic_procedure Therapeutic_procedure Medication Clinical_event Activity".split())
"""Labels of what is done and can be planned."""
