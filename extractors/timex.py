"""Time expressions: found without a model, and given their TIMEX3 value and the days they cover.

``find_times`` and ``normalize_times`` read a text with the same three tables: calendar dates (``dates.py``), amounts of time and
what stands around them (``frames.py``), and other phrases (``phrases.py``). Of overlapping expressions the longest counts.

What an expression counts from is told in ``TimeExpression.anchor``. Nothing is ever computed from the day of the run; what
cannot be told has no days. The choices made:

* "two weeks ago" is a day, "two months ago" that whole month, "two years ago" that whole year; "2-3 weeks ago" the days
  between; "several weeks ago" and "more than a year ago" are durations (``PXW``, ``P1Y``) without days.
* "two days later" counts from the nearest expression before it in the same section; "6 months earlier" too, or else from
  the note; "3 days prior to admission" only from a day of admission that the text gives.
* ``3/4`` is 4 March (US order) unless the first number is above 12. A date without a year is the nearest one not after the
  note, or not before it after words like "scheduled".
* A two-digit year is the latest one at most a year after the note; see ``dates.full_year``.
* "for the past 3 weeks", "6-week history" and "since 2015" end with the note; a bare "6 weeks" has no days.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from extractors import meaning
from extractors.dates import TO, WrittenDate, whole_date, written_dates
from extractors.document import Mention, TimeExpression
from extractors.frames import BARE, EVENTS, FRAMES, event_name
from extractors.meaning import UNKNOWN_DATE, Base, Meaning, Reader, Scene
from extractors.phrases import PHRASES, SEED
from extractors.quantities import QUANTITY, quantity
from extractors.sections import sections

TYPE_OF_LABEL = {"Date": "DATE", "Time": "TIME", "Duration": "DURATION", "Frequency": "SET"}
"""Labels of time expressions (MACCROBAT) and their TIMEX3 type when nothing tells more."""

UNKNOWN = {"DATE": UNKNOWN_DATE, "TIME": f"{UNKNOWN_DATE}TXX:XX", "DURATION": "PXX", "SET": "PXX"}
"""TIMEX3 values of what cannot be told."""
