"""Whatever a note holds, it is read, coded, written and answered: texts of many scripts through the whole line.

``KGBUILD_EXAMPLES`` sets how many texts are tried a test, for a long search.
"""

import hashlib
import json
import math
import os
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from extractors.annotate import annotate
from extractors.dates import MONTHS
from extractors.document import ASSERTIONS, Document, Extractor, Mention, Relation
from extractors.phrases import FREQUENCIES, WEEKDAYS
from extractors.quantities import UNIT_OF_WORD
from extractors.runtime import JointExtractor
from extractors.text import folded, words
from kgbuild.compare import compare
from kgbuild.faults import stop
from kgbuild.graph import note_graph
from kgbuild.note import Note
from kgbuild.pipeline import Setup, ingest, resolve_notes
from kgbuild.query import timeline, trend
from kgbuild.records import from_json, to_json
from kgbuild.schema import CODED_LABELS, EDGE_TYPES, ENRICHMENTS, EVENT_LABELS, MEASURED_LABELS, TIME_LABELS
from kgbuild.stores import GraphStore
from kgbuild.stores.rdf import RdfStore
from kgbuild.values import _DENOMINATORS, UNITS, parse_value
from ontologies.readers.tsv import read_tsv
from resolvers.index import memory_resolver

EXAMPLES = int(os.environ.get("KGBUILD_EXAMPLES", "0"))
TABLES = Path(__file__).parents[1] / "examples" / "tables"
SYSTEMS = ("cpt", "icd10cm", "snomedct")

