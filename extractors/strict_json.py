"""JSON as its standard has it: without the words NaN and Infinity, which Python's module writes and reads otherwise.

A number that JSON cannot hold is written as the text that XML Schema has for it: ``"INF"``, ``"-INF"``, ``"NaN"``.

>>> dumps({"value": float("inf"), "others": [1.5, float("nan")]})
'{"value": "INF", "others": [1.5, "NaN"]}'
"""

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn


class ConstantError(ValueError):
    """A text that would be JSON but for NaN, Infinity or -Infinity."""


def dumps(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON, characters as they are."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    except ValueError:  # seldom: only then is all looked through
        return json.dumps(_finite(value), ensure_ascii=False, indent=indent, allow_nan=False)


def loads(text: str | bytes, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:  # noqa: ANN401 (the standard library's)
    """Return what JSON says.

    Raises:
        ConstantError: If it says NaN or Infinity.
        ValueError: If it is no JSON (``json.JSONDecodeError``), or a number is too long.
        RecursionError: If it is too deep.
    """
    return json.loads(text, object_pairs_hook=object_pairs_hook, parse_constant=_refuse)


def spelled(number: float) -> str | float:
    """Return a number, or the text that stands for one that is not finite."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "INF" if number > 0 else "-INF"


def _finite(value: object) -> object:
    """Return a value with texts for the numbers that are not finite."""
    if isinstance(value, float):
        return spelled(value)
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def _refuse(constant: str) -> NoReturn:
    raise ConstantError(f"{constant} is no JSON")
