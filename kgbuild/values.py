"""Results and sizes as they stand in notes, read as a number and a unit."""

import re
from dataclasses import dataclass, field
from math import isfinite

from extractors.text import folded

# Written form (case folded) -> the form of the Unified Code for Units of Measure as clinicians print it.
# https://ucum.org/ucum, table of commonly used units; "beats per minute" and "HU" as printed on reports.
UNITS: dict[str, str] = {
    **{"mm": "mm", "millimeter": "mm", "millimeters": "mm", "millimetre": "mm", "millimetres": "mm"},
    **{"cm": "cm", "centimeter": "cm", "centimeters": "cm", "centimetre": "cm", "centimetres": "cm"},
    **{"m": "m", "meters": "m", "metres": "m", "µm": "µm", "inches": "in", "inch": "in", "ft": "ft"},
    **{"mm2": "mm²", "cm2": "cm²", "m2": "m²", "mm3": "mm³", "cm3": "cm³", "cc": "mL"},
    **{"kg": "kg", "g": "g", "gm": "g", "grams": "g", "mg": "mg", "mcg": "µg", "µg": "µg", "ug": "µg", "ng": "ng"},
    **{"pg": "pg", "fl": "fL", "lb": "lb", "lbs": "lb", "pound": "lb", "pounds": "lb"},
    **{"l": "L", "liter": "L", "liters": "L", "litre": "L", "litres": "L", "dl": "dL", "ml": "mL", "µl": "µL"},
    **{"ul": "µL", "mol": "mol", "mmol": "mmol", "µmol": "µmol", "umol": "µmol", "nmol": "nmol", "pmol": "pmol"},
    **{"meq": "mEq", "mosm": "mOsm", "u": "U", "iu": "IU", "miu": "mIU", "µiu": "µIU", "uiu": "µIU", "mu": "mU"},
    **{"units": "U", "unit": "U", "ku": "kU", "k": "K", "cells": "cells", "copies": "copies"},
    **{"mmhg": "mmHg", "mm hg": "mmHg", "cmh2o": "cmH2O", "cm h2o": "cmH2O", "kpa": "kPa"},
    **{"hu": "HU", "sd": "SD", "db": "dB"},
    **{"°c": "°C", "° c": "°C", "degrees celsius": "°C", "degrees c": "°C", "celsius": "°C", "c": "°C", "ºc": "°C"},
    **{"°f": "°F", "° f": "°F", "degrees fahrenheit": "°F", "degrees f": "°F", "f": "°F", "ºf": "°F"},
    **{"%": "%", "percent": "%", "bpm": "/min", "beats per minute": "/min", "beats/min": "/min", "/min": "/min"},
    **{"breaths per minute": "/min", "breaths/min": "/min", "beats/minute": "/min", "breaths/minute": "/min"},
    **{"sec": "s", "seconds": "s", "s": "s", "ms": "ms", "min": "min", "minutes": "min", "h": "h", "hours": "h"},
    **{"/mm3": "/mm³", "/µl": "/µL", "/ul": "/µL", "/l": "/L", "/hpf": "/HPF", "per hpf": "/HPF", "points": "points"},
}

_DENOMINATORS: dict[str, str] = {
    **{unit: UNITS[unit] for unit in ("l", "dl", "ml", "µl", "ul", "mm3", "cm3", "kg", "g", "mg", "min", "h", "m2")},
    **{"s": "s", "day": "d", "d": "d", "24h": "24h", "24 h": "24h", "hour": "h", "hr": "h", "minute": "min"},
    **{"sec": "s", "hpf": "HPF", "mol": "mol", "mmol": "mmol", "liter": "L", "litre": "L", "cm": "cm"},
    **{"1.73 m2": "1.73m²", "1.73m2": "1.73m²"},
}

_LENGTHS = {"µm": 1e-4, "mm": 0.1, "cm": 1.0, "m": 100.0, "in": 2.54}
_VOLUMES = {"µL": 1e-3, "mL": 1.0, "cm³": 1.0, "mm³": 1e-3, "dL": 100.0, "L": 1000.0}
_MASSES = {"pg": 1e-12, "ng": 1e-9, "µg": 1e-6, "mg": 1e-3, "g": 1.0, "kg": 1000.0}
_DIMENSIONS = (_LENGTHS, _VOLUMES, _MASSES)

# One character for one, so that offsets stay.
_LOOKALIKES = str.maketrans({
    "×": "x", "✕": "x", "–": "-", "−": "-", "‐": "-", "‑": "-", "μ": "µ", "²": "2", "³": "3",  # noqa: RUF001
    "⁹": "9", "⁶": "6", "·": ".", "˚": "°", "∙": ".",
    **dict.fromkeys("\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u202f\n\r\t", " "),
})  # fmt: skip


def _one_of(written: dict[str, str]) -> str:
    """Return a regular expression for any of the written forms, the longest first; ``_usual`` reads what it matched."""
    forms = sorted(written, key=lambda form: (-len(form), form))
    return "(?:" + "|".join(re.escape(form).replace(r"\ ", r"\s?") for form in forms) + ")"


def _joined(written: dict[str, str]) -> dict[str, str]:
    """Return forms as ``_form`` gives them: without white space, which notes have or leave out."""
    return {form.replace(" ", ""): usual for form, usual in written.items()}


_USUAL, _USUAL_BELOW = _joined(UNITS), _joined(_DENOMINATORS)


