"""Time expressions, one line a case: the expression in braces, its meaning, and what it counts from. Add lines freely.

Every note is of Friday, 15 May 2020 unless its line says otherwise.
"""

import time
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.document import Mention, TimeExpression
from extractors.quantities import QUANTITY, quantities
from extractors.timex import find_times, normalize_times

NOTE = date(2020, 5, 15)


def spans(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text without its braces, and the spans that they held."""
    plain, found = "", []
    for piece in text.replace("}", "{").split("{"):
        found.append((len(plain), len(plain) + len(piece)))
        plain += piece
    return plain, found[1::2]


def read(text: str, note: date | None = NOTE) -> list[TimeExpression]:
    """Return what the finder finds in a text and what it means."""
    return normalize_times(text, find_times(text), note)


def covers(value: TimeExpression) -> str:
    """Return the days an expression covers as first..last, or one day, or nothing."""
    if value.start is None and value.end is None:
        return ""
    return f"{value.start}" if value.start == value.end else f"{value.start}..{value.end}"


FOUND = [
    # text, label, value, days, anchor
    # Whole dates.
    ("seen on {2019-03-04} for", "Date", "2019-03-04", "2019-03-04", "text"),
    ("at {2019-03-04}T10:30", "Date", "2019-03-04", "2019-03-04", "text"),
    ("on {03/04/2019}", "Date", "2019-03-04", "2019-03-04", "text"),
    ("seen on {3/4/19} for", "Date", "2019-03-04", "2019-03-04", "text"),
    ("CT {3-4-19} clear", "Date", "2019-03-04", "2019-03-04", "text"),
    ("on {13/02/2020}", "Date", "2020-02-13", "2020-02-13", "text"),
    ("on {04.03.2019}", "Date", "2019-03-04", "2019-03-04", "text"),
    ("on {March 4, 2019},", "Date", "2019-03-04", "2019-03-04", "text"),
    ("on {march 4th, 2019}", "Date", "2019-03-04", "2019-03-04", "text"),
    ("on {4 March 2019}.", "Date", "2019-03-04", "2019-03-04", "text"),
    ("on the {4th of March, 2019}", "Date", "2019-03-04", "2019-03-04", "text"),
    ("{04-MAR-2019}: labs", "Date", "2019-03-04", "2019-03-04", "text"),
    ("{04-MAR-19}: labs", "Date", "2019-03-04", "2019-03-04", "text"),
    ("{04MAR2019}", "Date", "2019-03-04", "2019-03-04", "text"),
    ("[**{2019-3-4}**]", "Date", "2019-03-04", "2019-03-04", "text"),
    ("dated {20190304}", "Date", "2019-03-04", "2019-03-04", "text"),
    # Months, years, seasons.
    ("in {3/2019}", "Date", "2019-03", "2019-03-01..2019-03-31", "text"),
    ("{03/2019} MI", "Date", "2019-03", "2019-03-01..2019-03-31", "text"),
    ("in {Mar 2019}", "Date", "2019-03", "2019-03-01..2019-03-31", "text"),
    ("in {March of 2019}", "Date", "2019-03", "2019-03-01..2019-03-31", "text"),
    ("in {late February 2020}", "Date", "2020-02", "2020-02-01..2020-02-29", "text"),
    ("MI in {2015}", "Date", "2015", "2015-01-01..2015-12-31", "text"),
    ("Appendectomy ({1997}).", "Date", "1997", "1997-01-01..1997-12-31", "text"),
    ("in the {fall of 2019}", "Date", "2019-FA", "2019-09-01..2019-11-30", "text"),
    ("in {summer 2019}", "Date", "2019-SU", "2019-06-01..2019-08-31", "text"),
    ("in the {winter of 2018}", "Date", "2018", "2018-01-01..2018-12-31", "text"),
    ("{spring 2019}", "Date", "2019-SP", "2019-03-01..2019-05-31", "text"),
    # Without a year: the nearest not after the note, or not before it when something is planned.
    ("on {3/4} he", "Date", "2020-03-04", "2020-03-04", "note"),
    ("on {7/4} he", "Date", "2019-07-04", "2019-07-04", "note"),
    ("scheduled for {7/4}", "Date", "2020-07-04", "2020-07-04", "note"),
    ("seen {March 4} and", "Date", "2020-03-04", "2020-03-04", "note"),
    ("on {Feb 29} he", "Date", "2020-02-29", "2020-02-29", "note"),
    ("on {December 15}, he", "Date", "2019-12-15", "2019-12-15", "note"),
    ("appointment on {June 3}", "Date", "2020-06-03", "2020-06-03", "note"),
    ("[**{3-4}**]", "Date", "2020-03-04", "2020-03-04", "note"),
    ("in {November} he", "Date", "2019-11", "2019-11-01..2019-11-30", "note"),
    # Counted from the note.
    ("{yesterday} he", "Date", "2020-05-14", "2020-05-14", "note"),
    ("{today} he", "Date", "2020-05-15", "2020-05-15", "note"),
    ("{tomorrow} he", "Date", "2020-05-16", "2020-05-16", "note"),
    ("{last night} he", "Time", "2020-05-14TNI", "2020-05-14", "note"),
    ("{this morning} he", "Time", "2020-05-15TMO", "2020-05-15", "note"),
    ("fell {two weeks ago}", "Date", "2020-05-01", "2020-05-01", "note"),
    ("fell {3 days ago}", "Date", "2020-05-12", "2020-05-12", "note"),
    ("fell {48 hours ago}", "Date", "2020-05-13", "2020-05-13", "note"),
    ("fell {2-3 weeks ago}", "Date", "2020-04-24/2020-05-01", "2020-04-24..2020-05-01", "note"),
    ("{3 months ago}", "Date", "2020-02", "2020-02-01..2020-02-29", "note"),
    ("{3 years ago}", "Date", "2017", "2017-01-01..2017-12-31", "note"),
    ("{half a year ago}", "Date", "2019-11", "2019-11-01..2019-11-30", "note"),
    ("{last month} he", "Date", "2020-04", "2020-04-01..2020-04-30", "note"),
    ("{last year} he", "Date", "2019", "2019-01-01..2019-12-31", "note"),
    ("{last week} he", "Date", "2020-W19", "2020-05-04..2020-05-10", "note"),
    ("{next week} he", "Date", "2020-W21", "2020-05-18..2020-05-24", "note"),
    ("{last March} he", "Date", "2020-03", "2020-03-01..2020-03-31", "note"),
    ("{last May} he", "Date", "2019-05", "2019-05-01..2019-05-31", "note"),
    ("{last Tuesday} he", "Date", "2020-05-12", "2020-05-12", "note"),
    ("{on Tuesday} he", "Date", "2020-05-12", "2020-05-12", "note"),
    ("{last Friday} he", "Date", "2020-05-08", "2020-05-08", "note"),
    ("{next Friday} he", "Date", "2020-05-22", "2020-05-22", "note"),
    ("return {in 2 weeks}", "Date", "2020-05-29", "2020-05-29", "note"),
    ("{6 months earlier} he", "Date", "2019-11", "2019-11-01..2019-11-30", "note"),
    # Up to the note.
    ("{for the past 3 weeks}", "Duration", "P3W", "2020-04-24..2020-05-15", "note"),
    ("{over the last 2 days}", "Duration", "P2D", "2020-05-13..2020-05-15", "note"),
    ("{over the past year}", "Duration", "P1Y", "2019-05-15..2020-05-15", "note"),
    ("a {6-week history} of", "Duration", "P6W", "2020-04-03..2020-05-15", "note"),
    ("cough of {3 weeks' duration}", "Duration", "P3W", "2020-04-24..2020-05-15", "note"),
    ("fever {x 3 days}", "Duration", "P3D", "2020-05-12..2020-05-15", "note"),
    ("fever {x3 days}", "Duration", "P3D", "2020-05-12..2020-05-15", "note"),
    ("{since 2015}", "Duration", "2015/2020-05-15", "2015-01-01..2020-05-15", "text"),
    ("{since last March}", "Duration", "2020-03/2020-05-15", "2020-03-01..2020-05-15", "note"),
    ("{2015 to present}", "Duration", "2015/2020-05-15", "2015-01-01..2020-05-15", "text"),
    # Ranges.
    ("{from 3/4/19 to 3/6/19}", "Duration", "2019-03-04/2019-03-06", "2019-03-04..2019-03-06", "text"),
    ("{3/4/19-3/6/19}", "Duration", "2019-03-04/2019-03-06", "2019-03-04..2019-03-06", "text"),
    ("{between 2011 and 2013}", "Duration", "2011/2013", "2011-01-01..2013-12-31", "text"),
    ("{from June to July 2014}", "Duration", "2014-06/2014-07", "2014-06-01..2014-07-31", "text"),
    # No day can be told.
    ("{several weeks ago}", "Date", "PXW", "", "note"),
    ("{more than 10 years ago}", "Date", "P10Y", "", None),
    ("{One year later}, he", "Date", "XXXX-XX-XX", "", None),
    ("{3 days prior to admission}", "Date", "XXXX-XX-XX", "", None),
    ("{POD #3} well", "Date", "XXXX-XX-XX", "", None),
    ("for {6 weeks} he", "Duration", "P6W", "", None),
    ("{30 minutes} of", "Duration", "PT30M", "", None),
    ("after {3 weeks} of therapy", "Duration", "P3W", "", None),
    ("a {3-day} course", "Duration", "P3D", "", None),
    ("{two and a half years} of", "Duration", "P2.5Y", "", None),
    ("amoxicillin 500 mg po {x 7 days}", "Duration", "P7D", "", None),
    ("{31/02/2019} typed", "Date", "2019-XX-XX", "", None),
    ("{13/45/2020} typed", "Date", "2020-XX-XX", "", None),
    ("at {8 PM} he", "Time", "T20:00", "", None),
    ("at {14:30} he", "Time", "T14:30", "", None),
    ("at {12:05 a.m.} he", "Time", "T00:05", "", None),
    # Sets.
    ("aspirin {daily}", "Frequency", "P1D", "", None),
    ("{twice a day}", "Frequency", "PT12H", "", None),
    ("10 mg {BID}", "Frequency", "PT12H", "", None),
    ("10 mg {t.i.d.}", "Frequency", "PT8H", "", None),
    ("10 mg {q8h}", "Frequency", "PT8H", "", None),
    ("10 mg {q4-6h}", "Frequency", "PTXH", "", None),
    ("{every 3 months}", "Frequency", "P3M", "", None),
    ("{every other day}", "Frequency", "P2D", "", None),
    ("{3 times a week}", "Frequency", "PT56H", "", None),
    ("{twice a month}", "Frequency", "P0.5M", "", None),
    ("{six times a day}", "Frequency", "PT4H", "", None),
    ("{x2 daily}", "Frequency", "PT12H", "", None),
]

HANGING = [
    # The expression in braces comes last; what it hangs on is the other pair.
    ("Seen {3/4/19}. {The following day} he fell.", "2019-03-05"),
    ("Seen {3/4/19}. {Two days later} he fell.", "2019-03-06"),
    ("In {March 2019} he fell; {one year later}, again.", "2020-01-01..2020-12-31"),
    ("Stent in {March 2019}; at {6 months follow-up} well.", "2019-09-01..2019-09-30"),
    ("Admission Date: {2019-03-04}\nFever began {3 days prior to admission}.", "2019-03-01"),
    ("He was admitted on {3/4/19}; well until {one week before admission}.", "2019-02-25"),
    ("Admitted on {3/4/19}. Stable {on admission}.", "2019-03-04"),
    ("Admitted on {3/4/19}. On {hospital day 2} he fell.", "2019-03-05"),
    ("Surgery on {3/4/19}. On {POD #3} he walked.", "2019-03-07"),
    ("Surgery on {3/4/19}. On the {third postoperative day} he walked.", "2019-03-07"),
    ("Date of surgery: {3/4/19}. {2 weeks postoperatively} well.", "2019-03-18"),
    ("Discharged on {3/4/19}. {Two days after discharge} he fell.", "2019-03-06"),
    ("CT on {3/4/19} and {the same day} MRI.", "2019-03-04"),
    ("From {3/4/19}; {2 days earlier} none.", "2019-03-02"),
]

NOT_TIMES = [
    "BP 120/80, strength 5/5, a 2/6 systolic murmur, L4/5 disc, 1/2 tablet, pain 4/10, vision 20/20",
    "a 28-year-old man, 45 years old, aged 60 years, in his 50s, 3 y/o",
    "call 555-123-4567 or 555-12-3456, version 2.10.3, room 312, MRN 20190304, ratio 1:40, I:E 1:2",
    "T-cell CD4/CD8 3/4, PCWP 17/5/10 mmHg, QTc 0.40 seconds, 2000 mL, vitamin D 2000 units",
    "activities of daily living, a 24-hour urine, 5-year survival, 6-minute walk, 86 beats a minute, 50 mg/day",
    "he may 5 times march on; this may cause weakness, second toe, once, at 10 o'clock",
    "a smoker and had no day and night",
    "OCT imaging (OCT) of the eye",
    "on 3/4 strength and on 2/6 murmur",
    "3d echo, 3 D echo, grade 3/4",
]


@pytest.mark.parametrize(("text", "label", "value", "days", "anchor"), FOUND)
def test_found_and_normalized(text: str, label: str, value: str, days: str, anchor: str | None) -> None:
    plain, ((start, end),) = spans(text)
    found = {(time.mention.start, time.mention.end): time for time in read(plain)}
    assert (start, end) in found
    result = found[start, end]
    assert (result.mention.label, result.value, covers(result), result.anchor) == (label, value, days, anchor)


@pytest.mark.parametrize(("text", "days"), HANGING)
def test_counted_from_another_expression(text: str, days: str) -> None:
    plain, (base, hanging) = spans(text)
    result = {(time.mention.start, time.mention.end): time for time in read(plain)}[hanging]
    assert (covers(result), result.anchor) == (days, f"text:{base[0]}-{base[1]}")


def test_date_behind_the_amount_is_the_base() -> None:
    first, _ = read("two days after March 3, 2019")
    assert (covers(first), first.anchor) == ("2019-03-05", "text:15-28")


@pytest.mark.parametrize("text", NOT_TIMES)
def test_no_time_expression(text: str) -> None:
    assert [mention.text for mention in find_times(text)] == []


@pytest.mark.parametrize(
    ("text", "note", "days"),
    [
        ("on 3/4/19", date(2020, 1, 1), "2019-03-04"),
        ("on 3/4/21", date(2020, 12, 30), "2021-03-04"),
        ("on 3/4/25", date(2026, 5, 1), "2025-03-04"),
        ("on 3/4/27", date(2026, 5, 1), "2027-03-04"),
        ("on 3/4/30", date(2026, 5, 1), ""),  # neither 2030 nor, by accident, 1930
        ("DOB: 3/4/30", date(2026, 5, 1), "1930-03-04"),
        ("on 3/4/87", date(2020, 5, 15), "1987-03-04"),
        ("on 3/4/99", date(1999, 12, 1), "1999-03-04"),
        ("on 3/4/19", None, ""),
        ("on 3/4/19, then on 5/6/2019", None, "2019-03-04"),
    ],
)
def test_two_digit_years_turn_on_the_note(text: str, note: date | None, days: str) -> None:
    assert covers(read(text, note)[0]) == days


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yesterday", "XXXX-XX-XX"),
        ("two weeks ago", "XXXX-XX-XX"),
        ("on 3/4 he", "XXXX-03-04"),
        ("last March", "XXXX-03"),
    ],
)
def test_without_a_note_date_nothing_relative_has_days(text: str, value: str) -> None:
    (result,) = read(text, None)
    assert (result.value, covers(result), result.anchor) == (value, "", None)


def test_since_is_open_when_the_note_has_no_date() -> None:
    (result,) = read("since 2015", None)
    assert (result.value, result.start, result.end) == ("2015/..", date(2015, 1, 1), None)


@pytest.mark.parametrize(
    "text",
    [
        "HPI: seen 3/4/19.\nHOSPITAL COURSE: Two days later he fell.",  # another section
        "Seen 3/4/19. " + "He was well. " * 50 + "Two days later he fell.",  # too far off
        "Seen 3/4/19, and 32 years later retired.",  # after the note
    ],
)
def test_nothing_hangs_on_what_is_elsewhere(text: str) -> None:
    *_, result = read(text)
    assert covers(result) == ""


MODEL = [
    # What a model marks is often shorter or longer than what the finder finds.
    ("a {6-week} history of", "Duration", "P6W", "2020-04-03..2020-05-15"),
    ("{two weeks} ago", "Date", "2020-05-01", "2020-05-01"),
    ("{in March 2019}", "Date", "2019-03", "2019-03-01..2019-03-31"),
    ("was {2012} then", "Date", "2012", "2012-01-01..2012-12-31"),
    ("was {November} then", "Date", "2019-11", "2019-11-01..2019-11-30"),
    ("after {5 months} of therapy", "Duration", "P5M", ""),
    ("he is {now} well", "Date", "PRESENT_REF", "2020-05-15"),
    ("{recently} ill", "Date", "PAST_REF", ""),
    ("at {EOT}", "Date", "XXXX-XX-XX", ""),
    ("{a while}", "Duration", "PXX", ""),
    ("{intermittent} fever", "Frequency", "PXX", ""),
    ("{every 2 weeks for 5 months}", "Frequency", "P2W", ""),
]


@pytest.mark.parametrize(("text", "label", "value", "days"), MODEL)
def test_mentions_of_a_model(text: str, label: str, value: str, days: str) -> None:
    plain, ((start, end),) = spans(text)
    (result,) = normalize_times(plain, [Mention(start, end, label, plain[start:end])], NOTE)
    assert (result.mention.label, result.value, covers(result)) == (label, value, days)


def test_other_mentions_are_left_out() -> None:
    assert normalize_times("fever", [Mention(0, 5, "Sign_symptom", "fever")], NOTE) == []


PIECES = (
    *(
        "3/4/19",
        " ",
        "\r\n",
        "two weeks ago",
        "for the past ",
        "3 ",
        "days",
        "since ",
        "March ",
        "4",
        "/",
        "-",
        ".",
        "2019",
    ),
    *(
        "9999",
        "0",
        "e\u0301",
        "👩‍⚕️",
        "שלום ",
        "٣ ",
        "²",
        "POD ",
        "#",
        "daily",
        "q",
        "8h",
        "(",
        "[**",
        "**]",
        "31/02/2019",
        "prior to ",
    ),
    *("admission ", "later", "x", "½", "999 years ago", "last ", "Tuesday", "12:30 pm", "İ"),
    *(
        "six ",
        "times ",
        "a day",
        "0",
        "next ",
        "week",
        "month ",
        "in ",
        "June ",
        "tomorrow",
        "for ",
        "and ",
        "to ",
        "born ",
    ),
)
UGLY = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@given(UGLY, st.dates())
def test_offsets_hold_on_ugly_text(text: str, note: date) -> None:
    mentions = find_times(text)
    assert all(text[m.start : m.end] == m.text for m in mentions)
    assert all(a.end <= b.start for a, b in pairwise(mentions))
    times = normalize_times(text, mentions, note)
    assert [time.mention for time in times] == mentions
    for result in times:
        assert result.start is None or result.end is None or result.start <= result.end


@given(st.dates(min_value=date(1901, 1, 1), max_value=date(2099, 12, 31)))
def test_a_day_is_read_as_it_is_written(day: date) -> None:
    written = (
        f"{day:%Y-%m-%d}",
        f"{day:%m/%d/%Y}",
        f"{day:%B} {day.day}, {day.year}",
        f"{day.day} {day:%B} {day.year}",
    )
    assert [covers(read(text)[0]) for text in written] == [day.isoformat()] * 4


@given(st.dates(min_value=date(1950, 1, 1)), st.integers(0, 400))
def test_days_ago_undo_days_passed(note: date, days: int) -> None:
    assert read(f"{days} days ago", note)[0].start == note - timedelta(days)


@pytest.mark.parametrize("piece", ["1", "/", " ", "1/", "3 ", "\n", "a ", ".", "A", "on ", "2019 ", "x"])
def test_long_monotonous_text_takes_no_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    assert find_times(text) == []
    assert time.process_time() - began < 2  # under a second when the machine is idle


WRITTEN = st.lists(
    st.sampled_from(
        "2 d D 3-4 Two two DAYS days Weeks a an of and half or to x few couple hr H İ - / . 5 March ,".split()
    ),
    max_size=12,
).flatmap(lambda words: st.sampled_from([" ", "", "  "]).map(lambda joint: joint.join(words)))


@given(WRITTEN)
def test_amounts_are_those_of_a_search_that_ignores_case(text: str) -> None:
    assert [match.span() for match in quantities(text)] == [match.span() for match in QUANTITY.finditer(text)]
