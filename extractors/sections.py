"""Sections of a note: headings, what they head, and their kind; offsets only, the text is never altered."""

import re
from dataclasses import dataclass
from itertools import pairwise

_NAMES: dict[str, str] = {
    "chief_complaint": (
        "chief complaint | chief complaints | cc | c/c | presenting complaint | reason for visit | reason for "
        "exam | reason for consultation | reason for consult | reason for admission | reason for referral | "
        "complaint | reason for examination | reason for hospital admission | reason for hospitalization | reason "
        "for evaluation | indication | indications | clinical indication | clinical indications | complaints"
    ),
    "history_of_present_illness": (
        "history of present illness | hpi | history of presenting illness | present illness | history of the "
        "present illness | history | hx | brief history | clinical history | subjective | interval history | s | "
        "narrative | present history | history of present illness/hospital course | patient history | history and "
        "physical | clinical"
    ),
    "past_medical_history": (
        "past medical history | pmh | pmhx | past history | medical history | past medical hx | previous medical "
        "history | past surgical history | psh | pshx | surgical history | past medical/surgical history | "
        "pmh/psh | prior history | past medical and surgical history | past psychiatric history | psychiatric "
        "history | prior surgeries | surgeries | past surgical hx | pertinent medical history | significant past "
        "medical history | past ocular history | past gynecologic history | past obstetrical history | "
        "obstetrical history | past oncologic history | birth history | previous surgeries | past medical "
        "problems | past surgeries | previous history | past obstetric history"
    ),
    "family_history": (
        "family history | fhx | fh | family medical history | famhx | family hx | family psychiatric history | fam hx"
    ),
    "social_history": (
        "social history | shx | sh | soc hx | social hx | personal history | personal and social history | habits "
        "| substance abuse history | tobacco | alcohol | occupational history | developmental history | work "
        "status | psychosocial history | legal history | social and developmental history"
    ),
    "family_and_social_history": (
        "family social history | shx/fhx | fhx/shx | family and social history | social/family history"
    ),
    "medications": (
        "medications | medication | meds | current medications | home medications | discharge medications | "
        "current meds | medications at home | medication history | medications on admission | admission "
        "medications | prescriptions | present medications | medications prescribed | outpatient medications | "
        "medications on discharge | rx | mds | current medication | discharge meds | admission meds | "
        "premedications | medications on transfer"
    ),
    "allergies": (
        "allergies | allergy | drug allergies | medication allergies | allergies to medications | allergies to "
        "medicines | known allergies | allergies/adverse reactions | adverse reactions | drug allergy | allergies "
        "to drugs"
    ),
    "review_of_systems": "review of systems | ros | systems review | review of system | systemic review",
    "physical_examination": (
        "physical examination | physical exam | exam | examination | pe | px | objective | o | vital signs | "
        "vitals | vs | neurological examination | neurologic examination | mental status examination | mental "
        "status exam | mse | admission physical examination | physical | examination on admission | general "
        "examination | external examination | physical exam on discharge | physical findings | physical exam on "
        "admission"
    ),
    "laboratory": (
        "laboratory data | laboratory | labs | lab | laboratory studies | lab data | laboratory results | lab "
        "results | laboratory findings | laboratories | laboratory examination | pertinent laboratories | "
        "admission labs | laboratory values | labs on admission | pertinent labs | microbiology | pertinent "
        "results | results | diagnostic data | diagnostic studies | studies | data | ancillary data | diagnostics "
        "| laboratory and x-ray data"
    ),
    "imaging": (
        "imaging | radiology | x-rays | x-ray | imaging studies | radiographs | radiologic studies | mri | ct | "
        "findings | chest x-ray | echocardiogram | radiology data | radiographic studies | ekg | ecg | technique "
        "| comparison | radiographic findings | ultrasound | electrocardiogram | imaging findings | "
        "interpretation"
    ),
    "assessment": (
        "assessment | impression | impressions | diagnosis | diagnoses | conclusion | conclusions | a | final "
        "impression | clinical impression | diagnostic impression | summary | problem list | opinion | "
        "formulation | problems | axis i | axis ii | axis iii | axis iv | axis v | discussion | medical decision "
        "making | problems/diagnoses | impression/diagnosis | differential diagnosis | active problems | "
        "preoperative diagnosis | preoperative diagnoses | postoperative diagnosis | postoperative diagnoses | "
        "discharge diagnosis | discharge diagnoses | final diagnoses"
    ),
    "plan": (
        "plan | plans | recommendations | recommendation | assessment and plan | assessment/plan | "
        "impression/plan | a/p | impression and plan | treatment plan | p | disposition | follow-up | followup | "
        "follow up | assessment & plan | a&p | impression and recommendations | impression/recommendations | "
        "assessment and recommendations | postoperative plan | diagnosis and plan | plan of care"
    ),
    "instructions": (
        "discharge instructions | patient instructions | instructions | post procedure instructions | return "
        "precautions | followup instructions | follow-up instructions | activity | diet | postoperative "
        "instructions"
    ),
    "hospital_course": (
        "hospital course | course | brief hospital course | emergency department course | clinical course | ed "
        "course | course in hospital | hospital course by problem | hospital course and treatment | icu course"
    ),
    "procedure": (
        "procedure | procedures | operation | operations | procedure performed | procedures performed | "
        "anesthesia | surgery | operative procedure | operation performed | title of operation | estimated blood "
        "loss | ebl | complications | procedure in detail | description of procedure | specimens | specimen | "
        "drains | tourniquet time | blood loss | operative findings | operative note | procedure note | surgeon | "
        "assistant | iv fluids | fluids | hemostasis"
    ),
}
KINDS: dict[str, tuple[str, ...]] = {kind: tuple(names.split(" | ")) for kind, names in _NAMES.items()}
"""Names of headings (lower case, single spaces, no colon) by kind; from MTSamples and common American usage."""