_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+,\d{1,2}(?!\d)|\d+(?:\.\d+)?|\.\d+)"
_VOLUME = "(?:l|liter|litre|ml|µl|ul|mm3)"
_POWER = rf"(?:x\s?10\s?[\^*(]*\s?\d{{1,2}}\)?\s?/\s?{_VOLUME})"  # also where 9 was a superscript
_PER = rf"(?:\s?(?:/|per)\s?{_one_of(_DENOMINATORS)})"
_UNIT = rf"(?:{_POWER}|{_one_of(UNITS)}{_PER}?{_PER}?)(?![^\W\d_])"
_BETWEEN = rf"\s?(?:(?:{_one_of(UNITS)})\s?)?"
_MEASURE = re.compile(
    rf"(?<![\w.,/])(?<!\d:)(?P<written>(?P<bound>(?:[<>≤≥]=?|~|(?:less|more|greater|lower|higher)\sthan)\s?)?(?P<sign>[-+])?"
    rf"(?:(?P<size>{_NUMBER}(?:{_BETWEEN}x\s?(?!10\s?[\^*(])(?!10\d/){_NUMBER}){{1,2}})"
    rf"|(?P<ratio>{_NUMBER}\s?/\s?{_NUMBER}(?![/\d]))"
    rf"|(?P<range>{_NUMBER}{_BETWEEN}(?:-|to|(?<=\s)and)\s?{_NUMBER})"
    rf"|(?P<number>{_NUMBER})\+?))"
    rf"(?:[\s-]{{0,2}}(?P<unit>{_UNIT}))?(?![/.:]?\d)(?!\w)",
    re.IGNORECASE,
)
_POWER_PARTS = re.compile(rf"x\s?10\s?[\^*(]*\s?(\d{{1,2}})\)?\s?/\s?({_VOLUME})", re.IGNORECASE)
_BELOW = rf"\s?(?:/|per)\s?({_one_of(_DENOMINATORS)})"
_UNIT_PARTS = re.compile(rf"({_one_of(UNITS)})(?:{_BELOW})?(?:{_BELOW})?", re.IGNORECASE)
_RANK = re.compile(r"(?:grade|stage|class|type|level|factor)s?\s+$", re.IGNORECASE)
_PROSE = re.compile(r"^[\s-]*[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Value:
    """A result or a size.

    Attributes:
        text: As written, without its unit.
        number: What to plot, or None: the number; a size's longest side; the limit of a bound (``<0.01``); the
            systolic of a blood pressure (``120/80``). A range, another ratio and words have none.
        unit: The unit in its usual form, or None.
    """

    text: str = field(repr=False)
    number: float | None = None
    unit: str | None = None


def parse_value(text: str) -> Value:
    """Read a result or a size; what is no single measure stays words.

    >>> values = map(parse_value, ["3.2 x 2.1 cm", "120/80 mm Hg", "<0.01 ng/ml", "normal"])
    >>> [(value.text, value.number, value.unit) for value in values]
    [('3.2 x 2.1', 3.2, 'cm'), ('120/80', 120.0, 'mmHg'), ('<0.01', 0.01, 'ng/mL'), ('normal', None, None)]
    """
    plain = text.translate(_LOOKALIKES)
    match = _MEASURE.search(plain)
    if match is None or _is_prose(plain, match):
        return Value(" ".join(text.split()))
    written = " ".join(text[match.start("written") : match.end("written")].split())
    unit = None if match["unit"] is None else _usual(match["unit"])
    return Value(written, _number(match, unit), unit)


def convert(number: float, unit: str | None, wanted: str | None) -> float | None:
    """Return the number in the wanted unit, or None where the two do not measure the same thing.

    >>> convert(18, "mm", "cm"), convert(5, "mg/dL", "cm")
    (1.8, None)
    """
    if unit == wanted:
        return number
    for factors in _DIMENSIONS:
        if unit in factors and wanted in factors:
            return round(number * factors[unit] / factors[wanted], 9)
    return None


def _is_prose(plain: str, match: re.Match[str]) -> bool:
    """Tell whether the number is only part of a phrase: "1 band appeared", "grade 2"."""
    ranked = _RANK.search(plain[: match.start()]) is not None
    return ranked or (match["unit"] is None and _PROSE.match(plain[match.end() :]) is not None)


def _number(match: re.Match[str], unit: str | None) -> float | None:
    """Return the number to plot; None is also one too large for a float."""
    if match["range"] is not None:
        return None
    if match["ratio"] is not None:
        systolic, diastolic = (_float(part.strip()) for part in match["ratio"].split("/"))
        return systolic if _is_pressure(systolic, diastolic, unit) else None
    number = max(map(_float, re.findall(_NUMBER, match["size"] or match["number"])))
    if not isfinite(number):
        return None
    return -number if match["sign"] == "-" else number


def _is_pressure(systolic: float, diastolic: float, unit: str | None) -> bool:
    """Tell whether a ratio is a blood pressure: it says so, or has no unit and lies where only pressures lie."""
    return unit == "mmHg" or (unit is None and 60 <= systolic <= 300 and 30 <= diastolic < systolic)


def _float(written: str) -> float:
    """Return the number: commas part thousands, or stand for the decimal point before one or two digits."""
    if re.fullmatch(r"\d+,\d{1,2}", written):
        return float(written.replace(",", "."))
    return float(written.replace(",", ""))


def _usual(written: str) -> str:
    """Return a unit in its usual form.

    The patterns that take it apart are those that found it, so each part is in a table.
    """
    power = _POWER_PARTS.fullmatch(written)
    if power is not None:
        return f"10^{int(power[1])}/{_USUAL_BELOW[_form(power[2])]}"
    parts = _UNIT_PARTS.fullmatch(written)
    assert parts is not None
    unit, *below = parts.groups()
    return "/".join([_USUAL[_form(unit)], *(_USUAL_BELOW[_form(part)] for part in below if part is not None)])


def _form(written: str) -> str:
    """Return a part of a unit as the tables have it."""
    return folded(written).translate(_LOOKALIKES).replace(" ", "")