tried = settings(
    deadline=None,
    derandomize=EXAMPLES == 0,
    database=None,
    max_examples=EXAMPLES or 25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

# --- texts --------------------------------------------------------------------------------------------------------
SCRIPTS = (
    "肝脏囊肿患者腹痛咳嗽三天",
    "यकृतमेंपुटीहैज्वर",
    "печень киста жар",
    "كيسة في الكبد ٣ أيام",
    "ציסטה בכבד",
    "\u200b\u200c\u200d\ufeff\u2060\u00ad",
    "👩‍⚕️🏥🩺❤️",
    "e\u0301o\u0308\u0323\u20dd",
    "İıſKßﬁǅΐ",  # lower case, or case folded, they are others, or more
    "٣３𝟙५²³½⅓Ⅳ①",
    " \t\r\n\x0b\x0c\x1c\x85\u00a0\u2003\u2028\u3000",
    "()[]{}<>«»\"'`\\|&;:/.,-–—_+*^%°ºµμ≤≥×·~#@$",
    "\x01\x07\x1b\x7f\x9b",
    "aZ09",
)
CLINICAL = (
    "GFR was 60 mL/min per1.73 m2", "BP 120/80 mmHg", "3.2 x 2.1 cm cyst", "mild", "left and right", "both-sided",
    "liver lesion", "No fever, cough or", "denies", "family history of", "father had",
    "CT scan of the chest with contrast",
    "aspirin 81 mg", "b.i.d.", "q 6-8 h", "on 31/02/2019", "0000-00-00", "2019-13-45", "3/4", "in 1900", "12/31/9999",
    "99999 days ago", "in 999 years", "999.99 decades ago", "5 hourſ", "4 ſept 2019", "this ſaturday", "10 mın ago",
    "two and a half weeks", "for the past 3 weeks", "POD #3", "day before yesterday", "next March", "February 30",
    "PLAN:", "\n\nIMPRESSION:\n", "\n1) ", "mg/dl/kg/", "x 10^9/L", "10.5 x10³/µL", "<0.01", "grade 2", "to", "per",
    "polycystic kidney disease (PKD)", "PKD", "calcium score of 142", "it measured 2.1 cm", "K", "°C", "1,000,000",
    "since 2015 to present", "[**3-4**]", "R leg", "b/l", "stage IV", "2 tablets po", "severe", "9:61 pm",
)  # fmt: skip
GLUE = st.sampled_from(["", " ", " ", " ", "\n", ", ", "-", "/", ". ", "\u00a0", "\u200b"])
PIECES = st.one_of(
    st.sampled_from(CLINICAL),
    st.sampled_from(CLINICAL).map(str.upper),
    st.sampled_from(SCRIPTS).flatmap(lambda script: st.text(st.sampled_from(script), min_size=1, max_size=12)),
    st.tuples(st.sampled_from("".join(SCRIPTS)), st.sampled_from([2, 30, 300, 600])).map(lambda run: run[0] * run[1]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Return a text that a note may have."""
    pieces = draw(st.lists(st.tuples(PIECES, GLUE), min_size=1, max_size=14))
    text = "".join(piece + glue for piece, glue in pieces).replace("\0", "")
    assume(text and not text.isspace())
    return text


# --- the whole line -----------------------------------------------------------------------------------------------
class Fanciful:
    """Reads mentions of any label and relations of any kind, where a digest of the text says: as a model may."""

    labels = sorted({*CODED_LABELS, *EVENT_LABELS, *TIME_LABELS, *MEASURED_LABELS, "Severity", "Coreference", "Dosage"})
    relations = sorted({*(rule.relation for rule in ENRICHMENTS), *EDGE_TYPES, "AFTER", "OVERLAP", "unheard of"})

    def __call__(self, texts: Sequence[str]) -> list[Document]:
        return [self._read(text) for text in texts]

    def _read(self, text: str) -> Document:
        chance = random.Random(hashlib.sha256(text.encode()).hexdigest())  # noqa: S311
        found, place = [], 0
        spans = words(text)
        while place < len(spans):
            end = min(place + chance.choice((1, 1, 2, 3, 8)), len(spans))
            start, stop = spans[place][0], spans[end - 1][1]
            if chance.random() < 0.7:
                score, status = round(chance.random(), 4), chance.choice(ASSERTIONS)
                found.append(Mention(start, stop, chance.choice(self.labels), text[start:stop], status, score))
            place = end
        ends = [(chance.choice(found), chance.choice(found)) for _ in found] if len(found) > 1 else []
        said = {(a, b, chance.choice(self.relations)) for a, b in ends if a is not b}
        kept = sorted(said, key=lambda one: (one[0].start, one[1].start, one[2]))
        return Document(text, tuple(found), tuple(Relation(a, b, label, 0.5) for a, b, label in kept))


def setup_of(extractor: Extractor) -> Setup:
    tables = {system: read_tsv(system, "test", [TABLES / f"{system}.tsv"]) for system in SYSTEMS}
    resolvers = {system: memory_resolver(table, threshold=0.2) for system, table in tables.items()}
    return Setup(extractor, resolvers, "any", tables)


@pytest.fixture(scope="module")
def fanciful() -> Setup:
    return setup_of(Fanciful())


@pytest.fixture(scope="module", params=[JointExtractor, Fanciful])
def setup(request: pytest.FixtureRequest) -> Setup:
    return setup_of(request.param())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    with RdfStore(tmp_path_factory.mktemp("any") / "kg", create=True) as opened:
        yield opened


DAY = date(2019, 3, 14)


@tried
@example("GFR was 60 mL/min per1.73 m2", DAY)
@example("肝" * 511, DAY)
@example("\u0301" * 600 + " cyst " + "9" * 5000, DAY)
@example("5 mın ago, on 4 ſept 2019, this ſaturday, 2 x 10^٩/L", DAY)
@given(text=texts(), day=st.sampled_from([DAY, None, date(1, 1, 1), date(9999, 12, 31)]))
def test_any_text_goes_through_the_whole_line(setup: Setup, store: GraphStore, text: str, day: date | None) -> None:
    note = Note("n1", text, "p1", "e1", day)
    (resolved,) = resolve_notes([note], setup)
    line = json.loads(json.dumps(to_json(resolved), allow_nan=False))
    assert to_json(from_json(line)) == to_json(resolved)
    compare(resolved, setup.tables)
    for with_text in (True, False):
        ingest([note], replace(setup, with_text=with_text), store, stop)
    assert {e.note for event in timeline(store, "p1") for e in event.evidence} <= {"n1"}
    trend(store, "p1", "cyst")


def test_fanciful_readings_reach_every_stage(setup: Setup) -> None:
    """What the texts go through is no empty line: both readers find something to code and to date."""
    text = (
        "CT scan of the chest on 3/4/2019 with contrast showed a 2.1 cm cyst of the liver and a mild lesion of 3 cm. "
    )
    (resolved,) = resolve_notes([Note("n1", text * 5, "p1")], setup)
    assert len(resolved.document.relations) > 5
    assert {"cpt", "snomedct", "icd10cm"} >= {r.system for r in resolved.resolutions if r.best is not None} > set()
    assert any(time.start for time in resolved.document.times)


# --- parts of it --------------------------------------------------------------------------------------------------
MEASURES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["1", "60", "1.5", ".5", "1,000", "1,5", "12-13", "3 x 4", "120/80", "٣", "３", "<5"]),
        *[
            st.sampled_from(["", " ", "\n", "-", "per", " per ", "/", " / ", "\u00a0", "\u3000", "\x1c", "\u200b"]),
            st.sampled_from([*UNITS, *_DENOMINATORS, "x10^3/", "9/l", "²", "1.73", "9" * 400]),
        ]
        * 3,
    ),
)
MIXED = st.sampled_from([str, str.upper, str.title, lambda text: text.replace("s", "ſ").replace("i", "ı")])


@settings(tried, max_examples=20 * tried.max_examples)
@given(st.one_of(st.builds(lambda change, text: change(text), MIXED, MEASURES), texts()))
def test_any_measure_is_a_value(text: str) -> None:
    value = parse_value(text)
    assert value.number is None or math.isfinite(value.number)
    assert value.unit is None or value.number is not None or value.text != ""


@pytest.mark.parametrize("below", sorted(_DENOMINATORS))
def test_every_unit_over_every_other_is_read_with_and_without_blanks(below: str) -> None:
    for unit in UNITS:
        for joint in ("/", " / ", " per ", " per", "per"):
            for text in (f"60 {unit}{joint}{below}", f"60 {unit}{joint}{below}".upper().replace(" ", "\u2003")):
                parse_value(text)


def test_the_rate_that_ended_an_ingest_is_a_value() -> None:
    for text in ("60 mL/min per1.73 m2", "60 mL/min/1.73m2", "60 ML/MIN PER 1.73\u00a0M²", "60 mL/mın per 1.73 m2"):
        assert (parse_value(text).number, parse_value(text).unit) == (60.0, "mL/min/1.73m²")


def test_a_number_that_no_float_holds_is_not_plotted() -> None:
    assert (parse_value("9" * 400 + " mg").number, parse_value("9" * 400 + " mg").unit) == (None, "mg")


def test_folded_knows_every_letter_that_a_pattern_takes_for_another() -> None:
    everything = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    for letter in "abcdefghijklmnopqrstuvwxyz":
        alike = re.findall(letter, everything, re.IGNORECASE)
        assert {folded(other) for other in alike} == {letter}
    for sign in sorted({sign for form in (*UNITS, *_DENOMINATORS) for sign in form} - set(" ")):
        for other in re.findall(re.escape(sign), everything, re.IGNORECASE):
            assert folded(other) == sign or sign == "µ", "the sign of micro is the letter mu, in lower case another one"


@pytest.mark.parametrize("word", sorted({*UNIT_OF_WORD, *MONTHS, *WEEKDAYS, *FREQUENCIES}))
def test_every_word_of_time_is_read_in_letters_that_look_like_its_own(word: str) -> None:
    for text in (word, word.upper(), word.replace("s", "ſ"), word.replace("i", "ı"), word.replace("k", "\u212a")):
        for before in ("5 ", "4 ", "this ", "last ", "every ", "on ", "in ", ""):
            for after in ("", " 2019", " ago", " 4"):
                found = f"{before}{text}{after}"
                for label in ("Date", "Duration"):
                    annotate(Document(found, (Mention(0, len(found), label, found),)), DAY)


# --- time ---------------------------------------------------------------------------------------------------------
ENDLESS = {
    "letters": "a",
    "digits": "9",
    "ideographs": "肝",
    "combining marks": "\u0301",
    "line breaks": "\n",
    "brackets": "(",
    "ratios": "1/",
    "ranges": "1-",
    "decimals": "1.",
    "thousands": "1,",
    "units": "mg/",
    "cues": "no ",
    "amounts": "1 day ",
    "findings": "mild cyst of the liver, 2 cm, on 3/4/2019 ",
    "capitals": "A ",
}
SLOW = 20.0
"""Seconds that 20 kB may take; they take two on an idle machine, and what doubles with each word would take years."""


@pytest.mark.parametrize("name", ENDLESS)
def test_twenty_kilobytes_of_anything_are_read_in_seconds(fanciful: Setup, name: str) -> None:
    """With the reader that is no model: the model's time is that of its windows, which ``test_encode`` counts."""
    piece = ENDLESS[name]
    text = "x" + (piece * 20_000)[:20_000]
    began = time.process_time()
    (resolved,) = resolve_notes([Note("n1", text, "p1", None, DAY)], fanciful)
    note_graph(resolved, "f1")
    to_json(resolved)
    parse_value(text)
    assert time.process_time() - began < SLOW


def test_a_longer_note_takes_as_much_longer(fanciful: Setup) -> None:
    """Eight times the text takes eight times, not sixty-four: with all that can touch, date and measure each other."""
    took = []
    for size in (100, 800):
        note = Note("n1", ENDLESS["findings"] * size, "p1", None, DAY)
        (resolved,) = resolve_notes([note], fanciful)
        began = time.process_time()
        note_graph(resolved, "f1")
        to_json(resolved)
        took.append(time.process_time() - began)
    assert took[1] < 20 * took[0]