ENDINGS: dict[str, str] = {
    "diagnosis": "assessment",
    "diagnoses": "assessment",
    "impression": "assessment",
    "medications": "medications",
    "meds": "medications",
    "allergies": "allergies",
    "examination": "physical_examination",
    "exam": "physical_examination",
    "instructions": "instructions",
    "course": "hospital_course",
    "procedure": "procedure",
    "procedures": "procedure",
    "operation": "procedure",
    "surgery": "procedure",
    "detail": "procedure",
    "details": "procedure",
    "performed": "procedure",
    "labs": "laboratory",
    "plan": "plan",
    "recommendations": "plan",
}
"""Kind of a heading that is in no list, by its last word."""

SYSTEMS = frozenset(
    (
        "general constitutional head eyes ears nose throat mouth neck chest lungs heart abdomen back spine skin "
        "extremities extremity heent cardiac cardiovascular cv pulmonary pulm respiratory resp gastrointestinal gi "
        "genitourinary gu musculoskeletal msk neurologic neurological neuro psychiatric psych endocrine hematologic "
        "heme lymphatic renal rectal pelvic breasts genitalia vascular integumentary allergic immunologic infectious "
        "gen abd ext appearance id gyn ob motor sensory reflexes gait coordination cn ms re dob lymph nodes urological "
        "cvs cns ent dermatologic hematological psychological and mother father brother sister siblings sex age date "
        "name mrn note "
    ).split()
)
"""Words that open a line inside a section, mostly organ systems: no headings."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what it heads, as closed-open spans of the text.

    Attributes:
        heading: Start and end of the heading, its colon included.
        body: Start and end of what follows, up to the next heading.
        kind: A key of ``KINDS``, or None if the heading is none we know.
    """

    heading: tuple[int, int]
    body: tuple[int, int]
    kind: str | None


_KIND_OF_NAME = {name: kind for kind, names in KINDS.items() for name in names}
_WORD = re.compile(r"[^\W\d_]+")
_LINE = re.compile(
    r"^[^\S\r\n]{0,20}(?:(?:\d{1,2}|[A-Z])[.)][^\S\r\n]{1,3})?"
    r"(?P<name>[^\W\d_][^\n\r:]{0,70}?)[^\S\r\n]{0,3}(?::|(?=[^\S\r\n]{0,3}\r?$))",
    re.MULTILINE,
)
_INSIDE = re.compile(
    r"(?:(?<=[.;!?)])\s|(?<=\S)[^\S\r\n]{2})\s{0,40}(?P<name>[A-Z][A-Za-z/&-]{1,20}(?: [A-Za-z/&-]{1,20}){0,5}):"
)


def sections(text: str) -> list[Section]:
    r"""Return the sections in order; what stands before the first heading is in none.

    A heading is a known name before a colon or alone on its line, or any name in capitals before a colon; behind a
    sentence on the same line, a known name before a colon.

    >>> [(text[slice(*s.heading)], s.kind) for text in ["PMH: MI.\nPlan: rest"] for s in sections(text)]
    [('PMH:', 'past_medical_history'), ('Plan:', 'plan')]
    """
    headings = _headings(text)
    return [
        Section((start, stop), (stop, end), kind_of(text[start:stop]))
        for (start, stop), (end, _) in pairwise([*headings, (len(text), len(text))])
    ]


def kind_of(heading: str) -> str | None:
    """Return the kind of section that a heading opens, or None.

    >>> kind_of("Past Medical History:"), kind_of("SECONDARY DIAGNOSES"), kind_of("RICE")
    ('past_medical_history', 'assessment', None)
    """
    name = _key(heading)
    return _KIND_OF_NAME.get(name, ENDINGS.get(name.split(" ")[-1]))


def _key(heading: str) -> str:
    """Return a heading as the tables have it."""
    name = re.sub(r"\s*\(.*", "", heading.lower().rstrip(": \t"))  # without a bracket, "DIAGNOSIS (ES)"
    return re.sub(r"\s*/\s*", "/", " ".join(name.split()))


def _headings(text: str) -> list[tuple[int, int]]:
    """Return the spans of the headings in order, with their colons."""
    spans = [(m.start("name"), m.end()) for m in _LINE.finditer(text) if _opens_section(m["name"], m[0][-1] == ":")]
    inside = [(m.start("name"), m.end()) for m in _INSIDE.finditer(text) if _is_known(m["name"])]
    return sorted({*spans, *inside})


def _is_known(name: str) -> bool:
    """Tell whether a name inside a line is that of a section."""
    return len(name) > 2 and (_key(name) in _KIND_OF_NAME or (name.isupper() and kind_of(name) is not None))


def _opens_section(name: str, has_colon: bool) -> bool:
    """Tell whether what begins a line is a heading."""
    key = _key(name)
    words = _WORD.findall(key)
    if not words or SYSTEMS.issuperset(words):
        return False
    if key in _KIND_OF_NAME:
        return (has_colon and (len(key) > 2 or name.isupper())) or (name[0].isupper() and len(key) > 2)
    return has_colon and name.isupper() and len(key) > 2
