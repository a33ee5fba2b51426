"""Sections of a note: headings, what they head, and their kind; offsets only, the text is never altered."""

import re
from dataclasses import dataclass

KINDS: dict[str, tuple[str, ...]] = {
    "chief_complaint": (
        *("chief complaint", "chief complaints", "cc", "c/c", "presenting complaint", "reason for visit", "reason for exam"),
        *("reason for consultation", "reason for consult", "reason for admission", "reason for referral", "complaint"),
        *("reason for examination", "reason for hospital admission", "reason for hospitalization", "reason for evaluation"),
        *("indication", "indications", "clinical indication", "clinical indications", "complaints"),
    ),
    "history_of_present_illness": (
        *("history of present illness", "hpi", "history of presenting illness", "present illness", "history of the present illness"),
        *("history", "hx", "brief history", "clinical history", "subjective", "interval history", "s", "narrative", "present history"),
        *("history of present illness/hospital course", "patient history", "history and physical", "clinical"),
    ),
    "past_medical_history": (
        *("past medical history", "pmh", "pmhx", "past history", "medical history", "past medical hx", "previous medical history"),
        *("past surgical history", "psh", "pshx", "surgical history", "past medical/surgical history", "pmh/psh", "prior history"),
        *("past medical and surgical history", "past psychiatric history", "psychiatric history", "prior surgeries", "surgeries"),
        *("past surgical hx", "pertinent medical history", "significant past medical history", "past ocular history"),
        *("past gynecologic history", "past obstetrical history", "obstetrical history", "past oncologic history", "birth history"),
        *("previous surgeries", "past medical problems", "past surgeries", "previous history", "past obstetric history"),
    ),
    "family_history": (
        *("family history", "fhx", "fh", "family medical history", "famhx", "family hx", "family psychiatric history", "fam hx"),
    ),
    "social_history": (
        *("social history", "shx", "sh", "soc hx", "social hx", "personal history", "personal and social history", "habits"),
        *("substance abuse history", "tobacco", "alcohol", "occupational history", "developmental history", "work status"),
        *("psychosocial history", "legal history", "social and developmental history"),
    ),
    "family_and_social_history": ("family social history", "shx/fhx", "fhx/shx", "family and social history", "social/family history"),
    "medications": (
        *("medications", "medication", "meds", "current medications", "home medications", "discharge medications", "current meds"),
        *("medications at home", "medication history", "medications on admission", "admission medications", "prescriptions"),
        *("present medications", "medications prescribed", "outpatient medications", "medications on discharge", "rx", "mds"),
        *("current medication", "discharge meds", "admission meds", "premedications", "medications on transfer"),
    ),
    "allergies": (
        *("allergies", "allergy", "drug allergies", "medication allergies", "allergies to medications", "allergies to medicines"),
        *("known allergies", "allergies/adverse reactions", "adverse reactions", "drug allergy", "allergies to drugs"),
    ),
    "review_of_systems": ("review of systems", "ros", "systems review", "review of system", "systemic review"),
    "physical_examination": (
        *("physical examination", "physical exam", "exam", "examination", "pe", "px", "objective", "o", "vital signs", "vitals", "vs"),
        *("neurological examination", "neurologic examination", "mental status examination", "mental status exam", "mse"),
        *("admission physical examination", "physical", "examination on admission", "general examination", "external examination"),
        *("physical exam on discharge", "physical findings", "physical exam on admission"),
    ),
    "laboratory": (
        *("laboratory data", "laboratory", "labs", "lab", "laboratory studies", "lab data", "laboratory results", "lab results"),
        *("laboratory findings", "laboratories", "laboratory examination", "pertinent laboratories", "admission labs"),
        *("laboratory values", "labs on admission", "pertinent labs", "microbiology", "pertinent results", "results"),
        *("diagnostic data", "diagnostic studies", "studies", "data", "ancillary data", "diagnostics", "laboratory and x-ray data"),
    ),
    "imaging": (
        *("imaging", "radiology", "x-rays", "x-ray", "imaging studies", "radiographs", "radiologic studies", "mri", "ct", "findings"),
        *("chest x-ray", "echocardiogram", "radiology data", "radiographic studies", "ekg", "ecg", "technique", "comparison"),
        *("radiographic findings", "ultrasound", "electrocardiogram", "imaging findings", "interpretation"),
    ),
    "assessment": (
        *("assessment", "impression", "impressions", "diagnosis", "diagnoses", "conclusion", "conclusions", "a", "final impression"),
        *("clinical impression", "diagnostic impression", "summary", "problem list", "opinion", "formulation", "problems"),
        *("axis i", "axis ii", "axis iii", "axis iv", "axis v", "discussion", "medical decision making", "problems/diagnoses"),
        *("impression/diagnosis", "differential diagnosis", "active problems"),
    ),
    "plan": (
        *("plan", "plans", "recommendations", "recommendation", "assessment and plan", "assessment/plan", "impression/plan", "a/p"),
        *("impression and plan", "treatment plan", "p", "disposition", "follow-up", "followup", "follow up", "assessment & plan"),
        *("a&p", "impression and recommendations", "impression/recommendations", "assessment and recommendations"),
        *("postoperative plan", "diagnosis and plan", "plan of care"),
    ),
    "instructions": (
        *("discharge instructions", "patient instructions", "instructions", "post procedure instructions", "return precautions"),
        *("followup instructions", "follow-up instructions", "activity", "diet", "postoperative instructions"),
    ),
    "hospital_course": (
        *("hospital course", "course", "brief hospital course", "emergency department course", "clinical course", "ed course"),
        *("course in hospital", "hospital course by problem", "hospital course and treatment", "icu course"),
    ),
    "procedure": (
        *("procedure", "procedures", "operation", "operations", "procedure performed", "procedures performed", "anesthesia", "surgery"),
        *("operative procedure", "operation performed", "title of operation", "estimated blood loss", "ebl", "complications"),
        *("procedure in detail", "description of procedure", "specimens", "specimen", "drains", "tourniquet time", "blood loss"),
        *("operative findings", "operative note", "procedure note", "surgeon", "assistant", "iv fluids", "fluids", "hemostasis"),
    ),
}
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
    "general constitutional head eyes ears nose throat mouth neck chest lungs heart abdomen back spine skin extremities extremity "
    "heent cardiac cardiovascular cv pulmonary pulm respiratory resp gastrointestinal gi genitourinary gu musculoskeletal msk "
    "neurologic neurological neuro psychiatric psych endocrine hematologic heme lymphatic renal rectal pelvic breasts "
    "genitalia vascular integumentary allergic immunologic infectious gen abd ext appearance id gyn ob".split()
)
"""Words of headings inside a section: they take the kind of the section that they stand in."""


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
_NAME = r"[^\W\d_][^\n\r:.;]{0,70}?"
